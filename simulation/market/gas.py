# SPDX-License-Identifier: Apache-2.0
"""What the rest of the world pays for block space: a path of prices, and the demand that follows from one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simulation.config import GasSpec, stream

__all__ = ["external_gas", "external_prices"]


def external_prices(spec: GasSpec, seed: int, blocks: int, block_time: int) -> NDArray[np.int64]:
    """Wei per gas at blocks 0 to `blocks`: linear in the logarithm between the points, with noise."""
    times = np.arange(blocks + 1) * block_time
    logs = np.interp(
        times, [time for time, _ in spec.external_price], np.log([wei for _, wei in spec.external_price])
    )
    noise = spec.noise * stream(seed, "market gas").standard_normal(blocks + 1)
    prices: NDArray[np.int64] = np.maximum(np.rint(np.exp(logs + noise)), 1.0).astype(np.int64)
    return prices


def external_gas(external_price: int, base_fee: int, block_gas_limit: int, elasticity: float) -> int:
    """Gas that other users ask for in one block: target * (1 + elasticity * ln(external price / base fee)).

    Between nothing and a full block. At a base fee equal to the external price they take the target (half of
    the limit), so the EIP-1559 rule moves the base fee toward the external price and holds it there.
    """
    share = 1 + elasticity * math.log(external_price / max(base_fee, 1))
    return int(block_gas_limit / 2 * min(max(share, 0.0), 2.0))
