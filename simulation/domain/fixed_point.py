# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/fixed_point.vy: divisions with the rounding in the name, packed signed fields.

Exact integers. May import nothing.
"""

from __future__ import annotations

__all__ = ["div_ceil", "div_floor", "div_up", "field", "pack_signed", "signed_field"]


def div_floor(numerator: int, denominator: int) -> int:
    """Toward minus infinity. Raises ValueError unless the denominator is positive."""
    if denominator <= 0:
        raise ValueError("fixed_point: denominator")
    return numerator // denominator


def div_ceil(numerator: int, denominator: int) -> int:
    """Toward plus infinity. Raises ValueError unless the denominator is positive."""
    if denominator <= 0:
        raise ValueError("fixed_point: denominator")
    return -(-numerator // denominator)


def div_up(numerator: int, denominator: int) -> int:
    """Up, of amounts that are not negative. Raises ValueError for others."""
    if numerator < 0:
        raise ValueError("fixed_point: negative amount")
    return div_ceil(numerator, denominator)


def field(word: int, offset: int, bits: int) -> int:
    """The unsigned field of `bits` bits at `offset` of a packed word."""
    return (word >> offset) & ((1 << bits) - 1)


def signed_field(word: int, offset: int, bits: int) -> int:
    """The two's complement field of `bits` bits at `offset` of a packed word."""
    value = field(word, offset, bits)
    return value - (1 << bits) if value >> (bits - 1) else value


def pack_signed(amount: int, offset: int, bits: int) -> int:
    """The amount as a two's complement field. Raises ValueError when it does not fit."""
    bound = 1 << (bits - 1)
    if not -bound <= amount < bound:
        raise ValueError("fixed_point: field overflow")
    return (amount % (1 << bits)) << offset
