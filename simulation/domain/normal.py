# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/normal.vy: the standard normal density, distribution and Mills ratio.

Inside, numbers are in base 2**96 (`q96`) or 2**145 (`q145`); what leaves is in wad. Exact integers.
May import nothing but domain modules.
"""

from __future__ import annotations

from simulation.domain.elementary import wad_exp

__all__ = ["FAR", "cdf", "density", "mills", "pdf"]

WAD = 10**18
FAR = 13 << 96
"""13 standard deviations; less than 1e-38 lies beyond."""
LOG_SCALE = 58_140_870_974_094_574_811
"""ln(2**145 / (sqrt(2 pi) 1e18)), wad: exp(LOG_SCALE - t**2 / 2) in wad is the density in base 2**145."""

_NUMERATOR = (
    79_228_162_514_287_098_571_182_669_337,
    2_472_300_778_751_514_857_891_806_326_306,
    37_859_211_282_389_249_262_537_348_947_623,
    370_121_326_334_548_188_169_133_581_713_419,
    2_540_384_026_076_830_653_380_809_938_800_004,
    12_742_893_287_344_190_811_393_183_902_807_019,
    47_251_538_693_889_560_471_288_909_840_442_888,
    128_068_531_268_927_885_362_485_392_144_290_331,
    243_928_541_809_365_264_783_081_474_886_673_722,
    297_613_686_275_406_390_729_331_874_093_169_585,
    180_038_046_652_280_323_567_671_022_895_009_913,
)
_DENOMINATOR = (
    79_228_162_514_264_337_593_543_950_336,
    2_472_300_778_756_663_498_143_584_450_840,
    37_938_439_444_370_806_701_025_737_602_625,
    372_593_627_146_922_781_821_153_183_449_515,
    2_578_084_779_576_648_741_660_922_815_629_571,
    13_108_070_058_478_902_738_117_096_772_330_482,
    49_716_995_450_197_089_915_536_703_152_298_218,
    140_095_926_592_777_128_588_256_936_501_795_327,
    286_471_706_031_783_325_624_262_134_853_226_141,
    403_718_947_276_107_775_850_990_255_554_920_631,
    352_077_145_640_053_101_594_097_891_749_896_074,
    143_649_577_780_960_469_247_848_217_811_436_279,
)


def mills(t: int) -> int:
    """(1 - N(t)) / n(t), t and result q96, 0 <= t <= 37; relative error below 1e-18.

    A (10, 11)-degree rational minimax approximation of the relative error on the whole range.
    """
    p = 0
    for coefficient in _NUMERATOR:
        p = (p * t >> 96) + coefficient
    q = 0
    for coefficient in _DENOMINATOR:
        q = (q * t >> 96) + coefficient
    return (p << 96) // q


def density(t: int) -> int:
    """n(t) in base 2**145 for t in q96, 0 <= t < 13; relative error below 3e-18 while n(t) > 1e-26."""
    return wad_exp(LOG_SCALE - ((t * t >> 97) * WAD >> 96))


def pdf(x: int) -> int:
    """n(x) in wad, x in wad, floored; 0 from 13 standard deviations on."""
    t = (abs(x) << 96) // WAD
    return density(t) * WAD >> 145 if t < FAR else 0


def cdf(x: int) -> int:
    """N(x) in wad, x in wad. The smaller tail is floored; N(x) + N(-x) is exactly 1e18."""
    t = (abs(x) << 96) // WAD
    tail = min(density(t) * mills(t) * WAD >> 241, WAD // 2) if t < FAR else 0
    return tail if x < 0 else WAD - tail
