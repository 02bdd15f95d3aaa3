# SPDX-License-Identifier: Apache-2.0
"""`plimsoll report` and `plimsoll scenarios`."""

from __future__ import annotations

from pathlib import Path

from simulation.config import available_scenarios
from tests.cli.conftest import Invoke


def test_the_report_is_written_again(invoke: Invoke) -> None:
    invoke("run", "calm")
    page = Path("runs/calm/report.html")
    before = page.read_bytes()
    page.unlink()
    result = invoke("report", "runs/calm")
    assert result.exit_code == 0
    assert result.stdout.strip() == "runs/calm/report.html"
    assert page.read_bytes() == before


def test_no_run_there(invoke: Invoke) -> None:
    result = invoke("report", "nowhere")
    assert result.exit_code == 2
    assert "expected the folder of a recorded run" in result.stderr


def test_every_scenario_is_listed(invoke: Invoke) -> None:
    result = invoke("scenarios")
    assert result.exit_code == 0
    for name in available_scenarios():
        assert name in result.stdout


def test_help_names_every_command(invoke: Invoke) -> None:
    result = invoke("--help")
    for command in ("run", "sweep", "replay", "report", "margin", "scenarios"):
        assert command in result.stdout


def test_version(invoke: Invoke) -> None:
    assert "0.1.0" in invoke("--version").stdout
