# SPDX-License-Identifier: Apache-2.0
"""An account changes engine only after a delay, if it passes initial margin under the new one."""

from __future__ import annotations

import pytest

from tests.credit import CREDIT, DAY, CreditWorld, fresh_credit_world
from tests.evm import reverts
from tests.protocol import CROSS, ISOLATED, SELL, WAD

HOUR = 3_600


@pytest.fixture
def world() -> CreditWorld:
    world = fresh_credit_world()
    world.maker = world.account("maker", cash=10**7)
    world.trader = world.env.address("trader")
    return world


def request(world: CreditWorld, account: int, engine: int, wait: int = HOUR) -> None:
    world.switch.request(account, engine, sender=world.trader)
    world.advance(wait, ETH=2_000, BTC=30_000)


def test_a_change(world: CreditWorld) -> None:
    account = world.account("trader", cash=5_000)
    world.trade(account, world.maker, 1, 2_000, 1)
    receipt = world.switch.request(account, ISOLATED, sender=world.trader)
    due = world.env.timestamp + HOUR
    assert receipt.named("EngineRequested") == [{"account": account, "engine_id": ISOLATED, "due": due}]
    assert tuple(world.switch.pending(account)) == (ISOLATED, due)
    world.advance(HOUR - 1, ETH=2_000, BTC=30_000)
    with world.refuses("engine_switch: no change is due"):
        world.switch.change(account, sender=world.trader)
    world.env.advance(1)
    before = world.vault.account(account)
    receipt = world.switch.change(account, sender=world.trader)
    assert receipt.gas_used <= 130_000
    assert receipt.named("EngineChanged") == [{"account": account, "engine_id": ISOLATED}]
    after = world.vault.account(account)
    assert (after.engine_id, after.engine) == (ISOLATED, world.contracts["IsolatedMargin"].address)
    assert (after.owner, after.subaccount, after.cash) == (before.owner, before.subaccount, before.cash)
    with world.refuses("engine_switch: no change is due"):
        world.switch.change(account, sender=world.trader)
    world.check()


def test_only_the_owner_asks_and_changes(world: CreditWorld) -> None:
    account = world.account("trader", cash=5_000)
    delegate = world.env.address("delegate")
    world.vault.set_delegate(account, delegate, True, sender=world.trader)
    for role in ("delegate", "owner", "guardian"):
        with reverts("engine_switch: caller is not the owner"):
            world.switch.request(account, ISOLATED, sender=world.env.address(role))
    request(world, account, ISOLATED)
    with reverts("engine_switch: caller is not the owner"):
        world.switch.change(account, sender=delegate)
    with reverts("vault: caller is not switch"):
        world.vault.set_engine(account, ISOLATED, sender=world.trader)
    for engine in (0, 4, 255):
        with reverts("engine_switch: no such engine"):
            world.switch.request(account, engine, sender=world.trader)


def test_every_market_must_be_permitted(world: CreditWorld) -> None:
    account = world.account("trader", cash=50_000)
    world.trade(account, world.maker, 1, 2_000, 1)
    world.place("trader", account, 2, SELL, 31_000, 0.01)
    request(world, account, ISOLATED)
    with world.refuses("engine_switch: market not permitted"):
        world.switch.change(account, sender=world.trader)
    world.exchange.cancel_all(account, sender=world.trader)
    world.switch.change(account, sender=world.trader)


def test_initial_margin_decides(world: CreditWorld) -> None:
    """From credit to cross: what the line stood for must be there in equity."""
    world.lend("junior", 1, 5_000 * 10**6)
    account = world.borrower("trader", cash=1_500, line=1_000)
    world.trade(account, world.maker, 1, 2_000, 12)
    request(world, account, CROSS)
    with world.refuses("vault: below initial margin"):
        world.switch.change(account, sender=world.trader)
    world.deposit("trader", account, 0, 912 * 10**6)
    world.switch.change(account, sender=world.trader)
    assert world.ledger.assess(account)[0].initial_margin == 2_400 * WAD
    request(world, account, CREDIT)
    world.switch.change(account, sender=world.trader)
    assert world.ledger.assess(account)[0].initial_margin == 1_400 * WAD


def test_prices_must_be_valid(world: CreditWorld) -> None:
    account = world.account("trader", cash=5_000)
    world.trade(account, world.maker, 1, 2_000, 1)
    world.switch.request(account, ISOLATED, sender=world.trader)
    world.env.advance(HOUR + 60)
    with world.refuses("ledger: stale price"):
        world.switch.change(account, sender=world.trader)


def test_not_in_liquidation(world: CreditWorld) -> None:
    account = world.account("trader", cash=2_500)
    world.trade(account, world.maker, 1, 2_000, 12)
    request(world, account, CREDIT)
    world.advance(60, ETH=1_850)
    world.liquidator.start(account)
    with world.refuses("vault: account in liquidation"):
        world.switch.change(account, sender=world.trader)


def test_an_old_request_is_void_and_a_new_one_starts_anew(world: CreditWorld) -> None:
    account = world.account("trader", cash=5_000)
    request(world, account, ISOLATED, wait=HOUR + 7 * DAY)
    with world.refuses("engine_switch: no change is due"):
        world.switch.change(account, sender=world.trader)
    request(world, account, ISOLATED, wait=HOUR - 1)
    world.switch.request(account, CREDIT, sender=world.trader)
    world.advance(1, ETH=2_000, BTC=30_000)
    with world.refuses("engine_switch: no change is due"):
        world.switch.change(account, sender=world.trader)


def test_the_delay_is_the_owners_and_bounded(world: CreditWorld) -> None:
    receipt = world.switch.set_delay(2 * HOUR)
    assert receipt.named("DelaySet") == [{"delay": 2 * HOUR}]
    assert world.switch.delay() == 2 * HOUR
    for delay in (599, 30 * DAY + 1):
        with reverts("engine_switch: delay out of bound"):
            world.switch.set_delay(delay)
    with reverts("ownable: caller is not the owner"):
        world.switch.set_delay(HOUR, sender=world.trader)


def test_with_lines_one_collateral_less(world: CreditWorld) -> None:
    """A stranger's deposits of every collateral must leave room for the line."""
    token = world.token(1).address
    for _ in range(5):
        world.vault.list_collateral(world.env.deploy("MockToken", "T", "T", 18), 1, 1_000, 2_000, 10**24)
    with reverts("vault: too many assets"):
        world.vault.list_collateral(token, 1, 1_000, 2_000, 10**24)
