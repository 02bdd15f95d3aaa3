# SPDX-License-Identifier: Apache-2.0
"""Stressed deficits worked out by hand."""

from __future__ import annotations

from typing import Any

from simulation.domain.stress import HIGHEST, LOWEST
from tests.credit import CreditWorld
from tests.evm import reverts
from tests.inverse import ETH_USD, fresh_inverse_world
from tests.protocol import WAD, World, default_protocol
from tests.unit.lens.test_solvency import NEVER


def deficits(world: World, *shocks: int) -> list[int]:
    """Wad, of all accounts."""
    return [row.deficit for row in world.lens.stressed(shocks, 1, 1_024).rows]


def levered(world: World) -> tuple[int, int]:
    """A long of 1 ETH at 2,000 with 202 USD, nearly ten times its equity, against one that cannot fail."""
    long, short = world.account("trader", cash=202), world.account("maker", cash=1_000_000)
    world.trade(long, short, 1, 2_000, 1)
    return long, short


def give_fund(world: World, usd: int) -> None:
    depositor = world.env.address("depositor")
    world.cash.mint(depositor, usd * 10**6)
    world.cash.approve(world.fund.address, usd * 10**6, sender=depositor)
    world.fund.deposit(usd * 10**6, depositor, sender=depositor)


def test_a_long_at_ten_times_owes_from_its_bankruptcy_price_on(world: World) -> None:
    long, _ = levered(world)
    equity = world.ledger.assess(long)[0].equity
    assert 200 * WAD <= equity < 202 * WAD
    # A bps of 2,000 USD is 20 cents.
    last = equity * 10_000 // (2_000 * WAD)
    assert deficits(world, -last, -last - 1) == [0, (last + 1) * 2_000 * WAD // 10_000 - equity]
    assert deficits(world, -5_000, 0, 5_000) == [1_000 * WAD - equity, 0, 0]
    (row,) = world.lens.stressed([-5_000], 1, 2).rows
    assert tuple(row) == (-5_000, 1_000 * WAD - equity, 0, 1)


def test_coin_falls_with_the_position_and_hedges_a_short(world: World) -> None:
    """0.1 BTC (3,000 USD) and a short of 0.1 BTC: nothing that BTC does changes the account."""
    account, other = world.account("trader", cash=50), world.account("maker", cash=100_000)
    world.deposit("trader", account, 2, 10**7)
    world.trade(other, account, 2, 30_000, 0.1)
    assert deficits(world, LOWEST, -5_000, 5_000) == [0, 0, 0]
    equity = world.ledger.assess(other)[0].equity
    assert deficits(world, HIGHEST) == [0] and equity > 0
    # The same coin without the position, borrowed against.
    borrower, trader = world.account("borrower"), world.env.address("borrower")
    world.deposit("borrower", borrower, 2, 10**8)
    world.vault.withdraw(borrower, 0, 20_000 * 10**6, trader, sender=trader)
    assert deficits(world, -3_333, -4_000) == [0, 2_000 * WAD]


def test_an_inverse_long_loses_its_coins_in_usd() -> None:
    """10,000 contracts bought at 2,000 USD are 5 coins: at half the price 5,000 USD less."""
    world = fresh_inverse_world()
    long, short = world.account("trader", cash=1_200), world.account("maker", cash=50_000)
    world.fill(long, short, ETH_USD, 2_000 * 10**9, 10_000 * 10**9)
    assert deficits(world, -1_200, -1_201, -5_000, 5_000) == [0, WAD, 3_800 * WAD, 0]


def test_the_part_that_a_credit_line_bears() -> None:
    world = CreditWorld()
    world.prices(ETH=2_000, BTC=30_000)
    world.lend("junior", 1, 5_000 * 10**6)
    world.lend("senior", 2, 5_000 * 10**6)
    account, maker = world.borrower("trader", cash=200, line=300), world.account("maker", cash=1_000_000)
    world.trade(account, maker, 1, 2_000, 1)
    rows = world.lens.stressed([-1_500, -5_000, 0], 1, 2).rows
    equity = world.ledger.assess(account)[0].equity
    assert [row.deficit for row in rows] == [300 * WAD - equity, 1_000 * WAD - equity, 0]
    assert [row.lines for row in rows] == [300 * WAD - equity, 300 * WAD, 0]


def test_the_shock_that_uses_the_fund_up(world: World) -> None:
    """Equity of 201 USD and 300 of the fund are gone at 25 %, between the shocks of 20 and 30 %."""
    long, _ = levered(world)
    give_fund(world, 300)
    equity = world.ledger.assess(long)[0].equity
    state = world.lens.solvency()
    assert state.depletion_up == NEVER
    assert abs(state.depletion_down - (equity + 300 * WAD) * 10_000 // (2_000 * WAD)) <= 1
    give_fund(world, 600)
    assert world.lens.solvency().depletion_down == NEVER


def test_a_fund_that_is_short_already_is_used_up_without_a_move(world: World) -> None:
    levered(world)
    world.advance(60, ETH=1_700, BTC=30_000)
    state = world.lens.solvency()
    assert (state.depletion_down, state.depletion_up) == (0, 0)
    assert state.stressed.rows[6].insolvent == 1


def test_pages_and_prices_that_do_not_hold(world: World) -> None:
    long, short = levered(world)
    assert world.lens.stressed([-5_000], 1, 1).accounts == 1
    assert world.lens.stressed([-5_000], 3, 10).accounts == 0
    assert world.lens.stressed([], 1, 10).rows == []
    assert deficits(world, -5_000)[0] == world.lens.stressed([-5_000], long, 1).rows[0].deficit
    assert world.lens.stressed([-5_000], short, 1).rows[0].deficit == 0
    assert world.lens.stressed([0], 1, 2).valid
    world.env.advance(default_protocol().oracle.heartbeat + 1)
    assert not world.lens.stressed([0], 1, 2).valid


def test_what_is_refused(world: World) -> None:
    for shock in (LOWEST - 1, HIGHEST + 1):
        with reverts("stress: shock out of range"):
            world.lens.stressed([shock], 1, 1)
        with reverts("stress: shock out of range"):
            world.lens.dated_changes([], [shock])
    with reverts("lens: not a dated market"):
        world.lens.dated_changes([1], [0])
    for args in (([0] * 17, 1, 1), ([0], 1, 1_025)):
        with reverts():
            call: Any = world.lens.stressed
            call(*args)
