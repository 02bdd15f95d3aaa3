# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Exposes math/oracle_math to the differential tests
@license AGPL-3.0-only
"""

from contracts.math import oracle_math


@external
@pure
def is_valid(word: uint256, timestamp: uint256) -> bool:
    """
    @notice See oracle_math._is_valid.
    """
    return oracle_math._is_valid(word, timestamp)


@external
@pure
def fresh_until(word: uint256) -> uint256:
    """
    @notice See oracle_math._fresh_until.
    """
    return oracle_math._fresh_until(word)


@external
@pure
def bounded_mark(spot: uint256, mark: uint256, max_deviation: uint256) -> uint256:
    """
    @notice See oracle_math._bounded_mark.
    """
    return oracle_math._bounded_mark(spot, mark, max_deviation)


@external
@pure
def jumped(spot: uint256, last_spot: uint256, max_jump: uint256) -> bool:
    """
    @notice See oracle_math._jumped.
    """
    return oracle_math._jumped(spot, last_spot, max_jump)


@external
@pure
def variance(variance: uint256, last_spot: uint256, spot: uint256, elapsed: uint256, window: uint256) -> uint256:
    """
    @notice See oracle_math._variance.
    """
    return oracle_math._variance(variance, last_spot, spot, elapsed, window)


@external
@pure
def pack_tick(
    spot: uint256,
    mark: uint256,
    confidence: uint256,
    timestamp: uint256,
    variance: uint256,
    heartbeat: uint256,
    flags: uint256,
) -> uint256:
    """
    @notice See oracle_math._pack_tick.
    """
    return oracle_math._pack_tick(spot, mark, confidence, timestamp, variance, heartbeat, flags)
