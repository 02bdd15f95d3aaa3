# SPDX-License-Identifier: Apache-2.0
"""The page of a sweep pairs runs by seed and says how many there were."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulation.errors import InputError
from simulation.metrics import definitions
from simulation.reports import write_comparison
from simulation.reports.comparison import Comparison

ARMS = ("agents.keepers.count=3", "agents.keepers.count=0")


def write_sweep(
    folder: Path, value: Callable[[str, int, str], float | None], seeds: int = 20, failed: bool = False
) -> Path:
    """`value(arm, seed, metric)` for every run."""
    rows = [
        (arm, seed, name, value(arm, seed, name))
        for arm in ARMS
        for seed in range(seeds)
        for name in definitions()
    ]
    columns = list(zip(*rows, strict=True))
    names = ("arm", "seed", "metric", "value")
    pq.write_table(pa.table(dict(zip(names, columns, strict=True))), folder / "results.parquet")
    about = {
        "scenario": "calm",
        "arms": [{"name": arm, "overrides": []} for arm in ARMS],
        "seeds": list(range(seeds)),
        "complete": True,
        "failed": [{"arm": ARMS[1], "seed": 4, "error": "its process died"}] if failed else [],
    }
    (folder / "sweep.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def noisy(arm: str, seed: int, metric: str) -> float | None:
    noise = (seed * 7_919 % 100) * 1_000.0
    if metric == "fund_depleted":
        return float(arm == ARMS[1])
    return noise + (50.0 + seed % 3 if arm == ARMS[1] else 0.0)


def test_differences_are_paired_by_seed(tmp_path: Path) -> None:
    found = Comparison.read(write_sweep(tmp_path, noisy))
    change = found.difference("bad_debt", ARMS[1])
    assert change is not None and change.low is not None and change.high is not None
    assert 50 < change.low < change.value < change.high < 52, "the noise of a hundred thousand cancels"
    assert change.runs == 20


def test_runs_in_which_a_metric_is_not_defined_leave_their_pair(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path, lambda arm, seed, name: None if arm == ARMS[0] and seed < 5 else 1.0)
    found = Comparison.read(folder)
    change = found.difference("bad_debt", ARMS[1])
    assert change is not None and change.runs == 15
    assert found.of("bad_debt", ARMS[0]) == [1.0] * 15


def test_never_defined_in_one_arm(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path, lambda arm, seed, name: None if arm == ARMS[0] else 1.0)
    assert Comparison.read(folder).difference("bad_debt", ARMS[1]) is None
    write_comparison(folder)


def test_the_page(tmp_path: Path) -> None:
    text = write_comparison(write_sweep(tmp_path, noisy, failed=True)).read_text(encoding="utf-8")
    assert 'class="change bad">+$51' in text, "more bad debt is worse"
    assert "n = 20" in text
    assert "1 runs failed" in text and "its process died" in text
    assert "Expected shortfall 95 %" in text
    assert "$" in text and "NaN" not in text.split('id="plot-data">')[1].split("</script>")[0]


def test_one_run_an_arm_claims_no_interval(tmp_path: Path) -> None:
    text = write_comparison(write_sweep(tmp_path, noisy, seeds=1)).read_text(encoding="utf-8")
    assert "too few runs for an interval" in text
    assert 'class="change good"' not in text and 'class="change bad"' not in text


def test_no_sweep_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the folder of a sweep"):
        write_comparison(tmp_path)
