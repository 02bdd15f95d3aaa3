# SPDX-License-Identifier: Apache-2.0
"""What every test needs: Ape finds the installed compiler and keeps its data inside the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

VENV = Path(__file__).resolve().parents[1] / ".venv"
os.environ.setdefault("VVM_BINARY_PATH", str(VENV / "vvm"))
os.environ.setdefault("APE_DATA_FOLDER", str(VENV / "ape"))

# Machines differ and share their cores: how long one example takes says nothing about the code. By default
# every run draws the same examples, as all else here repeats; PLIMSOLL_TEST_EXAMPLES=new looks for new ones.
_NEW = os.environ.get("PLIMSOLL_TEST_EXAMPLES") == "new"
settings.register_profile(
    "plimsoll",
    deadline=None,
    print_blob=_NEW,
    derandomize=not _NEW,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("plimsoll")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--vectors", metavar="DIR", help="folder of published test cases (tests/differential)")
