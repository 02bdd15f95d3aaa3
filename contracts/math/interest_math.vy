# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Interest on the cash balance
@license AGPL-3.0-only
@notice A kinked rate on utilisation, compounded continuously. One index per side: the borrow index grows
        rounded up, the supply index rounded down, so that the sum of balances never outgrows what is owed.
        Amounts, rates (per year of 365 days), growth and indexes are in wad.
"""

# `math` is stateless and therefore needs neither `uses` nor `initializes`.
from snekmate.utils import math

WAD: constant(uint256) = 10**18
SECONDS_PER_YEAR: constant(uint256) = 365 * 86_400

# e**10 is 22,026. No accrual can ask for more, however long nobody called, so that a forgotten protocol
# can still be touched, repaid and liquidated instead of reverting on an overflow.
MAX_EXPONENT: constant(uint256) = 10 * 10**18


struct RateParams:
    minimum: uint256    # wad per year at zero utilisation
    slope: uint256      # wad per year, per unit of utilisation up to `optimal`
    high_slope: uint256 # wad per year, per unit of utilisation above `optimal`
    optimal: uint256    # utilisation of the kink, wad


@internal
@pure
def _utilisation(supply: uint256, borrow: uint256, net_settled: int256) -> uint256:
    """
    @dev min(1, borrow / (supply + max(-net_settled, 0))), rounded up: borrowers pay the rounding.
         Losses that were settled and not yet withdrawn are cash that could have been lent.
    @param net_settled Cash created (positive) or removed (negative) by settlement of profit and loss, wad.
    @return uint256 Utilisation in wad, at most 1e18.
    """
    if borrow == 0:
        return 0
    lendable: uint256 = supply
    if net_settled < 0:
        lendable += convert(-net_settled, uint256)
    if borrow >= lendable:
        return WAD
    return math._ceil_div(borrow * WAD, lendable)


@internal
@pure
def _borrow_rate(utilisation: uint256, params: RateParams) -> uint256:
    """
    @dev minimum + slope * u below the kink; above it the excess pays `high_slope`. Rounded up.
    @return uint256 Rate in wad per year.
    """
    below: uint256 = min(utilisation, params.optimal)
    above: uint256 = utilisation - below
    return params.minimum + math._ceil_div(params.slope * below + params.high_slope * above, WAD)


@internal
@pure
def _growth(rate: uint256, seconds: uint256) -> uint256:
    """
    @dev exp(rate * seconds / year) - 1, rounded down, the exponent capped at MAX_EXPONENT.
         Nothing grows within one block.
    @return uint256 Growth in wad.
    """
    exponent: uint256 = min(rate * seconds // SECONDS_PER_YEAR, MAX_EXPONENT)
    if exponent == 0:
        return 0
    return convert(math._wad_exp(convert(exponent, int256)), uint256) - WAD


@internal
@pure
def _supply_growth(growth: uint256, supply: uint256, borrow: uint256, fee: uint256) -> uint256:
    """
    @dev What lenders earn when borrowers grow by `growth`: borrow * growth * (1 - fee) / supply, rounded
         down. The rest stays with the protocol as the fee. 0 when nobody lends.
    @param fee Share of the interest kept by the protocol, wad, at most 1e18.
    @return uint256 Growth of the supply index in wad.
    """
    if supply == 0:
        return 0
    return math._mul_div(borrow * growth // WAD, WAD - fee, supply, False)


@internal
@pure
def _accrue_index_up(index: uint256, growth: uint256) -> uint256:
    """
    @dev The borrow index after `growth`, rounded up.
    """
    return index + math._ceil_div(index * growth, WAD)


@internal
@pure
def _accrue_index_down(index: uint256, growth: uint256) -> uint256:
    """
    @dev The supply index after `growth`, rounded down.
    """
    return index + index * growth // WAD


@internal
@pure
def _with_interest(cash: int256, index_then: uint256, index_now: uint256) -> int256:
    """
    @dev cash * index_now / index_then rounded toward minus infinity: a balance is never credited, and a
         loan never forgiven, a fraction of a wei. Give the supply index for a balance, the borrow index
         for a loan. The product fits for |cash| < 2**127 and indexes below 2**96.
    @return int256 Cash in wad, same sign as `cash`.
    """
    if index_then == index_now or cash == 0:
        return cash
    if cash > 0:
        return convert(convert(cash, uint256) * index_now // index_then, int256)
    return -convert(math._ceil_div(convert(-cash, uint256) * index_now, index_then), int256)
