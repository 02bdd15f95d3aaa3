# SPDX-License-Identifier: Apache-2.0
"""Figures of credit lines and of margin systems against sums done by hand."""

from __future__ import annotations

import pytest

from simulation.metrics import RunTables, applicable, compute, definitions
from simulation.metrics.systems import systems
from tests.metrics.conftest import Measure
from tests.synthetic_run import WAD, RunBuilder

UNIT = 10**6
CREDIT = {item.name for item in definitions().values() if item.group == "credit"}


def call(run: RunBuilder, block: int, account: int, stage: int) -> None:
    fields = {"account": account, "stage": stage, "use": WAD, "limit": 0, "deadline": 0}
    run.event(block, 0, "CreditDesk", "LineCalled", **fields)


def test_lines_calls_income_and_losses(run: RunBuilder, measure: Measure) -> None:
    run.summary["deployment"] = {"CreditDesk": "0x01"}
    for block in range(100, 110):
        run.market(block)
        run.block(
            block,
            lent_junior_usd=1_000.0,
            lent_senior_usd=3_000.0,
            committed_usd=500.0 * (block == 103),
            line_use_usd=200.0 * (block == 104),
        )
    for account, granted in ((4, 300), (5, 200), (5, 250), (6, 0)):
        fields = {"granted": granted * UNIT, "committed": granted * UNIT, "term": 0}
        run.event(101, 0, "CreditDesk", "LineGranted", account=account, **fields)
    for stage in (2, 4, 8):
        call(run, 102, 4, stage)
    call(run, 102, 5, 2)
    run.event(103, 0, "CreditDesk", "CallCured", account=5, use=0, limit=WAD)
    run.event(104, 0, "CreditDesk", "IncomePaid", account=5, junior=4 * UNIT, senior=6 * UNIT)
    run.event(105, 0, "CreditDesk", "LossBorne", account=4, junior=40 * UNIT, senior=0, committed=0)
    run.event(106, 0, "CreditDesk", "LossBorne", account=4, junior=3 * UNIT, senior=7 * UNIT, committed=0)
    values = measure(run)
    assert {name: values[name] for name in CREDIT} == {
        "credit_lines": 2,
        "committed_peak": 500,
        "line_use_peak": 200,
        "line_calls": 2,
        "line_calls_cured": 0.5,
        "line_defaults": 1,
        "lender_income": pytest.approx(10),
        "lender_loss": pytest.approx(50),
        "senior_loss": pytest.approx(7),
        "lender_return": pytest.approx(-100),
    }


def test_without_a_desk_nothing_is_said(run: RunBuilder) -> None:
    run.plain_blocks()
    with RunTables(run.write()) as tables:
        measured = compute(tables)
    assert all(item.value is None for item in measured if item.name in CREDIT)
    shown = {item.name for item in applicable(measured)}
    assert not shown & CREDIT and "bad_debt" in shown


def test_a_row_for_each_margin_system(run: RunBuilder) -> None:
    run.plain_blocks()
    run.summary["engines"] = ["cross", "cross", "portfolio", "portfolio", "cross"]
    for block, equity in ((100, 1_000.0), (109, 500.0)):
        for account in (1, 2, 3, 4):
            left = -50.0 if (account, block) == (2, 109) else equity
            run.account(block, account, "noise", equity_usd=left, notional_usd=2_000.0)
        run.account(block, 5, "keeper", "keeper", equity_usd=9_999.0, notional_usd=9_999.0)
    start = {"equity": WAD, "maintenance_margin": WAD, "insolvent": False, "starter": "0x1"}
    run.event(104, 0, "Liquidator", "AuctionStarted", account=3, **start)
    run.event(104, 1, "Liquidator", "BadDebtRealised", account=3, amount=70 * WAD, socialised=0)
    called = {"stage": 2, "deadline": 2**40, "lapses": 2**40, "equity": 0, "initial_margin": 1}
    for account in (2, 3, 4, 5):
        run.event(103, account, "Liquidator", "MarginCalled", account=account, maintenance_margin=0, **called)
    margin = {"equity": 0, "initial_margin": 1, "maintenance_margin": 0}
    run.account(103, 4, "noise", equity_usd=0.0, initial_margin_usd=1.0)
    run.account(104, 4, "noise", equity_usd=0.0, initial_margin_usd=1.0)
    run.event(104, 2, "Liquidator", "MarginCallEscalated", account=4, **margin)
    run.account(103, 3, "noise", equity_usd=0.0, initial_margin_usd=1.0)
    with RunTables(run.write()) as tables:
        cross, portfolio = systems(tables)
    assert (cross.engine, cross.accounts, cross.equity_usd) == ("cross", 2, 2_000.0)
    assert (cross.lost_usd, cross.liquidated, cross.taken_usd) == (50.0, 0, 0.0)
    assert cross.efficiency == pytest.approx((4_000 / 2_000 + 4_000 / 450) / 2)
    assert (portfolio.engine, portfolio.lost_usd, portfolio.liquidated) == ("portfolio", 70.0, 1)
    assert (cross.called, cross.cured, cross.escalated) == (1, 1, 0)
    assert (portfolio.called, portfolio.cured, portfolio.escalated) == (2, 1, 1)
