# SPDX-License-Identifier: Apache-2.0
"""Bad debt and its waterfall, the fund, shortfalls: against sums done by hand."""

from __future__ import annotations

import random

import numpy as np
import pytest

from simulation.domain.stress import LADDER, StressedDeficit, depletion
from simulation.metrics.stress import _depletion
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


def test_stressed_deficits_and_the_shock_that_uses_the_fund_up(run: RunBuilder, measure: Measure) -> None:
    """A fund of 600 USD, deficits that grow by a straight line from the fall of 20 % on, and one rise."""
    for block in range(100, 110):
        falls = {-3_000: 500.0, -4_000: 900.0, -5_000: 1_300.0} if block != 104 else {-3_000: 1_000.0}
        rises = {5_000: 601.0} if block == 107 else {3_000: 7.0}
        run.block(block, fund_assets_usd=600, stressed=falls | rises)
        run.market(block)
    values = measure(run)
    assert values["stressed_deficit_fall"] == pytest.approx(1_000)
    assert values["stressed_deficit_rise"] == pytest.approx(7)
    # 600 of the way from 0 to 1,000 between falls of 20 and 30 %; in the other blocks at 32.5 %.
    assert values["depletion_fall"] == pytest.approx(0.26)
    assert values["depletion_rise"] == pytest.approx(0.30 + 0.20 * 600 / 601, abs=0.01)
    assert values["exposed_time"] == pytest.approx(12)


def test_a_fund_that_no_shock_uses_up_and_one_that_is_used_up(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    values = measure(run)
    assert values["depletion_fall"] is None and values["depletion_rise"] is None
    assert values["exposed_time"] == values["stressed_deficit_fall"] == 0


def test_open_bad_debt_beyond_the_fund_needs_no_shock(run: RunBuilder, measure: Measure) -> None:
    run.blocks = 1
    run.block(100, fund_assets_usd=5, stressed=dict.fromkeys(LADDER, 6.0))
    run.market(100)
    values = measure(run)
    assert values["depletion_fall"] == values["depletion_rise"] == 0


def test_depletion_shocks_are_those_of_the_contract() -> None:
    """The twin of `Lens.solvency` in bps and whole wei, this in shares and floats."""
    rng = random.Random(5)
    for _ in range(200):
        steps = [rng.choice((0, rng.randrange(10**6))) for _ in LADDER]
        needs = [abs(sum(steps[min(place, 6) : max(place, 6) + 1])) for place in range(len(LADDER))]
        cover = rng.randrange(10**6)
        rows = [StressedDeficit(shock, need, 0, 0) for shock, need in zip(LADDER, needs, strict=True)]
        shocks, deficit = np.array(LADDER), np.array([needs], np.float64)
        for side, expected in zip((-1, 1), depletion(rows, cover), strict=True):
            (found,) = _depletion(shocks, deficit, np.array([float(cover)]), side) * 10_000
            assert np.isnan(found) if expected is None else 0 <= found - expected < 1
