# SPDX-License-Identifier: Apache-2.0
"""Boards with one series of five strikes a week from expiry; each test starts from the same state."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tests.boards import NANO, Boards

SPOT = 2_000 * NANO
STRIKES = [strike * NANO for strike in (1_000, 1_800, 2_000, 2_200, 6_000)]
WEEK = 7 * 86_400


@cache
def _listed() -> Boards:
    boards = Boards()
    boards.list_series(1, 1, boards.env.timestamp + WEEK, STRIKES)
    boards.price(SPOT)
    boards.push_surface(1, reference_tau=WEEK)
    return boards


@pytest.fixture
def boards() -> Iterator[Boards]:
    rig = _listed()
    with rig.env.anchor():
        yield rig
