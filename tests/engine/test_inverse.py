# SPDX-License-Identifier: Apache-2.0
"""Inverse positions in the engine: (N, c) read, rebuilt from events, reconciled with the pool, and valued."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.domain.deleverage_math import unrealised_inverse
from simulation.engine import MarketTerms, Mirror
from simulation.engine.margin import margins
from simulation.engine.reader import RawWorld, WorldReader
from simulation.engine.reconciliation import reconcile
from simulation.errors import ReconciliationError
from simulation.messages import EventColumns
from tests.engine.books import (
    ADDRESSES,
    PROTOCOL,
    VAULT,
    Account,
    Chain,
    Position,
    events,
    owner,
)

NANO, WAD = 10**9, 10**18
TERMS = MarketTerms("ETH-USD", 1, 10_000_000, NANO, 0.1, 0.05, number=128, settled_in=1)
INVERSE = replace(PROTOCOL, markets=(PROTOCOL.markets[0], TERMS))
COIN = 5 * NANO // 2
"""What the losers of the market have paid in."""


def chain() -> Chain:
    """The pool; a long of 5,000 contracts at 2,000; a short that has paid in; a loser without contracts."""
    nothing = Position()
    return Chain(
        accounts=[
            Account(weth=COIN * NANO),
            Account(cash=WAD, positions=[nothing, Position(5_000 * NANO, COIN, -7)]),
            Account(cash=-WAD, weth=3, positions=[nothing, Position(-5_000 * NANO, COIN, -7)]),
            Account(positions=[nothing, Position(0, -COIN)]),
        ],
        pools={1: COIN},
        # Funding has been paid between the two, and sums to nothing: cash is backed in full.
        backing=0,
    )


def modified(account: int, size: int, coin: int, cash: int, funding: int = -7) -> dict[str, int]:
    return {
        "account": account,
        "market": 128,
        "size": size,
        "entry_price": coin % 2**80,
        "funding_index": funding,
        "cash": cash,
    }


def settled(coin: int, pool: int) -> EventColumns:
    row = {"account": 3, "market": 128, "coin": coin, "units": abs(coin) * NANO, "pool": pool}
    return events("CoinPool", "CoinSettled", [row], 4)


def mirror(pool: int = COIN, coin: int = COIN) -> Mirror:
    found = Mirror([1, 128], ["CashToken", "Token:WETH"])
    owners = [ADDRESSES["CoinPool"], *map(owner, (2, 3, 4))]
    rows = [
        {"account": number, "owner": who, "engine": VAULT, "subaccount": 0}
        for number, who in enumerate(owners, 1)
    ]
    moved = [
        {"account": 3, "asset": 1, "amount": -1, "balance": 3},
        {"account": 1, "asset": 1, "amount": 1, "balance": COIN * NANO},
    ]
    positions = [
        modified(2, 5_000 * NANO, COIN, WAD),
        modified(3, -5_000 * NANO, coin, -WAD),
        modified(4, 0, -COIN, 0, 0),
    ]
    paid_in = {"sender": bytes(20), "receiver": VAULT, "value": COIN * NANO + 3}
    found.apply(
        [
            events("Vault", "AccountCreated", rows),
            events("Ledger", "PositionModified", positions, 1),
            settled(-COIN, pool),
            events("Vault", "CollateralMoved", moved, 5),
            events("Token:WETH", "Transfer", [paid_in]),
        ],
        1_000,
    )
    return found


def read(world: Chain, reader: WorldReader | None = None) -> RawWorld:
    return (reader or WorldReader(INVERSE, 4)).decode(world.answers())


def test_books_that_agree_pass() -> None:
    reader, books = WorldReader(INVERSE, 4), mirror()
    raw = read(chain(), reader)
    assert raw.entry[:, 1].ints() == [0, COIN, COIN, -COIN] == books.entry[:, 1].ints()
    assert raw.markets[1].pool == COIN == books.coin_sum[1]
    assert (books.net_settled, books.size_sum) == (0, [0, 0])
    for block in (1, 2):
        reconcile(block, books, raw, INVERSE)
        raw = read(chain(), reader)


def test_an_entry_of_a_linear_market_keeps_its_top_bit() -> None:
    world = chain()
    world.accounts[1].positions[0] = Position(1, 2**79 + 5, 0)
    assert read(world).entry.item((1, 0)) == 2**79 + 5


def _coin(world: Chain) -> None:
    world.accounts[1].positions[1].entry += 1


def _left(world: Chain) -> None:
    world.accounts[3].positions[1].entry += 1


def _pool(world: Chain) -> None:
    world.pools[1] -= 1


def _collateral(world: Chain) -> None:
    world.accounts[0].weth -= 1


@pytest.mark.parametrize(
    ("spoil", "books", "expected"),
    [
        (_coin, mirror(), r"account 2: coin balance \(nano coin\) in market 128 \(ETH-USD\)"),
        (_left, mirror(), r"account 4: coin balance .*: expected -2500000000, found -2499999999"),
        (_pool, mirror(), r"market 128 \(ETH-USD\): sum of coin balances .*: expected 2499999999, found 25"),
        (_pool, mirror(coin=COIN - 1), "account 3: coin balance"),
        (lambda world: None, mirror(pool=COIN + 1), r"market 128 \(ETH-USD\): coin in the pool"),
        (_collateral, mirror(), r"account 1: collateral WETH"),
    ],
)
def test_every_difference_is_found(spoil: Callable[[Chain], None], books: Mirror, expected: str) -> None:
    world = chain()
    spoil(world)
    with pytest.raises(ReconciliationError, match=expected):
        reconcile(3, books, read(world), INVERSE)


def test_a_pool_that_owes_more_than_it_holds_is_found() -> None:
    """Chain and events agree that a unit of the pool's collateral went to a stranger."""
    world, books = chain(), mirror()
    world.accounts[0].weth -= 1
    world.accounts[2].weth += 1
    moved = [
        {"account": 3, "asset": 1, "amount": 1, "balance": 4},
        {"account": 1, "asset": 1, "amount": -1, "balance": COIN * NANO - 1},
    ]
    books.apply([events("Vault", "CollateralMoved", moved)], 1_000)
    with pytest.raises(ReconciliationError, match=r"WETH missing in the pool .*expected 0, found 1"):
        reconcile(3, books, read(world), INVERSE)


