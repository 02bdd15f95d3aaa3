# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/book_math.vy: order ids and words, crossing, fees, bit search. Imports nothing.

A word of an order, from the lowest bit: lots 48, next 37, prev 37, expiry 32, tick 24, market 16, bid 1,
reduce-only 1, serial 26; slot 0 of an account adds 32 bits that say which of its slots are taken.
An id is serial << 37 | account << 5 | slot.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "OrderWord",
    "account_of",
    "crosses",
    "fee_up",
    "improves",
    "level_add",
    "locator_of",
    "lsb",
    "msb",
    "pack",
    "serial_of",
    "slot_of",
    "unpack",
]

BPS = 10_000
LOCATORS = 1 << 37
LEVEL_LOTS = 2**64 - 1


@dataclass(frozen=True, slots=True)
class OrderWord:
    """The fields of an order's word, without the bits of taken slots."""

    lots: int
    next: int
    """Locator of the younger neighbour."""
    prev: int
    """Locator of the older neighbour."""
    expiry: int
    tick: int
    market: int
    is_bid: bool
    reduce_only: bool
    serial: int


def locator_of(order_id: int) -> int:
    """Account and slot: where the order is stored."""
    return order_id % LOCATORS


def account_of(order_id: int) -> int:
    """The account an order belongs to."""
    return locator_of(order_id) // 32


def slot_of(order_id: int) -> int:
    """0..31."""
    return order_id % 32


def serial_of(order_id: int) -> int:
    """How many orders the slot had held when this one was placed, itself included."""
    return order_id // LOCATORS


def pack(order: OrderWord) -> int:
    """The word of an order; fields must be in range."""
    return (
        order.lots
        + (order.next << 48)
        + (order.prev << 85)
        + (order.expiry << 122)
        + (order.tick << 154)
        + (order.market << 178)
        + (order.is_bid << 194)
        + (order.reduce_only << 195)
        + (order.serial << 196)
    )


def unpack(word: int) -> OrderWord:
    """The fields of a word."""

    def take(offset: int, width: int) -> int:
        return word >> offset & (1 << width) - 1

    return OrderWord(
        lots=take(0, 48),
        next=take(48, 37),
        prev=take(85, 37),
        expiry=take(122, 32),
        tick=take(154, 24),
        market=take(178, 16),
        is_bid=bool(take(194, 1)),
        reduce_only=bool(take(195, 1)),
        serial=take(196, 26),
    )


def level_add(level: int, locator: int, lots: int) -> int:
    """Append an order to a level: head 40 bits, tail 40, lots 64, count 32, lot size 64.

    Raises OverflowError when its lots would not fit.
    """
    head, total, above = level % 2**40, (level >> 80) % 2**64, level >> 144
    if total + lots > LEVEL_LOTS:
        raise OverflowError("exchange: level is full")
    return head + (locator << 40) + (total + lots << 80) + (above + 1 << 144)


def crosses(is_bid: bool, tick: int, best: int) -> bool:
    """Whether an order at `tick` trades against the other side's best tick; 0 is an empty side."""
    if best == 0:
        return False
    return tick >= best if is_bid else tick <= best


def improves(is_bid: bool, tick: int, best: int) -> bool:
    """Whether `tick` is better than its own side's best tick; 0 is an empty side."""
    if best == 0:
        return True
    return tick > best if is_bid else tick < best


def fee_up(notional: int, fee_bps: int) -> int:
    """notional * fee_bps / 10,000 in wad, rounded up."""
    return -(-notional * fee_bps // BPS)


def msb(word: int) -> int:
    """Index of the highest set bit of a word that is not 0."""
    return word.bit_length() - 1


def lsb(word: int) -> int:
    """Index of the lowest set bit of a word that is not 0."""
    return (word & -word).bit_length() - 1
