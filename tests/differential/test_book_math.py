# SPDX-License-Identifier: Apache-2.0
"""math/book_math against its integer twin, exactly."""

from __future__ import annotations

from functools import cache

from hypothesis import example, given
from hypothesis import strategies as st

from simulation.domain import book_math as twin
from tests.evm import Contract, Env, reverts

WORDS = st.one_of(st.integers(1, 2**256 - 1), st.integers(0, 255).map(lambda bit: 1 << bit))
TICKS = st.integers(1, 2**24 - 1)
BESTS = st.one_of(st.just(0), TICKS)
LOCATORS = st.integers(0, 2**37 - 1)
ORDERS = st.builds(
    twin.OrderWord,
    lots=st.integers(1, 2**48 - 1),
    next=st.just(0),
    prev=LOCATORS,
    expiry=st.integers(0, 2**32 - 1),
    tick=TICKS,
    market=st.integers(0, 2**16 - 1),
    is_bid=st.booleans(),
    reduce_only=st.booleans(),
    serial=st.integers(1, 2**26 - 1),
)
FULL = twin.OrderWord(2**48 - 1, 0, 2**37 - 1, 2**32 - 1, 2**24 - 1, 2**16 - 1, True, True, 2**26 - 1)


@cache
def harness() -> Contract:
    return Env().deploy("BookMathHarness")


@given(order=ORDERS)
@example(order=FULL)
def test_pack_order(order: twin.OrderWord) -> None:
    side = harness().side(order.market, order.is_bid)
    word = harness().pack_order(
        order.lots, order.prev, order.expiry, order.tick, side, order.reduce_only, order.serial
    )
    assert word == twin.pack(order)


@given(word=st.integers(0, 2**256 - 1))
@example(word=2**256 - 1)
def test_every_field_of_any_word(word: int) -> None:
    order = twin.unpack(word)
    side = order.market * 2 + order.is_bid
    fields = [order.lots, order.next, order.prev, order.expiry, order.tick, side]
    assert harness().unpack_order(word) == [*fields, int(order.reduce_only), order.serial]


@given(order=ORDERS, timestamp=st.integers(0, 2**33))
def test_expiry(order: twin.OrderWord, timestamp: int) -> None:
    for now in (timestamp, order.expiry, max(order.expiry - 1, 0)):
        assert harness().is_expired(twin.pack(order), now) == (0 < order.expiry <= now)


@given(
    head=LOCATORS,
    tail=LOCATORS,
    total=st.integers(1, 2**64 - 1),
    count=st.integers(1, 2**31),
    lot_size=st.integers(1, 2**64 - 1),
    locator=LOCATORS,
    lots=st.integers(1, 2**48 - 1),
)
@example(head=1, tail=1, total=2**64 - 2, count=1, lot_size=1, locator=2, lots=1)
@example(head=1, tail=1, total=2**64 - 1, count=1, lot_size=1, locator=2, lots=1)
def test_level_add(
    head: int, tail: int, total: int, count: int, lot_size: int, locator: int, lots: int
) -> None:
    upper = lot_size << 176
    level = head | tail << 40 | total << 80 | count << 144 | upper
    if total + lots >= 2**64:
        with reverts("exchange: level is full"):
            harness().level_add(level, locator, lots)
        return
    added = harness().level_add(level, locator, lots)
    assert added == twin.level_add(level, locator, lots)
    assert added == head | locator << 40 | (total + lots) << 80 | (count + 1) << 144 | upper


@given(book=st.integers(0, 2**168 - 1), is_bid=st.booleans(), tick=BESTS)
def test_top_is_one_field_of_the_book(book: int, is_bid: bool, tick: int) -> None:
    changed = harness().with_top(book, is_bid, tick)
    assert harness().top(changed, is_bid) == tick
    assert harness().top(changed, not is_bid) == harness().top(book, not is_bid)
    assert changed % 2**120 == book % 2**120


@given(is_bid=st.booleans(), tick=TICKS, best=BESTS)
def test_crosses_and_improves(is_bid: bool, tick: int, best: int) -> None:
    for other in (best, tick, tick - 1, tick + 1):
        assert harness().crosses(is_bid, tick, other) == twin.crosses(is_bid, tick, other)
        assert harness().improves(is_bid, tick, other) == twin.improves(is_bid, tick, other)


@given(notional=st.integers(0, 2**192 - 1), fee_bps=st.integers(0, 100))
@example(notional=2**192 - 1, fee_bps=100)
@example(notional=1, fee_bps=1)
def test_fee_up(notional: int, fee_bps: int) -> None:
    fee = harness().fee_up(notional, fee_bps)
    assert fee == twin.fee_up(notional, fee_bps)
    assert notional * fee_bps <= fee * 10_000 < notional * fee_bps + 10_000


@given(word=WORDS)
def test_bit_search(word: int) -> None:
    assert harness().msb(word) == twin.msb(word)
    assert harness().lsb(word) == twin.lsb(word)


def test_bit_search_at_every_bit() -> None:
    for bit in range(256):
        assert harness().msb(1 << bit) == harness().lsb(1 << bit) == bit
        assert harness().msb((2 << bit) - 1) == bit
        assert harness().lsb(2**256 - (1 << bit)) == bit
