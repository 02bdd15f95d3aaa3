# SPDX-License-Identifier: Apache-2.0
"""A short run in which a series expires: settled by the average, one account a block, the books exact."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulation.assembly import build, resolve
from simulation.domain.market_math import series

SETTINGS = (
    "scenario.duration=85 min",
    "protocol.series.ETH-29MAR.expiry=1 h",
    # Half-settled for as long as can be: every block in between must reconcile.
    "agents.operator.settlements=1",
    "agents.writers.interval=5 min",
    "agents.buyers.interval=5 min",
    "agents.basis.interval=5 min",
)


def run(out: Path) -> Path:
    build(resolve("options-expiry", SETTINGS, (), ()), out=out).run()
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("expiry"))


def events(folder: Path, name: str) -> list[dict[str, object]]:
    rows = pq.read_table(folder / "events.parquet").to_pylist()
    return [{**json.loads(row["fields"]), "block": row["block"]} for row in rows if row["event"] == name]


def test_the_run_is_whole_and_reconciled_in_every_block(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert (summary["status"], summary["blocks"]) == ("complete", 85)


def test_the_price_is_the_average_that_was_recorded(folder: Path) -> None:
    (fixed,) = events(folder, "SettlementPriceSet")
    assert fixed["covered"] == 1_800
    observed = [int(str(row["spot"])) for row in events(folder, "PriceObserved")]
    assert len(observed) > 20
    assert min(observed) <= int(str(fixed["price"])) <= max(observed)


def test_everybody_is_settled_one_block_after_the_other(folder: Path) -> None:
    last: dict[tuple[object, object], dict[str, object]] = {}
    for row in events(folder, "PositionModified"):
        if series(int(str(row["market"]))):
            last[row["account"], row["market"]] = row
    assert len(last) > 10
    assert all(row["size"] == 0 for row in last.values())
    (fixed,) = events(folder, "SettlementPriceSet")
    settled = {row["block"] for row in last.values() if int(str(row["block"])) > int(str(fixed["block"]))}
    assert len(settled) > 5, "half-settled for several blocks"


def test_it_is_the_same_again(folder: Path, tmp_path: Path) -> None:
    again = run(tmp_path / "again")
    hashes = [pq.read_table(one / "blocks.parquet")["block_hash"].to_pylist() for one in (folder, again)]
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize("name", ["vol-spike", "basis-unwind"])
def test_the_other_dated_scenarios_run_with_all_engines_mixed(name: str, tmp_path: Path) -> None:
    resolved = resolve(name, ("scenario.duration=6 min",), (), ())
    build(resolved, out=tmp_path / name).run()
    summary = json.loads((tmp_path / name / "summary.json").read_text(encoding="utf-8"))
    assert (summary["status"], summary["blocks"]) == ("complete", 6)
    assert {spec.engine for spec in resolved.scenario.agents.values()} > {"portfolio", "dynamic", "isolated"}
    traded = {row["market"] for row in events(tmp_path / name, "OrderPlaced")}
    assert any(series(int(str(market))) == 2 for market in traded)
