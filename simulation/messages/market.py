# SPDX-License-Identifier: Apache-2.0
"""What the outside world says at one block: prices and the cost of block space. Imports nothing."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PriceTick"]


@dataclass(frozen=True, slots=True)
class PriceTick:
    """The outside world at the time of one block."""

    block: int
    """Counted from 0 at the scenario's start."""
    timestamp: int
    """Unix seconds."""
    symbols: tuple[str, ...]
    """Assets, in the order of the scenario."""
    prices: tuple[int, ...]
    """Spot price of each asset in nano USD, in the order of `symbols`; above zero."""
    external_price: int
    """Wei per gas: the base fee at which other users' demand just meets the gas target."""

    def price_nano(self, symbol: str) -> int:
        """Spot price of one asset in nano USD; raises ValueError for an unknown one."""
        return self.prices[self.symbols.index(symbol)]
