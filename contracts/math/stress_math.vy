# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What one relative move of all underlyings does to exposures and options
@license AGPL-3.0-only
@notice A shock is a relative move of spot, mark and forward of every underlying at once, in bps. What is linear in the
        price changes by exposure * shock; an option is valued anew by Black (1976) at the moved forward, with strike,
        volatility, time and discount as they were. Of a forward only the part moves that is not fixed yet.
"""

from contracts.math import black76
from contracts.math import fixed_point

BAD_SHOCK: constant(String[32]) = "stress: shock out of range"

BPS: constant(uint256) = 10_000
IBPS: constant(int256) = 10_000
NANO: constant(uint256) = 10**9
# Nothing is worth less than nothing; ten times the price is beyond any ladder.
LOWEST: constant(int256) = -10_000
HIGHEST: constant(int256) = 100_000

# Not on the ladder.
NEVER: constant(uint256) = max_value(uint256)


@internal
@pure
def _check(shock: int256):
    assert shock >= LOWEST and shock <= HIGHEST, BAD_SHOCK


@internal
@pure
def _change(exposure: int256, shock: int256) -> int256:
    """
    @dev What an exposure changes by, floored; in its own unit.
    """
    return fixed_point._div_floor(exposure * shock, IBPS)


@internal
@pure
def _option_change(
    is_call: bool,
    strike: uint256,
    mark: uint256,
    fixed: uint256,
    variable: uint256,
    total_vol: uint256,
    discount: uint256,
    shock: int256,
) -> int256:
    """
    @dev Value at the moved forward, floored to nano USD as marks are, less the mark. Without a shock there is no change.
    @param fixed Part of the forward that does not move, nano USD.
    @param variable Part that does.
    """
    if shock == 0:
        return 0
    forward: uint256 = fixed + variable * convert(IBPS + shock, uint256) // BPS
    call: uint256 = 0
    put: uint256 = 0
    call, put = black76._prices(forward, strike, total_vol, discount)
    return convert((call if is_call else put) // NANO, int256) - convert(mark, int256)


@internal
@pure
def _crossing(near: int256, far: int256, need: uint256, farther_need: uint256, cover: uint256) -> uint256:
    """
    @dev Size of the shock, between two of a ladder on one side of zero, at which what is needed passes the cover, by
         a straight line between the two, floored; NEVER when it does not. A portfolio without options needs a
         convex amount, which a straight line overstates: the true shock is no smaller.
    """
    if need > cover:
        return convert(abs(near), uint256)
    if farther_need <= cover:
        return NEVER
    step: uint256 = convert(abs(far - near), uint256)
    return convert(abs(near), uint256) + step * (cover - need) // (farther_need - need)
