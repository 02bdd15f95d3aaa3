# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/black76.vy: European options on a forward (F. Black, 1976).

Prices in are nano USD, prices out wad USD per unit of base; volatilities, total volatilities, logarithms,
discounts and rates (per year of 365 days) are wad; times are seconds. Exact integers.
May import nothing but domain modules.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from simulation.domain import normal
from simulation.domain.elementary import wad_exp, wad_ln

__all__ = [
    "MAX_TOTAL_VOL",
    "Greeks",
    "discount",
    "greeks",
    "log_moneyness",
    "prices",
    "prices_from_log",
    "root_time",
    "time_value",
    "total_vol",
]

WAD = 10**18
NANO = 10**9
SECONDS_PER_YEAR = 365 * 86_400
MAX_PRICE = 2**80
MAX_SECONDS = 2**40
MAX_VOL = 2**128
MAX_LOG = 2**128
MAX_DISCOUNT = 2**80
MAX_RATE = 2**128
MAX_TOTAL_VOL = 24 * WAD
"""From here on a call is worth its forward and a put its strike."""


@dataclass(frozen=True, slots=True)
class Greeks:
    """Derivatives of one option's discounted price, per unit of base."""

    delta: int
    """By the forward, wad; negative for a put."""
    gamma: int
    """Of delta by the forward, wad per USD, floor."""
    vega: int
    """By volatility, wad USD per 1e18 of it, floor."""
    theta: int
    """By the passing of time, forward and volatility unchanged, wad USD per year; usually negative."""


def log_moneyness(forward: int, strike: int) -> int:
    """ln(F / K) in wad, odd in exchange of the two; 0 when either is 0. Raises ValueError beyond 80 bits."""
    _check_prices(forward, strike)
    if forward == 0 or strike == 0:
        return 0
    if forward >= strike:
        return wad_ln(forward * WAD // strike)
    return -wad_ln(strike * WAD // forward)


def root_time(seconds: int) -> int:
    """The square root of the time in years, base 2**96, floor. Raises ValueError from 2**40 seconds on."""
    if seconds >= MAX_SECONDS:
        raise ValueError("black76: time out of range")
    return isqrt((seconds << 192) // SECONDS_PER_YEAR)


def total_vol(vol: int, root: int) -> int:
    """Volatility times `root_time`, wad, floor."""
    return min(vol, MAX_VOL) * root >> 96


def discount(rate: int, seconds: int) -> int:
    """exp(-rate * time), wad, floored. Raises ValueError where rate or time are out of range."""
    if seconds >= MAX_SECONDS:
        raise ValueError("black76: time out of range")
    if rate >= MAX_RATE:
        raise ValueError("black76: rate out of range")
    return wad_exp(-min(rate * seconds // SECONDS_PER_YEAR, 50 * WAD))


def time_value(smaller: int, log_moneyness: int, total_vol: int) -> int:
    """Undiscounted price, wad USD, of whichever of call and put is out of the money.

    `smaller` is the smaller of forward and strike, nano USD. At most `smaller`; 0 at no volatility.

    With h = w/2 and r = |ln(F/K)|/w, near = |h - r| and far = h + r, both terms of the formula share one
    density, because F n(d1) = K n(d2): the price is smaller * n(near) * (mills(near) - mills(far)), or, where
    h > r, smaller * (1 - n(near) * (mills(near) + mills(far))).
    """
    if smaller >= MAX_PRICE:
        raise ValueError("black76: price out of range")
    if abs(log_moneyness) >= MAX_LOG:
        raise ValueError("black76: moneyness out of range")
    if smaller == 0 or total_vol == 0:
        return 0
    ceiling = smaller * NANO
    if total_vol >= MAX_TOTAL_VOL:
        return ceiling
    half = (total_vol << 95) // WAD
    ratio = (abs(log_moneyness) << 96) // total_vol
    if half > ratio:
        near = half - ratio
        both = normal.mills(near) + normal.mills(half + ratio)
        return ceiling - min(ceiling, ceiling * (normal.density(near) * both >> 101) >> 140)
    near = ratio - half
    if near >= normal.FAR:
        return 0
    between = max(0, normal.mills(near) - normal.mills(half + ratio))
    return ceiling * (normal.density(near) * between >> 101) >> 140


def prices_from_log(
    forward: int, strike: int, log_moneyness: int, total_vol: int, discount: int
) -> tuple[int, int]:
    """Call and put in wad USD, from a logarithm that is known. Raises ValueError for what is out of range.

    The difference of the two is |F - K| * discount rounded down, the put above the call where K > F; the
    smaller is the discounted time value, rounded down. So parity is exact and no bound is ever passed.
    """
    _check_prices(forward, strike)
    if discount >= MAX_DISCOUNT:
        raise ValueError("black76: discount out of range")
    smaller = time_value(min(forward, strike), log_moneyness, total_vol) * discount // WAD
    larger = smaller + abs(forward - strike) * NANO * discount // WAD
    return (larger, smaller) if forward >= strike else (smaller, larger)


def prices(forward: int, strike: int, total_vol: int, discount: int) -> tuple[int, int]:
    """Call and put in wad USD; as `prices_from_log`, with the logarithm computed."""
    return prices_from_log(forward, strike, log_moneyness(forward, strike), total_vol, discount)


def greeks(is_call: bool, forward: int, strike: int, vol: int, seconds: int, rate: int) -> Greeks:
    """The Greeks of one option. Where price is the discounted payoff (no forward, strike, time or volatility,
    or a total volatility of 24) gamma and vega are 0 and delta is that of the payoff: 0 at the strike.
    """
    root = root_time(seconds)
    width = total_vol(vol, root)
    factor = discount(rate, seconds)
    log = log_moneyness(forward, strike)
    call, put = prices_from_log(forward, strike, log, width, factor)
    carry = rate * (call if is_call else put) // WAD
    if forward == 0 or strike == 0 or width == 0:
        exercised = forward > strike if is_call else strike > forward
        return Greeks((factor if is_call else -factor) * exercised, 0, 0, carry)
    if width >= MAX_TOTAL_VOL:
        return Greeks(factor if is_call else 0, 0, 0, carry)
    ratio = abs(log) * WAD // width
    d1 = width // 2 + (ratio if log >= 0 else -ratio)
    chance = normal.cdf(d1 if is_call else -d1) * factor // WAD
    weight = normal.pdf(d1) * factor // WAD
    gamma = weight * WAD * NANO // (forward * width)
    vega = (forward * NANO * weight // WAD) * root >> 96
    decay = vega * vol * SECONDS_PER_YEAR // (2 * seconds * WAD)
    return Greeks(chance if is_call else -chance, gamma, vega, carry - decay)


def _check_prices(forward: int, strike: int) -> None:
    if forward >= MAX_PRICE or strike >= MAX_PRICE:
        raise ValueError("black76: price out of range")
