# SPDX-License-Identifier: Apache-2.0
"""Joint returns of several assets over a horizon under laws that share variance but not tails, as floats.

The normal law is what Black-76 believes. The other two have the skewness and excess kurtosis that they are
given over the horizon: Merton's jumps (a few large moves on quiet days) and a normal inverse Gaussian law
(every day's volatility is random). Prices are martingales under each. For estimates in reports only.
Imports market.option_prices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr

from simulation.market.option_prices import (
    Black,
    MertonJumps,
    NormalInverseGaussian,
    OptionLaw,
    implied_volatility,
)

__all__ = [
    "LAWS",
    "TailShape",
    "joint_returns",
    "law_at_the_money",
    "law_of",
    "merton_of_moments",
    "option_values",
]

LAWS = ("normal", "jumps", "heavy tails")
"""What the normal law is held against, by name."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TailShape:
    """What the laws with tails have in common, over one horizon."""

    years: float
    """The horizon, > 0."""
    skewness: float
    """Of the log return over it."""
    excess_kurtosis: float
    """Likewise, > 5/3 skewness²."""
    jump_rate: float
    """Jumps per year, > 0."""


def merton_of_moments(volatility: float, shape: TailShape) -> MertonJumps:
    """Jumps at the given rate, such that skewness and excess kurtosis over the horizon are those asked for.

    The n-th cumulant of the return is rate t E[J^n] beside the diffusion's variance; with J of mean x d and
    deviation d the fourth gives d for each x, and the third then x.

    Raises:
        ValueError: jumps at this rate would need more variance than there is, or lean further than they can.
    """
    variance, expected = volatility**2 * shape.years, shape.jump_rate * shape.years

    def deviation(lean: float) -> float:
        fourth = lean**4 + 6 * lean**2 + 3
        return float((shape.excess_kurtosis * variance**2 / (expected * fourth)) ** 0.25)

    def gap(lean: float) -> float:
        third = expected * deviation(lean) ** 3 * (lean**3 + 3 * lean)
        return float(third / variance**1.5 - shape.skewness)

    if gap(-50.0) > 0 or gap(50.0) < 0:
        raise ValueError("jumps at this rate cannot be that skewed")
    lean: float = brentq(gap, -50.0, 50.0, xtol=1e-14)
    size = deviation(lean)
    left = volatility**2 - shape.jump_rate * size**2 * (1 + lean**2)
    if left <= 0:
        raise ValueError("jumps at this rate have more variance than the return")
    return MertonJumps(math.sqrt(left), shape.jump_rate, lean * size, size)


def law_of(name: str, volatility: float, shape: TailShape) -> OptionLaw:
    """One asset's law by its name in LAWS. Raises ValueError where there is none with this shape."""
    if name == "normal":
        return Black(volatility)
    if name == "jumps":
        return merton_of_moments(volatility, shape)
    return NormalInverseGaussian.of_moments(volatility, shape.skewness, shape.excess_kurtosis, shape.years)


def law_at_the_money(
    name: str, volatility: float, forward: float, years: float, shape: TailShape
) -> OptionLaw:
    """The law under which an option at the money, `years` before expiry, has this implied volatility.

    Raises ValueError where there is none with this shape.
    """

    def gap(trial: float) -> float:
        price = law_of(name, trial, shape).price(True, forward, forward, years)
        return implied_volatility(price, True, forward, forward, years) - volatility

    if name == "normal":
        return Black(volatility)
    return law_of(name, brentq(gap, volatility / 2, volatility * 3, xtol=1e-12), shape)


def option_values(
    is_call: bool, forwards: Floats, strike: float, variances: Floats, discount: float
) -> Floats:
    """Black-76 over many forwards with their total variances, USD per unit; the payoff where that is 0."""
    sign = 1.0 if is_call else -1.0
    deviation = np.sqrt(np.maximum(variances, 1e-18))
    d1 = np.log(forwards / strike) / deviation + deviation / 2
    values = sign * (forwards * ndtr(sign * d1) - strike * ndtr(sign * (d1 - deviation)))
    return discount * np.asarray(values, dtype=np.float64)


def joint_returns(
    name: str,
    volatilities: Sequence[float],
    correlations: Floats,
    shape: TailShape,
    draws: int,
    rng: np.random.Generator,
) -> Floats:
    """Price relatives over the horizon, (draws, assets), of mean one.

    Jumps, and the clock of the heavy tails, are common to all assets: that is when markets fall together.
    Draws come in pairs of opposite normals.

    Args:
        name: in LAWS.
        volatilities: per square root of a year, one for each asset.
        correlations: of their normal parts, positive semi-definite.
        shape: of each asset's return.
        draws: an even number.
        rng: the stream.
    """
    values, vectors = np.linalg.eigh(correlations)
    root = vectors * np.sqrt(np.maximum(values, 0.0))

    def normals() -> Floats:
        half = rng.standard_normal((draws // 2, len(volatilities))) @ root.T
        return np.concatenate([half, -half])

    def twice(drawn: Floats) -> Floats:
        return np.concatenate([drawn, drawn])[:, None]

    sigma = np.asarray(volatilities)
    span = math.sqrt(shape.years)
    if name == "normal":
        return np.exp(span * sigma * normals() - sigma**2 * shape.years / 2)
    if name == "jumps":
        laws = [merton_of_moments(one, shape) for one in volatilities]
        quiet = np.array([one.volatility for one in laws])
        mean = np.array([one.jump_mean for one in laws])
        size = np.array([one.jump_deviation for one in laws])
        count = twice(rng.poisson(shape.jump_rate * shape.years, draws // 2).astype(np.float64))
        growth = np.expm1(mean + size**2 / 2) * shape.jump_rate * shape.years
        drift = -(quiet**2) * shape.years / 2 - growth
        moved: Floats = drift + span * quiet * normals() + count * mean + np.sqrt(count) * size * normals()
        return np.exp(moved)
    tails = [
        NormalInverseGaussian.of_moments(one, shape.skewness, shape.excess_kurtosis, shape.years)
        for one in volatilities
    ]
    alpha = np.array([one.alpha for one in tails])
    beta = np.array([one.beta for one in tails])
    scale = np.array([one.delta for one in tails]) * shape.years
    gamma = np.sqrt(alpha**2 - beta**2)
    # delta gamma is the same for all of them: it depends on skewness and kurtosis alone.
    clock = twice(rng.wald(1.0, float(scale[0] * gamma[0]), draws // 2)) * (scale / gamma)
    drift = scale * (np.sqrt(alpha**2 - (beta + 1) ** 2) - gamma)
    logs: Floats = drift + beta * clock + np.sqrt(clock) * normals()
    return np.exp(logs)
