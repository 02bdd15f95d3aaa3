# SPDX-License-Identifier: Apache-2.0
"""A whole short run leaves the same folder on both backends: events, gas, balances, every block's hash."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulation.assembly import build, resolve

TABLES = ("accounts", "agents", "blocks", "events", "markets", "transactions")
FALL = [("0 s", 200, 8_000), ("22 min", 199, 7_950), ("30 min", 105, 4_200), ("45 min", 110, 4_400)]
"""Time, ETH and BTC in USD: Black Thursday in three quarters of an hour."""


def points(place: int) -> str:
    """The fall of one asset as a setting."""
    return "[" + ", ".join(f'["{row[0]}", "{row[place]} USD"]' for row in FALL) + "]"


SETTINGS = ('scenario.duration="45 min"', f"assets.ETH.points={points(1)}", f"assets.BTC.points={points(2)}")


def run(backend: str, out: Path) -> Path:
    """Forty-five blocks with a fall in them."""
    resolved = resolve("black-thursday", (*SETTINGS, f"chain.backend={backend}"), (), ())
    build(resolved, out=out).run()
    return out


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return run("revm", tmp_path_factory.mktemp("revm")), run("tester", tmp_path_factory.mktemp("tester"))


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_equal(folders: tuple[Path, Path], table: str) -> None:
    first, second = (pq.read_table(folder / f"{table}.parquet") for folder in folders)
    assert first.num_rows > 0
    assert first.equals(second)


def test_summaries_are_equal(folders: tuple[Path, Path]) -> None:
    first, second = (json.loads((folder / "summary.json").read_text(encoding="utf-8")) for folder in folders)
    assert (first.pop("chain"), second.pop("chain")) == ("revm", "tester")
    assert first == second
    assert first["status"] == "complete" and first["blocks"] == 45


def test_the_run_had_liquidations(folders: tuple[Path, Path]) -> None:
    table = pq.read_table(folders[0] / "transactions.parquet")
    used = set(table.column("function").to_pylist())
    assert {"Exchange.place", "Oracle.update", "Liquidator.bid"} <= used, used
