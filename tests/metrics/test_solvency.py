# SPDX-License-Identifier: Apache-2.0
"""Bad debt and its waterfall, the fund, shortfalls: against sums done by hand."""

from __future__ import annotations

import pytest

from tests.metrics.conftest import Measure
from tests.synthetic_run import WAD, RunBuilder


def test_bad_debt_adds_what_left_the_accounts_to_what_is_open(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block, bad_debt_usd={103: 500.0, 104: 40.0, 109: 7.0}.get(block, 0.0), deficit_usd=25)
        run.market(block)
    run.event(104, 0, "Liquidator", "InsuranceDrawn", account=9, amount=340 * 10**6, fund_left=0)
    run.event(104, 0, "Liquidator", "BadDebtRealised", account=9, amount=300 * WAD, socialised=0)
    run.event(
        105,
        0,
        "Liquidator",
        "Deleveraged",
        account=9,
        counterparty=4,
        market=1,
        size=10**9,
        price=97 * 10**9,
        score=1,
    )
    run.event(106, 0, "Liquidator", "BadDebtRealised", account=9, amount=125 * WAD, socialised=25 * WAD)
    values = measure(run)
    assert values["bad_debt"] == pytest.approx(300 + 3 + 125 + 7)
    assert values["bad_debt_peak"] == pytest.approx(500)
    assert values["bad_debt_open_peak"] == pytest.approx(500)
    assert values["insurance_drawn"] == pytest.approx(340)
    assert values["socialised_loss"] == pytest.approx(25)
    assert values["deficit_end"] == pytest.approx(25)


def test_peak_counts_paid_losses_together_with_open_ones(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block, bad_debt_usd=90.0 if block == 105 else 0.0)
        run.market(block)
    run.event(102, 0, "Liquidator", "BadDebtRealised", account=9, amount=20 * WAD, socialised=0)
    assert measure(run)["bad_debt_peak"] == pytest.approx(110)


def test_insurance_is_counted_in_the_units_of_the_cash_token(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    run.summary["assets"][0]["decimals"] = 18
    run.event(104, 0, "Liquidator", "InsuranceDrawn", account=9, amount=3 * WAD, fund_left=0)
    assert measure(run)["insurance_drawn"] == pytest.approx(3)


def test_fund_path(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block, fund_assets_usd=1_000 if block < 104 else 1 if block < 108 else 600)
        run.market(block)
    values = measure(run)
    assert values["fund_start"] == 1_000
    assert values["fund_minimum"] == 1
    assert values["fund_depletion_seconds"] == 4 * 12, "0.1 % of the start counts as empty"
    assert values["fund_depleted"] == 1


def test_a_fund_that_lasts_has_no_depletion_time(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block, fund_assets_usd=1_000 if block < 104 else 2)
        run.market(block)
    values = measure(run)
    assert values["fund_depletion_seconds"] is None
    assert values["fund_depleted"] == 0


def test_a_fund_that_never_held_anything_is_not_depleted(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block, fund_assets_usd=0)
        run.market(block)
    assert measure(run)["fund_depletion_seconds"] is None


def test_shortfall_is_integrated_over_time(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        short = {102: 50.0, 103: 20.0}.get(block, 0.0)
        run.block(block, shortfall_usd=short, below_maintenance=int(short > 0) * 3)
        run.market(block)
    values = measure(run)
    assert values["shortfall_time"] == pytest.approx(70 * 12)
    assert values["shortfall_peak"] == 50
    assert values["under_maintenance_time"] == 2 * 12
    assert values["under_maintenance_peak"] == 3


@pytest.mark.parametrize("size", [2 * 10**9, -2 * 10**9])
def test_deleveraging_counts_both_directions(run: RunBuilder, measure: Measure, size: int) -> None:
    run.plain_blocks()
    run.event(
        105, 0, "Liquidator", "Deleveraged", account=9, counterparty=4, market=1, size=size,
        price=93 * 10**9, score=1,
    )  # fmt: skip
    values = measure(run)
    assert values["deleveraged_notional"] == pytest.approx(200)
    assert values["deleveraging_haircut"] == pytest.approx(14)
    assert values["deleveraged_counterparties"] == 1
