# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from functools import cache

import pytest

from tests.unit.insurance_fund.world import World


@cache
def _deployed() -> World:
    return World()


@pytest.fixture
def world() -> World:
    """A fresh InsuranceFund; deployed once, rewound for each test."""
    world = _deployed()
    world.reset()
    return world
