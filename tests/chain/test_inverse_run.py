# SPDX-License-Identifier: Apache-2.0
"""A short run with an inverse market: traded, settled in coin, liquidated, reconciled in every block."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulation.assembly import build, resolve
from simulation.chain.backends import backend_in_use
from simulation.domain.ledger_math import coin
from simulation.metrics import RunTables, compute, inverse

NUMBER = 128
SETTINGS = (
    # Coin falls by a third in half an hour, under longs that have nothing but coin for margin.
    "scenario.duration=40 min",
    'assets.ETH.points=[["0 s", "4_500 USD"], ["8 min", "4_500 USD"], ["38 min", "3_000 USD"]]',
    "agents.operator.coin_settlement=5 min",
    "agents.coin_longs.interval=2 min",
    "agents.carry.interval=4 min",
    "agents.carry.enter=-100 %/year",
    "agents.writers.count=0",
    "agents.portfolio_writers.count=0",
    "agents.buyers.count=0",
)


def run(out: Path, *more: str) -> Path:
    build(resolve("basis-unwind", (*SETTINGS, *more), (), ()), out=out).run()
    return out


def hashes(folder: Path) -> list[str]:
    return list(pq.read_table(folder / "blocks.parquet")["block_hash"].to_pylist())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("inverse"))


def events(folder: Path, name: str) -> list[dict[str, int]]:
    rows = pq.read_table(folder / "events.parquet").to_pylist()
    return [json.loads(row["fields"]) for row in rows if row["event"] == name]


def test_the_run_is_whole_and_coin_moves(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert (summary["status"], summary["blocks"]) == ("complete", 40)
    moved = [row["coin"] for row in events(folder, "CoinSettled")]
    assert min(moved) < 0 < max(moved)


def test_contracts_and_coin_sum_to_what_they_must(folder: Path) -> None:
    last: dict[int, tuple[int, int]] = {}
    for row in events(folder, "PositionModified"):
        if row["market"] == NUMBER:
            last[row["account"]] = row["size"], coin(row["entry_price"])
    assert sum(size for size, _ in last.values()) == 0
    assert sum(held for _, held in last.values()) == events(folder, "CoinSettled")[-1]["pool"]


def test_longs_with_coin_for_margin_are_liquidated(folder: Path) -> None:
    with RunTables(folder) as tables:
        found = {metric.name: metric.value for metric in compute(tables)}
        results = {one.agent: one for one in inverse.positions(tables)}
        assert sum(one.profit_coin for one in results.values()) == pytest.approx(0.0, abs=1e-6)
        assert results["coin_longs"].profit_coin < 0.0 < results["carry"].profit_coin
        assert found["inverse_liquidated"] == pytest.approx(
            sum(one.taken_over_usd for one in results.values())
        )
        assert found["liquidations"] and found["inverse_liquidated"] and found["coin_paid"]
        # Contracts count as USD everywhere: the book cannot hold more than a few times all equity.
        assert found["open_interest_peak"] < 100e6 and found["volume"] < 200e6


def test_the_pool_is_nobodys_wealth(folder: Path) -> None:
    """Equity of a block is that of agents: what the pool holds is owed to them."""
    accounts = pq.read_table(folder / "accounts.parquet").to_pylist()
    blocks = {row["block"]: row for row in pq.read_table(folder / "blocks.parquet").to_pylist()}
    equity: Counter[int] = Counter()
    for row in accounts:
        assert row["account"] != 1, "the pool's own account belongs to no agent"
        equity[row["block"]] += row["equity_usd"]
    first, last = min(blocks), max(blocks)
    for block in (first, last):
        assert equity[block] == pytest.approx(blocks[block]["equity_usd"])


def test_it_is_the_same_again(folder: Path, tmp_path: Path) -> None:
    assert hashes(run(tmp_path / "again")) == hashes(folder)


@pytest.mark.skipif(backend_in_use("revm") != "revm", reason="the native EVM is not built")
def test_both_chains_agree(tmp_path: Path) -> None:
    few = ("scenario.duration=5 min", "agents.operator.coin_settlement=1 min", "agents.coin_longs.count=6")
    found = [hashes(run(tmp_path / name, *few, f"chain.backend={name}")) for name in ("revm", "tester")]
    assert len(found[0]) == 5 and found[0] == found[1]
