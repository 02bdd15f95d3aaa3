# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The Dutch auction of a slice of a portfolio
@license AGPL-3.0-only
@notice Notation: E equity, M maintenance requirement (>= 0), R cash that earlier bidders paid, d the share of
        the value asked from a bidder. Money in wad USD, fractions and d in wad (1e18 = 100 %), time in seconds.
        A bid of p leaves the account with (E - R)(1 - p) + R + p d (E - R) and (1 - p) M. What rounds,
        rounds against the bidder. Products stay below 2**256 for money below 2**135 wei (4e22 USD).
"""

from contracts.math import fixed_point

WAD: constant(uint256) = 10**18
SIGNED_WAD: constant(int256) = 10**18


struct Curve:
    start: uint256      # d at the start, wad
    cut: uint256        # d where the fast part ends, wad, at most `start`
    fast: uint256       # seconds from `start` to `cut`
    slow: uint256       # seconds from `cut` to 0


@internal
@pure
def _discount(elapsed: uint256, curve: Curve) -> uint256:
    """
    @dev d(t): linear from `start` to `cut`, then linear from `cut` to 0, then 0. Rounded up.
    """
    if elapsed < curve.fast:
        return curve.start - (curve.start - curve.cut) * elapsed // curve.fast
    elapsed -= curve.fast
    if elapsed >= curve.slow:
        return 0
    return curve.cut - curve.cut * elapsed // curve.slow


@internal
@pure
def _buffer_margin(equity: int256, maintenance_margin: uint256, buffer: uint256) -> int256:
    """
    @dev E - M (1 + buffer), rounded down: what a completed liquidation brings to zero.
    """
    return equity - convert(maintenance_margin + fixed_point._div_up(maintenance_margin * buffer, WAD), int256)


@internal
@pure
def _max_fraction_up(buffer_margin: int256, equity: int256, reserved: uint256, discount: uint256) -> uint256:
    """
    @dev f = B / (B - E d - R (1 - d)) with B = min(buffer margin, 0): the slice after which the buffer margin
         is zero. Rounded up, so that it is not negative. `equity` must not be negative.
    """
    if buffer_margin >= 0:
        return 0
    missing: uint256 = convert(-buffer_margin, uint256)
    brought: uint256 = convert(equity, uint256) * discount + reserved * (WAD - discount)
    return fixed_point._div_up(missing * WAD * WAD, missing * WAD + brought)


@internal
@pure
def _bid_price_up(equity: int256, reserved: uint256, discount: uint256) -> int256:
    """
    @dev (E - R) d, the price of the whole of what is for sale, rounded up.
    """
    return fixed_point._div_ceil((equity - convert(reserved, int256)) * convert(discount, int256), SIGNED_WAD)


@internal
@pure
def _insolvent_price_up(equity: int256, maintenance_margin: uint256, elapsed: uint256, length: uint256) -> int256:
    """
    @dev From min(E, 0) at the start linearly to E - M at `length`, then constant. Rounded up. Negative: the
         bidder is paid. Never positive.
    """
    first: int256 = min(equity, 0)
    last: int256 = min(equity - convert(maintenance_margin, int256), first)
    if elapsed >= length:
        return last
    return first - fixed_point._div_floor((first - last) * convert(elapsed, int256), convert(length, int256))


@internal
@pure
def _slice_price_up(price: int256, fraction: uint256) -> int256:
    """
    @dev price * fraction, rounded up: a bidder pays the rounding, or is not paid it.
    """
    return fixed_point._div_ceil(price * convert(fraction, int256), SIGNED_WAD)


@internal
@pure
def _liquidation_fee_down(fraction: uint256, equity: int256, rate: uint256) -> uint256:
    """
    @dev fraction * E * rate, rounded down because it is taken before anyone helps the account. 0 if E <= 0.
    """
    if equity <= 0:
        return 0
    return convert(equity, uint256) * fraction // WAD * rate // WAD


@internal
@pure
def _shortfall(equity: int256, maintenance_margin: uint256) -> uint256:
    """
    @dev (M - E)+, which no bid may increase.
    """
    return convert(max(convert(maintenance_margin, int256) - equity, 0), uint256)
