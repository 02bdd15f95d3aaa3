# SPDX-License-Identifier: Apache-2.0
"""A keeper's profit is what it ends with less what it began with, put in and burnt as gas."""

from __future__ import annotations

import pytest

from simulation.metrics import RunTables, keepers
from tests.metrics.conftest import Measure
from tests.synthetic_run import WAD, RunBuilder


def test_profit_after_gas_and_deposits(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block)
        run.market(block, price=200.0)
    run.account(100, 1, "keeper-1", "keeper", equity_usd=1_000.0)
    run.account(109, 1, "keeper-1", "keeper", equity_usd=1_900.0)
    run.event(100, 0, "Vault", "Deposited", account=1, asset=0, sender="0x", amount=1_000 * 10**6, balance=0)
    run.event(104, 0, "Vault", "Deposited", account=1, asset=0, sender="0x", amount=500 * 10**6, balance=0)
    run.event(105, 0, "Vault", "Withdrawn", account=1, asset=1, receiver="0x", amount=WAD, balance=0)
    won = {"role": "keeper", "account": 1, "fee_eth": 0.05}
    run.transaction(102, 0, "Liquidator.bid", "keeper-1", **won)
    run.transaction(103, 0, "Liquidator.bid", "keeper-1", status="reverted", **won)
    run.transaction(103, 1, "Liquidator.start", "keeper-1", **won)
    run.transaction(
        104, 9, "Liquidator.bid", "keeper-1", status="expired", gas_used=0, role="keeper", account=1
    )
    run.write()
    with RunTables(run.folder) as tables:
        (result,) = keepers.keepers(tables)
    assert result.deposits_usd == pytest.approx(500 - 200), "the first deposit is in the first equity"
    assert result.gas_usd == pytest.approx(3 * 0.05 * 200)
    assert result.wasted_usd == pytest.approx(0.05 * 200)
    assert result.profit_usd == pytest.approx(1_900 - 1_000 - 300 - 30)
    assert result.win_rate == pytest.approx(1 / 3)
    assert result.revert_rate == pytest.approx(1 / 3)
    values = measure(run)
    assert values["keeper_profit"] == pytest.approx(570)
    assert values["keepers_in_profit"] == 1
    assert values["keeper_gas"] == pytest.approx(30)
    assert values["keeper_gas_wasted"] == pytest.approx(10)
    assert values["keeper_win_rate"] == pytest.approx(1 / 3)


def test_gas_is_turned_into_dollars_in_its_own_block(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block)
        run.market(block, price=100.0 if block < 105 else 50.0)
    run.transaction(104, 0, "Liquidator.start", "keeper-1", role="keeper", fee_eth=1.0)
    run.transaction(105, 0, "Liquidator.start", "keeper-1", role="keeper", fee_eth=1.0)
    assert measure(run)["keeper_gas"] == pytest.approx(150)


def test_a_fixed_price_of_ether(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    run.summary |= {"gas_market": 0, "eth_usd": 3_000.0}
    run.transaction(104, 0, "Liquidator.start", "keeper-1", role="keeper", fee_eth=0.5)
    assert measure(run)["keeper_gas"] == pytest.approx(1_500)


def test_whoever_bids_is_a_keeper(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    for block in (100, 109):
        run.account(block, 5, "opportunist", "trader", equity_usd=10.0)
        run.account(block, 6, "noise", "trader", equity_usd=10.0)
    run.event(
        103, 0, "Liquidator", "AuctionBid", account=9, bidder=5, fraction=WAD, price=0, equity=0,
        maintenance_margin=0,
    )  # fmt: skip
    run.write()
    with RunTables(run.folder) as tables:
        assert [result.agent for result in keepers.keepers(tables)] == ["opportunist"]


def test_without_keepers_there_is_no_profit(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    values = measure(run)
    assert values["keeper_profit"] is None
    assert values["keeper_win_rate"] is None
    assert values["keeper_gas"] == 0
