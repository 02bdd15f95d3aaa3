# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.engine.abi import selector
from simulation.engine.reader import WorldReader
from tests.engine.books import PROTOCOL, Account, Chain, Position

POSITIONS = st.builds(
    Position,
    size=st.integers(-(2**79), 2**79 - 1),
    entry=st.integers(0, 2**80 - 1),
    funding=st.integers(-(2**79), 2**79 - 1),
    bids=st.integers(0, 2**127 - 1),
    asks=st.integers(0, 2**127 - 1),
)
ACCOUNTS = st.builds(
    Account,
    cash=st.integers(-(2**126), 2**126),
    weth=st.integers(0, 2**127 - 1),
    liquidating=st.booleans(),
    positions=st.lists(POSITIONS, min_size=2, max_size=2),
)
WORLDS = st.lists(ACCOUNTS, min_size=3, max_size=3)


def check(reader: WorldReader, chain: Chain) -> None:
    raw = reader.decode(chain.answers())
    positions = [position for account in chain.accounts for position in account.positions]
    assert raw.cash.ints() == [account.cash for account in chain.accounts]
    assert raw.collateral.ints() == [account.weth for account in chain.accounts]
    assert raw.liquidating.tolist() == [account.liquidating for account in chain.accounts]
    for name in ("size", "entry", "funding", "bids", "asks"):
        assert getattr(raw, name).ints() == [getattr(position, name) for position in positions]


@given(WORLDS, WORLDS)
def test_what_is_packed_is_read_whatever_was_read_before(first: list[Account], second: list[Account]) -> None:
    reader = WorldReader(PROTOCOL, 3)
    check(reader, Chain(first))
    mixed = [first[0], second[1], first[2]]
    check(reader, Chain(mixed))
    assert set(reader.decode(Chain(mixed).answers()).changed.tolist()) == set()
    check(reader, Chain(second))


def test_markets_feeds_and_books_are_read() -> None:
    chain = Chain(
        [Account(cash=5), Account(cash=-3)], best=[(10, 12), (0, 7)], backing=10**18, deficit=4, fund=9
    )
    raw = WorldReader(PROTOCOL, 2).decode(chain.answers())
    assert raw.changed.tolist() == [0, 1]
    eth, btc = raw.markets
    assert (eth.mark, eth.spot, eth.confidence, eth.valid) == (200 * 10**9, 200 * 10**9, 10**8, True)
    assert (eth.best_bid, eth.best_ask, btc.best_bid, btc.best_ask) == (10, 12, 0, 7)
    assert eth.funding_rate == -(10**15)
    assert (raw.feeds[1].spot, raw.feeds[1].timestamp, raw.feeds[1].flags) == (8_000 * 10**9, 1_000, 0)
    assert (raw.books.assets, raw.books.claims, raw.books.deficit) == (10**18, 10**18 + 4, 4)
    assert (raw.fund_capacity, raw.balances, raw.held, raw.fund_locked) == (9, (10**6, 0), (0,), False)


@pytest.mark.parametrize("change", [lambda data: data[:-32], lambda data: data + bytes(32)])
def test_answers_to_other_calls_are_refused(change: Callable[[bytes], bytes]) -> None:
    data = Chain([Account(cash=5)]).answers()
    WorldReader(PROTOCOL, 1).decode(data)
    with pytest.raises(ValueError, match=f"expected {len(data)}"):
        WorldReader(PROTOCOL, 1).decode(change(data))


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [(0, []), (3, [1] * 3), (33, [2] * 16 + [1]), (5_000, [157] * 31 + [133]), (20_000, [409] * 48 + [368])],
)
def test_accounts_are_read_in_parts_that_the_contract_answers(accounts: int, expected: list[int]) -> None:
    views = {"Ledger": "words_of(uint256,uint256,uint256[])", "Vault": "words_of(uint256,uint256,uint256)"}
    reader, found = WorldReader(PROTOCOL, accounts), {}
    for name, signature in views.items():
        read = (PROTOCOL.addresses[name], selector(signature))
        parts = [data[4:68] for to, data in reader.calls if (to, data[:4]) == read]
        found[name] = [int.from_bytes(part[32:], "big") for part in parts]
        firsts = [int.from_bytes(part[:32], "big") for part in parts]
        assert firsts == [1 + sum(found[name][:place]) for place in range(len(parts))]
    assert found["Ledger"] == expected
    assert sum(found["Vault"]) == accounts
