# SPDX-License-Identifier: Apache-2.0
"""A builder of run folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.synthetic_run import RunBuilder


@pytest.fixture
def run(tmp_path: Path) -> RunBuilder:
    return RunBuilder(tmp_path / "run")
