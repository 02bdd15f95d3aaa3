# SPDX-License-Identifier: Apache-2.0
"""Every metric says what it is, and computing them leaves nothing undefined that is not a number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulation.errors import InputError
from simulation.metrics import RunTables, compute, definitions, record, show
from simulation.metrics.registry import GROUPS
from tests.synthetic_run import RunBuilder, crash

UNITS = {
    "USD", "USD*s", "blocks", "s", "ratio", "share", "index", "bps", "bps/h", "gas", "gwei", "count",
}  # fmt: skip


@pytest.mark.parametrize("name", list(definitions()))
def test_every_metric_is_defined_in_words(name: str) -> None:
    item = definitions()[name]
    assert item.unit in UNITS
    assert item.title[0].isupper() and len(item.title) < 45
    assert item.definition.endswith(".") and len(item.definition) > 20


def test_tables_keep_the_order_of_groups() -> None:
    groups = [GROUPS.index(item.group) for item in definitions().values()]
    assert groups == sorted(groups) and set(groups) == set(range(len(GROUPS)))


def test_an_eventful_run_defines_nearly_everything(tmp_path: Path) -> None:
    with RunTables(crash(tmp_path / "run", blocks=700)) as run:
        values = {item.name: item.value for item in compute(run)}
    undefined = {name for name, value in values.items() if value is None}
    undefined -= {name for name, item in definitions().items() if item.group == "inverse"}
    assert undefined <= {"fund_depletion_seconds", "keeper_slippage_mean"}


def test_a_share_is_one(tmp_path: Path) -> None:
    with RunTables(crash(tmp_path / "run", blocks=700)) as run:
        for item in compute(run):
            if item.unit == "share" and item.value is not None:
                # What was shed is a difference of shares.
                least = -1 if item.name.startswith("default_risk_shed") else 0
                assert least <= item.value <= 1, item.name


def test_metrics_are_recorded_with_their_definitions(run: RunBuilder) -> None:
    run.plain_blocks()
    folder = run.write()
    with RunTables(folder) as tables:
        measured = compute(tables)
    record(folder, measured)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["seed"] == 1, "what the engine wrote is still there"
    assert list(summary["metrics"]) == list(definitions())
    assert summary["metrics"]["liquidations"] == {
        "value": 0.0,
        "unit": "count",
        "definition": definitions()["liquidations"].definition,
    }


def test_measuring_twice_gives_the_same_bytes(run: RunBuilder) -> None:
    run.plain_blocks()
    folder = run.write()
    written = []
    for _ in range(2):
        with RunTables(folder) as tables:
            record(folder, compute(tables))
        written.append((folder / "summary.json").read_bytes())
    assert written[0] == written[1]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"summary\.json: No such file or directory; expected the folder"):
        RunTables(tmp_path / "nowhere")


def test_a_table_is_missing(run: RunBuilder) -> None:
    run.plain_blocks()
    (run.write() / "events.parquet").unlink()
    with pytest.raises(InputError, match=r"events\.parquet: missing"):
        RunTables(run.folder)


def test_a_table_is_no_parquet(run: RunBuilder) -> None:
    run.plain_blocks()
    (run.write() / "events.parquet").write_text("block,index\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"events\.parquet: .*; expected a Parquet file"):
        RunTables(run.folder)


def test_a_summary_is_no_json(run: RunBuilder) -> None:
    run.plain_blocks()
    (run.write() / "summary.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not JSON"):
        RunTables(run.folder)


def test_a_summary_without_markets(run: RunBuilder) -> None:
    run.plain_blocks()
    del run.summary["markets"]
    with pytest.raises(InputError, match="no key markets"):
        RunTables(run.write())


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "USD", "–"),
        (0, "USD", "$0"),
        (12.345, "USD", "$12.3"),
        (-4687.2, "USD", "−$4,687"),
        (9_999.4, "USD", "$9,999"),
        (9_999.6, "USD", "$10k"),
        (999_600, "USD", "$1M"),
        (1_234_567, "USD", "$1.23M"),
        (2.09e8, "USD*s", "$209M·s"),
        (0.3751, "share", "37.5 %"),
        (1.0, "share", "100 %"),
        (3.3218, "ratio", "3.32×"),
        (48, "count", "48"),
        (1_048.0, "count", "1,048"),
        (66.6, "count", "66.6"),
        (45, "s", "45 s"),
        (60, "s", "1 min"),
        (750, "s", "12 min 30 s"),
        (7_500, "s", "2 h 05 min"),
        (93_600, "s", "1 d 02 h"),
        (528_247.5, "gas", "528,248 gas"),
        (47.32, "gwei", "47.3 gwei"),
    ],
)
def test_numbers_for_people(value: float | None, unit: str, text: str) -> None:
    assert show(value, unit) == text
