# SPDX-License-Identifier: Apache-2.0
"""Counterparty concentration against sums done by hand."""

from __future__ import annotations

import pytest

from simulation.metrics import RunTables
from simulation.metrics.concentration import populations
from tests.metrics.conftest import Measure
from tests.synthetic_run import RunBuilder

VENUES = [
    {"venue": "main", "default_probability": 0.01, "recovery": 0.5},
    {"venue": "far", "default_probability": 0.1, "recovery": 0.2},
]


def two_owners(run: RunBuilder) -> None:
    """Owners 4 and 5 spread, 6 and 7 are at main, 8 and 9 at the other venue; blocks 100 and 109."""
    run.plain_blocks()
    run.summary["venues"] = VENUES
    for block, rate, forgone in ((100, 1.0, 0.0), (109, 0.9, 12.0)):
        far = {"exchange_rate": rate}
        # Each 100 of margin alone, 120 together: 80 given up; the other owner gives up 10 of 30.
        run.holding(block, "spread", 4, "main", 600.0, alone_usd=100.0, merged_usd=120.0)
        run.holding(block, "spread", 4, "far", 200.0, alone_usd=100.0, merged_usd=120.0, **far)
        run.holding(block, "spread", 5, "main", 100.0, alone_usd=30.0, merged_usd=30.0)
        run.holding(
            block, "spread", 5, "far", 100.0, alone_usd=10.0, merged_usd=30.0, forgone_usd=forgone, **far
        )
        for account, claim in ((6, 800.0), (7, 200.0)):
            run.holding(block, "all-main", account, "main", claim, alone_usd=9.0, merged_usd=9.0)
            run.holding(block, "all-far", account + 2, "far", claim, alone_usd=9.0, merged_usd=9.0, **far)


def test_concentration_and_netting_are_of_those_who_spread(run: RunBuilder, measure: Measure) -> None:
    two_owners(run)
    values = measure(run)
    # (600^2 + 200^2) / 800^2 = 0.625 and 0.5; shares 0.75 and 0.5.
    assert values["concentration_index"] == pytest.approx(0.5625)
    assert values["largest_claim_share"] == pytest.approx(0.625)
    assert values["netting_given_up"] == pytest.approx(90.0)
    assert values["netting_given_up_share"] == pytest.approx(90 / 150)


def test_default_risk_is_shed_against_the_worst_twin(run: RunBuilder, measure: Measure) -> None:
    two_owners(run)
    values = measure(run)
    # A tenth of 300 and 12 on top, of 1,000; the twins at far lose a tenth of everything.
    assert values["venue_loss_realised"] == pytest.approx(0.042)
    assert values["default_risk_shed_realised"] == pytest.approx(0.1 - 0.042)
    # Owner 4: max(600 * 0.5, 200 * 0.8) = 300; owner 5: max(100 * 0.5, 100 * 0.8) = 80.
    assert values["venue_loss_stressed"] == pytest.approx(0.38)
    assert values["default_risk_shed_stressed"] == pytest.approx(0.8 - 0.38)
    # 700 * 0.5 * 1 % + 300 * 0.8 * 10 % = 27.5; the twins 0.5 % and 8 %.
    assert values["expected_venue_loss"] == pytest.approx(0.0275)
    assert values["expected_venue_loss_twins"] == pytest.approx((0.005 + 0.08) / 2)
    with RunTables(run.folder) as tables:
        found = populations(tables)
    assert [(item.agent, item.venues, item.spreads) for item in found] == [
        ("spread", "far, main", True),
        ("all-far", "far", False),
        ("all-main", "main", False),
    ]
    assert [item.realised for item in found] == pytest.approx([0.042, 0.1, 0.0])


def test_an_owner_without_claims_is_in_no_mean(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    run.summary["venues"] = VENUES
    for venue, claim in (("main", 0.0), ("far", 0.0)):
        run.holding(100, "spread", 4, venue, claim)
    for venue, claim in (("main", 90.0), ("far", 10.0)):
        run.holding(100, "spread", 5, venue, claim)
    values = measure(run)
    assert values["concentration_index"] == pytest.approx(0.82)
    assert values["default_risk_shed_stressed"] is None


def test_nothing_is_defined_where_nobody_spreads(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    values = measure(run)
    for name in ("concentration_index", "netting_given_up", "venue_loss_realised", "expected_venue_loss"):
        assert values[name] is None
