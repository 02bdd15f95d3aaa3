# SPDX-License-Identifier: Apache-2.0
"""What the outside world says at one block: prices, volatility, the cost of block space. Imports nothing."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

__all__ = ["PriceTick", "Smile"]

STEEPEST = 1.99


@dataclass(frozen=True, slots=True)
class Smile:
    """The volatility of one underlying by strike, for every time to expiry, and what a forward is worth.

    Raw SVI (J. Gatheral, 2004) with parameters that grow with the time to expiry:
    w(k) = level² tau (1 + wing (tilt (k - shift) + sqrt((k - shift)² + width²) - width)),
    k = ln(strike / forward).
    """

    level: float
    """Volatility at the vertex, per square root of a year, > 0."""
    carry: float
    """Yearly rate at which the forward stands above spot."""
    wing: float
    """Slope of the wings over the variance at the vertex, >= 0."""
    tilt: float
    """Within -1 and 1; negative: low strikes are dearer."""
    width: float
    """Of the vertex, log-strike, > 0."""
    shift: float = 0.0
    """Log-strike of the vertex."""

    def forward(self, spot: float, years: float) -> float:
        """USD."""
        return spot * exp(self.carry * years)

    def parameters(self, years: float) -> tuple[float, float, float, float, float]:
        """SVI's a, b, rho, m and sigma of total variance at this time to expiry."""
        variance = self.level**2 * years
        # Wings may not grow faster than twice the log-strike (R. Lee, 2004).
        slope = min(variance * self.wing, STEEPEST / (1.0 + abs(self.tilt)))
        return variance - slope * self.width, slope, self.tilt, self.shift, self.width

    def volatility(self, forward: float, strike: float, years: float) -> float:
        """Per square root of a year."""
        if years <= 0.0:
            return self.level
        a, b, rho, m, sigma = self.parameters(years)
        k = log(strike / forward) - m
        return sqrt(max(a + b * (rho * k + sqrt(k * k + sigma * sigma)), 1e-12) / years)


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
    smiles: tuple[Smile, ...] = ()
    """Of each asset, in the order of `symbols`; empty where nothing dated is traded."""

    def price_nano(self, symbol: str) -> int:
        """Spot price of one asset in nano USD; raises ValueError for an unknown one."""
        return self.prices[self.symbols.index(symbol)]

    def smile(self, symbol: str) -> Smile:
        """Volatility of one asset; raises ValueError for an unknown one."""
        return self.smiles[self.symbols.index(symbol)]
