# SPDX-License-Identifier: Apache-2.0
"""The whole path of a run, made before it starts: one price for each asset and one for gas in each block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.config import GbmSpec, JumpSpec, ReplaySpec, Scenario, SmileSpec, WaypointSpec
from simulation.config.load import with_start
from simulation.domain.units import NANO
from simulation.market.bars import Bars, read_bars
from simulation.market.gas import external_prices
from simulation.market.generated import gbm, jump_diffusion, to_nano_column, waypoints
from simulation.market.replay import check_window, choose_window, replay
from simulation.market.smiles import smiles
from simulation.messages.market import PriceTick, Smile

__all__ = ["MarketPath", "build_market"]

MAX_TICK = 2**24 - 1
"""Of the order book (Exchange)."""
LEAST_TICKS = 100
"""A price of fewer ticks would leave no two levels within a percent of each other."""


@dataclass(frozen=True, slots=True, eq=False)
class MarketPath:
    """Prices and gas at blocks 0 to n; `len` is n + 1."""

    symbols: tuple[str, ...]
    timestamp: NDArray[np.int64]
    """Unix seconds by block."""
    prices: NDArray[np.int64]
    """Nano USD by block and asset."""
    external_price: NDArray[np.int64]
    """Wei per gas by block; see `external_gas`."""
    smiles: tuple[tuple[Smile, ...], ...] = ()
    """By asset and block; empty where nothing dated is traded."""

    def __len__(self) -> int:
        return len(self.timestamp)

    def tick(self, block: int) -> PriceTick:
        """The outside world at one block."""
        return PriceTick(
            block=block,
            timestamp=int(self.timestamp[block]),
            symbols=self.symbols,
            prices=tuple(int(price) for price in self.prices[block]),
            external_price=int(self.external_price[block]),
            smiles=tuple(path[block] for path in self.smiles),
        )


def build_market(scenario: Scenario) -> tuple[Scenario, MarketPath]:
    """The path of a scenario, and the scenario with the clock that a replay may have chosen.

    Raises:
        PriceFileError: a price file cannot be read or is broken.
        ScenarioError: a price file does not cover the run.
    """
    files = {
        symbol: read_bars(model.file)
        for symbol, model in scenario.assets.items()
        if isinstance(model, ReplaySpec)
    }
    if scenario.time.start is None:
        scenario = with_start(scenario, *choose_window(list(files.values()), scenario.time.duration))
    for bars in files.values():
        check_window(bars, scenario)
    blocks, block_time = scenario.blocks, scenario.time.block_time
    columns = [_prices(scenario, symbol, files.get(symbol)) for symbol in scenario.assets]
    dated = scenario.protocol.series
    path = MarketPath(
        symbols=tuple(scenario.assets),
        timestamp=scenario.start + block_time * np.arange(blocks + 1, dtype=np.int64),
        prices=np.stack(columns, axis=1),
        external_price=external_prices(scenario.gas, scenario.seed, blocks, block_time),
        smiles=tuple(
            smiles(scenario.smiles.get(symbol, SmileSpec()), scenario.seed, symbol, column, block_time)
            for symbol, column in zip(scenario.assets, columns, strict=True)
            if dated
        ),
    )
    _check_ticks(scenario, path)
    return scenario, path


def _check_ticks(scenario: Scenario, path: MarketPath) -> None:
    """Raise ScenarioError when a price leaves the ticks that the order book has, with room for its quotes."""
    problems = scenario.problems()
    for name, market in scenario.protocol.markets.items():
        prices = path.prices[:, path.symbols.index(market.asset)]
        lowest, highest = int(prices.min()), int(prices.max())
        least, most = 2 * highest // MAX_TICK + 1, lowest // LEAST_TICKS
        if not least <= market.tick <= most:
            problems.add(
                f"protocol.markets.{name}.tick",
                f"prices from {lowest / NANO:g} to {highest / NANO:g} USD do not fit the book",
                f"{least / NANO:g} to {most / NANO:g} USD",
            )
    problems.raise_if_any()


def _prices(scenario: Scenario, symbol: str, bars: Bars | None) -> NDArray[np.int64]:
    model, seed = scenario.assets[symbol], scenario.seed
    blocks, block_time = scenario.blocks, scenario.time.block_time
    match model:
        case GbmSpec():
            return to_nano_column(gbm(model, seed, symbol, blocks, block_time))
        case JumpSpec():
            return to_nano_column(jump_diffusion(model, seed, symbol, blocks, block_time))
        case WaypointSpec():
            return waypoints(model, seed, symbol, blocks, block_time)
        case ReplaySpec():
            assert bars is not None
            return replay(bars, model, seed, symbol, scenario.start, blocks, block_time)
