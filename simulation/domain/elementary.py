# SPDX-License-Identifier: Apache-2.0
"""Twins of the elementary functions that the contracts take from snekmate's `math`, bit for bit.

Arguments and results in wad; the rational approximations, in base 2**96, are Remco Bloemen's. Exact integers.
May import nothing.
"""

from __future__ import annotations

__all__ = ["wad_exp", "wad_ln"]

_LN2_96 = 54_916_777_467_707_473_351_141_471_128
_LOWEST = -41_446_531_673_892_822_313
_HIGHEST = 135_305_999_368_893_231_589


def wad_exp(x: int) -> int:
    """e**x, bit for bit as snekmate's `_wad_exp`. Raises OverflowError above 135 wad.

    x = k ln 2 + r, and e**r comes from a (6, 7)-term rational approximation.
    """
    if x <= _LOWEST:
        return 0
    if x >= _HIGHEST:
        raise OverflowError("wad_exp: the result does not fit in 255 bits")
    x = _truncated(x << 78, 5**18)
    k = (_truncated(x << 96, _LN2_96) + 2**95) >> 96
    x -= k * _LN2_96
    y = (
        (x + 1_346_386_616_545_796_478_920_950_773_328) * x >> 96
    ) + 57_155_421_227_552_351_082_224_309_758_442
    p = (
        (y + x - 94_201_549_194_550_492_254_356_042_504_812) * y >> 96
    ) + 28_719_021_644_029_726_153_956_944_680_412_240
    p = p * x + (4_385_272_521_454_847_904_659_076_985_693_276 << 96)
    q = (
        (x - 2_855_989_394_907_223_263_936_484_059_900) * x >> 96
    ) + 50_020_603_652_535_783_019_961_831_881_945
    for coefficient in (
        -533_845_033_583_426_703_283_633_433_725_380,
        3_604_857_256_930_695_427_073_651_918_091_429,
        -14_423_608_567_350_463_180_887_372_962_807_573,
        26_449_188_498_355_588_339_934_803_723_976_023,
    ):
        q = (q * x >> 96) + coefficient
    return _truncated(p, q) * 3_822_833_074_963_236_453_042_738_258_902_158_003_155_416_615_667 >> (195 - k)


def wad_ln(x: int) -> int:
    """ln x, bit for bit as snekmate's `_wad_ln`, floored; 0 of 0. Raises ValueError for negative x.

    x = 2**k m with m in [1, 2), and ln m comes from an (8, 8)-term rational approximation.
    """
    if x < 0:
        raise ValueError("wad_ln: negative")
    if x == 0:
        return 0
    k = x.bit_length() - 97
    m = x >> k if k >= 0 else x << -k
    p = (
        (m + 3_273_285_459_638_523_848_632_254_066_296) * m >> 96
    ) + 24_828_157_081_833_163_892_658_089_445_524
    for coefficient in (
        43_456_485_725_739_037_958_740_375_743_393,
        -11_111_509_109_440_967_052_023_855_526_967,
        -45_023_709_667_254_063_763_336_534_515_857,
        -14_706_773_417_378_608_786_704_636_184_526,
    ):
        p = (p * m >> 96) + coefficient
    p = p * m - (795_164_235_651_350_426_258_249_787_498 << 96)
    q = (
        (m + 5_573_035_233_440_673_466_300_451_813_936) * m >> 96
    ) + 71_694_874_799_317_883_764_090_561_454_958
    for coefficient in (
        283_447_036_172_924_575_727_196_451_306_956,
        401_686_690_394_027_663_651_624_208_769_553,
        204_048_457_590_392_012_362_485_061_816_622,
        31_853_899_698_501_571_402_653_359_427_138,
        909_429_971_244_387_300_277_376_558_375,
    ):
        q = (q * m >> 96) + coefficient
    return (
        _truncated(p, q) * 1_677_202_110_996_718_588_342_820_967_067_443_963_516_166
        + k * 16_597_577_552_685_614_221_487_285_958_193_947_469_193_820_559_219_878_177_908_093_499_208_371
        + 600_920_179_829_731_861_736_702_779_321_621_459_595_472_258_049_074_101_567_377_883_020_018_308
    ) >> 174


def _truncated(numerator: int, denominator: int) -> int:
    """Division toward zero, as the EVM divides signed words."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient
