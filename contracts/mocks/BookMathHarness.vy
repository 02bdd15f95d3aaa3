# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title contracts/math/book_math.vy as external functions, for tests
@license AGPL-3.0-only
"""

from contracts.math import book_math


@external
@pure
def pack_order(
    lots: uint256, prev: uint256, expiry: uint256, tick: uint256, side: uint256, reduce_only: bool, serial: uint256
) -> uint256:
    return book_math._pack_order(lots, prev, expiry, tick, side, reduce_only, serial)


@external
@pure
def unpack_order(order: uint256) -> uint256[8]:
    """
    @return uint256[8] lots, next, prev, expiry, tick, side, reduce-only, serial
    """
    reduce_only: uint256 = 0
    if order & book_math.IS_REDUCE_ONLY != 0:
        reduce_only = 1
    return [
        book_math._lots(order),
        book_math._next(order),
        book_math._prev(order),
        book_math._expiry(order),
        book_math._tick(order),
        book_math._order_side(order),
        reduce_only,
        book_math._serial(order),
    ]


@external
@pure
def side(market: uint256, is_bid: bool) -> uint256:
    return book_math._side(market, is_bid)


@external
@pure
def is_expired(order: uint256, timestamp: uint256) -> bool:
    return book_math._is_expired(order, timestamp)


@external
@pure
def level_add(level: uint256, locator: uint256, lots: uint256) -> uint256:
    return book_math._level_add(level, locator, lots)


@external
@pure
def with_top(book: uint256, is_bid: bool, tick: uint256) -> uint256:
    return book_math._with_top(book, is_bid, tick)


@external
@pure
def top(book: uint256, is_bid: bool) -> uint256:
    return book_math._top(book, is_bid)


@external
@pure
def crosses(is_bid: bool, tick: uint256, best: uint256) -> bool:
    return book_math._crosses(is_bid, tick, best)


@external
@pure
def improves(is_bid: bool, tick: uint256, top: uint256) -> bool:
    return book_math._improves(is_bid, tick, top)


@external
@pure
def fee_up(notional: uint256, fee_bps: uint256) -> uint256:
    return book_math._fee_up(notional, fee_bps)


@external
@pure
def msb(word: uint256) -> uint256:
    return book_math._msb(word)


@external
@pure
def lsb(word: uint256) -> uint256:
    return book_math._lsb(word)
