# SPDX-License-Identifier: Apache-2.0
"""Twin of RiskModel.vy and interfaces/IGreeks.vyi: parameters of risk-based margin, Greeks.

Volatilities and correlations are 1e-9, ratios bps. Exact integers; may import nothing but domain modules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulation.domain.margin_math import Contingency
from simulation.domain.market_math import series

__all__ = [
    "TOLERANCE",
    "Greeks",
    "Model",
    "Quantiles",
    "Underlying",
    "is_positive_definite",
    "pack_greeks",
]

NANO = 10**9
TOLERANCE = 100
"""Added to the diagonal of every correlation matrix, 1e-9."""


@dataclass(frozen=True, slots=True)
class Underlying:
    """Parameters of one underlying, as IRiskModel.Underlying."""

    feed: int
    volatility: int
    """Unit 1e-9: standard deviation of the return over the margin period."""
    vol_volatility: int
    """Unit 1e-9: of the change of the 30-day implied volatility."""
    basis: int
    """Bps of the matched notional."""
    short_option: int
    """Bps of spot notional."""
    concentration_ratio: int
    """Bps of what is above the bound."""
    concentration_bound: int
    """USD, whole thousands."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Multiples of a standard deviation and stresses of the correlations, bps."""

    initial: int
    maintenance: int
    together: int
    apart: int


@dataclass(frozen=True, slots=True)
class Greeks:
    """Sensitivities of one option per unit of base."""

    delta: int
    """Nano USD for a relative move of one, signed."""
    gamma: int
    """Nano USD."""
    vega: int
    """Nano USD for a volatility higher by 1.00."""
    seconds: int
    """Until expiry; 0 once the payoff is fixed."""


@dataclass(frozen=True, slots=True)
class Model:
    """What RiskModel stores."""

    underlyings: tuple[Underlying, ...]
    correlations: tuple[int, ...]
    """Lower triangle by rows of all prices and then all volatilities, 1e-9, without the diagonal."""
    quantiles: Quantiles
    contingency: Contingency
    places: Mapping[int, int]
    """Place of the underlying by perpetual, or by 256 times the series; from 0."""
    mapped: Mapping[int, int] = field(default_factory=dict)
    """Place of the underlying by collateral."""

    def correlation(self, row: int, column: int) -> int:
        """Of two factors of this model; the tolerance is on the diagonal. Unit 1e-9."""
        if row == column:
            return NANO + TOLERANCE
        high, low = max(row, column), min(row, column)
        return self.correlations[high * (high - 1) // 2 + low]

    def place(self, market: int) -> int | None:
        """Of the market's underlying, None where it is not admitted."""
        return self.places.get(market if market < 256 else 256 * series(market))


def pack_greeks(greeks: Greeks) -> int:
    """The word of IGreeks."""
    return greeks.delta % 2**80 | greeks.gamma << 80 | greeks.vega << 152 | greeks.seconds << 224 | 1 << 255


def is_positive_definite(lower: Sequence[int], size: int) -> bool:
    """Whether correlations, TOLERANCE on their diagonal, are positive definite; elimination in 1e-27."""
    scale, bound = 10**18, 2 * 10**27
    matrix = [[0] * size for _ in range(size)]
    entries = iter(lower)
    for i in range(size):
        for j in range(i):
            matrix[i][j] = next(entries) * scale
        matrix[i][i] = (NANO + TOLERANCE) * scale
    for k in range(size):
        pivot = matrix[k][k]
        if pivot <= 0:
            return False
        for i in range(k + 1, size):
            factor = matrix[i][k]
            for j in range(k + 1, i + 1):
                matrix[i][j] -= factor * matrix[j][k] // pivot
                if abs(matrix[i][j]) > bound:
                    return False
    return True
