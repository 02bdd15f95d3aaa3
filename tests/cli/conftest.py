# SPDX-License-Identifier: Apache-2.0
"""The command line over runs that need no chain, each in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from simulation import cli
from tests.cli import fakes

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Call `plimsoll` with arguments; options of the fake run as keywords."""
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str, **options: Any) -> Result:
        monkeypatch.setattr(
            cli, "build", lambda resolved, *, out: fakes.FakeSimulation(resolved, out, **options)
        )
        return CliRunner(mix_stderr=False).invoke(cli.main, arguments, catch_exceptions=False)

    return called


@pytest.fixture
def fake_cells(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Let sweeps run these cells instead of real ones."""
    real = cli.sweeps.run_cells

    def use(runner: Any) -> None:
        monkeypatch.setattr(cli.sweeps, "run_cells", partial(real, runner=runner))

    return use
