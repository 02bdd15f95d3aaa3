# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Standard normal density, distribution and Mills ratio
@license AGPL-3.0-only
@notice Distances are in base 2**96 inside (`q96`), in wad at the surface. The tail is the product of the
        density and the Mills ratio, (1 - N(t)) / n(t), a slowly varying function: so relative accuracy holds
        deep into the tail, and a difference of two options' terms can share one density.
"""

from snekmate.utils import math

WAD: constant(uint256) = 10**18

# 13 standard deviations; less than 1e-38 lies beyond.
FAR: constant(uint256) = 13 << 96

# ln(2**145 / (sqrt(2 pi) 1e18)) in wad, so that the exponential of the sum is the density in base 2**145.
LOG_SCALE: constant(int256) = 58_140_870_974_094_574_811

# The Mills ratio as a rational, q96: minimax in the relative error on [0, 37]. The leading Q11 is 1.
P0: constant(uint256) = 180_038_046_652_280_323_567_671_022_895_009_913
P1: constant(uint256) = 297_613_686_275_406_390_729_331_874_093_169_585
P2: constant(uint256) = 243_928_541_809_365_264_783_081_474_886_673_722
P3: constant(uint256) = 128_068_531_268_927_885_362_485_392_144_290_331
P4: constant(uint256) = 47_251_538_693_889_560_471_288_909_840_442_888
P5: constant(uint256) = 12_742_893_287_344_190_811_393_183_902_807_019
P6: constant(uint256) = 2_540_384_026_076_830_653_380_809_938_800_004
P7: constant(uint256) = 370_121_326_334_548_188_169_133_581_713_419
P8: constant(uint256) = 37_859_211_282_389_249_262_537_348_947_623
P9: constant(uint256) = 2_472_300_778_751_514_857_891_806_326_306
P10: constant(uint256) = 79_228_162_514_287_098_571_182_669_337
Q0: constant(uint256) = 143_649_577_780_960_469_247_848_217_811_436_279
Q1: constant(uint256) = 352_077_145_640_053_101_594_097_891_749_896_074
Q2: constant(uint256) = 403_718_947_276_107_775_850_990_255_554_920_631
Q3: constant(uint256) = 286_471_706_031_783_325_624_262_134_853_226_141
Q4: constant(uint256) = 140_095_926_592_777_128_588_256_936_501_795_327
Q5: constant(uint256) = 49_716_995_450_197_089_915_536_703_152_298_218
Q6: constant(uint256) = 13_108_070_058_478_902_738_117_096_772_330_482
Q7: constant(uint256) = 2_578_084_779_576_648_741_660_922_815_629_571
Q8: constant(uint256) = 372_593_627_146_922_781_821_153_183_449_515
Q9: constant(uint256) = 37_938_439_444_370_806_701_025_737_602_625
Q10: constant(uint256) = 2_472_300_778_756_663_498_143_584_450_840


@internal
@pure
def _mills(t: uint256) -> uint256:
    """
    @dev (1 - N(t)) / n(t), q96, for 0 <= t <= 37 in q96; relative error below 1e-18. All coefficients are
         positive, so nothing cancels.
         Bounds: at t = 37 the last product of the denominator, the largest, has 251 bits, and the numerator,
         shifted for the division, 246. The denominator is at least Q0.
    """
    # Horner's scheme, several steps to a statement: they stay on the stack, a sixth of the gas of an option.
    p: uint256 = unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(unsafe_add(
        unsafe_mul(P10, t) >> 96, P9), t) >> 96, P8), t) >> 96, P7), t) >> 96, P6), t) >> 96, P5)
    p = unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(
        p, t) >> 96, P4), t) >> 96, P3), t) >> 96, P2), t) >> 96, P1), t) >> 96, P0)
    q: uint256 = unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(unsafe_add(
        unsafe_mul(unsafe_add(t, Q10), t) >> 96, Q9), t) >> 96, Q8), t) >> 96, Q7), t) >> 96, Q6), t) >> 96, Q5)
    q = unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(
        q, t) >> 96, Q4), t) >> 96, Q3), t) >> 96, Q2), t) >> 96, Q1), t) >> 96, Q0)
    return unsafe_div(p << 96, q)


@internal
@pure
def _density(t: uint256) -> uint256:
    """
    @dev n(t) in base 2**145 for 0 <= t < 13 in q96, below 2**144; relative error below 3e-18 while
         n(t) > 1e-26, one unit in 1e8 at the very end. t * t has at most 200 bits.
    """
    half_square: uint256 = unsafe_mul(unsafe_mul(t, t) >> 97, WAD) >> 96
    return convert(math._wad_exp(unsafe_sub(LOG_SCALE, convert(half_square, int256))), uint256)


@internal
@pure
def _pdf(x: int256) -> uint256:
    """
    @dev n(x) in wad for x in wad, floored; 0 from 13 standard deviations on.
    """
    t: uint256 = (convert(abs(x), uint256) << 96) // WAD
    if t >= FAR:
        return 0
    return self._density(t) * WAD >> 145


@internal
@pure
def _cdf(x: int256) -> uint256:
    """
    @dev N(x) in wad for x in wad, |x| < 2**159. The smaller tail is floored, so N(x) + N(-x) is exactly 1e18;
         the error is below two units.
    """
    t: uint256 = (convert(abs(x), uint256) << 96) // WAD
    tail: uint256 = 0
    if t < FAR:
        # The ratio is at most 1.26 and density times ratio at most 1/2: 241 bits, 200 when divided by 2**101.
        tail = min((self._density(t) * self._mills(t) >> 101) * WAD >> 140, WAD // 2)
    if x < 0:
        return tail
    return WAD - tail
