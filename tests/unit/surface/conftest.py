# SPDX-License-Identifier: Apache-2.0
"""A Surface over two series; each test starts from the same state."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tests.surfaces import Surfaces


@cache
def _deployed() -> Surfaces:
    return Surfaces()


@pytest.fixture
def world() -> Iterator[Surfaces]:
    deployed = _deployed()
    with deployed.env.anchor():
        yield deployed
