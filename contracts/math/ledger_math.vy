# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Position arithmetic of the ledger and its packed words
@license AGPL-3.0-only
@notice Sizes and prices are in nano (1e-9), so every product is exact wad USD.
        Account word:  cash int128 | cash_index uint96 | collateral bitmap uint8
        Header word:   flags uint8 | listed markets uint8 | the first fifteen market ids, uint16 each
        Signed fields travel through bytes32, which keeps the bits of negative numbers.
        Position word: size int80 | entry_price uint80 | funding_index int80 | place in market list uint8 | flags uint8
        An inverse perpetual holds its coin balance, int80 nano coin, in the place of the entry price.
"""

from contracts.math import fixed_point

# Flags of a position word.
HAS_ORDERS: constant(uint256) = 1
LISTED: constant(uint256) = 2

# Flags of a header word.
IN_LIQUIDATION: constant(uint256) = 1

MASK_80: constant(uint256) = 2**80 - 1
MASK_160: constant(uint256) = 2**160 - 1
MASK_96: constant(uint256) = 2**96 - 1
MASK_128: constant(uint256) = 2**128 - 1

SIZE_OUT_OF_RANGE: constant(String[32]) = "ledger: size out of range"
PRICE_OUT_OF_RANGE: constant(String[32]) = "ledger: price out of range"
COIN_OUT_OF_RANGE: constant(String[32]) = "ledger: coin out of range"
FUNDING_OUT_OF_RANGE: constant(String[32]) = "ledger: funding out of range"
CASH_OUT_OF_RANGE: constant(String[32]) = "ledger: cash out of range"


@internal
@pure
def _entry_after(size: int256, entry: uint256, delta: int256, quote: int256) -> uint256:
    """
    @dev Average entry price after a trade of `delta` (nano, signed) for `quote` (wad, positive when
         buying). Floored; what the rounding leaves is booked to cash by `_cash_change`, so the
         direction moves no value. Terms of a quotient have the same sign, so floor equals truncation.
    """
    new_size: int256 = size + delta
    if new_size == 0:
        return 0
    if size == 0 or (size > 0) == (delta > 0):
        cost: int256 = size * convert(entry, int256) + quote
        return convert(abs(cost), uint256) // convert(abs(new_size), uint256)
    if (new_size > 0) == (size > 0):
        return entry
    return convert(abs(quote), uint256) // convert(abs(delta), uint256)


@internal
@pure
def _cash_change(size: int256, entry: uint256, new_size: int256, new_entry: uint256, quote: int256) -> int256:
    """
    @dev The one rule of the ledger: s' * e' - s * e - Q, exact in wad (docs/architecture.md).
    """
    return new_size * convert(new_entry, int256) - size * convert(entry, int256) - quote


@internal
@pure
def _coin(entry: uint256) -> int256:
    """
    @dev The coin balance (nano coin, signed) that the entry field of an inverse position holds.
    """
    return convert(convert(entry << 176, bytes32), int256) >> 176


@internal
@pure
def _coin_after(entry: uint256, change: int256) -> uint256:
    """
    @dev The entry field of an inverse position whose coin balance changes by `change`, nano coin.
    """
    coin: int256 = self._coin(entry) + change
    assert coin > -2**79 and coin < 2**79, COIN_OUT_OF_RANGE
    return convert(convert(coin, bytes32), uint256) & MASK_80


@internal
@pure
def _worst_size(size: int256, bids: uint256, asks: uint256) -> uint256:
    """
    @dev Largest |size| that the resting orders of one market can lead to, nano base.
    """
    up: int256 = size + convert(bids, int256)
    down: int256 = size - convert(asks, int256)
    return convert(max(abs(up), abs(down)), uint256)


@internal
@pure
def _pack_position(size: int256, entry: uint256, funding_index: int256, place: uint256, flags: uint256) -> uint256:
    assert size > -2**79 and size < 2**79, SIZE_OUT_OF_RANGE
    assert entry <= MASK_80, PRICE_OUT_OF_RANGE
    assert funding_index > -2**79 and funding_index < 2**79, FUNDING_OUT_OF_RANGE
    return (
        (convert(convert(size, bytes32), uint256) & MASK_80)
        | (entry << 80)
        | ((convert(convert(funding_index, bytes32), uint256) & MASK_80) << 160)
        | (place << 240)
        | (flags << 248)
    )


@internal
@pure
def _size(word: uint256) -> int256:
    return convert(convert(word << 176, bytes32), int256) >> 176


@internal
@pure
def _is_empty(word: uint256) -> bool:
    """
    @dev Neither a size nor a coin balance; a linear position without a size has no entry price.
    """
    return word & MASK_160 == 0


@internal
@pure
def _entry(word: uint256) -> uint256:
    return (word >> 80) & MASK_80


@internal
@pure
def _funding_index(word: uint256) -> int256:
    return convert(convert(word << 16, bytes32), int256) >> 176


@internal
@pure
def _place(word: uint256) -> uint256:
    return (word >> 240) & 255


@internal
@pure
def _position_flags(word: uint256) -> uint256:
    return word >> 248


@internal
@pure
def _cash(word: uint256) -> int256:
    return convert(convert(word << 128, bytes32), int256) >> 128


@internal
@pure
def _cash_index(word: uint256) -> uint256:
    return (word >> 128) & MASK_96


@internal
@pure
def _with_cash(word: uint256, cash: int256, index: uint256) -> uint256:
    """
    @dev The account word with cash (wad, 128 bits) and the interest index at which it was settled.
    """
    assert cash > -2**127 and cash < 2**127, CASH_OUT_OF_RANGE
    return (word >> 224 << 224) | (index << 128) | (convert(convert(cash, bytes32), uint256) & MASK_128)


@internal
@pure
def _bitmap(word: uint256) -> uint256:
    return (word >> 224) & 255


@internal
@pure
def _with_bitmap(word: uint256, bitmap: uint256) -> uint256:
    return (word & ~(255 << 224)) | (bitmap << 224)


@internal
@pure
def _listed(header: uint256) -> uint256:
    return (header >> 8) & 255


@internal
@pure
def _with_listed(header: uint256, listed: uint256) -> uint256:
    return (header & ~(255 << 8)) | (listed << 8)


@internal
@pure
def _is_liquidating(header: uint256) -> bool:
    return header & IN_LIQUIDATION != 0
