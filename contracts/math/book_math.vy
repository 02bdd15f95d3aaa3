# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Packed words of the order book and bit search
@license AGPL-3.0-only
@notice An order is one word:
            account     uint32  bits   0..31
            lots        uint48  bits  32..79    still open, >= 1
            next        uint40  bits  80..119   younger neighbour at the level; stale at the tail
            prev        uint40  bits 120..159   older neighbour at the level; stale at the head
            expiry      uint32  bits 160..191   unix seconds, 0 never
            tick        uint24  bits 192..215
            market      uint16  bits 216..231
            flags       uint8   bits 232..239   bit 0: bid, bit 1: reduce-only
            index       uint8   bits 240..247   place in the account's list
        A level is one word:
            head        uint40  bits   0..39    oldest order
            tail        uint40  bits  40..79    youngest order
            lots        uint64  bits  80..143   sum over the orders
            count       uint32  bits 144..175
        A book is one word per market:
            tick_size   uint56  bits   0..55    nano USD, so that a price fits in 80 bits
            lot_size    uint64  bits  56..119   nano base
            best_bid    uint24  bits 120..143   tick, 0: no bids
            best_ask    uint24  bits 144..167   tick, 0: no asks
"""

MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_48: constant(uint256) = 2**48 - 1
MASK_56: constant(uint256) = 2**56 - 1
MASK_64: constant(uint256) = 2**64 - 1

IS_BID: constant(uint256) = 1 << 232
IS_REDUCE_ONLY: constant(uint256) = 2 << 232

BPS: constant(uint256) = 10_000

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
    account: uint256, lots: uint256, prev: uint256, expiry: uint256, tick: uint256, side: uint256,
    reduce_only: bool, index: uint256
) -> uint256:
    """
    @dev Truncates nothing: the Exchange has bounded every argument by its field.
    """
    return (
        account | (lots << 32) | (prev << 120) | (expiry << 160) | (tick << 192) | ((side >> 1) << 216)
        | ((side & 1) << 232) | (convert(reduce_only, uint256) << 233) | (index << 240)
    )


@internal
@pure
def _lots(order: uint256) -> uint256:
    return (order >> 32) & MASK_48


@internal
@pure
def _tick(order: uint256) -> uint256:
    return (order >> 192) & MASK_24


@internal
@pure
def _market(order: uint256) -> uint256:
    return (order >> 216) & MASK_16


@internal
@pure
def _order_side(order: uint256) -> uint256:
    """
    @dev The side an order rests on, as `_side` numbers it.
    """
    return (((order >> 216) & MASK_16) << 1) | ((order >> 232) & 1)


@internal
@pure
def _is_expired(order: uint256, timestamp: uint256) -> bool:
    """
    @dev An order lives up to and including the second before its expiry.
    """
    expiry: uint256 = (order >> 160) & MASK_32
    return expiry != 0 and expiry <= timestamp


@internal
@pure
def _level_add(level: uint256, order_id: uint256, lots: uint256) -> uint256:
    """
    @dev Appends an order to a level that is not empty.
    """
    # 16 more bits than one order has: the sum fits until 65,536 orders of the largest size meet.
    assert ((level >> 80) & MASK_64) + lots <= MASK_64, LEVEL_FULL
    return ((level & ~(MASK_40 << 40)) | (order_id << 40)) + (lots << 80) + (1 << 144)


@internal
@pure
def _best(book: uint256, is_bid: bool) -> uint256:
    if is_bid:
        return (book >> 120) & MASK_24
    return (book >> 144) & MASK_24


@internal
@pure
def _with_best(book: uint256, is_bid: bool, tick: uint256) -> uint256:
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
def _improves(is_bid: bool, tick: uint256, best: uint256) -> bool:
    """
    @dev Whether `tick` is better than its own side's `best` (0: empty).
    """
    if is_bid:
        return tick > best
    return best == 0 or tick < best


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
