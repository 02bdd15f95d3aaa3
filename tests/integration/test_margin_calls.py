# SPDX-License-Identifier: Apache-2.0
"""A margin call from notice to its end under every margin system, on deployed contracts.

A trader is long 10 ETH, bought at 2,000 USD, with a bid for one more that rests far below, and keeps little
more than initial margin. The price then falls, five dollars at a time.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from simulation.config.scenario import ENGINES, LiquidationSpec
from tests.evm import reverts
from tests.integration.test_every_engine import everything
from tests.protocol import BUY, WAD, World

GRACE, WINDOW = 900, 3_600
QUIET, NOTICE, HALF_TIME, ESCALATED = 1, 2, 4, 8
ETH, BUFFER = 1, 15


class Called(World):
    """Everybody's margin system in one protocol; grace of 15 minutes, window of an hour."""

    def __init__(self) -> None:
        super().__init__(replace(everything(), liquidation=LiquidationSpec(grace=GRACE, window=WINDOW)))
        self.at(2_000)
        self.maker = self.account("maker", cash=10**6)
        self.bidder = self.account("keeper", cash=10**6)
        desk, lender = self.contracts["CreditDesk"], self.env.address("lender")
        self.cash.mint(lender, 10**10)
        self.cash.approve(desk.address, 2**256 - 1, sender=lender)
        desk.deposit(1, 10**10, lender, sender=lender)
        desk.set_underwriter(self.env.address("underwriter"))

    def at(self, price: float, seconds: int = 1) -> None:
        self.advance(seconds, ETH=price, BTC=30_000)

    def margin(self, account: int) -> Any:
        assessment, valid = self.ledger.assess(account)
        assert valid
        return assessment

    def stage(self, account: int) -> int:
        return int(self.liquidator.margin_call(account).stage)

    def pressed(self, engine: str) -> tuple[int, float]:
        """The trader's account, once it is below initial margin, and the price that made it so."""
        account = self.account("trader", cash=20_000, engine=self.protocol.engines[engine])
        trader = self.env.address("trader")
        if engine == "credit":
            desk = self.contracts["CreditDesk"]
            self.vault.set_delegate(account, desk.address, True, sender=trader)
            term = self.env.timestamp + 10**6
            desk.grant(account, 200 * 10**6, term, sender=self.env.address("underwriter"))
        self.trade(account, self.maker, ETH, 2_000, 10)
        self.place("trader", account, ETH, BUY, 500, 1)
        now = self.margin(account)
        free = (now.equity - now.initial_margin) * 99 // 100 // 10**12
        self.vault.withdraw(account, 0, free, trader, sender=trader)
        return account, self.fall(account, 2_000, lambda now: now.equity < now.initial_margin)

    def fall(self, account: int, price: float, reached: Any) -> float:
        while not reached(self.margin(account)):
            price -= 5
            assert price > 1_500
            self.at(price)
        return price

    def below_buffer(self, account: int, price: float) -> float:
        """On to where the buffer is gone, which is above maintenance margin."""
        price = self.fall(
            account, price, lambda now: now.equity * 100 < now.maintenance_margin * (100 + BUFFER)
        )
        now = self.margin(account)
        assert now.maintenance_margin <= now.equity < now.initial_margin
        return price


@cache
def _called() -> tuple[Called, Any]:
    world = Called()
    return world, world.env.snapshot()


@pytest.fixture
def world() -> Called:
    deployed, snapshot = _called()
    deployed.env.revert(snapshot)
    return deployed


def test_every_margin_system_is_there(world: Called) -> None:
    assert set(world.protocol.engines) == set(ENGINES)


