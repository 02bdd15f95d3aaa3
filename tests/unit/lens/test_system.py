# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.evm import reverts
from tests.protocol import BUY, NANO, SELL, WAD, World


def test_the_words_of_a_block(world: World) -> None:
    long, short = world.account("trader", cash=10_000), world.account("maker", cash=10_000)
    world.deposit("trader", long, 1, 5)
    world.trade(long, short, 1, 2_000, 1)
    trader = world.env.address("trader")
    world.deposit("trader", long, 2, 10**8)
    world.vault.withdraw(long, 0, 10_100 * 10**6, trader, sender=trader)
    for price, size in ((1_990, 0.5), (1_990, 0.25), (1_980, 1)):
        world.place("maker", short, 1, BUY, price, size)
    world.place("maker", short, 1, SELL, 2_010, 2)
    world.token(1).mint(world.vault.address, 9)
    world.advance(600, ETH=1_950, BTC=30_000)
    world.ledger.settle(long)
    books = world.vault.reconcile()
    assert books.net_settled < 0 < books.total_borrow
    words = world.lens.system([1, 2], 2, 8)
    assert words[:16] == [
        world.env.timestamp,
        2,
        books.assets,
        books.claims,
        books.deficit,
        books.net_settled % 2**256,
        books.fees,
        books.interest_reserve % 2**256,
        books.total_supply,
        books.total_borrow,
        *world.vault.interest_indexes(),
        world.cash.balanceOf(world.vault.address),
        world.fund.totalAssets(),
        world.liquidator.total_insolvent(),
        WAD,
    ]
    assert words[16:20] == [5, 14, 10**8, 10**8]
    funding = world.instruments.funding(1)
    assert words[20:] == [
        world.oracle.word(1),
        world.instruments.words([1])[0],
        funding.rate,
        funding.index,
        NANO,
        2,
        (199_000 << 64) | 750,
        (198_000 << 64) | 1_000,
        1,
        (201_000 << 64) | 2_000,
        world.oracle.word(2),
        world.instruments.words([2])[0],
        0,
        0,
        0,
        0,
        0,
    ]


def test_levels_limit_the_depth(world: World) -> None:
    account = world.account("maker", cash=10_000)
    for price in (1_990, 1_980, 1_970):
        world.place("maker", account, 1, BUY, price, 1)
    assert world.lens.system([1], 0, 2)[21:] == [2, (199_000 << 64) | 1_000, (198_000 << 64) | 1_000, 0]
    assert world.lens.system([1], 0, 0)[21:] == [0, 0]
    assert len(world.lens.system([], 0, 0)) == 16


def test_unknown_markets_and_assets(world: World) -> None:
    with reverts("instruments: unknown market"):
        world.lens.system([3], 0, 1)
    with reverts():
        world.lens.system([1], 3, 1)
