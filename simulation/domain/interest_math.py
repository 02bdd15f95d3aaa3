# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/interest_math.vy: the kinked rate, continuous growth and interest indexes.

Amounts, growth and indexes are in wad, rates in wad per year of 365 days. Exact integers throughout.
May import nothing but domain modules.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "MAX_EXPONENT",
    "SECONDS_PER_YEAR",
    "RateParams",
    "accrue_index_down",
    "accrue_index_up",
    "borrow_rate",
    "growth",
    "supply_growth",
    "utilisation",
    "wad_exp",
    "with_interest",
]

WAD = 10**18
SECONDS_PER_YEAR = 365 * 86_400
MAX_EXPONENT = 10 * WAD
"""No single accrual grows by more than e**10 - 1."""


@dataclass(frozen=True, slots=True)
class RateParams:
    """The kinked rate curve, all in wad."""

    minimum: int
    """Rate per year at zero utilisation."""
    slope: int
    """Rate per year and unit of utilisation up to `optimal`."""
    high_slope: int
    """Rate per year and unit of utilisation above `optimal`."""
    optimal: int
    """Utilisation of the kink."""


def utilisation(supply: int, borrow: int, net_settled: int) -> int:
    """min(1, borrow / (supply + max(-net_settled, 0))) in wad, rounded up; 0 when nothing is borrowed."""
    if borrow == 0:
        return 0
    lendable = supply + max(-net_settled, 0)
    if borrow >= lendable:
        return WAD
    return -(-borrow * WAD // lendable)


def borrow_rate(utilisation: int, params: RateParams) -> int:
    """minimum + slope * u, and high_slope for the part of u above the kink; wad per year, rounded up."""
    below = min(utilisation, params.optimal)
    weighted = params.slope * below + params.high_slope * (utilisation - below)
    return params.minimum - (-weighted // WAD)


def growth(rate: int, seconds: int) -> int:
    """exp(rate * seconds / year) - 1 in wad, rounded down, its exponent capped at MAX_EXPONENT."""
    return wad_exp(min(rate * seconds // SECONDS_PER_YEAR, MAX_EXPONENT)) - WAD


def supply_growth(growth: int, supply: int, borrow: int, fee: int) -> int:
    """Growth of the supply index in wad, rounded down: the interest of all borrowers less the `fee` share."""
    return (borrow * growth // WAD) * (WAD - fee) // supply if supply else 0


def accrue_index_up(index: int, growth: int) -> int:
    """The borrow index after `growth`, rounded up."""
    return index - (-index * growth // WAD)


def accrue_index_down(index: int, growth: int) -> int:
    """The supply index after `growth`, rounded down."""
    return index + index * growth // WAD


def with_interest(cash: int, index_then: int, index_now: int) -> int:
    """cash * index_now / index_then in wad, rounded toward minus infinity for balances and loans alike."""
    return cash * index_now // index_then


_LN2_96 = 54_916_777_467_707_473_351_141_471_128
_LOWEST = -41_446_531_673_892_822_313
_HIGHEST = 135_305_999_368_893_231_589


def wad_exp(x: int) -> int:
    """e**x in wad, bit for bit as snekmate's `_wad_exp`; `x` in wad. Raises OverflowError above 135 wad.

    x = k ln 2 + r, and e**r comes from a (6, 7)-term rational approximation in base 2**96, by Remco Bloemen.
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


def _truncated(numerator: int, denominator: int) -> int:
    """Division toward zero, as the EVM divides signed words."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient
