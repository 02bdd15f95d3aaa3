# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The order book: slots of orders, price levels, where the best prices are
@license AGPL-3.0-only
@notice Orders of a level form a doubly linked list, oldest first. Its ends are known by the level word alone: the
        `prev` of a head and the `next` of a tail are stale, which saves a write whenever an end is removed.
        A book's top ticks are bounds: a level that runs empty leaves them alone and whoever next trades there moves
        them on, so that a cancel need not look at the book at all. An empty level keeps its lot size.
        Words and ids: contracts/math/book_math.vy. Checks nothing about who may do what: that is the Exchange's.
"""

from contracts.math import book_math
from contracts.modules import tick_bitmap

initializes: tick_bitmap

MAX_ORDERS: constant(uint256) = 32
ALL_TAKEN: constant(uint256) = 2**32 - 1

TOO_MANY_ORDERS: constant(String[32]) = "exchange: too many open orders"
WORN_OUT: constant(String[32]) = "exchange: slot is worn out"

slots: HashMap[uint256, uint256]    # locator -> order word
levels: HashMap[uint256, uint256]   # side << 24 | tick -> level word
books: HashMap[uint256, uint256]    # market -> book word


@internal
@view
def _find(order_id: uint256) -> uint256:
    """
    @return uint256 The word of an open order, 0 when there is none of this id (any more).
    """
    locator: uint256 = order_id & book_math.MASK_37
    order: uint256 = self.slots[locator]
    if book_math._serial(order) != order_id >> 37:
        return 0
    slot: uint256 = locator & 31
    if (self.slots[locator ^ slot] >> (222 + slot)) & 1 == 0:
        return 0
    return order


@internal
@view
def _oldest(side: uint256, tick: uint256) -> (uint256, uint256):
    """
    @return (id, word) of the order that is first in line; the level must not be empty.
    """
    locator: uint256 = self.levels[book_math._level_key(side, tick)] & book_math.MASK_40
    order: uint256 = self.slots[locator]
    return (book_math._serial(order) << 37) | locator, order


@internal
@view
def _best(side: uint256, top: uint256) -> uint256:
    """
    @return uint256 The best tick of a side that has none better than `top`; 0 when the side is empty.
    """
    if top == 0 or self.levels[book_math._level_key(side, top)] & book_math.LEVEL_ORDERS != 0:
        return top
    return tick_bitmap._beyond(side, top)


@internal
def _set_top(side: uint256, tick: uint256):
    market: uint256 = side >> 1
    self.books[market] = book_math._with_top(self.books[market], side & 1 != 0, tick)


@internal
@view
def _next_id(account: uint256) -> uint256:
    """
    @return uint256 Id of the next order of the account.
    """
    taken: uint256 = self.slots[account << 5] >> 222
    assert taken != ALL_TAKEN, TOO_MANY_ORDERS
    locator: uint256 = (account << 5) | book_math._lsb(~taken)
    serial: uint256 = book_math._serial(self.slots[locator]) + 1
    # Above 67 million orders ids would repeat; the account's other slots go on as long as this one is taken.
    assert serial <= book_math.MASK_26, WORN_OUT
    return (serial << 37) | locator


@internal
def _insert(
    account: uint256, side: uint256, tick: uint256, lots: uint256, expiry: uint256, reduce_only: bool
) -> uint256:
    """
    @dev Puts a new order in the account's lowest free slot and at the end of its level.
    @return uint256 The order's id.
    """
    key: uint256 = book_math._level_key(side, tick)
    level: uint256 = self.levels[key]
    order_id: uint256 = self._next_id(account)
    locator: uint256 = order_id & book_math.MASK_37
    tail: uint256 = (level >> 40) & book_math.MASK_40

    order: uint256 = book_math._pack_order(lots, tail, expiry, tick, side, reduce_only, order_id >> 37)
    base: uint256 = account << 5
    taken: uint256 = (self.slots[base] & book_math.TAKEN) | (1 << (222 + (locator & 31)))
    if locator == base:
        self.slots[base] = order | taken
    else:
        self.slots[locator] = order
        self.slots[base] = self.slots[base] | taken

    if level & book_math.LEVEL_ORDERS == 0:
        tick_bitmap._set(side, tick)
        book: uint256 = self.books[side >> 1]
        lot_size: uint256 = (book >> 56) & book_math.MASK_64
        self.levels[key] = locator | (locator << 40) | (lots << 80) | (1 << 144) | (lot_size << 176)
        is_bid: bool = side & 1 != 0
        if book_math._improves(is_bid, tick, book_math._top(book, is_bid)):
            self.books[side >> 1] = book_math._with_top(book, is_bid, tick)
    else:
        self.levels[key] = book_math._level_add(level, locator, lots)
        self._link_next(tail, locator)
    return order_id


@internal
def _remove(order_id: uint256, order: uint256) -> uint256:
    """
    @dev Takes an open order out of its level and frees its slot; `order` is its word as stored.
    @return uint256 Lot size of the market, nano base.
    """
    locator: uint256 = order_id & book_math.MASK_37
    side: uint256 = book_math._order_side(order)
    tick: uint256 = book_math._tick(order)
    key: uint256 = book_math._level_key(side, tick)
    level: uint256 = self.levels[key]
    head: uint256 = level & book_math.MASK_40
    tail: uint256 = (level >> 40) & book_math.MASK_40
    if head == tail:
        # The lot size stays: a level that comes back costs 17,000 gas less than a new one.
        self.levels[key] = level & ~book_math.LEVEL_ORDERS
        tick_bitmap._clear(side, tick)
    else:
        # The level holds this order: its lots and its count are contained in the sums.
        level = unsafe_sub(level, (book_math._lots(order) << 80) | (1 << 144))
        if locator == head:
            level ^= head ^ book_math._next(order)
        elif locator == tail:
            level ^= (tail ^ book_math._prev(order)) << 40
        else:
            next: uint256 = book_math._next(order)
            self._link_next(book_math._prev(order), next)
            self.slots[next] = (self.slots[next] & ~(book_math.MASK_37 << 85)) | (book_math._prev(order) << 85)
        self.levels[key] = level

    slot: uint256 = locator & 31
    self.slots[locator ^ slot] ^= 1 << (222 + slot)
    return level >> 176


@internal
def _reduce(order_id: uint256, order: uint256, lots: uint256):
    """
    @dev Takes fewer lots than the order has off it; it keeps its place.
    """
    key: uint256 = book_math._level_key(book_math._order_side(order), book_math._tick(order))
    self.slots[order_id & book_math.MASK_37] = unsafe_sub(order, lots)
    self.levels[key] = unsafe_sub(self.levels[key], lots << 80)


@internal
def _link_next(locator: uint256, next: uint256):
    self.slots[locator] = (self.slots[locator] & ~(book_math.MASK_37 << 48)) | (next << 48)


@internal
@view
def _open_orders(account: uint256) -> DynArray[uint256, MAX_ORDERS]:
    """
    @return Ids by slot, not by age.
    """
    open_orders: DynArray[uint256, MAX_ORDERS] = []
    taken: uint256 = self.slots[account << 5] >> 222
    for slot: uint256 in range(MAX_ORDERS):
        if taken >> slot == 0:
            break
        if (taken >> slot) & 1 != 0:
            locator: uint256 = (account << 5) | slot
            open_orders.append((book_math._serial(self.slots[locator]) << 37) | locator)
    return open_orders
