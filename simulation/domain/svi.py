# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/svi.vy: volatility from the raw SVI parametrisation (J. Gatheral, 2004).

Parameters, log-strikes, total variances and volatilities in wad, prices in nano USD, times in seconds (a year
has 365 days). Exact integers. May import nothing but domain modules.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from simulation.domain.elementary import wad_ln

__all__ = ["MAX_PARAMETER", "MAX_VARIANCE", "Params", "check", "log_strike", "total_variance", "vol"]

WAD = 10**18
SECONDS_PER_YEAR = 365 * 86_400
MAX_PRICE = 2**80
MAX_SECONDS = 2**40
MAX_PARAMETER = 1_000 * WAD
MAX_VARIANCE = 144 * WAD
MIN_VARIANCE = 4
"""A total variance is read at most 3 units too low, so what passes the check is never refused when read."""
MAX_WING = 2 * WAD
"""Total variance may not grow faster than twice the log-strike (R. Lee, 2004)."""


@dataclass(frozen=True, slots=True)
class Params:
    """w(k) = a + b (rho (k - m) + sqrt((k - m)**2 + sigma**2)), all wad."""

    a: int
    b: int
    rho: int
    m: int
    sigma: int


def check(params: Params) -> None:
    """Raises ValueError, with the contract's reason, unless variance is everywhere positive and its wings
    obey Lee's bound. Butterfly arbitrage near the money is not excluded by this.
    """
    if max(abs(params.a), abs(params.m)) > MAX_PARAMETER or params.b > MAX_PARAMETER:
        raise ValueError("svi: parameter out of range")
    if not 0 < params.sigma <= MAX_PARAMETER:
        raise ValueError("svi: sigma out of range")
    if params.b < 0:
        raise ValueError("svi: negative slope")
    if not -WAD < params.rho < WAD:
        raise ValueError("svi: rho out of range")
    if params.b * (WAD + abs(params.rho)) > MAX_WING * WAD:
        raise ValueError("svi: wing too steep")
    least = params.a * WAD + params.b * params.sigma * isqrt(WAD * WAD - params.rho * params.rho) // WAD
    if least < MIN_VARIANCE * WAD:
        raise ValueError("svi: negative variance")


def log_strike(params: Params, forward: int, strike: int) -> int:
    """ln(K / F) in wad, cut at four standard deviations at the money, sqrt(a + b sigma), on either side.

    A strike of 0 is at the lower cut, a forward of 0 at the upper one.
    """
    if forward >= MAX_PRICE or strike >= MAX_PRICE:
        raise ValueError("svi: price out of range")
    variance = params.a * WAD + params.b * params.sigma
    if variance < 0:
        raise ValueError("svi: negative variance")
    limit = 4 * isqrt(variance)
    if strike == 0:
        return -limit
    if forward == 0:
        return limit
    if strike >= forward:
        return min(limit, wad_ln(strike * WAD // forward))
    return -min(limit, wad_ln(forward * WAD // strike))


def total_variance(params: Params, k: int) -> int:
    """Total variance of the log-strike `k`, wad, floored, at most 144. Raises ValueError below 0."""
    distance = k - params.m
    root = isqrt(distance * distance + params.sigma * params.sigma)
    variance = params.a + params.b * (root * WAD + params.rho * distance) // (WAD * WAD)
    if variance < 0:
        raise ValueError("svi: negative variance")
    return min(variance, MAX_VARIANCE)


def vol(params: Params, forward: int, reference_time: int, strike: int) -> int:
    """Volatility at a strike, wad, floored: sqrt(total variance / reference time).

    `forward` and `reference_time`, seconds, are those at which the parameters were fitted.
    """
    if not 0 < reference_time < MAX_SECONDS:
        raise ValueError("svi: time out of range")
    variance = total_variance(params, log_strike(params, forward, strike))
    return isqrt(variance * WAD * SECONDS_PER_YEAR // reference_time)
