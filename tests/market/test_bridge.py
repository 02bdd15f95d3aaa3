# SPDX-License-Identifier: Apache-2.0
"""Bridges: published points are hit to the last digit, the rest stays in their range and moves as told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.config import WaypointSpec, load_scenario
from simulation.domain.units import NANO
from simulation.market import build_market
from simulation.market.generated import SECONDS_PER_YEAR, waypoints

BLOCK_TIME = 60


@st.composite
def specs(draw: st.DrawFn) -> WaypointSpec:
    gaps = draw(st.lists(st.integers(1, 200), min_size=1, max_size=8))
    prices = draw(st.lists(st.integers(1, 10**14), min_size=len(gaps) + 1, max_size=len(gaps) + 1))
    times = np.concatenate([[0], np.cumsum(gaps)]) * BLOCK_TIME
    points = tuple((int(time), price) for time, price in zip(times, prices, strict=True))
    return WaypointSpec(points=points, volatility=draw(st.floats(0, 5)), loading=draw(st.floats(-1, 1)))


@given(specs(), st.integers(0, 2**32), st.integers(1, 2_000))
def test_points_are_hit_exactly_and_bound_the_path(spec: WaypointSpec, seed: int, blocks: int) -> None:
    path = waypoints(spec, seed, "ETH", blocks, BLOCK_TIME)
    assert len(path) == blocks + 1
    for time, price in spec.points:
        if time // BLOCK_TIME <= blocks:
            assert path[time // BLOCK_TIME] == price
    prices = [price for _, price in spec.points]
    assert min(prices) <= path.min() <= path.max() <= max(prices)


def test_a_bridge_keeps_the_volatility_of_its_noise() -> None:
    blocks = 200_000
    wide = ((0, 1 * NANO), (10, 10**6 * NANO), (20, 1000 * NANO), (blocks * BLOCK_TIME, 1000 * NANO))
    spec = WaypointSpec(
        points=tuple((time * BLOCK_TIME if time < 30 else time, price) for time, price in wide)
    )
    returns = np.diff(np.log(waypoints(spec, 4, "ETH", blocks, BLOCK_TIME)[20:] / NANO))
    fitted = returns.std() * np.sqrt(SECONDS_PER_YEAR / BLOCK_TIME)
    assert abs(fitted / spec.volatility - 1) < 4 / np.sqrt(2 * blocks)


def test_without_noise_the_logarithm_is_linear_between_points() -> None:
    spec = WaypointSpec(points=((0, 100 * NANO), (4 * BLOCK_TIME, 1600 * NANO)), volatility=0.0)
    path = waypoints(spec, 1, "ETH", 4, BLOCK_TIME)
    assert path.tolist() == pytest.approx(
        [100 * NANO, 200 * NANO, 400 * NANO, 800 * NANO, 1600 * NANO], abs=2
    )


@pytest.mark.parametrize(
    ("name", "asset", "low"),
    [("black-thursday", "ETH", 86_000_000_000), ("black-thursday", "BTC", 3_782_130_000_000)],
)
def test_black_thursday_reaches_its_published_lows(name: str, asset: str, low: int) -> None:
    scenario, path = build_market(load_scenario(name))
    column = path.prices[:, path.symbols.index(asset)]
    assert column.min() == low
    assert int(np.argmin(column)) * scenario.time.block_time == 26 * 3600 + 15 * 60
