# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.evm import reverts
from tests.protocol import WAD, World


def test_each_account_as_the_ledger_judges_it(world: World) -> None:
    long, short = world.account("trader", cash=1_000), world.account("maker", cash=2_000)
    world.trade(long, short, 1, 2_000, 1)
    world.deposit("trader", long, 2, 10**8)
    world.advance(60, ETH=1_900, BTC=30_000)
    rows = world.lens.accounts(1, 2)
    assert [row.account for row in rows] == [long, short]
    for row in rows:
        margin, valid = world.ledger.assess(row.account)
        assert tuple(row) == (
            row.account,
            world.vault.account(row.account).owner,
            margin.equity,
            margin.initial_margin,
            margin.maintenance_margin,
            world.vault.cash(row.account),
            valid,
            False,
        )
    assert rows[0].equity == world.vault.cash(long) - 100 * WAD + 30_000 * WAD


def test_liquidation_and_stale_prices_show(world: World) -> None:
    long, short = world.account("trader", cash=210), world.account("maker", cash=2_000)
    world.trade(long, short, 1, 2_000, 1)
    world.advance(60, ETH=1_850)
    world.liquidator.start(long, sender=world.env.address("keeper"))
    assert [row.in_liquidation for row in world.lens.accounts(1, 2)] == [True, False]
    assert [row.valid for row in world.lens.accounts(1, 2)] == [True, True]
    world.env.advance(3_601)
    assert [row.valid for row in world.lens.accounts(1, 2)] == [False, False]


def test_it_stops_at_the_newest_account(world: World) -> None:
    for role in ("trader", "maker", "keeper"):
        world.account(role)
    assert [row.account for row in world.lens.accounts(2, 1_024)] == [2, 3]
    assert world.lens.accounts(4, 10) == []
    assert world.lens.accounts(1, 0) == []


def test_beyond_the_bound_it_reverts(world: World) -> None:
    world.account("trader")
    with reverts():
        world.lens.accounts(1, 1_025)
    with reverts():
        world.lens.accounts(0, 1)
