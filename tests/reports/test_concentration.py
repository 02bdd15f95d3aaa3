# SPDX-License-Identifier: Apache-2.0
"""What a report says of several venues: owners beside their twins, venues beside each other."""

from __future__ import annotations

import re
from pathlib import Path

from simulation.metrics import RunTables, compute, record
from simulation.reports import venue_lines, write_report
from simulation.reports.concentration import owners_table
from tests.synthetic_run import WAD, RunBuilder

VENUES = [
    {"venue": "main", "default_probability": 0.01, "recovery": 0.5},
    {"venue": "far", "default_probability": 0.1, "recovery": 0.2},
]


def cells(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]


def test_an_owner_stands_beside_its_worst_twin(run: RunBuilder) -> None:
    run.plain_blocks()
    run.summary |= {"venue": "main", "venues": VENUES}
    run.holding(109, "spread", 4, "main", 600.0, alone_usd=100.0, merged_usd=120.0, initial_margin_usd=100.0)
    run.holding(109, "spread", 4, "far", 200.0, alone_usd=100.0, merged_usd=120.0, initial_margin_usd=60.0)
    run.holding(109, "near", 5, "main", 800.0)
    run.holding(109, "away", 6, "far", 800.0, exchange_rate=0.75)
    with RunTables(run.write()) as tables:
        html = owners_table(tables)
    heads, owner = cells(html)[-2:]
    assert dict(zip(heads, owner, strict=True)) == {
        "Account": "spread 4",
        "Posted at far": "$200",
        "Posted at main": "$600",
        "Herfindahl": "0.625",
        "Largest share": "75 %",
        "Initial margin": "$160",
        "Netting given up": "$80",
        "Loss realised": "$0",
        "Shed, realised": "$200",
        "Loss stressed": "$300",
        "Shed, stressed": "$340",
    }


def test_venues_stand_beside_each_other(tmp_path: Path) -> None:
    for folder, venue, lost in (("run", "main", 0), ("run/venues/far", "far", 7)):
        run = RunBuilder(tmp_path / folder)
        run.plain_blocks()
        run.summary |= {"venue": venue, "venues": VENUES}
        if lost:
            run.event(104, 0, "Liquidator", "BadDebtRealised", account=9, amount=lost * WAD, socialised=0)
        with RunTables(run.write()) as tables:
            record(run.folder, compute(tables))
    names, lines = venue_lines(tmp_path / "run")
    assert names == ["main", "far"] and ("Bad debt", "$0", "$7") in lines
    page = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert "All figures but these are of venue main" in page
    assert venue_lines(tmp_path / "run" / "venues" / "far") == ([], [])


def test_a_run_with_one_venue_says_nothing_of_venues(run: RunBuilder) -> None:
    run.plain_blocks()
    page = write_report(run.write()).read_text(encoding="utf-8")
    assert "<h3>Venues</h3>" not in page and 'id="concentration"' not in page