@pytest.mark.parametrize("engine", ENGINES)
def test_from_notice_over_escalation_to_an_early_auction(world: Called, engine: str) -> None:
    account, price = world.pressed(engine)
    before = world.margin(account)
    event = world.liquidator.call_margin(account, sender=world.env.address("keeper")).named("MarginCalled")[0]
    now = world.env.timestamp
    assert event == {
        "account": account,
        "stage": NOTICE,
        "deadline": now + GRACE,
        "lapses": now + GRACE + WINDOW,
        "equity": before.equity,
        "initial_margin": before.initial_margin,
        "maintenance_margin": before.maintenance_margin,
    }

    price = world.below_buffer(account, price)
    with reverts("liquidator: account is healthy"):
        world.liquidator.start(account)
    with reverts("liquidator: grace is not over"):
        world.liquidator.escalate(account)
    world.at(price, event["deadline"] - GRACE // 2 - world.env.timestamp)
    reminder = world.liquidator.call_margin(account).named("MarginCalled")[0]
    assert (reminder["stage"], reminder["deadline"]) == (HALF_TIME, event["deadline"])

    world.at(price, event["deadline"] - world.env.timestamp)
    now = world.margin(account)
    receipt = world.liquidator.escalate(account)
    assert receipt.named("MarginCallEscalated")[0]["equity"] == now.equity
    assert [removed["reason"] for removed in receipt.named("OrderRemoved")] == [6]
    assert world.exchange.orders_of(account) == []
    assert world.stage(account) == ESCALATED
    world.check()

    # A margin that follows volatility has come down in the meantime.
    price = world.below_buffer(account, price)
    now = world.margin(account)
    keeper = world.env.address("keeper")
    started = world.liquidator.start_for(account, world.bidder, sender=keeper).named("AuctionStarted")[0]
    assert (started["equity"], started["insolvent"]) == (now.equity, False)
    assert world.stage(account) == QUIET and world.ledger.in_liquidation(account)
    world.at(price, 600)
    taken, paid = world.liquidator.bid(account, world.bidder, WAD, 2**200, sender=keeper).value
    assert 0 < taken < WAD and paid > 0
    assert not world.ledger.in_liquidation(account)
    after = world.margin(account)
    assert after.equity >= after.maintenance_margin > 0
    world.check()


@pytest.mark.parametrize("engine", ENGINES)
def test_an_answer_ends_the_call(world: Called, engine: str) -> None:
    account, price = world.pressed(engine)
    world.liquidator.call_margin(account)
    price = world.below_buffer(account, price)
    with reverts("liquidator: margin not restored"):
        world.liquidator.cure(account)
    missing = world.margin(account).initial_margin - world.margin(account).equity
    world.deposit("trader", account, 0, missing // 10**12 + 1)
    cured = world.liquidator.cure(account).named("MarginCallCured")[0]
    assert cured["equity"] >= cured["initial_margin"]
    world.at(price, GRACE)
    assert world.stage(account) == QUIET
    with reverts("liquidator: no call in force"):
        world.liquidator.escalate(account)


@pytest.mark.parametrize("engine", ENGINES)
def test_no_grace_delays_what_is_below_maintenance_margin(world: Called, engine: str) -> None:
    account, price = world.pressed(engine)
    world.liquidator.call_margin(account)
    world.fall(account, price, lambda now: now.equity < now.maintenance_margin)
    assert world.stage(account) == NOTICE
    assert world.liquidator.start(account).named("AuctionStarted")
    assert world.stage(account) == QUIET


def test_cancelling_the_orders_may_be_all_that_it_takes(world: Called) -> None:
    """A large resting bid counts in initial margin, more as the price rises; the position alone meets it."""
    account = world.account("trader", cash=20_000)
    world.trade(account, world.maker, ETH, 2_000, 1)
    trader = world.env.address("trader")
    world.place("trader", account, ETH, BUY, 1_500, 50)
    now = world.margin(account)
    world.vault.withdraw(account, 0, (now.equity - now.initial_margin) // 10**12, trader, sender=trader)
    world.at(2_010)
    world.liquidator.call_margin(account)
    world.at(2_010, GRACE)
    receipt = world.liquidator.escalate(account)
    assert len(receipt.named("MarginCallEscalated")) == len(receipt.named("MarginCallCured")) == 1
    assert world.stage(account) == QUIET


def test_both_clocks_of_a_credit_account_run_on_the_same_condition(world: Called) -> None:
    """Use above the limit is equity below what the engine asks; the desk's grace is a day."""
    account, price = world.pressed("credit")
    price = world.below_buffer(account, price)
    desk = world.contracts["CreditDesk"]
    world.liquidator.call_margin(account)
    assert desk.review(account).value == NOTICE
    world.at(price, GRACE)
    world.liquidator.escalate(account)
    assert desk.line(account).stage == NOTICE and world.stage(account) == ESCALATED
    now = world.margin(account)
    world.deposit("trader", account, 0, (now.initial_margin - now.equity) // 10**12 + 10**6)
    world.liquidator.cure(account)
    assert desk.review(account).value == QUIET
