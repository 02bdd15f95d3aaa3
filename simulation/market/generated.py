# SPDX-License-Identifier: Apache-2.0
"""Prices from a law: correlated draws, geometric Brownian motion, Merton's jumps, bridges through points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulation.config import stream
from simulation.config.scenario import GbmSpec, JumpSpec, WaypointSpec
from simulation.domain.units import NANO

__all__ = ["SECONDS_PER_YEAR", "bridge", "gbm", "jump_diffusion", "normals", "to_nano_column", "waypoints"]

SECONDS_PER_YEAR = 365 * 86_400

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def normals(seed: int, symbol: str, loading: float, steps: int) -> Floats:
    """`steps` standard normal draws of one asset, correlated with those of others through a common factor.

    z = loading * f + sqrt(1 - loading²) * e, where f has one stream for all assets and e one per asset: two
    assets correlate at the product of their loadings, and a further asset changes no other's draws.
    """
    own = stream(seed, "market", symbol).standard_normal(steps)
    if loading == 0.0:
        return own
    common = stream(seed, "market factor").standard_normal(steps)
    mixed: Floats = loading * common + np.sqrt(1.0 - loading**2) * own
    return mixed


def to_nano_column(prices: Floats) -> Integers:
    """Prices in USD as nano USD, to the nearest, at least 1."""
    nano: Integers = np.maximum(np.rint(prices * NANO), 1.0).astype(np.int64)
    return nano


def gbm(spec: GbmSpec, seed: int, symbol: str, blocks: int, block_time: int) -> Floats:
    """Prices in USD at blocks 0 to `blocks`: S exp((drift - volatility²/2) t + volatility W)."""
    years = block_time / SECONDS_PER_YEAR
    shocks = spec.volatility * np.sqrt(years) * normals(seed, symbol, spec.loading, blocks)
    return _from_log_returns(spec.price, (spec.drift - spec.volatility**2 / 2) * years + shocks)


def jump_diffusion(spec: JumpSpec, seed: int, symbol: str, blocks: int, block_time: int) -> Floats:
    """Prices in USD at blocks 0 to `blocks`.

    The number of jumps in a block is Poisson with mean `jump_rate` * block time; n jumps add a normal log
    return of mean n * jump_mean and variance n * jump_deviation². The drift is lowered by what jumps add.
    """
    years = block_time / SECONDS_PER_YEAR
    rng = stream(seed, "market", symbol, "jumps")
    counts = rng.poisson(spec.jump_rate * years, blocks)
    jumps = counts * spec.jump_mean + np.sqrt(counts) * spec.jump_deviation * rng.standard_normal(blocks)
    compensation = spec.jump_rate * (np.exp(spec.jump_mean + spec.jump_deviation**2 / 2) - 1)
    drift = (spec.drift - compensation - spec.volatility**2 / 2) * years
    shocks = spec.volatility * np.sqrt(years) * normals(seed, symbol, spec.loading, blocks)
    return _from_log_returns(spec.price, drift + shocks + jumps)


def waypoints(spec: WaypointSpec, seed: int, symbol: str, blocks: int, block_time: int) -> Integers:
    """Prices in nano USD at blocks 0 to `blocks`, equal to each point in the block that its time falls into.

    After the last point the price diffuses on; it never leaves the range of the points. Points beyond the end
    bend the path toward them but are not reached.
    """
    places = np.array([time // block_time for time, _ in spec.points])
    prices = np.array([price for _, price in spec.points], dtype=np.int64)
    years = block_time / SECONDS_PER_YEAR
    steps = max(blocks, int(places[-1]))
    shocks = spec.volatility * np.sqrt(years) * normals(seed, symbol, spec.loading, steps)
    low, high = np.full(steps + 1, prices.min()), np.full(steps + 1, prices.max())
    return bridge(places, prices, shocks, low, high)[: blocks + 1]


def bridge(places: Integers, prices: Integers, shocks: Floats, low: Integers, high: Integers) -> Integers:
    """A path through the given prices: Brownian bridges of the logarithm, reflected into [low, high].

    Args:
        places: rising block numbers of the given prices, the first of them 0.
        prices: nano USD at those blocks, each hit exactly.
        shocks: log return of each step as it would be without the given prices.
        low, high: nano USD, bounds at each block; given prices must lie within.

    Returns:
        Nano USD at blocks 0 to len(shocks).
    """
    walk: Floats = np.concatenate([[0.0], np.cumsum(shocks)])
    gap = np.log(prices / NANO) - walk[places]
    # A walk plus the interpolated gap is the bridge; behind the last price np.interp keeps the gap constant.
    path: Floats = walk + np.interp(np.arange(len(walk)), places, gap)
    nano = to_nano_column(np.exp(_reflect(path, np.log(low / NANO), np.log(high / NANO))))
    nano = np.clip(nano, low, high)
    nano[places] = prices
    return nano


def _reflect(path: Floats, low: Floats, high: Floats) -> Floats:
    """Fold the path at its bounds, which keeps it continuous."""
    width = np.maximum(high - low, 1e-15)
    offset = np.mod(path - low, 2 * width)
    folded: Floats = low + np.minimum(offset, 2 * width - offset)
    return folded


def _from_log_returns(price_nano: int, returns: Sequence[float] | Floats) -> Floats:
    logs = np.concatenate([[0.0], np.cumsum(returns)])
    prices: Floats = price_nano / NANO * np.exp(logs)
    return prices
