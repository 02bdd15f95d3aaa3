# SPDX-License-Identifier: Apache-2.0
"""Recorded bars at block times, and the day to replay when the scenario leaves the choice to the files.

A bar tells four prices and the times of two of them. Its prints are put in the usual order: open, then the
extreme that lies against the bar's direction, then the other extreme, then close, a quarter of the bar apart.
The price of a block is the last print at or before its time: nothing of a later bar is ever seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulation.config.kinds import show_moment
from simulation.config.scenario import ReplaySpec, Scenario
from simulation.errors import InputError
from simulation.market.bars import Bars
from simulation.market.generated import SECONDS_PER_YEAR, bridge, normals, to_nano_column

__all__ = ["check_window", "choose_window", "replay"]

DAY = 86_400
PRINTS = 4

Integers = NDArray[np.int64]


def choose_window(bars: Sequence[Bars], duration: int) -> tuple[int, int]:
    """Start and duration of a replay: the most volatile UTC day that every file holds in full.

    A day's measure is the sum over files of ln(high / low). Without a full day the common time's
    start is taken. A window that would run past the files is moved, and at last shortened, to fit. Raises
    InputError when the files have no time in common.
    """
    start, end = max(item.start for item in bars), min(item.end for item in bars)
    if start >= end:
        raise InputError("--prices: the files share no time; expected files of the same days")
    days = range(-(-start // DAY) * DAY, end - DAY + 1, DAY)
    chosen = max(days, key=lambda day: (sum(_range_of(item, day) for item in bars), -day), default=start)
    duration = min(duration, end - start)
    return min(chosen, end - duration), duration


def _range_of(bars: Bars, day: int) -> float:
    inside = slice(*np.searchsorted(bars.timestamp, [day, day + DAY]))
    return float(np.log(bars.high[inside].max() / bars.low[inside].min()))


def check_window(bars: Bars, scenario: Scenario) -> None:
    """Raise ScenarioError when a file does not cover the run."""
    last = scenario.start + scenario.blocks * scenario.time.block_time
    if bars.start <= scenario.start and last <= bars.end:
        return
    problems = scenario.problems()
    found = f"{show_moment(scenario.start)} to {show_moment(last)} is not covered by {bars.file}"
    window = f"a time within {show_moment(bars.start)} to {show_moment(bars.end)}"
    problems.add("scenario.start", found, f'{window}, or "worst day"')
    problems.raise_if_any()


def replay(
    bars: Bars, spec: ReplaySpec, seed: int, symbol: str, start: int, blocks: int, block_time: int
) -> Integers:
    """Prices in nano USD at blocks 0 to `blocks`; the file must cover them all.

    `inside` says how a bar is read. prints: the last print at or before the block. close: the close of the
    last bar that has ended, or the open of the first. bridge: a drawn path that hits each print at the first
    block at or after its time and stays within its bar; for bars longer than four blocks.
    """
    times = start + block_time * np.arange(blocks + 1)
    if spec.inside == "close":
        ended = np.searchsorted(bars.timestamp + bars.step, times, side="right") - 1
        return to_nano_column(np.where(ended < 0, bars.open[0], bars.close[np.maximum(ended, 0)]))
    print_times, print_prices = _prints(bars)
    seen = to_nano_column(print_prices[np.searchsorted(print_times, times, side="right") - 1])
    if spec.inside == "prints":
        return seen
    places = -(-(print_times - start) // block_time)
    within = (places > 0) & (places <= blocks)
    # Several prints in one block: the last one is what the block sees.
    last = np.append(places[within][1:] != places[within][:-1], True)
    places = np.concatenate([[0], places[within][last]])
    prices = np.concatenate([seen[:1], to_nano_column(print_prices[within][last])])
    bar = np.clip((times - bars.start) // bars.step, 0, len(bars.timestamp) - 1)
    low, high = to_nano_column(bars.low[bar]), to_nano_column(bars.high[bar])
    years = block_time / SECONDS_PER_YEAR
    shocks = spec.volatility * np.sqrt(years) * normals(seed, symbol, spec.loading, blocks)
    # A print may be hit in the block after its bar; there the bounds give way to it.
    low[places], high[places] = np.minimum(low[places], prices), np.maximum(high[places], prices)
    return bridge(places, prices, shocks, low, high)


def _prints(bars: Bars) -> tuple[Integers, NDArray[np.float64]]:
    rising = bars.close >= bars.open
    first, second = np.where(rising, bars.low, bars.high), np.where(rising, bars.high, bars.low)
    prices = np.stack([bars.open, first, second, bars.close], axis=1).ravel()
    offsets = (np.arange(PRINTS) * bars.step) // PRINTS
    times = (bars.timestamp[:, None] + offsets).ravel()
    return times, prices