def test_coin_that_an_event_invents_is_found() -> None:
    """A settlement whose position event and word agree, but that the pool knows nothing of."""
    world, books = chain(), mirror()
    world.accounts[2].positions[1].entry -= 9
    books.apply([events("Ledger", "PositionModified", [modified(3, -5_000 * NANO, COIN - 9, -WAD)])], 1_000)
    with pytest.raises(ReconciliationError, match="sum of coin balances"):
        reconcile(3, books, read(world), INVERSE)


@given(
    size=st.integers(-(10**16), 10**16),
    coin=st.integers(-(10**13), 10**13),
    mark=st.integers(10**9, 10**14),
    funding=st.integers(-(10**9), 10**9),
)
def test_values_are_those_of_the_ledger(size: int, coin: int, mark: int, funding: int) -> None:
    exact = unrealised_inverse(size, coin, mark, funding)

    def matrix(number: int) -> np.ndarray:
        return np.array([[0.0, number / NANO]])

    nothing = np.zeros((1, 2))
    found = margins(
        np.array([5.0]),
        matrix(size),
        matrix(coin),
        nothing,
        nothing,
        nothing,
        np.array([[0.0]]),
        np.array([3.0, mark / NANO]),
        np.array([0.0, funding / NANO]),
        INVERSE.markets,
        np.array([0.2]),
        np.array([0.1]),
    )
    scale = (abs(coin) * mark + abs(size) * (NANO + abs(funding))) / WAD
    close = {"rel": 1e-9, "abs": 1e-12 * scale + 1e-12}
    assert found.unrealised[0].tolist() == [0.0, pytest.approx(exact / WAD, **close)]
    assert found.equity[0] == pytest.approx(5.0 + exact / WAD, **close)
    assert found.delta[0].tolist() == [0.0, pytest.approx(coin / NANO)]
    assert found.notional[0] == pytest.approx(abs(size) / NANO)
