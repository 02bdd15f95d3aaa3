# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Exposes math/ledger_math to the differential tests
@license AGPL-3.0-only
"""

from contracts.math import ledger_math


@external
@pure
def entry_after(size: int256, entry: uint256, delta: int256, quote: int256) -> uint256:
    """
    @notice See ledger_math._entry_after.
    """
    return ledger_math._entry_after(size, entry, delta, quote)


@external
@pure
def cash_change(size: int256, entry: uint256, new_size: int256, new_entry: uint256, quote: int256) -> int256:
    """
    @notice See ledger_math._cash_change.
    """
    return ledger_math._cash_change(size, entry, new_size, new_entry, quote)


@external
@pure
def coin(entry: uint256) -> int256:
    """
    @notice See ledger_math._coin.
    """
    return ledger_math._coin(entry)


@external
@pure
def coin_after(entry: uint256, change: int256) -> uint256:
    """
    @notice See ledger_math._coin_after.
    """
    return ledger_math._coin_after(entry, change)


@external
@pure
def is_empty(word: uint256) -> bool:
    """
    @notice See ledger_math._is_empty.
    """
    return ledger_math._is_empty(word)


@external
@pure
def worst_size(size: int256, bids: uint256, asks: uint256) -> uint256:
    """
    @notice See ledger_math._worst_size.
    """
    return ledger_math._worst_size(size, bids, asks)


@external
@pure
def pack_position(size: int256, entry: uint256, funding_index: int256, place: uint256, flags: uint256) -> uint256:
    """
    @notice See ledger_math._pack_position.
    """
    return ledger_math._pack_position(size, entry, funding_index, place, flags)


@external
@pure
def position(word: uint256) -> (int256, uint256, int256, uint256, uint256):
    """
    @notice The fields of a position word: size, entry, funding index, place, flags.
    """
    return (
        ledger_math._size(word),
        ledger_math._entry(word),
        ledger_math._funding_index(word),
        ledger_math._place(word),
        ledger_math._position_flags(word),
    )


@external
@pure
def account(word: uint256) -> (int256, uint256, uint256):
    """
    @notice The fields of an account word: cash, cash index, collateral bitmap.
    """
    return ledger_math._cash(word), ledger_math._cash_index(word), ledger_math._bitmap(word)


@external
@pure
def with_cash(word: uint256, cash: int256, index: uint256) -> uint256:
    """
    @notice See ledger_math._with_cash.
    """
    return ledger_math._with_cash(word, cash, index)


@external
@pure
def with_bitmap(word: uint256, bitmap: uint256) -> uint256:
    """
    @notice See ledger_math._with_bitmap.
    """
    return ledger_math._with_bitmap(word, bitmap)


@external
@pure
def header(header: uint256) -> (uint256, bool):
    """
    @notice The number of listed markets and the liquidation flag of a header word.
    """
    return ledger_math._listed(header), ledger_math._is_liquidating(header)


@external
@pure
def with_listed(header: uint256, listed: uint256) -> uint256:
    """
    @notice See ledger_math._with_listed.
    """
    return ledger_math._with_listed(header, listed)
