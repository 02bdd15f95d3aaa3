# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The order book: orders, price levels, each account's list of open orders
@license AGPL-3.0-only
@notice Orders of a level form a doubly linked list, oldest first. Its ends are known by the level word alone: the
        `prev` of a head and the `next` of a tail are stale, which saves a write whenever an end is removed.
        An account's list is a slot array: word 0 holds which of 32 slots are taken (bits 0..31) and slots 0..4,
        each further word six slots of 40 bits. A removal only clears the slot's bit, so it touches one
        word and no other order; ids in free slots are stale.
        Checks nothing about who may do what: that is the Exchange's.
"""

from contracts.math import book_math
from contracts.modules import tick_bitmap

initializes: tick_bitmap

MAX_ORDERS: constant(uint256) = 32
ALL_TAKEN: constant(uint256) = 2**32 - 1

TOO_MANY_ORDERS: constant(String[32]) = "exchange: too many open orders"

orders: HashMap[uint256, uint256]   # order id -> order word
levels: HashMap[uint256, uint256]   # side << 24 | tick -> level word
books: HashMap[uint256, uint256]    # market -> book word
lists: HashMap[uint256, uint256]    # account << 3 | k -> slots


@internal
def _insert(
    order_id: uint256, account: uint256, side: uint256, tick: uint256, lots: uint256, expiry: uint256, reduce_only: bool
):
    """
    @dev Appends a new order at the end of its level.
    """
    key: uint256 = book_math._level_key(side, tick)
    level: uint256 = self.levels[key]
    prev: uint256 = 0
    if level == 0:
        self.levels[key] = order_id | (order_id << 40) | (lots << 80) | (1 << 144)
        tick_bitmap._set(side, tick)
        is_bid: bool = side & 1 != 0
        book: uint256 = self.books[side >> 1]
        if book_math._improves(is_bid, tick, book_math._best(book, is_bid)):
            self.books[side >> 1] = book_math._with_best(book, is_bid, tick)
    else:
        self.levels[key] = book_math._level_add(level, order_id, lots)
        prev = (level >> 40) & book_math.MASK_40
        self._link_next(prev, order_id)
    self.orders[order_id] = book_math._pack_order(
        account, lots, prev, expiry, tick, side, reduce_only, self._take_slot(account, order_id)
    )


@internal
def _remove(order_id: uint256, order: uint256):
    """
    @dev Takes an open order out of its level and its account's list; `order` is its word as stored.
    """
    side: uint256 = book_math._order_side(order)
    tick: uint256 = book_math._tick(order)
    key: uint256 = book_math._level_key(side, tick)
    level: uint256 = self.levels[key]
    head: uint256 = level & book_math.MASK_40
    tail: uint256 = (level >> 40) & book_math.MASK_40
    if head == tail:
        self.levels[key] = 0
        self._empty_level(side, tick)
    else:
        next: uint256 = (order >> 80) & book_math.MASK_40
        prev: uint256 = (order >> 120) & book_math.MASK_40
        # The level holds this order: its lots and its count are contained in the sums.
        level = unsafe_sub(level, (book_math._lots(order) << 80) | (1 << 144))
        if order_id == head:
            level ^= head ^ next
        elif order_id == tail:
            level ^= (tail ^ prev) << 40
        else:
            self._link_next(prev, next)
            self.orders[next] = (self.orders[next] & ~(book_math.MASK_40 << 120)) | (prev << 120)
        self.levels[key] = level
    self.orders[order_id] = 0

    account: uint256 = order & book_math.MASK_32
    self.lists[account << 3] ^= 1 << ((order >> 240) & book_math.MASK_8)


@internal
def _reduce(order_id: uint256, order: uint256, lots: uint256):
    """
    @dev Takes fewer lots than the order has off it; it keeps its place.
    """
    key: uint256 = book_math._level_key(book_math._order_side(order), book_math._tick(order))
    self.orders[order_id] = unsafe_sub(order, lots << 32)
    self.levels[key] = unsafe_sub(self.levels[key], lots << 80)


@internal
def _link_next(order_id: uint256, next: uint256):
    self.orders[order_id] = (self.orders[order_id] & ~(book_math.MASK_40 << 80)) | (next << 80)


@internal
def _empty_level(side: uint256, tick: uint256):
    """
    @dev Best prices are read far more often than levels run empty, so the search is done here.
    """
    tick_bitmap._clear(side, tick)
    is_bid: bool = side & 1 != 0
    book: uint256 = self.books[side >> 1]
    if book_math._best(book, is_bid) == tick:
        self.books[side >> 1] = book_math._with_best(book, is_bid, tick_bitmap._beyond(side, tick))


@internal
def _take_slot(account: uint256, order_id: uint256) -> uint256:
    """
    @dev Puts an order in the account's lowest free slot.
    """
    first: uint256 = self.lists[account << 3]
    taken: uint256 = first & ALL_TAKEN
    assert taken != ALL_TAKEN, TOO_MANY_ORDERS
    index: uint256 = book_math._lsb(~taken)
    first |= 1 << index
    if index < 5:
        offset: uint256 = 32 + 40 * index
        first = (first & ~(book_math.MASK_40 << offset)) | (order_id << offset)
    else:
        key: uint256 = (account << 3) | ((index + 1) // 6)
        offset: uint256 = 40 * ((index + 1) % 6)
        self.lists[key] = (self.lists[key] & ~(book_math.MASK_40 << offset)) | (order_id << offset)
    self.lists[account << 3] = first
    return index


@internal
@view
def _open_orders(account: uint256) -> DynArray[uint256, MAX_ORDERS]:
    """
    @dev By slot, not by age.
    """
    open_orders: DynArray[uint256, MAX_ORDERS] = []
    word: uint256 = self.lists[account << 3]
    taken: uint256 = word & ALL_TAKEN
    word = word >> 32
    for index: uint256 in range(MAX_ORDERS):
        if taken >> index == 0:
            break
        if index >= 5 and (index + 1) % 6 == 0:
            word = self.lists[(account << 3) | ((index + 1) // 6)]
        if (taken >> index) & 1 != 0:
            open_orders.append(word & book_math.MASK_40)
        word = word >> 40
    return open_orders
