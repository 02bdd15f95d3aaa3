# SPDX-License-Identifier: Apache-2.0
"""A builder of run folders, and what metrics make of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulation.metrics import RunTables, compute
from tests.synthetic_run import RunBuilder

Measure = Callable[[RunBuilder], dict[str, float | None]]


@pytest.fixture
def run(tmp_path: Path) -> RunBuilder:
    return RunBuilder(tmp_path / "run")


@pytest.fixture
def measure() -> Measure:
    """Write the run and compute everything: name to value."""

    def measured(run: RunBuilder) -> dict[str, float | None]:
        with RunTables(run.write()) as tables:
            return {item.name: item.value for item in compute(tables)}

    return measured
