# SPDX-License-Identifier: Apache-2.0
"""Limits of the chain (invariant 44): code size, and gas of the largest accounts there can be."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from simulation.chain.artifacts import INITCODE_LIMIT, RUNTIME_LIMIT, load_artifact
from tests.evm import GAS_LIMIT
from tests.protocol import BUY, NANO, SELL, WAD, World, default_protocol, many_markets
from tests.security.stage import DEPLOYED, READERS

TRANSACTION_LIMIT = 16_777_216
"""Gas of one transaction (EIP-7825)."""
MARKETS, COLLATERALS, ORDERS = 64, 8, 32


@pytest.mark.parametrize("name", (*DEPLOYED, *READERS))
def test_code_fits(name: str) -> None:
    artifact = load_artifact(name)
    assert 0 < artifact.runtime_size <= RUNTIME_LIMIT == 24_576
    assert len(artifact.bytecode) // 2 - 1 <= INITCODE_LIMIT == 49_152


class Crowd(World):
    """The largest account, a counterparty as large, and a keeper, at 100 USD in 64 markets."""

    def __init__(self) -> None:
        collateral = next(iter(default_protocol().collaterals.values()))
        collaterals = {f"C{i}": replace(collateral, asset=f"A{i}") for i in range(1, COLLATERALS + 1)}
        super().__init__(replace(many_markets(MARKETS), collaterals=collaterals))
        assert GAS_LIMIT <= TRANSACTION_LIMIT
        self.at(100)
        self.trader, self.maker = self.account("trader", cash=101_000), self.account("maker", cash=10**8)
        self.keeper = self.account("keeper", cash=10**7)
        for asset in range(1, COLLATERALS + 1):
            for role, account in (("trader", self.trader), ("keeper", self.keeper)):
                self.deposit(role, account, asset, WAD)
        for market in range(1, MARKETS + 1):
            self.trade(self.trader, self.maker, market, 100, 150)

    def at(self, price: float) -> None:
        """One price for all."""
        self.advance(60, **{f"A{i}": price for i in range(1, MARKETS + 1)})

    def rest(self, role: str, account: int) -> None:
        """As many orders as an account may have, each at a level of its own, in as many markets."""
        for i in range(ORDERS):
            self.place(role, account, 1 + i, BUY, 90 + i / 10, 0.01)


@cache
def _crowd() -> tuple[Crowd, Any]:
    crowd = Crowd()
    return crowd, crowd.env.snapshot()


@pytest.fixture
def crowd() -> Crowd:
    deployed, snapshot = _crowd()
    deployed.env.revert(snapshot)
    return deployed


def test_the_largest_account_holds_all_it_may(crowd: Crowd) -> None:
    assert crowd.ledger.listed(crowd.trader) == MARKETS
    assert crowd.vault.account(crowd.trader).assets == 2**COLLATERALS - 1


@pytest.mark.parametrize("whole", [False, True], ids=["cap", "all"])
def test_it_can_be_liquidated(crowd: Crowd, whole: bool) -> None:
    """Start with 32 orders to cancel; a bid up to the cap, and in the insolvent phase a bid of all."""
    crowd.rest("trader", crowd.trader)
    keeper = crowd.env.address("keeper")
    crowd.at(94.0 if not whole else 89.0)
    margin = crowd.ledger.assess(crowd.trader)[0]
    assert margin.equity < margin.maintenance_margin
    gas = [crowd.liquidator.start_for(crowd.trader, crowd.keeper, sender=keeper).gas_used]
    assert crowd.exchange.orders_of(crowd.trader) == []
    if whole:
        depositor = crowd.env.address("depositor")
        crowd.cash.mint(depositor, 10**13)
        crowd.cash.approve(crowd.fund.address, 10**13, sender=depositor)
        crowd.fund.deposit(10**13, depositor, sender=depositor)
    crowd.at(94.0 if not whole else 89.0)
    receipt = crowd.liquidator.bid(crowd.trader, crowd.keeper, WAD // 10, 2**200, sender=keeper)
    gas.append(receipt.gas_used)
    assert len(receipt.named("PositionModified")) >= 2 * MARKETS
    crowd.check()
    if whole:
        # The rest, while the keeper holds 64 positions already.
        receipt = crowd.liquidator.bid(crowd.trader, crowd.keeper, WAD, 2**200, sender=keeper)
        gas.append(receipt.gas_used)
        assert receipt.value[0] == WAD
        assert crowd.ledger.listed(crowd.trader) == 0 == crowd.vault.account(crowd.trader).assets
        crowd.check()
    assert max(gas) <= TRANSACTION_LIMIT


def test_the_largest_counterparty_takes_all_positions(crowd: Crowd) -> None:
    """A bidder on the other side of every market: each position it takes closes one of its own."""
    crowd.at(94.0)
    maker = crowd.env.address("maker")
    crowd.liquidator.start(crowd.trader, sender=maker)
    crowd.at(94.0)
    receipt = crowd.liquidator.bid(crowd.trader, crowd.maker, WAD, 2**200, sender=maker)
    assert receipt.gas_used <= TRANSACTION_LIMIT
    crowd.check()


def test_every_order_can_be_cancelled_at_once(crowd: Crowd) -> None:
    """32 orders in 32 markets, each alone on its level: every cancel empties a level and delists nothing."""
    crowd.rest("maker", crowd.maker)
    assert len(crowd.exchange.orders_of(crowd.maker)) == ORDERS
    receipt = crowd.exchange.cancel_all(crowd.maker, sender=crowd.env.address("maker"))
    assert receipt.value == ORDERS
    assert receipt.gas_used <= TRANSACTION_LIMIT


def test_orders_of_an_otherwise_empty_account(crowd: Crowd) -> None:
    """Every cancel also takes its market out of the account's list."""
    account = crowd.account("trader", cash=10_000)
    crowd.rest("trader", account)
    receipt = crowd.exchange.cancel_all(account, sender=crowd.env.address("trader"))
    assert receipt.value == ORDERS and crowd.ledger.listed(account) == 0
    assert receipt.gas_used <= TRANSACTION_LIMIT


def test_settlement_and_trades_of_the_largest_accounts(crowd: Crowd) -> None:
    crowd.at(101.0)
    assert crowd.ledger.settle(crowd.trader).gas_used <= TRANSACTION_LIMIT
    assert crowd.trade(crowd.trader, crowd.maker, MARKETS, 101, 0.1).gas_used <= TRANSACTION_LIMIT


def test_a_sweep_through_as_many_makers_as_one_call_may_touch(crowd: Crowd) -> None:
    """Makers with one position each; the taker holds 64."""
    makers = [crowd.account("maker", cash=1_000) for _ in range(64)]
    for maker in makers:
        crowd.place("maker", maker, 1, SELL, 101, 0.01)
    receipt = crowd.place_receipt("trader", crowd.trader, 1, BUY, 101, 0.64, 2, max_fills=64)
    assert receipt.value[1] == 640
    assert receipt.gas_used <= TRANSACTION_LIMIT
    assert crowd.ledger.position(crowd.trader, 1).size == 150 * NANO + 640 * 10**6
    crowd.check()
