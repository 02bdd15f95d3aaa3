# SPDX-License-Identifier: Apache-2.0
"""A short run with a SolvencyGuard that charges: books reconcile, totals are the sums of records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulation.assembly import build, resolve
from simulation.metrics import RunTables, compute
from simulation.metrics.exposure import watched
from tests.chain.test_short_run import SETTINGS

GUARD = (
    "protocol.solvency_guard.mode=price",
    'protocol.solvency_guard.all_underlyings.stress="40 %"',
    'protocol.solvency_guard.all_underlyings.share="1 %"',
    "agents.operator.refreshes=32",
)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> RunTables:
    settings = (*SETTINGS, *GUARD)
    out: Path = tmp_path_factory.mktemp("guarded")
    build(resolve("black-thursday", settings, (), ()), out=out).run()
    return RunTables(out)


def test_totals_of_the_last_event_are_the_sums_of_all_records(tables: RunTables) -> None:
    rows = tables.rows(
        "SELECT account, fields FROM events WHERE event = 'ContributionChanged' ORDER BY block, log_index"
    )
    records: dict[tuple[int, int], tuple[int, int]] = {}
    for account, text in rows:
        # DuckDB would read so large a number as a float.
        change = json.loads(text)
        feed = change["feed"]
        records[feed, account] = change["long"], change["short"]
        of_feed = [pair for (one, _), pair in records.items() if one == feed]
        assert sum(pair[0] for pair in of_feed) == change["total_long"]
        assert sum(pair[1] for pair in of_feed) == change["total_short"]
    assert len(records) > 20


def test_charges_reach_the_report(tables: RunTables) -> None:
    values = {item.name: item.value for item in compute(tables)}
    charges, peak = values["exposure_charges"], values["stressed_solvency_delta_peak"]
    assert charges is not None and charges > 0 and values["exposure_refusals"] == 0
    assert peak is not None and peak > 10_000
    assert [one.symbol for one in watched(tables)] == ["ETH", "BTC"]
