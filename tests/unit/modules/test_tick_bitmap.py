# SPDX-License-Identifier: Apache-2.0
"""modules/tick_bitmap against a plain set of ticks, on two sides of one market and a third of another."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.evm import Contract, Env

MAX_TICK = 2**24 - 1
EDGES = [1, 255, 256, 257, 65_535, 65_536, 65_537, 2**23, MAX_TICK - 256, MAX_TICK - 255, MAX_TICK]
TICKS = st.one_of(st.sampled_from(EDGES), st.integers(1, 600), st.integers(1, MAX_TICK))
SIDES = (2, 3, 2**17 - 1)
STEPS = st.lists(st.tuples(st.sampled_from(SIDES), TICKS), min_size=1, max_size=40)


@cache
def _deployed() -> tuple[Contract, Any]:
    env = Env()
    return env.deploy("TickBitmapHarness"), env.snapshot()


def _next(ticks: set[int], side: int, tick: int) -> int:
    """Bids (odd sides) get worse downwards, asks upwards; 0 when there is none."""
    if side % 2:
        return max((other for other in ticks if other < tick), default=0)
    return min((other for other in ticks if other > tick), default=0)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, probes=st.lists(TICKS, max_size=8))
def test_finds_the_next_tick(steps: list[tuple[int, int]], probes: list[int]) -> None:
    """A step sets a tick that is clear and clears one that is set."""
    bitmap, base = _deployed()
    bitmap.env.revert(base)
    ticks: dict[int, set[int]] = {side: set() for side in SIDES}
    for side, tick in steps:
        if tick in ticks[side]:
            bitmap.clear(side, tick)
        else:
            bitmap.set(side, tick)
        ticks[side] ^= {tick}
    for side in SIDES:
        for tick in {*probes, *ticks[side], *EDGES}:
            assert bitmap.beyond(side, tick) == _next(ticks[side], side, tick)


def test_setting_twice_changes_nothing_and_a_cleared_map_is_empty() -> None:
    bitmap, base = _deployed()
    bitmap.env.revert(base)
    for tick in EDGES:
        bitmap.set(3, tick)
        bitmap.set(3, tick)
    for tick in EDGES:
        bitmap.clear(3, tick)
    assert bitmap.beyond(3, MAX_TICK) == 0
    assert bitmap.beyond(2, 1) == 0
