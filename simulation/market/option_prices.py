# SPDX-License-Identifier: Apache-2.0
"""European options under laws with heavier tails than the normal: what Black-76 misses, as floats.

Every law gives undiscounted prices in USD per unit of base, from forward and strike in USD and a time in
years; the forward is a martingale under each. For reports and private estimates only: the chain's own price
is `simulation.domain.black76`. Imports config and below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import brentq
from scipy.special import k1e, ndtr, roots_legendre

__all__ = ["Black", "MertonJumps", "NormalInverseGaussian", "OptionLaw", "implied_volatility", "tail_gap"]

_NODES, _WEIGHTS = roots_legendre(200)


class OptionLaw(Protocol):
    """A law of the forward at expiry."""

    def price(self, is_call: bool, forward: float, strike: float, years: float) -> float:
        """Undiscounted price, >= 0. Forward and strike must be positive, the time not negative."""
        ...


@dataclass(frozen=True, slots=True)
class Black:
    """Normal log returns: F N(d1) - K N(d2) (F. Black, 1976)."""

    volatility: float
    """Per square root of a year."""

    def price(self, is_call: bool, forward: float, strike: float, years: float) -> float:
        return _black(is_call, forward, strike, self.volatility * math.sqrt(years))


@dataclass(frozen=True, slots=True)
class MertonJumps:
    """Normal log returns and normal jumps at Poisson times (R. C. Merton, 1976, equation 16).

    The fields are those of a `jump_diffusion` path: prices are fair for the paths that it draws.
    """

    volatility: float
    """Between jumps, per square root of a year."""
    jump_rate: float
    """Jumps per year."""
    jump_mean: float
    """Of the log return of a jump."""
    jump_deviation: float
    """Of the log return of a jump."""

    def price(self, is_call: bool, forward: float, strike: float, years: float) -> float:
        """Black's price averaged over the number n of jumps: forward F exp(-rate kappa t) (1 + kappa)**n and
        variance volatility² t + n deviation², with kappa the mean relative jump.
        """
        growth = math.exp(self.jump_mean + self.jump_deviation**2 / 2)
        mean = self.jump_rate * years
        # Weighted with the forward, jumps come at the rate times `growth`: the series must reach beyond both.
        widest = mean * max(1.0, growth)
        total = 0.0
        for count in range(int(widest + 12 * math.sqrt(widest)) + 40):
            log_weight = -mean + (count * math.log(mean) if count else 0.0) - math.lgamma(count + 1)
            moved = forward * math.exp(-mean * (growth - 1)) * growth**count
            deviation = math.sqrt(self.volatility**2 * years + count * self.jump_deviation**2)
            total += math.exp(log_weight) * _black(is_call, moved, strike, deviation)
            if mean == 0:
                break
        return total


@dataclass(frozen=True, slots=True)
class NormalInverseGaussian:
    """Log returns of a Brownian motion on an inverse Gaussian clock (O. E. Barndorff-Nielsen, 1997).

    Tails fall like exp(-(alpha ± beta)|x|), so that large moves are far likelier than under the normal law
    while the forward keeps a finite mean.
    """

    alpha: float
    """Steepness of the tails, > 0."""
    beta: float
    """Asymmetry, negative for a heavier lower tail; |beta| and |beta + 1| < alpha."""
    delta: float
    """Scale per year, > 0."""

    def __post_init__(self) -> None:
        if not (self.delta > 0 and abs(self.beta) < self.alpha and abs(self.beta + 1) < self.alpha):
            raise ValueError(
                "the mean of the forward is not finite: |beta| and |beta + 1| must be below alpha"
            )

    @classmethod
    def of_moments(
        cls, volatility: float, skewness: float, excess_kurtosis: float, years: float
    ) -> NormalInverseGaussian:
        """The law whose log return over `years` has this skewness and excess kurtosis, and `volatility` per
        square root of a year. Raises ValueError unless excess_kurtosis > 5/3 skewness² and the mean is
        finite.
        """
        if excess_kurtosis <= 5 / 3 * skewness**2:
            raise ValueError("excess kurtosis must exceed 5/3 of the squared skewness")
        shape = 3 / (excess_kurtosis - 4 / 3 * skewness**2)
        tilt = skewness * math.sqrt(shape) / 3
        alpha = math.sqrt(shape / years) / volatility / (1 - tilt**2)
        return cls(alpha, tilt * alpha, shape / (alpha * math.sqrt(1 - tilt**2)) / years)

    def price(self, is_call: bool, forward: float, strike: float, years: float) -> float:
        """The side that is out of the money: F Q'(exercise) - K Q(exercise) of a call, where the law weighted
        with the forward, Q', is the same with beta + 1; the other side by parity.
        """
        k = math.log(strike / forward)
        if years == 0:
            return max(0.0, forward - strike) if is_call else max(0.0, strike - forward)
        side = 1.0 if k >= 0 else -1.0
        weighted, plain = (self._beyond(beta, k, side, years) for beta in (self.beta + 1, self.beta))
        otm = max(0.0, side * (forward * weighted - strike * plain))
        if is_call == (k >= 0):
            return otm
        return otm + (forward - strike if is_call else strike - forward)

    def _beyond(self, beta: float, k: float, side: float, years: float) -> float:
        """Probability that the log return is beyond `k` on the given side, the asymmetry being `beta`.

        With y = scale sinh u the density is (alpha scale / pi) K1(alpha scale cosh u)
        exp(scale gamma + beta scale sinh u) du, integrated by Gauss-Legendre until it has fallen below 1e-20.
        """
        scale = self.delta * years
        shift = scale * (
            math.sqrt(self.alpha**2 - (self.beta + 1) ** 2) - math.sqrt(self.alpha**2 - self.beta**2)
        )
        gamma = math.sqrt(self.alpha**2 - beta**2)
        start = side * math.asinh((k - shift) / scale)
        # For large u the exponent is at most -(alpha - |beta|) scale sinh u + scale gamma.
        steep = (self.alpha - abs(beta)) * scale
        end = max(start + 1.0, math.asinh((46.0 + scale * gamma) / steep))
        width = (end - start) / 2
        total = 0.0
        for left, right in ((start, start + width), (start + width, end)):
            u = left + (right - left) / 2 * (_NODES + 1)
            argument = self.alpha * scale * np.cosh(u)
            exponent = scale * gamma + beta * side * scale * np.sinh(u) - argument
            density = self.alpha * scale / math.pi * k1e(argument) * np.exp(exponent)
            total += float(np.dot(_WEIGHTS, density)) * (right - left) / 2
        return total


def implied_volatility(price: float, is_call: bool, forward: float, strike: float, years: float) -> float:
    """The volatility at which Black's undiscounted price is `price`.

    Raises ValueError unless the price lies strictly between payoff and bound, and the time is positive.
    """
    payoff = max(0.0, forward - strike) if is_call else max(0.0, strike - forward)
    if not payoff < price < (forward if is_call else strike) or years <= 0:
        raise ValueError("no volatility gives this price")
    found: float = brentq(lambda w: _black(is_call, forward, strike, w) - price, 1e-9, 24.0, xtol=1e-14)
    return found / math.sqrt(years)


def tail_gap(law: OptionLaw, is_call: bool, forward: float, strike: float, years: float) -> float:
    """What Black-76 at the law's own at-the-money volatility misses: law - Black, USD per unit of base.

    Positive where the law's tail makes the option dearer than an engine with a flat volatility believes.
    """
    level = implied_volatility(law.price(True, forward, forward, years), True, forward, forward, years)
    return law.price(is_call, forward, strike, years) - Black(level).price(is_call, forward, strike, years)


def _black(is_call: bool, forward: float, strike: float, total_vol: float) -> float:
    if total_vol == 0:
        return max(0.0, forward - strike) if is_call else max(0.0, strike - forward)
    sign = 1.0 if is_call else -1.0
    d1 = math.log(forward / strike) / total_vol + total_vol / 2
    return float(sign * (forward * ndtr(sign * d1) - strike * ndtr(sign * (d1 - total_vol))))
