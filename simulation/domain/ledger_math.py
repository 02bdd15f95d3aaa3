# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/ledger_math.vy: what a trade does to entry and cash, and the ledger's packed words.

Sizes in nano base, prices and funding indexes in nano USD, so that every product is exact wad USD.
    account word   cash int128 | cash index uint96 | collateral bitmap uint8
    header word    flags uint8 | listed markets uint8 | the first fifteen market ids, uint16 each
    position word  size int80 | entry price uint80 | funding index int80 | place uint8 | flags uint8
Exact integers. May import nothing but domain modules.
"""

from __future__ import annotations

from simulation.domain.fixed_point import field, signed_field

__all__ = [
    "HAS_ORDERS",
    "IN_LIQUIDATION",
    "LISTED",
    "bitmap",
    "cash",
    "cash_change",
    "cash_index",
    "coin",
    "coin_after",
    "entry",
    "entry_after",
    "funding_index",
    "is_liquidating",
    "listed",
    "pack_position",
    "place",
    "position_flags",
    "size",
    "with_bitmap",
    "with_cash",
    "with_listed",
    "worst_size",
]

HAS_ORDERS = 1
"""Flag of a position word: the account has resting orders in the market."""
LISTED = 2
"""Flag of a position word: the market is in the account's list."""
IN_LIQUIDATION = 1
"""Flag of a header word."""


def entry_after(size: int, entry: int, delta: int, quote: int) -> int:
    """The average entry price after a trade, rounded down; 0 when the position is flat.

    Args:
        size: before the trade, signed.
        entry: before the trade.
        delta: the trade's size, signed; not zero.
        quote: what was paid for it in wad, positive when buying.
    """
    held = size + delta
    if held == 0:
        return 0
    if size * delta >= 0:
        return (size * entry + quote) // held
    if held * size > 0:
        return entry
    return quote // delta


def cash_change(size: int, entry: int, new_size: int, new_entry: int, quote: int) -> int:
    """Wad that a trade adds to cash before its fee: s' * e' - s * e - Q, exact."""
    return new_size * new_entry - size * entry - quote


def coin(entry: int) -> int:
    """Signed nano coin that the entry field of an inverse position holds."""
    return signed_field(entry, 0, 80)


def coin_after(entry: int, change: int) -> int:
    """The entry field of an inverse position after `change` nano coin. Raises OverflowError."""
    changed = coin(entry) + change
    if abs(changed) >= 1 << 79:
        raise OverflowError("ledger: coin out of range")
    return changed % (1 << 80)


def worst_size(size: int, bids: int, asks: int) -> int:
    """The largest absolute size that the resting orders of a market can lead to."""
    return max(abs(size + bids), abs(size - asks))


def pack_position(size: int, entry: int, funding_index: int, place: int, flags: int) -> int:
    """The position word. Raises OverflowError with the contract's reason when a field is too small."""
    if abs(size) >= 1 << 79:
        raise OverflowError("ledger: size out of range")
    if not 0 <= entry < 1 << 80:
        raise OverflowError("ledger: price out of range")
    if abs(funding_index) >= 1 << 79:
        raise OverflowError("ledger: funding out of range")
    return size % (1 << 80) | entry << 80 | funding_index % (1 << 80) << 160 | place << 240 | flags << 248


def size(word: int) -> int:
    """Of a position word, signed nano base."""
    return signed_field(word, 0, 80)


def entry(word: int) -> int:
    """Of a position word, nano USD."""
    return field(word, 80, 80)


def funding_index(word: int) -> int:
    """Of a position word, signed nano USD per unit base."""
    return signed_field(word, 160, 80)


def place(word: int) -> int:
    """Of a position word: where the market stands in the account's list."""
    return field(word, 240, 8)


def position_flags(word: int) -> int:
    """Of a position word: HAS_ORDERS | LISTED."""
    return field(word, 248, 8)


def cash(word: int) -> int:
    """Of an account word, signed wad, without interest since it was stored."""
    return signed_field(word, 0, 128)


def cash_index(word: int) -> int:
    """Of an account word: the interest index at which cash was stored, wad."""
    return field(word, 128, 96)


def with_cash(word: int, cash: int, index: int) -> int:
    """The account word with other cash and index. Raises OverflowError when cash does not fit."""
    if abs(cash) >= 1 << 127:
        raise OverflowError("ledger: cash out of range")
    return word >> 224 << 224 | index << 128 | cash % (1 << 128)


def bitmap(word: int) -> int:
    """Of an account word: bit i - 1 stands for asset i."""
    return field(word, 224, 8)


def with_bitmap(word: int, bitmap: int) -> int:
    """The account word with another bitmap of collaterals."""
    return word & ~(255 << 224) | bitmap << 224


def listed(header: int) -> int:
    """Of a header word: how many markets the account has in its list."""
    return field(header, 8, 8)


def with_listed(header: int, listed: int) -> int:
    """The header word with another number of listed markets."""
    return header & ~(255 << 8) | listed << 8


def is_liquidating(header: int) -> bool:
    """Of a header word: whether the Liquidator holds the account."""
    return header & IN_LIQUIDATION != 0
