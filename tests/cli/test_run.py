# SPDX-License-Identifier: Apache-2.0
"""`plimsoll run`: a folder with its report, an honest exit code, one line for each mistake."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke


def one_line(text: str) -> str:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]


def test_a_run_prints_its_figures_and_the_path_of_its_report(invoke: Invoke) -> None:
    result = invoke("run", "calm")
    assert result.exit_code == 0
    assert "Bad debt" in result.stdout and "Keeper profit after gas" in result.stdout
    assert "patient" in result.stdout, "each keeper with its profit"
    assert result.stdout.strip().endswith("runs/calm/report.html")
    assert Path("runs/calm/report.html").is_file()
    summary = json.loads(Path("runs/calm/summary.json").read_text(encoding="utf-8"))
    assert summary["metrics"]["keeper_profit"]["value"] == 11


def test_quiet_prints_the_path_alone(invoke: Invoke) -> None:
    result = invoke("run", "calm", "--quiet", "--out", "here")
    assert one_line(result.stdout) == "here/report.html"
    assert result.stderr == ""


def test_options_become_settings(invoke: Invoke) -> None:
    invoke(
        "run", "calm", "--seed", "77", "--chain", "tester", "--set", "scenario.duration=1 h", "--out", "here"
    )
    text = Path("here/scenario.toml").read_text(encoding="utf-8")
    assert "seed = 77" in text and 'backend = "tester"' in text and 'duration = "1 h"' in text


def test_the_margin_system_is_one_flag(invoke: Invoke) -> None:
    result = invoke("run", "calm", "--engine", "portfolio", "--quiet", "--out", "here")
    assert result.exit_code == 0, result.stderr
    scenario = tomllib.loads(Path("here/scenario.toml").read_text(encoding="utf-8"))
    assert scenario["protocol"]["engine"] == "portfolio" and "grid" in scenario["protocol"]["portfolio"]
    refused = invoke("run", "calm", "--engine", "standard")
    assert refused.exit_code == 2 and "risk-based" in refused.stderr


def test_a_run_replaces_an_earlier_one(invoke: Invoke) -> None:
    assert invoke("run", "calm").exit_code == 0
    assert invoke("run", "calm", "--seed", "5").exit_code == 0
    assert json.loads(Path("runs/calm/summary.json").read_text(encoding="utf-8"))["seed"] == 5


def test_an_interrupted_run_is_kept_and_told(invoke: Invoke) -> None:
    result = invoke("run", "calm", stop_after=5)
    assert result.exit_code == 130
    assert "interrupted by the user after 5 of 12 blocks" in result.stderr
    assert "5 blocks are recorded in runs/calm" in result.stderr
    assert "interrupted</span>" in Path("runs/calm/report.html").read_text(encoding="utf-8")


def test_a_run_that_fails_keeps_what_it_recorded(invoke: Invoke) -> None:
    result = invoke("run", "calm", error="block 104: account 7 and its mirror differ by 1 wei")
    assert result.exit_code == 1
    lines = result.stderr.strip().splitlines()
    assert lines[-1] == "plimsoll: block 104: account 7 and its mirror differ by 1 wei"
    assert lines[-2] == "plimsoll: what was recorded is in runs/calm"
    assert Path("runs/calm/report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "clam"], "clam: no such scenario; expected a path ending in .toml or"),
        (["run", "missing.toml"], "missing.toml: no such file; expected a scenario file"),
        (["run", "calm", "--set", "protocol.engine"], "--set protocol.engine: got no key and value"),
        (["run", "calm", "--set", "protocol.engin=cross"], "protocol.engin: unknown key"),
        (["run", "calm", "--set", "scenario.duration=12 apples"], "scenario.duration"),
        (["run", "calm", "--prices", "ETH"], "--prices ETH: got no symbol and file"),
        (["run", "calm", "--prices", "ETH=nowhere.csv"], "--prices ETH=nowhere.csv: no such file"),
        (["run", "calm", "--prices", "DOGE=nowhere.csv"], "no asset DOGE"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(
    invoke: Invoke, arguments: list[str], expected: str
) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert expected in one_line(result.stderr)
    assert result.stdout == ""
    assert not Path("runs").exists()


def test_every_mistake_has_its_line(invoke: Invoke) -> None:
    result = invoke("run", "calm", "--set", "protocol.engin=cross", "--set", "scenario.duration=12 apples")
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 2


def test_a_folder_of_something_else_is_left_alone(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("dear diary", encoding="utf-8")
    result = invoke("run", "calm", "--out", "notes", "--quiet")
    assert result.exit_code == 2
    assert "expected a new folder" in one_line(result.stderr)
    assert [path.name for path in (tmp_path / "notes").iterdir()] == ["diary.txt"]


@pytest.mark.parametrize("option", ["--chain", "--seed"])
def test_options_of_the_wrong_kind_are_refused(invoke: Invoke, option: str) -> None:
    result = invoke("run", "calm", option, "ganache")
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_ctrl_c_before_the_first_block(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("simulation.cli.resolve", interrupted)
    result = invoke("run", "calm")
    assert result.exit_code == 130
    assert one_line(result.stderr) == "plimsoll: interrupted"
