# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/RiskBoard.vy and math/scenario_math.vy: values of a series' options in every scenario.

Prices in nano USD, values and losses per unit of base in 1e-12 USD, ratios in wad, times in seconds. Exact
integers. May import nothing but domain modules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulation.domain import black76, svi
from simulation.domain.elementary import wad_exp, wad_ln
from simulation.domain.units import WAD

__all__ = [
    "ABSOLUTE",
    "BASIS_DOWN",
    "BASIS_UP",
    "CASES",
    "LINEAR",
    "PLAIN",
    "Board",
    "Scenario",
    "Series",
    "Shocks",
    "StrikeValues",
    "arranged",
    "valued",
]

YEAR = 365 * 86_400
MONTH = 30 * 86_400
NANO = 10**9
UNIT = 10**6
"""Wad of the unit of values."""
TO_UNIT = 10**15
"""Nano USD times a wad, in the unit of values."""
LIMIT = 2**64

PLAIN = 31
BASIS_UP = 33
BASIS_DOWN = 34
CASES = 35
UP, DOWN, LINEAR, ABSOLUTE = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario of the grid."""

    spot_shock: int
    """Factor of spot, wad."""
    vol: int
    """0 none, 1 up, 2 down, 3 linear skew, 4 absolute skew."""
    damping: int
    """Factor of the profit or loss, wad."""


@dataclass(frozen=True, slots=True)
class Shocks:
    """Parameters of valuation, as IRiskBoard.Shocks; ratios in wad, rates per year."""

    vol_up: int
    vol_down: int
    short_term_power: int
    long_term_power: int
    time_floor: int
    min_vol_up: int
    linear_cap: int
    linear_cap_slope: int
    abs_cap: int
    abs_cap_slope: int
    min_width: int
    width_scale: int
    width_static: int
    width_slope: int
    long_discount: int
    short_discount: int
    long_rate_scale: int
    long_rate_add: int
    short_rate_scale: int
    short_rate_add: int
    basis_up: int
    basis_down: int
    basis_add: int
    basis_multiple: int
    max_age: int
    max_move: int


@dataclass(frozen=True, slots=True)
class Series:
    """What a series is valued with."""

    feed: int
    fixed: int
    """Part of the forward that is known, nano USD."""
    variable: int
    """Part that moves with spot, nano USD."""
    timestamp: int
    expiry: int
    rate: int
    """Per year, wad, signed."""
    confidence: int
    """Least of spot, forward, volatility and rate, 1e-8."""
    smile: svi.Params
    reference_forward: int
    reference_seconds: int

    @property
    def seconds(self) -> int:
        """To expiry, 0 after it."""
        return max(self.expiry - self.timestamp, 0)


@dataclass(frozen=True, slots=True)
class StrikeValues:
    """The options of one strike."""

    strike: int
    call_mark: int
    """Nano USD."""
    put_mark: int
    losses: tuple[int, int, int, int]
    """Largest loss of one unit: call long, call short, put long, put short."""
    calls: tuple[int, ...]
    """In each case; 0 where there is none."""
    puts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """The values of one series."""

    feed: int
    refreshed: int
    expiry: int
    confidence: int
    variable: int
    discount: int
    assets: int
    """Static discount of positive values."""
    debts: int
    """Of negative ones."""
    weight: int
    """Of the basis contingency."""
    forwards: tuple[int, ...]
    """Discounted forward in each case, 0 where there is none."""
    strikes: tuple[StrikeValues, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    forward: int
    log_forward: int
    factor: int
    least: int
    damping: int
    skew: int


def arranged(scenarios: Sequence[Scenario]) -> tuple[Scenario | None, ...]:
    """The scenarios at their cases: 31 that move spot or volatility, the linear and the absolute skew."""
    plain = [scenario for scenario in scenarios if scenario.vol < LINEAR]
    skews = {scenario.vol: scenario for scenario in scenarios if scenario.vol >= LINEAR}
    return (*plain, *[None] * (PLAIN - len(plain)), skews.get(LINEAR), skews.get(ABSOLUTE))


def valued(
    series: Series, strikes: Sequence[int], scenarios: Sequence[Scenario | None], shocks: Shocks
) -> Board:
    """What `refresh` writes. Raises ValueError where a value does not fit in 64 bits."""
    rate = max(series.rate, 0)
    seconds = series.seconds
    forward = series.fixed + series.variable
    discount = black76.discount(rate, seconds)
    assets = shocks.long_discount * wad_exp(
        -_growth(rate, shocks.long_rate_scale, shocks.long_rate_add, seconds)
    )
    debts = shocks.short_discount * wad_exp(
        _growth(rate, shocks.short_rate_scale, shocks.short_rate_add, seconds)
    )
    weight = shocks.basis_add + shocks.basis_multiple * seconds // YEAR
    cases = _cases(series, forward, scenarios, shocks)
    forwards = tuple(case.forward * discount // TO_UNIT if case is not None else 0 for case in cases)
    terms = (assets // WAD, min(WAD * WAD // discount, debts // WAD), weight)
    _check(*forwards, *terms)
    return Board(
        series.feed,
        series.timestamp,
        series.expiry,
        series.confidence,
        series.variable,
        discount,
        *terms,
        forwards,
        tuple(_strike(series, strike, cases, forwards, terms, discount, shocks) for strike in strikes),
    )


def _check(*values: int) -> None:
    if max(values) >= LIMIT:
        raise ValueError("risk_board: value too large")


def _growth(rate: int, scale: int, add: int, seconds: int) -> int:
    return (rate * scale // WAD + add) * seconds // YEAR


def _cases(
    series: Series, forward: int, scenarios: Sequence[Scenario | None], shocks: Shocks
) -> tuple[_Case | None, ...]:
    power = shocks.long_term_power if series.seconds > MONTH else shocks.short_term_power
    ratio = wad_ln(MONTH * WAD // max(series.seconds, shocks.time_floor))
    scale = wad_exp(power * ratio // WAD)
    factors = {
        UP: WAD + shocks.vol_up * scale // WAD,
        DOWN: WAD - min(WAD, shocks.vol_down * scale // WAD),
    }

    def case(shock: int, vol: int, damping: int) -> _Case:
        moved = series.fixed + series.variable * shock // WAD
        log = black76.log_moneyness(moved, forward) if moved != forward else 0
        least = shocks.min_vol_up if vol == UP else 0
        return _Case(moved, log, factors.get(vol, WAD), least, damping, vol if vol >= LINEAR else 0)

    return (
        *(None if one is None else case(one.spot_shock, one.vol, one.damping) for one in scenarios),
        case(shocks.basis_up, 0, 0),
        case(shocks.basis_down, 0, 0),
    )


def _skew(kind: int, log_strike: int, root: int, shocks: Shocks) -> int:
    if kind == LINEAR:
        cap = shocks.linear_cap + root * shocks.linear_cap_slope // WAD
    else:
        cap = shocks.abs_cap + root * shocks.abs_cap_slope // WAD
        log_strike = abs(log_strike)
    inner = shocks.width_static + root * shocks.width_slope // WAD
    width = max(shocks.min_width, (root * shocks.width_scale // WAD) * inner // WAD)
    slope = log_strike * cap // width
    return max(WAD + (min(cap, slope) if log_strike >= 0 else max(-cap, slope)), 0)


def _strike(
    series: Series,
    strike: int,
    cases: Sequence[_Case | None],
    forwards: Sequence[int],
    terms: tuple[int, int, int],
    discount: int,
    shocks: Shocks,
) -> StrikeValues:
    vol = 0
    if series.seconds:
        vol = svi.vol(series.smile, series.reference_forward, series.reference_seconds, strike)
    root_time = black76.root_time(series.seconds)
    forward = series.fixed + series.variable
    log = black76.log_moneyness(forward, strike)
    marks = black76.prices_from_log(forward, strike, log, black76.total_vol(vol, root_time), discount)
    call_mark, put_mark = (mark // NANO for mark in marks)
    _check(*(1_000 * price for price in (strike, call_mark, put_mark)))
    assets, debts, weight = terms
    calls: list[int] = []
    puts: list[int] = []
    least = [0, 0, 0, 0]
    for place, case in enumerate(cases):
        if case is None:
            calls.append(0)
            puts.append(0)
            continue
        factor = case.factor
        if case.skew:
            factor = _skew(case.skew, -log, root_time * WAD >> 96, shocks)
        width = black76.total_vol(max(case.least, vol * factor // WAD), root_time)
        wad_call, _ = black76.prices_from_log(case.forward, strike, case.log_forward + log, width, discount)
        call = wad_call // UNIT
        put = max(0, call + strike * discount // TO_UNIT - forwards[place])
        calls.append(call)
        puts.append(put)
        basis = place >= BASIS_UP
        up, down, damping = (WAD, WAD, weight) if basis else (assets, debts, case.damping)
        profits = [
            sign * (value * (up if sign > 0 else down) - mark * 1_000 * WAD) * damping
            for value, mark in ((call, call_mark), (put, put_mark))
            for sign in (1, -1)
        ]
        if case.skew:
            profits = [-abs(profit) for profit in profits]
        least = [min(pair) for pair in zip(least, profits, strict=True)]
    _check(*calls)
    losses = tuple(-(profit // (WAD * WAD)) for profit in least)
    _check(*losses)
    return StrikeValues(
        strike, call_mark, put_mark, (losses[0], losses[1], losses[2], losses[3]), tuple(calls), tuple(puts)
    )
