# SPDX-License-Identifier: Apache-2.0
"""Solvency delta and its buffers from events: against sums done by hand."""

from __future__ import annotations

import pytest

from simulation.metrics.exposure import REFUSED
from tests.metrics.conftest import Measure
from tests.synthetic_run import WAD, RunBuilder

NAMES = (
    "stressed_solvency_delta_peak",
    "stressed_solvency_delta_mean",
    "time_past_buffer",
    "exposure_charges",
    "exposure_refusals",
)


def change(run: RunBuilder, block: int, feed: int, long: int, short: int) -> None:
    totals = {"long": 0, "short": 0, "total_long": long * WAD, "total_short": short * WAD}
    run.event(block, 0, "SolvencyGuard", "ContributionChanged", account=4, feed=feed, **totals)


def test_without_a_guard_nothing_is_said(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    assert [measure(run)[name] for name in NAMES] == [None] * 5


def test_totals_hold_until_they_change(run: RunBuilder, measure: Measure) -> None:
    """A stress of 25 % and 10 %, half of a fund of 1,000 each; 600 are owed from block 107 on."""
    run.plain_blocks()
    run.summary["watched"] = [
        {"feed": 1, "symbol": "ETH", "stress": 2_500, "share": 5_000},
        {"feed": 2, "symbol": "BTC", "stress": 1_000, "share": 5_000},
    ]
    change(run, 102, 1, 9_999, 0)
    change(run, 102, 1, 1_200, 400)
    change(run, 104, 2, 100, 1_000)
    change(run, 106, 1, 2_400, 0)
    change(run, 107, 1, 1_200, 0)
    run.event(107, 0, "SolvencyGuard", "OwedChanged", account=4, owed=600 * WAD, total=600 * WAD)
    run.event(103, 0, "SolvencyGuard", "ExposureCharged", account=4, charge=3 * WAD)
    run.event(105, 0, "SolvencyGuard", "ExposureCharged", account=5, charge=4 * WAD)
    run.transaction(105, 1, "Exchange.place", "noise", status="reverted", reason=REFUSED)
    run.transaction(105, 2, "Exchange.place", "noise", status="reverted", reason="something else")
    values = measure(run)
    assert values["stressed_solvency_delta_peak"] == pytest.approx(600 + 100)
    # 300 in 102 and 103, 400 in 104 and 105, 700 in 106, 400 in 107 to 109.
    assert values["stressed_solvency_delta_mean"] == pytest.approx((2 * 300 + 2 * 400 + 700 + 3 * 400) / 10)
    # 600 against 500 in block 106, then 300 against 200.
    assert values["time_past_buffer"] == 4 * 12
    assert values["exposure_charges"] == pytest.approx(7)
    assert values["exposure_refusals"] == 1
