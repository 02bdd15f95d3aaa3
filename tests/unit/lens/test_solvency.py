# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from simulation.domain.stress import LADDER
from tests.protocol import WAD, World

NEVER = 2**256 - 1


def test_a_healthy_system(world: World) -> None:
    world.account("trader", cash=1_000)
    depositor = world.env.address("depositor")
    world.cash.mint(depositor, 50 * 10**6)
    world.cash.approve(world.fund.address, 50 * 10**6, sender=depositor)
    world.fund.deposit(50 * 10**6, depositor, sender=depositor)
    state = world.lens.solvency()
    assert tuple(state)[:8] == (1_000 * WAD, 1_000 * WAD, 0, WAD, 50 * 10**6, 0, 0, 1)
    assert [(row.shock, row.deficit) for row in state.stressed.rows] == [(shock, 0) for shock in LADDER]
    assert (state.depletion_down, state.depletion_up) == (NEVER, NEVER)


def test_tokens_that_nobody_deposited_are_surplus(world: World) -> None:
    world.account("trader", cash=1_000)
    world.cash.mint(world.vault.address, 7)
    assert world.lens.solvency().token_surplus == 7
    assert world.lens.solvency().assets == 1_000 * WAD


def test_an_insolvent_auction_and_the_deficit_it_ends_in(world: World) -> None:
    """A loan against BTC that fell below it: sold to a keeper, the rest written off, everyone shares it."""
    world.account("maker", cash=50_000)
    keeper = world.account("keeper", cash=50_000)
    account = world.account("trader")
    world.deposit("trader", account, 2, 10**8)
    trader = world.env.address("trader")
    world.vault.withdraw(account, 0, 23_900 * 10**6, trader, sender=trader)
    world.advance(60, ETH=2_000, BTC=23_000)
    world.liquidator.start(account)
    margin = world.ledger.assess(account)[0]
    assert world.lens.solvency().insolvent == margin.maintenance_margin - margin.equity
    assert margin.equity < -900 * WAD
    world.liquidator.mark_deleverage(account)
    world.liquidator.bid(account, keeper, WAD, 2**200, sender=world.env.address("keeper"))
    socialised = world.liquidator.write_off(account).value
    state = world.lens.solvency()
    assert (state.deficit, state.insolvent) == (socialised, 0)
    assert socialised >= -margin.equity
    assert state.claims == state.assets + socialised
    assert state.exchange_rate == state.assets * WAD // (state.assets + socialised)
    world.check()
