# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Exposes math/funding_math to the differential tests
@license AGPL-3.0-only
"""

from contracts.math import funding_math


@external
@pure
def premium(impact_bid: uint256, impact_ask: uint256, spot: uint256) -> int256:
    """
    @notice See funding_math._premium.
    """
    return funding_math._premium(impact_bid, impact_ask, spot)


@external
@pure
def rate(premium: int256, convergence_hours: uint256, static_rate: int256, max_rate: uint256) -> int256:
    """
    @notice See funding_math._rate.
    """
    return funding_math._rate(premium, convergence_hours, static_rate, max_rate)


@external
@pure
def accrue(index: int256, rate: int256, seconds: uint256, spot: uint256) -> int256:
    """
    @notice See funding_math._accrue.
    """
    return funding_math._accrue(index, rate, seconds, spot)


@external
@pure
def index_nano(index: int256) -> int256:
    """
    @notice See funding_math._index_nano.
    """
    return funding_math._index_nano(index)
