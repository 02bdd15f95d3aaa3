# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Fixed-point primitives with the rounding in the name
@license AGPL-3.0-only
@notice Vyper's signed `//` truncates toward zero, which favours the trader on losses. Every signed
        division of the protocol goes through `_div_floor` or `_div_ceil`.
"""

WAD: constant(int256) = 10**18
BPS: constant(uint256) = 10_000


@internal
@pure
def _div_floor(numerator: int256, denominator: int256) -> int256:
    """
    @dev Rounds toward minus infinity. `denominator` must be positive.
    """
    assert denominator > 0, "fixed_point: denominator"
    quotient: int256 = numerator // denominator
    if quotient * denominator > numerator:
        return quotient - 1
    return quotient


@internal
@pure
def _div_ceil(numerator: int256, denominator: int256) -> int256:
    """
    @dev Rounds toward plus infinity. `denominator` must be positive.
    """
    assert denominator > 0, "fixed_point: denominator"
    quotient: int256 = numerator // denominator
    if quotient * denominator < numerator:
        return quotient + 1
    return quotient


@internal
@pure
def _div_up(numerator: uint256, denominator: uint256) -> uint256:
    """
    @dev Rounds up. Written so that it cannot overflow where the sum form would.
    """
    if numerator == 0:
        return 0
    return (numerator - 1) // denominator + 1


@internal
@pure
def _signed_field(word: uint256, offset: uint256, bits: uint256) -> int256:
    """
    @dev Two's complement field of `bits` bits at `offset` of a packed word. The way through bytes32 keeps
         the bits; a direct conversion would refuse those of a negative number.
    """
    return convert(convert(word << (256 - offset - bits), bytes32), int256) >> (256 - bits)


@internal
@pure
def _pack_signed(amount: int256, offset: uint256, bits: uint256) -> uint256:
    """
    @dev Reverts rather than truncates when `amount` does not fit in `bits` bits.
    """
    bound: int256 = 1 << (bits - 1)
    assert amount >= -bound and amount < bound, "fixed_point: field overflow"
    return (convert(convert(amount, bytes32), uint256) & ((1 << bits) - 1)) << offset
