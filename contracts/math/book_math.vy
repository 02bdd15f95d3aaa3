# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Packed words of the order book and bit search
@license AGPL-3.0-only
@notice An account has 32 slots for open orders, each one word that is never cleared, so that an order is
        placed into storage that is already there:
            lots        uint48  bits   0..47    still open; stale, like all but the serial, once the slot is free
            next        uint37  bits  48..84    younger neighbour at the level; stale at the tail
            prev        uint37  bits  85..121   older neighbour at the level; stale at the head
            expiry      uint32  bits 122..153   unix seconds, 0 never
            tick        uint24  bits 154..177
            market      uint16  bits 178..193
            bid         uint1   bit  194
            reduce-only uint1   bit  195
            serial      uint26  bits 196..221   how many orders the slot has held
            taken       uint32  bits 222..253   slot 0 only: which slots of the account hold an order
        A neighbour is named by its locator, account uint32 << 5 | slot uint5, an order by its id, serial << 37 | locator:
        unique, below 2**63, and enough to find the order and its account without a lookup.
        A level is one word:
            head        uint40  bits   0..39    locator of the oldest order
            tail        uint40  bits  40..79    locator of the youngest order
            lots        uint64  bits  80..143   sum over the orders
            count       uint32  bits 144..175   never near 2**32: each order has cost its account a transaction
            lot_size    uint64  bits 176..239   nano base, the market's
        A book is one word per market:
            tick_size   uint56  bits   0..55    nano USD, so that a price fits in 80 bits
            lot_size    uint64  bits  56..119   nano base
            top_bid     uint24  bits 120..143   tick; no bid is better, but this level may be empty; 0: no bids
            top_ask     uint24  bits 144..167   tick; no ask is better, but this level may be empty; 0: no asks
