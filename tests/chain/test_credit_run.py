# SPDX-License-Identifier: Apache-2.0
"""A short fall with credit lines on both backends: granted, called, paid for by lenders before the fund."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulation.assembly import build, resolve
from simulation.metrics import RunTables, compute
from simulation.reports import write_report
from tests.chain.test_short_run import SETTINGS, TABLES

CREDIT = (
    *SETTINGS,
    "protocol.engine=credit",
    'protocol.credit.grace="10 min"',
    'agents.noise.interval="15 min"',
    "agents.noise.leverage={ lognormal = [9.0, 0.3] }",
    'agents.lenders.interval="20 min"',
    # Four small lenders: the junior tranche is soon gone.
    "agents.lenders.kind=lender",
    "agents.lenders.count=4",
    'agents.lenders.capital={ lognormal = ["30_000 USD", 0.1] }',
    "agents.lenders.tip=1.0",
    'agents.underwriter.interval="5 min"',
    "agents.underwriter.kind=underwriter",
    "agents.underwriter.tip=1.0",
)


def run(backend: str, out: Path) -> Path:
    build(resolve("black-thursday", (*CREDIT, f"chain.backend={backend}"), (), ()), out=out).run()
    return out


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return run("revm", tmp_path_factory.mktemp("revm")), run("tester", tmp_path_factory.mktemp("tester"))


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_equal(folders: tuple[Path, Path], table: str) -> None:
    first, second = (pq.read_table(folder / f"{table}.parquet") for folder in folders)
    assert first.num_rows > 0
    assert first.equals(second)


def test_lines_are_granted_called_and_paid_for_in_their_order(folders: tuple[Path, Path]) -> None:
    rows = pq.read_table(folders[0] / "events.parquet").to_pylist()
    found = {row["event"] for row in rows}
    assert {"LineGranted", "LineReviewed", "LineCalled", "IncomePaid", "LossBorne"} <= found, found
    with RunTables(folders[0]) as tables:
        values = {item.name: item.value for item in compute(tables)}
    assert values["lender_loss"] is not None and values["lender_loss"] > 1_000
    assert values["credit_lines"] is not None and values["credit_lines"] >= 5
    first = {
        name: min((row["block"], row["log_index"]) for row in rows if row["event"] == name)
        for name in ("CreditDrawn", "InsuranceDrawn")
        if any(row["event"] == name for row in rows)
    }
    assert min(first, key=lambda name: first[name]) == "CreditDrawn"
    senior = [json.loads(row["fields"])["senior"] for row in rows if row["event"] == "LossBorne"]
    junior = pq.read_table(folders[0] / "blocks.parquet")["lent_junior_usd"].to_pylist()
    assert not any(senior) or min(junior) == 0.0


def test_the_report_shows_lines_and_the_order_of_losses(folders: tuple[Path, Path]) -> None:
    page = write_report(folders[0]).read_text(encoding="utf-8")
    assert "Order of losses" in page and "Loss of lenders" in page


def test_an_underwriter_that_is_the_account_of_an_agent_grants(folders: tuple[Path, Path]) -> None:
    table = pq.read_table(folders[0] / "transactions.parquet").to_pylist()
    grants = [row for row in table if row["function"] == "CreditDesk.grant"]
    assert {row["agent"] for row in grants} == {"underwriter"}
    assert any(row["status"] == "success" for row in grants)
