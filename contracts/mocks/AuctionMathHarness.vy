# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Exposes math/auction_math and math/deleverage_math to the differential tests
@license AGPL-3.0-only
"""

from contracts.math import auction_math
from contracts.math import deleverage_math


@external
@pure
def discount(elapsed: uint256, curve: auction_math.Curve) -> uint256:
    """
    @notice See auction_math._discount.
    """
    return auction_math._discount(elapsed, curve)


@external
@pure
def buffer_margin(equity: int256, maintenance_margin: uint256, buffer: uint256) -> int256:
    """
    @notice See auction_math._buffer_margin.
    """
    return auction_math._buffer_margin(equity, maintenance_margin, buffer)


@external
@pure
def max_fraction_up(buffer_margin: int256, equity: int256, reserved: uint256, discount: uint256) -> uint256:
    """
    @notice See auction_math._max_fraction_up.
    """
    return auction_math._max_fraction_up(buffer_margin, equity, reserved, discount)


@external
@pure
def bid_price_up(equity: int256, reserved: uint256, discount: uint256) -> int256:
    """
    @notice See auction_math._bid_price_up.
    """
    return auction_math._bid_price_up(equity, reserved, discount)


@external
@pure
def insolvent_price_up(equity: int256, maintenance_margin: uint256, elapsed: uint256, length: uint256) -> int256:
    """
    @notice See auction_math._insolvent_price_up.
    """
    return auction_math._insolvent_price_up(equity, maintenance_margin, elapsed, length)


@external
@pure
def slice_price_up(price: int256, fraction: uint256) -> int256:
    """
    @notice See auction_math._slice_price_up.
    """
    return auction_math._slice_price_up(price, fraction)


@external
@pure
def liquidation_fee_down(fraction: uint256, equity: int256, rate: uint256) -> uint256:
    """
    @notice See auction_math._liquidation_fee_down.
    """
    return auction_math._liquidation_fee_down(fraction, equity, rate)


@external
@pure
def shortfall(equity: int256, maintenance_margin: uint256) -> uint256:
    """
    @notice See auction_math._shortfall.
    """
    return auction_math._shortfall(equity, maintenance_margin)


@external
@pure
def unrealised(size: int256, entry_price: uint256, mark: uint256, funding: int256) -> int256:
    """
    @notice See deleverage_math._unrealised.
    """
    return deleverage_math._unrealised(size, entry_price, mark, funding)


@external
@pure
def score_down(unrealised: int256, size: uint256, entry_price: uint256, mark: uint256, equity: uint256) -> uint256:
    """
    @notice See deleverage_math._score_down.
    """
    return deleverage_math._score_down(unrealised, size, entry_price, mark, equity)


@external
@pure
def deficit_share_up(deficit: uint256, notional: uint256, total_notional: uint256) -> uint256:
    """
    @notice See deleverage_math._deficit_share_up.
    """
    return deleverage_math._deficit_share_up(deficit, notional, total_notional)


@external
@pure
def contribution_down(deficit: uint256, closed: uint256, left: uint256, unrealised: int256, size: uint256) -> uint256:
    """
    @notice See deleverage_math._contribution_down.
    """
    return deleverage_math._contribution_down(deficit, closed, left, unrealised, size)


@external
@pure
def bankruptcy_price(mark: uint256, contribution: uint256, account_is_long: bool) -> uint256:
    """
    @notice See deleverage_math._bankruptcy_price.
    """
    return deleverage_math._bankruptcy_price(mark, contribution, account_is_long)
