# SPDX-License-Identifier: Apache-2.0
"""`plimsoll sweep`: the grid, the pool, and results that do not depend on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.errors import InputError
from simulation.sweep import parse_grid
from tests.cli import fakes
from tests.cli.conftest import Invoke

KEEPERS = "agents.keepers.count=3,0"


def test_a_grid_varies_the_last_key_fastest() -> None:
    arms = parse_grid(["a.b=1,2", "c='x,y', z", "d=[1, 2]"])
    assert [arm.name for arm in arms] == ["a.b=1, c='x,y'", "a.b=1, c=z", "a.b=2, c='x,y'", "a.b=2, c=z"]
    assert arms[0].overrides == ("a.b=1", "c='x,y'", "d=[1, 2]")


def test_nothing_varied_is_one_arm() -> None:
    (arm,) = parse_grid(["a=1"])
    assert arm.name == "base"
    assert parse_grid([])[0].overrides == ()


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=5, unique=True))
def test_every_value_makes_an_arm(values: list[int]) -> None:
    arms = parse_grid([f"key={','.join(map(str, values))}"])
    assert [arm.overrides for arm in arms] == [(f"key={value}",) for value in values]


@pytest.mark.parametrize("text", ["key", "=1", "key=", "key=1,,2", "key=1,1"])
def test_settings_that_make_no_grid(text: str) -> None:
    with pytest.raises(InputError, match=f"^--set {text}: "):
        parse_grid([text])


def test_a_key_set_twice() -> None:
    with pytest.raises(InputError, match="a was set before"):
        parse_grid(["a=1,2", "a=3"])


def test_results_do_not_depend_on_the_number_of_workers(
    invoke: Invoke, fake_cells: Callable[[Any], None]
) -> None:
    fake_cells(fakes.run_cell)
    written = []
    for workers in ("1", "3"):
        result = invoke(
            "sweep", "calm", "--set", KEEPERS, "--seeds", "4", "--seed", "1", "--workers", workers,
            "--out", workers,
        )  # fmt: skip
        assert result.exit_code == 0, result.stderr
        assert result.stdout.strip() == f"{workers}/report.html"
        written.append(
            [(Path(workers) / name).read_bytes() for name in ("results.parquet", "sweep.json", "report.html")]
        )
    assert written[0] == written[1]
    rows = pq.read_table(Path("3/results.parquet")).to_pylist()
    debts = [(row["arm"], row["seed"], row["value"]) for row in rows if row["metric"] == "bad_debt"]
    assert debts == [
        *(("agents.keepers.count=3", seed, float(seed)) for seed in (1, 2, 3, 4)),
        *(("agents.keepers.count=0", seed, seed * 10.0) for seed in (1, 2, 3, 4)),
    ]


def test_a_crashed_run_is_told_and_the_others_go_on(
    invoke: Invoke, fake_cells: Callable[[Any], None]
) -> None:
    fake_cells(fakes.run_cell_with_trouble)
    result = invoke("sweep", "calm", "--seeds", "6", "--seed", "1", "--workers", "2", "--out", "here")
    assert result.exit_code == 1
    assert "plimsoll: base, seed 3: its process died" in result.stderr
    assert "plimsoll: base, seed 4: block 7: the books differ by 1 wei" in result.stderr
    about = json.loads(Path("here/sweep.json").read_text(encoding="utf-8"))
    assert [item["seed"] for item in about["failed"]] == [3, 4]
    assert about["complete"]
    rows = pq.read_table(Path("here/results.parquet")).to_pylist()
    assert sorted({row["seed"] for row in rows}) == [1, 2, 5, 6]
    assert "its process died" in Path("here/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--seeds", "0"], "--seeds 0: got no runs"),
        (["--seeds", "2", "--workers", "0"], "--workers 0: got no process"),
        (["--seeds", "2", "--set", "protocol.engin=a,b"], "protocol.engin: unknown key"),
        (["--seeds", "2", "--set", "protocol.engine=cross,banana"], "protocol.engine"),
    ],
)
def test_wrong_input_runs_nothing(
    invoke: Invoke, fake_cells: Callable[[Any], None], arguments: list[str], expected: str
) -> None:
    fake_cells(fakes.run_cell)
    result = invoke("sweep", "calm", *arguments)
    assert result.exit_code == 2
    assert expected in result.stderr and "Traceback" not in result.output
    assert not Path("runs").exists()


def test_a_folder_of_something_else_is_left_alone(
    invoke: Invoke, fake_cells: Callable[[Any], None], tmp_path: Path
) -> None:
    fake_cells(fakes.run_cell)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("dear diary", encoding="utf-8")
    result = invoke("sweep", "calm", "--seeds", "1", "--out", "notes")
    assert result.exit_code == 2
    assert "holds diary.txt" in result.stderr


def test_ctrl_c_keeps_the_runs_that_ended(
    invoke: Invoke, fake_cells: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from simulation import cli

    fake_cells(fakes.run_cell)
    real = cli.sweeps.run_cells

    def interrupted(*arguments: Any, watch: Any, **options: Any) -> Any:
        ended = []

        def watched(result: Any) -> None:
            ended.append(result)
            if len(ended) == 2:
                raise KeyboardInterrupt

        return real(*arguments, watch=watched, **options)

    monkeypatch.setattr(cli.sweeps, "run_cells", interrupted)
    result = invoke("sweep", "calm", "--seeds", "5", "--seed", "1", "--workers", "1", "--out", "here")
    assert result.exit_code == 130
    about = json.loads(Path("here/sweep.json").read_text(encoding="utf-8"))
    assert not about["complete"]
    assert len({row["seed"] for row in pq.read_table(Path("here/results.parquet")).to_pylist()}) == 2
    assert "interrupted</span>" in Path("here/report.html").read_text(encoding="utf-8")


def test_a_sweep_can_be_reported_again(invoke: Invoke, fake_cells: Callable[[Any], None]) -> None:
    fake_cells(fakes.run_cell)
    invoke("sweep", "calm", "--set", KEEPERS, "--seeds", "2", "--out", "here")
    Path("here/report.html").unlink()
    result = invoke("report", "here")
    assert result.stdout.strip() == "here/report.html"
    assert Path("here/report.html").is_file()
