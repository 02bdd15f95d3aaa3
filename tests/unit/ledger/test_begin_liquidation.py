# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.protocol import NANO, WAD, World
from tests.unit.ledger.test_fill_taker import PRICE, rest


def test_the_account_is_shut_and_nothing_else_changes(desk: World) -> None:
    account, other = desk.account("trader", cash=1_000), desk.account("maker", cash=10_000)
    desk.match(account, other, 1, PRICE, NANO)
    desk.match(account, other, 2, 30_000 * NANO, -NANO // 100)
    desk.advance(60, ETH=1_950, BTC=29_000)
    equity = desk.ledger.assess(account)[0].equity
    receipt = desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    assert desk.ledger.in_liquidation(account)
    assert [desk.ledger.position(account, m).entry_price for m in (1, 2)] == [PRICE, 30_000 * NANO]
    assert desk.vault.cash(account) == 1_000 * WAD
    assert desk.ledger.assess(account)[0].equity == equity == 960 * WAD
    assert receipt.named("LiquidationSet") == [{"account": account, "in_liquidation": True}]
    assert receipt.named("PositionModified") == receipt.named("CashMoved") == []
    desk.check()


def test_deposits_remain_possible(desk: World) -> None:
    account = desk.account("trader", cash=1_000)
    desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    desk.deposit("trader", account, 0, 1)
    desk.deposit("trader", account, 1, 1)
    assert desk.vault.collateral(account, 1) == 1


def test_prices_are_the_liquidators_matter(desk: World) -> None:
    account, other = desk.account("trader", cash=1_000), desk.account("maker", cash=10_000)
    desk.match(account, other, 1, PRICE, NANO)
    rest(desk, account, NANO // 10)
    desk.env.advance(3_601)
    desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))


def test_once(desk: World) -> None:
    account = desk.account("trader", cash=1_000)
    desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    with desk.refuses("ledger: account in liquidation"):
        desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))


def test_only_the_liquidator(desk: World) -> None:
    account = desk.account("trader", cash=1_000)
    for role in ("trader", "owner", "guardian", "attacker"):
        with desk.refuses("ledger: not the liquidator"):
            desk.ledger.begin_liquidation(account, sender=desk.env.address(role))
