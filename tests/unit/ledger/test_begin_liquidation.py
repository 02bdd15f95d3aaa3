# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.protocol import NANO, WAD, World
from tests.unit.ledger.test_fill_taker import PRICE, rest


def test_everything_is_settled_and_the_account_shut(desk: World) -> None:
    account, other = desk.account("trader", cash=1_000), desk.account("maker", cash=10_000)
    desk.match(account, other, 1, PRICE, NANO)
    desk.match(account, other, 2, 30_000 * NANO, -NANO // 100)
    desk.advance(60, ETH=1_950, BTC=29_000)
    equity = desk.ledger.assess(account)[0].equity
    receipt = desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    assert desk.ledger.in_liquidation(account)
    assert [desk.ledger.position(account, m).entry_price for m in (1, 2)] == [1_950 * NANO, 29_000 * NANO]
    assert desk.vault.cash(account) == 960 * WAD == equity == desk.ledger.assess(account)[0].equity
    assert receipt.named("LiquidationSet") == [{"account": account, "in_liquidation": True}]
    assert [event["market"] for event in receipt.named("PositionModified")] == [1, 2]
    desk.check()


def test_deposits_remain_possible(desk: World) -> None:
    account = desk.account("trader", cash=1_000)
    desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    desk.deposit("trader", account, 0, 1)
    desk.deposit("trader", account, 1, 1)
    assert desk.vault.collateral(account, 1) == 1


def test_stale_prices_refuse_it(desk: World) -> None:
    account, other = desk.account("trader", cash=1_000), desk.account("maker", cash=10_000)
    desk.match(account, other, 1, PRICE, NANO)
    desk.env.advance(3_601)
    with desk.refuses("ledger: stale price"):
        desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    desk.prices(ETH=2_000)
    rest(desk, account, NANO // 10)
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
