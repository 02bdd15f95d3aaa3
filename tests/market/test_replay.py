# SPDX-License-Identifier: Apache-2.0
"""Replay: the price of a block is known at its time, the worst day is found, and windows must be covered."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.config import ReplaySpec, load_scenario, stream
from simulation.domain.units import NANO
from simulation.errors import InputError, ScenarioError
from simulation.market import Bars, build_market
from simulation.market.replay import choose_window, replay

START = 1_600_041_600
"""00:00 UTC."""
DAY = 86_400


def bars_of(prices: list[tuple[float, float, float, float]], step: int = 60, start: int = START) -> Bars:
    columns = np.array(prices, dtype=np.float64).T
    times = start + step * np.arange(len(prices), dtype=np.int64)
    return Bars("prices.csv", step, times, *columns)


def random_bars(seed: int, count: int, step: int, start: int = START) -> Bars:
    closes = 1000 * np.exp(np.cumsum(stream(seed, "bars").normal(0, 0.01, count + 1)))
    opens, closes = closes[:-1], closes[1:]
    high, low = np.maximum(opens, closes) * 1.005, np.minimum(opens, closes) * 0.995
    times = start + step * np.arange(count, dtype=np.int64)
    return Bars("prices.csv", step, times, opens, high, low, closes)


RISING = (10.0, 14.0, 9.0, 12.0)
FALLING = (12.0, 13.0, 8.0, 9.0)


def test_prints_come_in_the_order_of_the_bars_direction() -> None:
    path = replay(bars_of([RISING, FALLING]), ReplaySpec(), 1, "ETH", START, 8, 15)
    assert (path / NANO).tolist() == [10, 9, 14, 12, 12, 13, 8, 9, 9]


def test_close_is_the_last_bar_that_has_ended() -> None:
    path = replay(bars_of([RISING, FALLING]), ReplaySpec(inside="close"), 1, "ETH", START, 8, 15)
    assert (path / NANO).tolist() == [10, 10, 10, 10, 12, 12, 12, 12, 9]


@given(st.integers(0, 2**20), st.integers(1, 90), st.sampled_from(["prints", "close"]))
def test_nothing_of_a_later_bar_is_seen(seed: int, block_time: int, inside: str) -> None:
    """Two files that agree up to a bar give the same prices up to that bar's end."""
    bars = random_bars(seed, 20, 60)
    cut = 11
    scaled = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    for column in scaled.values():
        column[cut:] *= 3
    other = dataclasses.replace(bars, **scaled)
    blocks = 20 * 60 // block_time
    spec = ReplaySpec(inside=inside)
    one = replay(bars, spec, seed, "ETH", START, blocks, block_time)
    two = replay(other, spec, seed, "ETH", START, blocks, block_time)
    known = np.arange(blocks + 1) * block_time < cut * 60
    assert np.array_equal(one[known], two[known])


@given(st.integers(0, 2**20), st.integers(0, 3_000))
def test_a_bridge_hits_the_extremes_of_long_bars_and_stays_inside_them(seed: int, offset: int) -> None:
    bars = random_bars(seed, 24, 3600)
    blocks = (24 * 3600 - offset) // 60
    path = replay(bars, ReplaySpec(inside="bridge"), seed, "ETH", START + offset, blocks, 60)
    hours = (offset + 60 * np.arange(blocks + 1)) // 3600
    for hour in range(1, 23):
        inside = path[np.flatnonzero(hours == hour)[1:]] / NANO
        assert inside.min() >= bars.low[hour] * (1 - 1e-9)
        assert inside.max() <= bars.high[hour] * (1 + 1e-9)
        reached = path[(hours == hour) | (hours == hour + 1)] / NANO
        assert np.isclose(reached, bars.low[hour], rtol=1e-9).any()
        assert np.isclose(reached, bars.high[hour], rtol=1e-9).any()


def days_of(ranges: list[float], start: int = START) -> Bars:
    """Hourly bars; the range of each day is its high over its low."""
    return bars_of([(10.0, 10.0 * width, 10.0, 10.0) for width in ranges for _ in range(24)], 3600, start)


def test_the_most_volatile_day_is_chosen() -> None:
    assert choose_window([days_of([1.1, 1.5, 1.2])], DAY) == (START + DAY, DAY)
    assert choose_window([days_of([1.1, 1.5, 1.2]), days_of([1.9, 1.1, 1.1])], DAY) == (START, DAY)


def test_only_days_that_all_files_hold_in_full_count() -> None:
    late = days_of([1.1, 1.1, 1.1], START + DAY // 2)
    assert choose_window([days_of([3.0, 1.2, 1.1]), late], DAY) == (START + DAY, DAY)


def test_a_window_is_moved_and_shortened_to_fit() -> None:
    assert choose_window([days_of([1.1, 1.2, 1.5])], 2 * DAY) == (START + DAY, 2 * DAY)
    assert choose_window([days_of([1.1, 1.2, 1.5])], 9 * DAY) == (START, 3 * DAY)
    assert choose_window([bars_of([RISING] * 60)], DAY) == (START, 3600)


def test_files_without_a_common_time_are_refused() -> None:
    with pytest.raises(InputError, match="share no time"):
        choose_window([days_of([1.1]), days_of([1.1], START + 2 * DAY)], DAY)


def write(path: Path, bars: Bars) -> str:
    rows = zip(bars.timestamp, bars.open, bars.high, bars.low, bars.close, strict=True)
    lines = [",".join(map(str, row)) + ",1" for row in rows]
    path.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(lines), encoding="utf-8")
    return str(path)


def test_the_replay_scenario_runs_the_worst_day_of_any_files(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{symbol}.csv", days_of([1.1, 1.4, 1.2])) for symbol in ("ETH", "BTC")]
    scenario = load_scenario("replay", prices=[f"ETH={files[0]}", f"BTC={files[1]}"])
    resolved, path = build_market(scenario)
    assert (resolved.start, resolved.blocks) == (START + DAY, 1440)
    assert len(path) == 1441
    assert path.tick(0).price_nano("ETH") == 10 * NANO


def test_a_window_outside_the_files_names_what_they_cover(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{symbol}.csv", days_of([1.1])) for symbol in ("ETH", "BTC")]
    sets = ["scenario.start=2020-09-14T12:00:00Z", "scenario.duration=13 h"]
    scenario = load_scenario("replay", sets, [f"ETH={files[0]}", f"BTC={files[1]}"])
    with pytest.raises(ScenarioError) as error:
        build_market(scenario)
    assert str(error.value).startswith("--set: scenario.start: 2020-09-14T12:00:00Z to 2020-09-15T01:00:00Z")
    assert "2020-09-14T00:00:00Z to 2020-09-15T00:00:00Z" in str(error.value)