"""

MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_26: constant(uint256) = 2**26 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_37: constant(uint256) = 2**37 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_48: constant(uint256) = 2**48 - 1
MASK_56: constant(uint256) = 2**56 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_128: constant(uint256) = 2**128 - 1

IS_BID: constant(uint256) = 1 << 194
IS_REDUCE_ONLY: constant(uint256) = 1 << 195
TAKEN: constant(uint256) = MASK_32 << 222

BPS: constant(uint256) = 10_000

# Everything in a level word but the lot size; zero when the level is empty.
LEVEL_ORDERS: constant(uint256) = 2**176 - 1

LEVEL_FULL: constant(String[32]) = "exchange: level is full"


@internal
@pure
def _side(market: uint256, is_bid: bool) -> uint256:
    """
    @dev One number for a side of a market, the prefix of the keys of its levels and bitmap words.
    """
    return (market << 1) | convert(is_bid, uint256)


@internal
@pure
def _level_key(side: uint256, tick: uint256) -> uint256:
    return (side << 24) | tick


@internal
@pure
def _pack_order(
    lots: uint256, prev: uint256, expiry: uint256, tick: uint256, side: uint256, reduce_only: bool, serial: uint256
) -> uint256:
    """
    @dev Truncates nothing: the Exchange has bounded every argument by its field.
    """
    return (
        lots | (prev << 85) | (expiry << 122) | (tick << 154) | ((side >> 1) << 178) | ((side & 1) << 194)
        | (convert(reduce_only, uint256) << 195) | (serial << 196)
    )


@internal
@pure
def _account(order_id: uint256) -> uint256:
    """
    @dev Of an id or a locator.
    """
    return (order_id >> 5) & MASK_32


@internal
@pure
def _lots(order: uint256) -> uint256:
    return order & MASK_48


@internal
@pure
def _next(order: uint256) -> uint256:
    return (order >> 48) & MASK_37


@internal
@pure
def _prev(order: uint256) -> uint256:
    return (order >> 85) & MASK_37


@internal
@pure
def _expiry(order: uint256) -> uint256:
    return (order >> 122) & MASK_32


@internal
@pure
def _tick(order: uint256) -> uint256:
    return (order >> 154) & MASK_24


@internal
@pure
def _market(order: uint256) -> uint256:
    return (order >> 178) & MASK_16


@internal
@pure
def _serial(order: uint256) -> uint256:
    return (order >> 196) & MASK_26


@internal
@pure
def _order_side(order: uint256) -> uint256:
    """
    @dev The side an order rests on, as `_side` numbers it.
    """
    return (((order >> 178) & MASK_16) << 1) | ((order >> 194) & 1)


@internal
@pure
def _is_expired(order: uint256, timestamp: uint256) -> bool:
    """
    @dev An order lives up to and including the second before its expiry.
    """
    expiry: uint256 = (order >> 122) & MASK_32
    return expiry != 0 and expiry <= timestamp


@internal
@pure
def _level_add(level: uint256, locator: uint256, lots: uint256) -> uint256:
    """
    @dev Appends an order to a level that is not empty.
    """
    # 16 more bits than one order has: the sum fits until 65,536 orders of the largest size meet.
    assert ((level >> 80) & MASK_64) + lots <= MASK_64, LEVEL_FULL
    return ((level & ~(MASK_40 << 40)) | (locator << 40)) + (lots << 80) + (1 << 144)


@internal
@pure
def _top(book: uint256, is_bid: bool) -> uint256:
    """
    @dev Where the search for the best price of a side begins.
    """
    if is_bid:
        return (book >> 120) & MASK_24
    return (book >> 144) & MASK_24


@internal
@pure
def _with_top(book: uint256, is_bid: bool, tick: uint256) -> uint256:
    if is_bid:
        return (book & ~(MASK_24 << 120)) | (tick << 120)
    return (book & ~(MASK_24 << 144)) | (tick << 144)


@internal
@pure
def _crosses(is_bid: bool, tick: uint256, best: uint256) -> bool:
    """
    @dev Whether an order at `tick` would trade against the opposite side's `best` (0: empty).
    """
    if is_bid:
        return best != 0 and best <= tick
    return best >= tick


@internal
@pure
def _improves(is_bid: bool, tick: uint256, top: uint256) -> bool:
    """
    @dev Whether `tick` is better than its own side's `top` (0: empty).
    """
    if is_bid:
        return tick > top
    return top == 0 or tick < top


@internal
@pure
def _fee_up(notional: uint256, fee_bps: uint256) -> uint256:
    """
    @dev Wad, rounded up. A notional is below 2**192 (48 + 64 bits of size, 24 + 56 of price): no overflow.
    """
    return unsafe_div(unsafe_add(unsafe_mul(notional, fee_bps), BPS - 1), BPS)


@internal
@pure
def _lower_bits(index: uint256) -> uint256:
    """
    @dev All bits below `index` (0..255).
    """
    return unsafe_sub(convert(1, uint256) << index, 1)


@internal
@pure
def _higher_bits(index: uint256) -> uint256:
    """
    @dev All bits above `index` (0..255). 2 << 255 is 0 in the EVM and 0 - 1 wraps to all ones: none, as it must be.
    """
    return ~unsafe_sub(convert(2, uint256) << index, 1)


@internal
@pure
def _msb(word: uint256) -> uint256:
    """
    @dev Index of the highest set bit; 0 for an empty word, which the callers exclude.
    """
    rest: uint256 = word
    index: uint256 = 0
    if rest >> 128 != 0:
        rest = rest >> 128
        index = 128
    if rest >> 64 != 0:
        rest = rest >> 64
        index |= 64
    if rest >> 32 != 0:
        rest = rest >> 32
        index |= 32
    if rest >> 16 != 0:
        rest = rest >> 16
        index |= 16
    if rest >> 8 != 0:
        rest = rest >> 8
        index |= 8
    if rest >> 4 != 0:
        rest = rest >> 4
        index |= 4
    if rest >> 2 != 0:
        rest = rest >> 2
        index |= 2
    return index | (rest >> 1)


@internal
@pure
def _lsb(word: uint256) -> uint256:
    """
    @dev Index of the lowest set bit; 0 for an empty word, which the callers exclude.
    """
    return self._msb(word & unsafe_sub(0, word))
