# SPDX-License-Identifier: Apache-2.0
"""math/ledger_math against its integer twin, exactly, and the rule that every trade sums to zero."""

from __future__ import annotations

from functools import cache

from hypothesis import example, given
from hypothesis import strategies as st

from simulation.domain import ledger_math as twin
from tests.evm import Contract, Env, Reverted

SIZE = 2**79 - 1
PRICE = 2**80 - 1

sizes = st.one_of(st.integers(-(10**13), 10**13), st.integers(-SIZE, SIZE), st.just(0))
prices = st.one_of(st.integers(1, 10**15), st.integers(0, PRICE))
orders = st.one_of(st.just(0), st.integers(0, 10**13), st.integers(0, 2**128 - 1))
words = st.integers(0, 2**256 - 1)
cashes = st.one_of(st.integers(-(10**30), 10**30), st.integers(-(2**127) + 1, 2**127 - 1))


@cache
def harness() -> Contract:
    return Env().deploy("LedgerMathHarness")


@st.composite
def trades(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Size and entry before; a trade of any size and side that fits, at several prices of its own."""
    size = draw(sizes)
    entry = draw(prices) if size else 0
    delta = draw(st.integers(-SIZE - size, SIZE - size).filter(bool))
    if draw(st.booleans()) and abs(size) > 1:
        delta = -draw(st.integers(1, abs(size))) * (1 if size > 0 else -1)
    price = draw(st.integers(0, min(PRICE, 2**72)))
    # Fills at several prices: the quote is no multiple of the size.
    spread = draw(st.integers(0, abs(delta) - 1))
    return size, entry, delta, delta * price + (spread if delta > 0 else -spread)


@given(trade=trades())
@example(trade=(1, 1, -1, -1))
@example(trade=(3, 7, -5, -36))
def test_a_trade(trade: tuple[int, int, int, int]) -> None:
    size, entry, delta, quote = trade
    after = harness().entry_after(size, entry, delta, quote)
    assert after == twin.entry_after(size, entry, delta, quote)
    change = harness().cash_change(size, entry, size + delta, after, quote)
    assert change == twin.cash_change(size, entry, size + delta, after, quote)
    # Worth at any mark: cash and position together gain nothing but what the mark is from the trade's price.
    mark = entry + 17
    before = size * (mark - entry)
    assert change + (size + delta) * (mark - after) - before == delta * mark - quote


@given(trade=trades(), other=sizes, other_entry=prices)
def test_both_sides_sum_to_zero(trade: tuple[int, int, int, int], other: int, other_entry: int) -> None:
    """Whatever the entries are rounded to: sum(cash) - sum(size * entry) does not move."""
    _, _, delta, quote = trade
    total = 0
    for size, entry, sign in ((trade[0], trade[1], 1), (other, other_entry, -1)):
        after = twin.entry_after(size, entry, sign * delta, sign * quote)
        change = twin.cash_change(size, entry, size + sign * delta, after, sign * quote)
        total += change - ((size + sign * delta) * after - size * entry)
    assert total == 0


@given(size=sizes, bids=orders, asks=orders)
def test_worst_size(size: int, bids: int, asks: int) -> None:
    assert harness().worst_size(size, bids, asks) == twin.worst_size(size, bids, asks) >= abs(size)


@given(
    size=st.one_of(sizes, st.integers(-(2**80), 2**80)),
    entry=st.one_of(prices, st.integers(0, 2**81)),
    funding_index=st.one_of(sizes, st.integers(-(2**80), 2**80)),
    place=st.integers(0, 63),
    flags=st.integers(0, 3),
)
@example(size=SIZE, entry=PRICE, funding_index=-SIZE, place=63, flags=3)
@example(size=-SIZE, entry=0, funding_index=SIZE, place=0, flags=0)
@example(size=2**79, entry=0, funding_index=0, place=0, flags=0)
@example(size=-(2**79), entry=0, funding_index=0, place=0, flags=0)
@example(size=0, entry=2**80, funding_index=0, place=0, flags=0)
@example(size=0, entry=0, funding_index=-(2**79), place=0, flags=0)
def test_pack_position(size: int, entry: int, funding_index: int, place: int, flags: int) -> None:
    fields = (size, entry, funding_index, place, flags)
    try:
        expected: int | str = twin.pack_position(*fields)
    except OverflowError as error:
        expected = str(error)
    try:
        found: int | str = harness().pack_position(*fields)
    except Reverted as error:
        found = error.reason
    assert found == expected
    if isinstance(found, int):
        assert harness().position(found) == fields


@given(word=words)
@example(word=0)
@example(word=2**256 - 1)
def test_position_fields(word: int) -> None:
    assert harness().position(word) == (
        twin.size(word),
        twin.entry(word),
        twin.funding_index(word),
        twin.place(word),
        twin.position_flags(word),
    )


@given(word=words, cash=cashes, index=st.integers(0, 2**96 - 1), bitmap=st.integers(0, 255))
@example(word=2**256 - 1, cash=-1, index=0, bitmap=0)
def test_account_word(word: int, cash: int, index: int, bitmap: int) -> None:
    assert harness().account(word) == (twin.cash(word), twin.cash_index(word), twin.bitmap(word))
    changed = harness().with_cash(word, cash, index)
    assert changed == twin.with_cash(word, cash, index)
    assert harness().account(changed) == (cash, index, twin.bitmap(word))
    again = harness().with_bitmap(changed, bitmap)
    assert again == twin.with_bitmap(changed, bitmap)
    assert harness().account(again) == (cash, index, bitmap)


@given(sign=st.sampled_from([-1, 1]), excess=st.integers(0, 2**126))
@example(sign=-1, excess=0)
def test_cash_that_does_not_fit_is_refused_by_both(sign: int, excess: int) -> None:
    for with_cash, error in ((twin.with_cash, OverflowError), (harness().with_cash, Reverted)):
        try:
            with_cash(0, sign * (2**127 + excess), 0)
        except error as refusal:
            assert str(refusal) == "ledger: cash out of range"
        else:
            raise AssertionError("did not refuse")


@given(header=words, listed=st.integers(0, 64))
def test_header_word(header: int, listed: int) -> None:
    assert harness().header(header) == (twin.listed(header), twin.is_liquidating(header))
    changed = harness().with_listed(header, listed)
    assert changed == twin.with_listed(header, listed)
    assert harness().header(changed) == (listed, twin.is_liquidating(header))


@given(coin=st.integers(-SIZE, SIZE), change=st.integers(-(2**80), 2**80))
@example(coin=SIZE, change=1)
@example(coin=-SIZE, change=-1)
@example(coin=-1, change=1)
def test_coin_balance(coin: int, change: int) -> None:
    entry = coin % 2**80
    assert harness().coin(entry) == twin.coin(entry) == coin
    try:
        after = harness().coin_after(entry, change)
    except Reverted as refusal:
        assert str(refusal) == "ledger: coin out of range" and abs(coin + change) > SIZE
    else:
        assert after == twin.coin_after(entry, change) and twin.coin(after) == coin + change


@given(size=sizes, coin=sizes, place=st.integers(0, 63), flags=st.integers(0, 3))
@example(size=0, coin=0, place=63, flags=3)
def test_empty_is_without_size_and_coin(size: int, coin: int, place: int, flags: int) -> None:
    word = twin.pack_position(size, coin % 2**80, 5, place, flags)
    assert harness().is_empty(word) == (size == 0 and coin == 0)
