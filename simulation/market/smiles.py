# SPDX-License-Identifier: Apache-2.0
"""Paths of volatility surfaces and carries: a level that reverts to its mean and answers to spot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.config import SmileSpec, stream
from simulation.messages.market import Smile

__all__ = ["smiles"]

DAY = 86_400
BIG_FALL = 0.02
"""Fall of a block, as a log return, beyond which volatility jumps."""
LOWEST, HIGHEST = 0.02, 6.0
"""Bounds of the level, per square root of a year."""

Floats = NDArray[np.float64]


def smiles(
    spec: SmileSpec, seed: int, symbol: str, prices: NDArray[np.int64], block_time: int
) -> tuple[Smile, ...]:
    """Smiles at blocks 0 to n of an asset with these prices, nano USD.

    The logarithm of the level is an Ornstein-Uhlenbeck process around the points, from which every return of
    spot takes `reaction` times itself and a fall beyond 2 % in one block `jump` times what is beyond. The
    carry is such a process around its own points and hears nothing of spot.
    """
    blocks = len(prices) - 1
    times = np.arange(blocks + 1) * block_time
    returns = np.diff(np.log(prices.astype(np.float64)))
    shocks = (
        spec.deviation * np.sqrt(block_time / DAY) * stream(seed, "smiles", symbol).standard_normal(blocks)
    )
    shocks -= spec.reaction * returns
    shocks += spec.jump * np.maximum(-returns - BIG_FALL, 0.0)
    target = np.log(_between(times, spec.level))
    level = np.clip(np.exp(_reverting(target, shocks, block_time / spec.reversion)), LOWEST, HIGHEST)
    rate = block_time / spec.carry_reversion
    noise = stream(seed, "smiles", symbol, "carry").standard_normal(blocks)
    carry = _reverting(_between(times, spec.carry), spec.carry_deviation * np.sqrt(2.0 * rate) * noise, rate)
    return tuple(
        Smile(level=vol, carry=rate, wing=spec.wing, tilt=spec.tilt, width=spec.width)
        for vol, rate in zip(level.tolist(), carry.tolist(), strict=True)
    )


def _between(times: NDArray[np.int64], points: tuple[tuple[int, float], ...]) -> Floats:
    """Linear between the points, constant beyond."""
    found: Floats = np.interp(times, [time for time, _ in points], [value for _, value in points])
    return found


def _reverting(target: Floats, shocks: Floats, rate: float) -> Floats:
    """x moves by -expm1(-rate) of its distance to the target, and by the shock, in each step."""
    pull, path = -np.expm1(-rate), target.copy()
    for step, (aim, shock) in enumerate(zip(target[1:].tolist(), shocks.tolist(), strict=True)):
        path[step + 1] = path[step] + pull * (aim - path[step]) + shock
    return path
