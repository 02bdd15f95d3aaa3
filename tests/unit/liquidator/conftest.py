# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from functools import cache

import pytest

from tests.unit.liquidator.world import World


@cache
def _deployed() -> World:
    return World()


@pytest.fixture
def world() -> World:
    """A fresh Liquidator; deployed once, rewound for each test."""
    world = _deployed()
    world.reset()
    return world
