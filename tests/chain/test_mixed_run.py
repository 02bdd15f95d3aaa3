# SPDX-License-Identifier: Apache-2.0
"""All instruments under all margin systems in one run: whole, reconciled, the same on both backends."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from simulation.assembly import build, resolve
from simulation.config.scenario import ENGINES
from simulation.domain import market_math
from simulation.domain.market_math import Kind
from simulation.metrics import RunTables
from simulation.metrics.systems import systems
from simulation.reports import write_report

BUSY = tuple(
    f"agents.{name}.interval=4 min"
    for name in ("writers", "buyers", "basis", "noise", "momentum", "coin_longs")
)
SETTINGS = ("scenario.duration=70 min", "protocol.series.ETH-29MAR.expiry=1 h", *BUSY)


def run(name: str, out: Path, settings: tuple[str, ...]) -> Path:
    build(resolve(name, settings, (), ()), out=out).run()
    return out


def summary_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run("options-expiry-mixed", tmp_path_factory.mktemp("mixed"), SETTINGS)


def test_every_population_takes_turns_with_every_margin_system(folder: Path) -> None:
    summary = summary_of(folder)
    assert summary["status"] == "complete"
    engines, agents = summary["engines"], {agent["agent"]: agent for agent in summary["agents"]}
    for name in ("writers", "buyers", "basis"):
        found = Counter(engines[account - 1] for account in agents[name]["accounts"])
        assert set(found) == set(ENGINES) - {"isolated"}, name
        assert max(found.values()) - min(found.values()) <= 1
    assert {engines[account - 1] for account in agents["noise"]["accounts"]} == set(ENGINES)
    makers = {engines[agents[f"makers-{place}"]["accounts"][0] - 1] for place in (1, 2, 3)}
    assert len(makers) == 3


def test_every_kind_of_instrument_is_traded(folder: Path) -> None:
    rows = pq.read_table(folder / "events.parquet", columns=["event", "market"]).to_pylist()
    traded = {row["market"] for row in rows if row["event"] == "OrderFilled"}
    kinds = {market_math.kind(market) for market in traded}
    assert {Kind.LINEAR_PERPETUAL, Kind.INVERSE_PERPETUAL, Kind.DATED_FUTURE} <= kinds
    assert Kind.OPTION in kinds


def test_an_isolated_account_has_one_market(folder: Path) -> None:
    engines = summary_of(folder)["engines"]
    held: dict[int, set[int]] = {}
    for row in pq.read_table(folder / "events.parquet").to_pylist():
        if row["event"] == "PositionModified" and engines[row["account"] - 1] == "isolated":
            held.setdefault(row["account"], set()).add(row["market"])
    assert held and all(len(markets) == 1 for markets in held.values())


def test_the_report_has_a_row_for_each_margin_system(folder: Path) -> None:
    with RunTables(folder) as tables:
        found = systems(tables)
    assert {one.engine for one in found} == set(ENGINES)
    assert all(one.accounts > 3 and one.equity_usd > 0 for one in found)
    page = write_report(folder).read_text(encoding="utf-8")
    assert "By margin system" in page
    assert all(f'<td class="name">{name}</td>' in page for name in ENGINES)


@pytest.mark.parametrize("name", ["vol-spike-mixed", "black-thursday-mixed"])
def test_both_backends_agree(name: str, tmp_path: Path) -> None:
    settings = ("scenario.duration=3 min", *BUSY)
    folders = [
        run(name, tmp_path / backend, (*settings, f"chain.backend={backend}"))
        for backend in ("revm", "tester")
    ]
    for table in ("blocks", "events", "accounts", "transactions"):
        first, second = (pq.read_table(folder / f"{table}.parquet") for folder in folders)
        assert first.num_rows > 0 and first.equals(second), table
