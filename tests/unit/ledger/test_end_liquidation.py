# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.protocol import NANO, World
from tests.unit.ledger.test_fill_taker import rest


def test_the_owner_gets_the_account_back(desk: World) -> None:
    account = desk.account("trader", cash=1_000)
    liquidator = desk.env.address("liquidator")
    desk.ledger.begin_liquidation(account, sender=liquidator)
    receipt = desk.ledger.end_liquidation(account, sender=liquidator)
    assert receipt.named("LiquidationSet") == [{"account": account, "in_liquidation": False}]
    assert not desk.ledger.in_liquidation(account)
    rest(desk, account, NANO)
    trader = desk.env.address("trader")
    desk.vault.withdraw(account, 0, 1, trader, sender=trader)


def test_the_list_of_markets_is_kept(desk: World) -> None:
    account = desk.account("trader", cash=10_000)
    rest(desk, account, NANO, market=2)
    rest(desk, account, NANO, market=1)
    liquidator = desk.env.address("liquidator")
    desk.ledger.begin_liquidation(account, sender=liquidator)
    assert desk.ledger.markets_of(account) == [2, 1]
    desk.ledger.end_liquidation(account, sender=liquidator)
    assert desk.ledger.markets_of(account) == [2, 1]


def test_refusals(desk: World) -> None:
    account = desk.account("trader", cash=1_000)
    with desk.refuses("ledger: not in liquidation"):
        desk.ledger.end_liquidation(account, sender=desk.env.address("liquidator"))
    desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    for role in ("trader", "owner", "guardian", "attacker"):
        with desk.refuses("ledger: not the liquidator"):
            desk.ledger.end_liquidation(account, sender=desk.env.address(role))
