# SPDX-License-Identifier: Apache-2.0
"""Arbitrage that the chain's own bounds on a surface leave open, looked for on a grid of log-strikes.

Butterflies: the density that prices imply is g(k) times something positive, so g must not be negative
(J. Gatheral and A. Jacquier, Arbitrage-free SVI volatility surfaces, 2014, section 2). Calendars: at one
log-strike total variance must not fall with expiry (the same, lemma 2.1). Imports: numpy; domain.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulation.domain.svi import Params

__all__ = ["butterfly", "calendar"]

WAD = 1e18
POINTS = 801
CUT = 4.0
"""Standard deviations at the money beyond which a surface is flat (math/svi.vy)."""
TOLERANCE = 1e-9

Floats = npt.NDArray[np.float64]


def butterfly(params: Params) -> float | None:
    """A log-strike at which a butterfly has a negative price; None where there is none up to the cuts."""
    a, b, rho, m, sigma = _floats(params)
    strikes = np.linspace(-_cut(params), _cut(params), POINTS)
    root = np.sqrt((strikes - m) ** 2 + sigma**2)
    variance = a + b * (rho * (strikes - m) + root)
    slope = b * (rho + (strikes - m) / root)
    curvature = b * sigma**2 / root**3
    density = (
        (1 - strikes * slope / (2 * variance)) ** 2 - slope**2 / 4 * (1 / variance + 0.25) + curvature / 2
    )
    worst = int(density.argmin())
    return float(strikes[worst]) if density[worst] < -TOLERANCE else None


def calendar(near: Params, far: Params) -> float | None:
    """A log-strike at which the surface of the later expiry has less total variance; None: nowhere."""
    reach = max(_cut(near), _cut(far))
    strikes = np.linspace(-reach, reach, POINTS)
    fall = _variance(near, strikes) - _variance(far, strikes)
    worst = int(fall.argmax())
    return float(strikes[worst]) if fall[worst] > TOLERANCE else None


def _floats(params: Params) -> tuple[float, float, float, float, float]:
    return params.a / WAD, params.b / WAD, params.rho / WAD, params.m / WAD, params.sigma / WAD


def _cut(params: Params) -> float:
    a, b, _, _, sigma = _floats(params)
    return CUT * float(np.sqrt(max(a + b * sigma, 0.0)))


def _variance(params: Params, strikes: Floats) -> Floats:
    """Total variance, flat beyond the cuts."""
    a, b, rho, m, sigma = _floats(params)
    inside = np.clip(strikes, -_cut(params), _cut(params)) - m
    found: Floats = a + b * (rho * inside + np.sqrt(inside**2 + sigma**2))
    return found
