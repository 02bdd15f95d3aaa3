# SPDX-License-Identifier: Apache-2.0
"""Leverage where every account is recorded; what traders lost."""

from __future__ import annotations

import pytest

from tests.metrics.conftest import Measure
from tests.synthetic_run import RunBuilder


def test_leverage_of_sampled_blocks_alone(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    run.summary["sample_blocks"] = 5
    for block in (100, 105, 109):
        for account, leverage in ((1, 1.0), (2, 2.0), (3, 6.0)):
            run.account(block, account, "noise", equity_usd=100.0, notional_usd=100.0 * leverage)
        run.account(block, 4, "noise", equity_usd=100.0, notional_usd=0.0)
        run.account(block, 5, "noise", equity_usd=-1.0, notional_usd=500.0)
    run.account(107, 3, "noise", equity_usd=1.0, notional_usd=1_000.0)
    values = measure(run)
    assert values["leverage_median"] == 2
    assert values["leverage_p95"] == pytest.approx(6)


def test_loss_of_traders_counts_what_they_put_in(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    for account, role in ((1, "trader"), (2, "keeper")):
        run.account(100, account, "anyone", role, equity_usd=100.0)
        run.account(109, account, "anyone", role, equity_usd=70.0)
    run.event(105, 0, "Vault", "Deposited", account=1, asset=0, sender="0x", amount=20 * 10**6, balance=0)
    assert measure(run)["trader_loss"] == pytest.approx(50)


def test_borrowed_share(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block, total_borrow_usd=30 if block == 103 else 10, total_supply_usd=100)
        run.market(block)
    assert measure(run)["borrow_share_peak"] == pytest.approx(0.3)
