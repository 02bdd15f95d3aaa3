# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Exposes math/interest_math to the differential tests
@license AGPL-3.0-only
"""

from contracts.math import interest_math


@external
@pure
def utilisation(supply: uint256, borrow: uint256, net_settled: int256) -> uint256:
    """
    @notice See interest_math._utilisation.
    """
    return interest_math._utilisation(supply, borrow, net_settled)


@external
@pure
def borrow_rate(utilisation: uint256, params: interest_math.RateParams) -> uint256:
    """
    @notice See interest_math._borrow_rate.
    """
    return interest_math._borrow_rate(utilisation, params)


@external
@pure
def growth(rate: uint256, seconds: uint256) -> uint256:
    """
    @notice See interest_math._growth.
    """
    return interest_math._growth(rate, seconds)


@external
@pure
def supply_growth(growth: uint256, supply: uint256, borrow: uint256, fee: uint256) -> uint256:
    """
    @notice See interest_math._supply_growth.
    """
    return interest_math._supply_growth(growth, supply, borrow, fee)


@external
@pure
def accrue_index_up(index: uint256, growth: uint256) -> uint256:
    """
    @notice See interest_math._accrue_index_up.
    """
    return interest_math._accrue_index_up(index, growth)


@external
@pure
def accrue_index_down(index: uint256, growth: uint256) -> uint256:
    """
    @notice See interest_math._accrue_index_down.
    """
    return interest_math._accrue_index_down(index, growth)


@external
@pure
def with_interest(cash: int256, index_then: uint256, index_now: uint256) -> int256:
    """
    @notice See interest_math._with_interest.
    """
    return interest_math._with_interest(cash, index_then, index_now)
