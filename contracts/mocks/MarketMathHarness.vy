# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Exposes math/market_math to the differential tests
@license AGPL-3.0-only
"""

from contracts.math import market_math


@external
@pure
def kind(market: uint256) -> uint256:
    """
    @notice See market_math._kind.
    """
    return market_math._kind(market)


@external
@pure
def series(market: uint256) -> uint256:
    """
    @notice See market_math._series.
    """
    return market_math._series(market)


@external
@pure
def strike_index(market: uint256) -> uint256:
    """
    @notice See market_math._strike_index.
    """
    return market_math._strike_index(market)


@external
@pure
def is_call(market: uint256) -> bool:
    """
    @notice See market_math._is_call.
    """
    return market_math._is_call(market)


@external
@pure
def coins_down(size: uint256, price: uint256) -> uint256:
    """
    @notice See market_math._coins_down.
    """
    return market_math._coins_down(size, price)


@external
@pure
def is_inverse(market: uint256) -> bool:
    """
    @notice What trades and margin checks ask of a number.
    """
    return market >> 7 == market_math.INVERSE_BLOCK


@external
@pure
def option(series: uint256, strike_index: uint256, is_call: bool) -> uint256:
    """
    @notice See market_math._option.
    """
    return market_math._option(series, strike_index, is_call)


@external
@pure
def payoff(price: uint256, strike: uint256, is_call: bool) -> uint256:
    """
    @notice See market_math._payoff.
    """
    return market_math._payoff(price, strike, is_call)
