# SPDX-License-Identifier: Apache-2.0
"""Auctions are followed from the first block under maintenance to their end."""

from __future__ import annotations

from typing import Any

import pytest

from simulation.metrics import RunTables, liquidations
from simulation.metrics.liquidations import concentration
from tests.metrics.conftest import Measure
from tests.synthetic_run import KEEPER_ADDRESS, WAD, RunBuilder


def start(run: RunBuilder, block: int, account: int, index: int = 0, **fields: Any) -> None:
    defaults = {"equity": 70 * WAD, "maintenance_margin": 100 * WAD, "insolvent": False}
    run.event(
        block, index, "Liquidator", "AuctionStarted", account=account, starter=KEEPER_ADDRESS,
        **(defaults | fields),
    )  # fmt: skip


def bid(run: RunBuilder, block: int, account: int, bidder: int, size: float, index: int = 1) -> None:
    run.event(
        block, index, "Vault", "PositionModified", account=account, market=1, delta=-int(size * 1e9), size=0,
        entry_price=0, funding_index=0, cash=0, fee=0,
    )  # fmt: skip
    run.event(
        block, index, "Vault", "PositionModified", account=bidder, market=1, delta=int(size * 1e9), size=0,
        entry_price=0, funding_index=0, cash=0, fee=0,
    )  # fmt: skip
    run.event(
        block, index, "Liquidator", "AuctionBid", account=account, bidder=bidder, fraction=WAD // 2,
        price=10 * WAD, equity=130 * WAD, maintenance_margin=110 * WAD,
    )  # fmt: skip


def end(run: RunBuilder, block: int, account: int, reason: int, index: int = 2) -> None:
    run.event(block, index, "Liquidator", "AuctionEnded", account=account, reason=reason)


def under(run: RunBuilder, block: int, account: int, in_liquidation: bool = False) -> None:
    run.account(
        block, account, "noise", equity_usd=70.0, maintenance_margin_usd=100.0, in_liquidation=in_liquidation
    )


def test_one_auction_from_start_to_end(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    run.account(100, 1, "keeper-1", "keeper")
    for block in (102, 103, 104):
        under(run, block, 7)
    start(run, 105, 7)
    under(run, 105, 7, in_liquidation=True)
    bid(run, 106, 7, 1, 2.0)
    end(run, 106, 7, 1)
    values = measure(run)
    with RunTables(run.folder) as tables:
        (auction,) = liquidations.auctions(tables)
    assert (auction.account, auction.agent) == (7, "noise")
    assert (auction.started, auction.ended, auction.reason, auction.bids) == (105, 106, 1, 1)
    assert auction.delay_blocks == 3
    assert auction.notional_usd == pytest.approx(200)
    assert auction.excess_usd == pytest.approx(20)
    assert values["liquidations"] == 1
    assert values["liquidated_notional"] == pytest.approx(200)
    assert values["liquidation_delay_mean"] == 3
    assert values["auction_duration_mean"] == 1
    assert values["over_liquidation"] == pytest.approx(20)
    assert values["partial_liquidation_share"] == 1
    assert values["open_auctions"] == 0


def test_an_auction_that_is_started_again_is_one_liquidation(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    for block in (102, 103, 104):
        start(run, block, 7)
    end(run, 105, 7, 1)
    start(run, 106, 7)
    assert measure(run)["liquidations"] == 2


def test_delay_counts_the_last_unbroken_stretch_only(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    for block in (101, 102, 104):
        under(run, block, 7)
    start(run, 105, 7)
    assert measure(run)["liquidation_delay_mean"] == 1


def test_started_in_the_block_that_made_it_liquidatable(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    under(run, 102, 7)
    start(run, 105, 7)
    assert measure(run)["liquidation_delay_mean"] == 0


def test_repeated_auctions_of_an_account_are_told_apart(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    run.account(100, 1, "keeper-1", "keeper")
    start(run, 102, 7)
    bid(run, 103, 7, 1, 1.0)
    end(run, 103, 7, 1)
    start(run, 105, 7, insolvent=True)
    bid(run, 106, 7, 1, 3.0)
    end(run, 107, 7, 3)
    start(run, 109, 7)
    run.write()
    with RunTables(run.folder) as tables:
        found = liquidations.auctions(tables)
    assert [item.notional_usd for item in found] == pytest.approx([100, 300, 0])
    assert [item.reason for item in found] == [1, 3, None]
    assert [item.insolvent for item in found] == [False, True, False]
    values = measure(run)
    assert values["liquidated_accounts"] == 1
    assert values["liquidations"] == 3
    assert values["partial_liquidation_share"] == 0.5
    assert values["insolvent_auctions"] == 1
    assert values["open_auctions"] == 1


def test_an_auction_that_turns_insolvent_counts_as_insolvent(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    start(run, 102, 7)
    run.event(104, 0, "Liquidator", "AuctionInsolvent", account=7, equity=-WAD)
    assert measure(run)["insolvent_auctions"] == 1


def test_bids_of_one_transaction_share_what_was_taken(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    start(run, 102, 7)
    bid(run, 103, 7, 1, 1.0)
    bid(run, 103, 7, 1, 2.0)
    assert measure(run)["liquidated_notional"] == pytest.approx(300)


def test_concentration_by_agent_not_by_account(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    for account, agent in ((1, "keeper-1"), (2, "keeper-1"), (3, "keeper-2")):
        run.account(100, account, agent, "keeper")
    for place, bidder in enumerate((1, 2, 3)):
        start(run, 102, 7 + place, index=place)
        bid(run, 103, 7 + place, bidder, 1.0, index=place)
    assert measure(run)["liquidation_hhi"] == pytest.approx((2 / 3) ** 2 + (1 / 3) ** 2)


def test_concentration_of_nothing() -> None:
    assert concentration([]) is None
    assert concentration([0.0]) is None
    assert concentration([5.0, 5.0, 5.0, 5.0]) == pytest.approx(0.25)


def test_a_quiet_run_has_no_rates(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    values = measure(run)
    assert values["liquidations"] == 0
    assert values["over_liquidation"] == 0
    for name in (
        "liquidation_delay_mean",
        "liquidation_delay_p99",
        "auction_duration_mean",
        "partial_liquidation_share",
        "liquidation_hhi",
    ):
        assert values[name] is None, name
