# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Exposes math/fixed_point to the differential tests
@license AGPL-3.0-only
"""

from contracts.math import fixed_point


@external
@pure
def div_floor(numerator: int256, denominator: int256) -> int256:
    """
    @notice See fixed_point._div_floor.
    """
    return fixed_point._div_floor(numerator, denominator)


@external
@pure
def div_ceil(numerator: int256, denominator: int256) -> int256:
    """
    @notice See fixed_point._div_ceil.
    """
    return fixed_point._div_ceil(numerator, denominator)


@external
@pure
def div_up(numerator: uint256, denominator: uint256) -> uint256:
    """
    @notice See fixed_point._div_up.
    """
    return fixed_point._div_up(numerator, denominator)


@external
@pure
def signed_field(word: uint256, offset: uint256, bits: uint256) -> int256:
    """
    @notice See fixed_point._signed_field.
    """
    return fixed_point._signed_field(word, offset, bits)


@external
@pure
def pack_signed(amount: int256, offset: uint256, bits: uint256) -> uint256:
    """
    @notice See fixed_point._pack_signed.
    """
    return fixed_point._pack_signed(amount, offset, bits)
