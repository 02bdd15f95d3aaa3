# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Exposes math/margin_math to the differential tests
@license AGPL-3.0-only
"""

from contracts.math import margin_math


@external
@pure
def worst_size(size: int256, bids: uint256, asks: uint256) -> uint256:
    """
    @notice See margin_math._worst_size.
    """
    return margin_math._worst_size(size, bids, asks)


@external
@pure
def weighted(notional: uint256, risk: uint256) -> uint256:
    """
    @notice See margin_math._weighted.
    """
    return margin_math._weighted(notional, risk)


@external
@pure
def requirement_up(weighted: uint256, ratio: uint256) -> uint256:
    """
    @notice See margin_math._requirement_up.
    """
    return margin_math._requirement_up(weighted, ratio)


@external
@pure
def confidence_up(notional: uint256, confidence: uint256, threshold: uint256, factor: uint256) -> uint256:
    """
    @notice See margin_math._confidence_up.
    """
    return margin_math._confidence_up(notional, confidence, threshold, factor)


@external
@pure
def depeg_up(notional: uint256, stable_price: uint256, threshold: uint256, factor: uint256) -> uint256:
    """
    @notice See margin_math._depeg_up.
    """
    return margin_math._depeg_up(notional, stable_price, threshold, factor)


@external
@pure
def haircut_up(amount: uint256, haircut: uint256) -> uint256:
    """
    @notice See margin_math._haircut_up.
    """
    return margin_math._haircut_up(amount, haircut)


@external
@pure
def pack_risk(
    initial: uint256,
    maintenance: uint256,
    first_multiplier: uint256,
    second_multiplier: uint256,
    first_bound: uint256,
    second_bound: uint256,
) -> uint256:
    """
    @notice See margin_math._pack_risk.
    """
    return margin_math._pack_risk(
        initial, maintenance, first_multiplier, second_multiplier, first_bound, second_bound
    )
