# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Exposes math/settlement_math to the differential tests
@license AGPL-3.0-only
"""

from contracts.math import settlement_math


@external
@pure
def counted(
    since: uint256, until: uint256, covered: uint256, expiry: uint256, rules: settlement_math.Rules
) -> uint256:
    """
    @notice See settlement_math._counted.
    """
    return settlement_math._counted(since, until, covered, expiry, rules)


@external
@pure
def totals(word: uint256, until: uint256, rules: settlement_math.Rules) -> (uint256, uint256):
    """
    @notice See settlement_math._totals.
    """
    return settlement_math._totals(word, until, rules)


@external
@pure
def observed(word: uint256, spot: uint256, timestamp: uint256, rules: settlement_math.Rules) -> uint256:
    """
    @notice See settlement_math._observed.
    """
    return settlement_math._observed(word, spot, timestamp, rules)


@external
@pure
def split(
    accumulated: uint256, covered: uint256, remaining: uint256, required: uint256, forward: uint256
) -> (uint256, uint256):
    """
    @notice See settlement_math._split.
    """
    return settlement_math._split(accumulated, covered, remaining, required, forward)
