# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/interest_math.vy: the kinked rate, continuous growth and interest indexes.

Amounts, growth and indexes are in wad, rates in wad per year of 365 days. Exact integers throughout.
May import nothing but domain modules.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulation.domain.elementary import wad_exp

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
