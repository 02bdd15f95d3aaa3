# SPDX-License-Identifier: Apache-2.0
"""An isolated account's loss ends with what it holds (invariant 14), whatever else its owner has."""

from __future__ import annotations

from tests.protocol import BUY, CROSS, ISOLATED, SELL, WAD, World


def test_a_ruined_silo_takes_nothing_from_the_owner_s_other_accounts(world: World) -> None:
    rich = world.account("trader", cash=50_000, engine=CROSS)
    world.deposit("trader", rich, 2, 10**8)
    silo = world.account("trader", cash=1_100, engine=ISOLATED)
    maker = world.account("maker", cash=100_000)
    world.trade(silo, maker, 1, 2_000, 5)
    world.trade(rich, maker, 1, 2_000, 1)
    position = world.ledger.position(rich, 1)
    cash = world.vault.cash(rich)
    world.advance(60, ETH=1_500, BTC=30_000)
    assert world.ledger.assess(silo)[0].equity < -1_300 * WAD
    world.liquidator.start(silo)
    world.liquidator.mark_deleverage(silo)
    world.liquidator.deleverage(silo, 1, [maker])
    assert world.ledger.position(rich, 1) == position
    assert (world.vault.cash(rich), world.vault.collateral(rich, 2)) == (cash, 10**8)
    assert world.vault.cash(silo) >= 0 == world.ledger.listed(silo)
    assert not world.ledger.in_liquidation(rich)
    world.check()


def test_one_market_at_a_time_orders_included(world: World) -> None:
    silo, maker = world.account("trader", cash=10_000, engine=ISOLATED), world.account("maker", cash=50_000)
    world.trade(silo, maker, 2, 30_000, 0.1)
    with world.refuses("ledger: market not permitted"):
        world.place("trader", silo, 1, BUY, 1_900, 1)
    world.trade(maker, silo, 2, 30_000, 0.1)
    order, _ = world.place("trader", silo, 1, BUY, 1_900, 1)
    with world.refuses("ledger: market not permitted"):
        world.place("trader", silo, 2, SELL, 31_000, 0.1)
    world.exchange.cancel(order, sender=world.env.address("trader"))
    world.place("trader", silo, 2, SELL, 31_000, 0.1)
    assert world.ledger.markets_of(silo) == [2]


def test_margins_of_two_silos_are_those_of_one_cross_account(world: World) -> None:
    """Splitting an account over engines lowers no requirement (invariant 13)."""
    silos = [world.account("trader", cash=10_000, engine=ISOLATED) for _ in range(2)]
    cross, maker = world.account("trader", cash=20_000), world.account("maker", cash=100_000)
    for market, (price, size) in enumerate(((2_000, 3), (30_000, 0.2)), 1):
        world.trade(silos[market - 1], maker, market, price, size)
        world.trade(cross, maker, market, price, size)
    apart = [world.ledger.assess(account)[0] for account in silos]
    together = world.ledger.assess(cross)[0]
    assert sum(margin.initial_margin for margin in apart) == together.initial_margin
    assert sum(margin.maintenance_margin for margin in apart) == together.maintenance_margin
