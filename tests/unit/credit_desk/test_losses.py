# SPDX-License-Identifier: Apache-2.0
"""Who bears the loss of an account with a line, in which order; and that no desk can stop a liquidation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.credit import CREDIT, DEFAULTED, JUNIOR, SENIOR, UNIT, CreditWorld, fresh_credit_world
from tests.evm import Receipt, reverts
from tests.protocol import WAD, World

ANY_PRICE = 2**200
SHARE = 10**12


def loss(world: CreditWorld, line: float, price: float = 1_700) -> int:
    """An insolvent account: 1,500 of cash, long 12 ETH from 2,000; at 1,700 it owes 2,112 with the fee."""
    account = world.borrower("trader", 1_500, line)
    world.trade(account, world.maker, 1, 2_000, 12)
    world.keeper = world.account("keeper", cash=10**6)
    world.advance(60, ETH=price)
    world.liquidator.start(account)
    return account


def insure(world: CreditWorld, units: int) -> None:
    depositor = world.env.address("depositor")
    world.cash.mint(depositor, units)
    world.cash.approve(world.fund.address, units, sender=depositor)
    world.fund.deposit(units, depositor, sender=depositor)


def take(world: CreditWorld, account: int, fraction: int = WAD) -> Receipt:
    keeper = world.env.address("keeper")
    return world.liquidator.bid(account, world.keeper, fraction, ANY_PRICE, sender=keeper)  # type: ignore[no-any-return]


def owed(world: CreditWorld, account: int) -> int:
    """The account's deficit in token units, up."""
    return -(int(world.ledger.assess(account)[0].equity) // 10**12)


def assets(world: CreditWorld) -> tuple[int, int]:
    return world.desk.tranche_assets(JUNIOR), world.desk.tranche_assets(SENIOR)


def test_the_desk_pays_before_the_fund(world: CreditWorld) -> None:
    insure(world, 5_000 * UNIT)
    account = loss(world, line=3_000)
    deficit = owed(world, account)
    receipt = take(world, account)
    assert receipt.named("CreditDrawn") == [{"account": account, "amount": deficit}]
    assert receipt.named("InsuranceDrawn") == []
    assert receipt.named("LossBorne") == [
        {"account": account, "junior": deficit, "senior": 0, "committed": 3_000 * UNIT - deficit}
    ]
    assert [event["stage"] for event in receipt.named("LineCalled")] == [DEFAULTED]
    assert assets(world) == (5_000 * UNIT - deficit, 10_000 * UNIT)
    assert world.fund.totalAssets() == 5_000 * UNIT
    world.check()
    # Nothing left of the account: what is left of the line is free again.
    assert world.desk.redeemable(SENIOR) == 0
    assert world.desk.review(account).named("LineClosed") == [{"account": account}]
    assert world.desk.redeemable(SENIOR) == 10_000 * UNIT
    world.check()


def test_beyond_the_line_the_fund_pays(world: CreditWorld) -> None:
    insure(world, 5_000 * UNIT)
    account = loss(world, line=1_000)
    deficit = owed(world, account)
    receipt = take(world, account)
    assert receipt.named("CreditDrawn") == [{"account": account, "amount": 1_000 * UNIT}]
    assert receipt.named("InsuranceDrawn")[0]["amount"] == deficit - 1_000 * UNIT
    assert receipt.named("LineClosed") == [{"account": account}]
    assert assets(world) == (4_000 * UNIT, 10_000 * UNIT)
    assert (world.desk.total_committed(), world.desk.open_calls()) == (0, 0)
    world.check()


def test_junior_first_then_senior_alike() -> None:
    world = fresh_credit_world()
    world.desk.set_parameters(tuple(world.desk.parameters()._replace(subordination=1_000)))
    world.lend("junior", JUNIOR, 500 * UNIT)
    world.lend("senior", SENIOR, 3_000 * UNIT)
    world.lend("third", SENIOR, 1_000 * UNIT)
    world.maker = world.account("maker", cash=10**6)
    account = loss(world, line=3_000)
    deficit = owed(world, account)
    receipt = take(world, account)
    assert receipt.named("LossBorne")[0]["junior"] == 500 * UNIT
    assert receipt.named("LossBorne")[0]["senior"] == deficit - 500 * UNIT
    assert receipt.named("TrancheWiped") == [{"tranche": JUNIOR, "series": 1}]
    left = 4_000 * UNIT - (deficit - 500 * UNIT)
    assert assets(world) == (0, left)
    for role, part in (("senior", 3), ("third", 1)):
        worth = world.desk.convert_to_assets(SENIOR, world.desk.shares_of(SENIOR, world.env.address(role)))
        assert left * part // 4 - 1 <= worth <= left * part // 4
    # The old junior shares are void, and whoever lends next shares with nobody.
    assert world.desk.shares_of(JUNIOR, world.env.address("junior")) == 0
    world.lend("third", JUNIOR, 700 * UNIT)
    third = world.env.address("third")
    assert world.desk.convert_to_assets(JUNIOR, world.desk.shares_of(JUNIOR, third)) == 700 * UNIT
    world.check()


def test_slices_draw_their_part(world: CreditWorld) -> None:
    account = loss(world, line=3_000)
    deficit = owed(world, account)
    receipt = take(world, account, WAD // 4)
    assert receipt.named("CreditDrawn")[0]["amount"] == -(-deficit // 4)
    take(world, account)
    assert abs(assets(world)[0] - (5_000 * UNIT - deficit)) <= 1
    world.check()


def test_with_both_empty_it_is_deleveraged(world: CreditWorld) -> None:
    """The line's last tokens pay for the deficit first, then counterparties forgo."""
    account = loss(world, line=1_000)
    with reverts("liquidator: fund is empty"):
        take(world, account)
    receipt = world.liquidator.mark_deleverage(account)
    assert receipt.named("CreditDrawn") == [{"account": account, "amount": 1_000 * UNIT}]
    assert receipt.named("BadDebtRealised")[0]["amount"] == 1_000 * WAD
    receipt = world.liquidator.deleverage(account, 1, [world.maker])
    assert len(receipt.named("Deleveraged")) == 1
    world.check()


def test_an_account_is_not_deleveraged_while_its_line_can_pay(world: CreditWorld) -> None:
    account = loss(world, line=3_000)
    with reverts("liquidator: fund can still pay"):
        world.liquidator.mark_deleverage(account)


def test_a_write_off_asks_the_line_first(world: CreditWorld) -> None:
    """A loan against collateral that has fallen: after the collateral is sold only the loan is left."""
    account = world.borrower("trader", line=5_000)
    world.deposit("trader", account, 1, 10 * WAD)
    trader = world.env.address("trader")
    world.vault.withdraw(account, 0, 15_900 * UNIT, trader, sender=trader)
    world.keeper = world.account("keeper", cash=10**6)
    world.advance(60, ETH=1_400)
    world.liquidator.start(account)
    world.advance(3_600, ETH=1_400, BTC=30_000)
    before = assets(world)
    receipt = world.liquidator.mark_deleverage(account)
    drawn = receipt.named("CreditDrawn")[0]["amount"]
    assert 1_900 * UNIT <= drawn < 1_901 * UNIT
    world.advance(60, ETH=1_390)
    take(world, account)
    receipt = world.liquidator.write_off(account)
    drawn += receipt.named("CreditDrawn")[0]["amount"]
    assert receipt.named("CreditDrawn")[0]["amount"] >= 100 * UNIT
    assert receipt.named("BadDebtRealised")[0]["socialised"] == 0
    assert sum(before) - sum(assets(world)) == drawn
    assert world.vault.reconcile().deficit == 0
    world.check()


def test_accounts_without_a_line_cost_lenders_nothing(world: CreditWorld) -> None:
    insure(world, 5_000 * UNIT)
    other = world.account("trader", cash=2_500)
    world.trade(other, world.maker, 1, 2_000, 12)
    world.keeper = world.account("keeper", cash=10**6)
    world.advance(60, ETH=1_700)
    world.liquidator.start(other)
    receipt = take(world, other)
    assert receipt.named("CreditDrawn") == [] and len(receipt.named("InsuranceDrawn")) == 1
    assert assets(world) == (5_000 * UNIT, 10_000 * UNIT)


def test_only_the_liquidator_draws(world: CreditWorld) -> None:
    account = world.borrower("trader", 100, 100)
    for role in ("owner", "underwriter", "guardian", "trader", "senior"):
        with reverts("credit_desk: caller is not liquidator"):
            world.desk.draw(account, 1, sender=world.env.address(role))


# -- a desk that fails


@pytest.mark.parametrize("manner", [0, 1, 2, 3])
def test_no_desk_stops_a_liquidation(manner: int) -> None:
    """Silent, reverting, burning gas, or paying nothing: the fund pays as if there were no desk."""
    world = CreditWorld(artifacts={"CreditDesk": "MockDesk"})
    world.prices(ETH=2_000, BTC=30_000)
    world.desk.behave(manner, 0)
    world.maker = world.account("maker", cash=10**6)
    insure(world, 5_000 * UNIT)
    account = world.account("trader", cash=2_500, engine=CREDIT)
    world.trade(account, world.maker, 1, 2_000, 12)
    world.keeper = world.account("keeper", cash=10**6)
    world.advance(60, ETH=1_700)
    world.liquidator.start(account)
    deficit = owed(world, account)
    receipt = take(world, account)
    assert receipt.named("CreditDrawn") == []
    assert receipt.named("InsuranceDrawn")[0]["amount"] == deficit
    World.check(world)


def test_a_desk_that_claims_the_world_is_bounded() -> None:
    world = CreditWorld(artifacts={"CreditDesk": "MockDesk"})
    world.prices(ETH=2_000, BTC=30_000)
    world.desk.behave(3, 2**256 - 1)
    account = world.account("trader", cash=2_500, engine=CREDIT)
    line: Any = world.credit.line(account)
    assert (line.asset, line.value, line.initial_haircut) == (9, 2**128 - 1, 10_000)
    world.maker = world.account("maker", cash=10**6)
    world.trade(account, world.maker, 1, 2_000, 12)
    world.keeper = world.account("keeper", cash=10**6)
    world.advance(60, ETH=1_700)
    world.liquidator.start(account)
    with reverts("liquidator: fund can still pay"):
        world.liquidator.mark_deleverage(account)
    with reverts("vault: cover not delivered"):
        take(world, account)
