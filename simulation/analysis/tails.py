# SPDX-License-Identifier: Apache-2.0
"""What Black-76 misses: options under laws with tails, and how often a loss exceeds what a system asks for.

Estimates, as floats: they decide nothing and no contract sees them. The account is as it is now; over the
horizon prices move, marks of perpetuals keep their ratio and forwards their distance to spot, the surface
moves with the forward and options age; nobody trades and no funding is paid.
Imports: analysis.stage; market, domain.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulation.analysis.portfolio import YEAR, Instrument, Portfolio
from simulation.analysis.stage import Stage
from simulation.chain.deployment import feed_numbers
from simulation.config.seeds import stream
from simulation.domain import svi
from simulation.domain.margin_math import Assessment, PositionRisk
from simulation.domain.margin_math import Portfolio as Holdings
from simulation.domain.market_math import Kind
from simulation.domain.svi import Params
from simulation.domain.units import BPS, NANO, WAD
from simulation.market.option_prices import Black, OptionLaw, implied_volatility
from simulation.market.tails import LAWS, joint_returns, law_at_the_money, option_values

__all__ = ["DRAWS", "Excess", "LossLaw", "OptionTail", "Tails", "losses", "measure_tails"]

DRAWS = 200_000
"""Moves that are drawn from each law, in pairs of opposite ones."""
LEVEL = 0.99
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OptionTail:
    """One option: its mark, and its price under each law that agrees with the surface at the money."""

    instrument: str
    size: int
    """Nano base."""
    mark: float
    """USD per unit of base: Black-76 at the surface's volatility of this strike."""
    prices: Mapping[str, float | None]
    """By law, USD per unit of base; "normal" is Black-76 without a smile. None where no such law is found."""
    volatilities: Mapping[str, float | None]
    """Implied by those prices, per square root of a year; None far from the money, where none can be told."""


@dataclass(frozen=True, slots=True)
class LossLaw:
    """The loss over the horizon under one law, USD."""

    law: str
    value_at_risk: float
    """Loss that is exceeded once in a hundred."""
    expected_shortfall: float
    """Mean of those hundredths that are worse."""
    insolvent: float
    """Chance that equity is used up, share of 1."""


@dataclass(frozen=True, slots=True)
class Excess:
    """How often a loss exceeds a requirement, share of 1, and the mean of what exceeds it then, USD."""

    chance: float
    error: float
    """Standard error of the chance."""
    beyond: float


@dataclass(frozen=True, slots=True)
class Tails:
    """Everything that is said of tails."""

    horizon: int
    """Seconds."""
    draws: int
    laws: tuple[LossLaw, ...]
    initial: Mapping[str, Mapping[str, Excess]]
    """By system, then law: of initial margin."""
    maintenance: Mapping[str, Mapping[str, Excess]]
    options: tuple[OptionTail, ...]

    def as_json(self) -> dict[str, Any]:
        """USD and shares of 1 as numbers."""
        return {
            "horizon_seconds": self.horizon,
            "draws": self.draws,
            "losses": {
                one.law: {
                    "value_at_risk_99_usd": one.value_at_risk,
                    "expected_shortfall_99_usd": one.expected_shortfall,
                    "chance_insolvent": one.insolvent,
                }
                for one in self.laws
            },
            "exceeds_initial_margin": _excesses(self.initial),
            "exceeds_maintenance_margin": _excesses(self.maintenance),
            "options": [
                {
                    "instrument": one.instrument,
                    "mark_usd": one.mark,
                    "prices_usd": dict(one.prices),
                    "volatilities": dict(one.volatilities),
                }
                for one in self.options
            ],
        }


def measure_tails(stage: Stage, holdings: Holdings, margins: Mapping[str, Assessment]) -> Tails:
    """Draws the moves and values the account after each.

    Args:
        stage: where the portfolio stands; nothing is asked of the chain.
        holdings: the portfolio at present prices.
        margins: of each system that has an answer.
    """
    portfolio = stage.portfolio
    shape = portfolio.tails.shape
    symbols = tuple(portfolio.assets)
    equity = _equity(holdings)
    found: dict[str, Floats] = {}
    for law in LAWS:
        moves = joint_returns(
            law,
            [portfolio.assets[symbol].volatility / WAD for symbol in symbols],
            _correlations(portfolio),
            shape,
            DRAWS,
            stream(0, "tails", law),
        )
        found[law] = losses(stage, holdings, dict(zip(symbols, moves.T, strict=True)))
    return Tails(
        horizon=portfolio.tails.horizon,
        draws=DRAWS,
        laws=tuple(_of_law(law, lost, equity) for law, lost in found.items()),
        initial={
            name: {law: _excess(lost, one.initial_margin / WAD) for law, lost in found.items()}
            for name, one in margins.items()
        },
        maintenance={
            name: {law: _excess(lost, one.maintenance_margin / WAD) for law, lost in found.items()}
            for name, one in margins.items()
        },
        options=tuple(_options(stage, holdings.positions)),
    )


def losses(stage: Stage, holdings: Holdings, moves: Mapping[str, Floats]) -> Floats:
    """What the account is worth less after each move, USD, negative where it gained.

    Args:
        stage: for names, series and surfaces.
        holdings: the portfolio at present prices.
        moves: spot at the horizon over spot now, by asset.
    """
    portfolio = stage.portfolio
    total = np.zeros(len(next(iter(moves.values()))))
    for position in holdings.positions:
        one = portfolio.by_market(position.market)
        total += _gain(stage, one, position, moves[one.asset])
    tokens = list(portfolio.protocol.collaterals.values())
    for held in holdings.collaterals:
        # The last is a credit line (ICreditMargin), which does not move.
        if held.asset <= len(tokens):
            total += held.value / WAD * (moves[tokens[held.asset - 1].asset] - 1)
    return -total


def _gain(stage: Stage, one: Instrument, position: PositionRisk, move: Floats) -> Floats:
    size, spot = position.size / NANO, position.spot / NANO
    if one.kind is Kind.LINEAR_PERPETUAL:
        return size * position.mark / NANO * (move - 1)
    if one.kind is Kind.INVERSE_PERPETUAL:
        return (position.unrealised / WAD + size) * (move - 1)
    if one.kind is Kind.DATED_FUTURE:
        return size * spot * (move - 1)
    surface, seconds = stage.surfaces[one.series], _seconds(stage.portfolio, one)
    forward, rate = spot + surface.difference / NANO, stage.portfolio.series[one.series].rate / WAD
    left = max(seconds - stage.portfolio.tails.horizon, 0)

    def value(forwards: Floats, remaining: int) -> Floats:
        variances = _variances(surface.params, one.strike / NANO / forwards) * (remaining / seconds)
        discount = math.exp(-max(rate, 0.0) * remaining / YEAR)
        return option_values(one.call, forwards, one.strike / NANO, variances, discount)

    # A forward follows spot at a distance, and cannot fall to zero before spot does.
    moved = np.maximum(forward + spot * (move - 1), spot * move * 1e-6)
    return size * (value(moved, left) - value(np.array([forward]), seconds))


def _variances(params: Params, ratios: Floats) -> Floats:
    """Total variance at strike over forward, as domain.svi has it."""
    a, b, rho, m, sigma = (x / WAD for x in (params.a, params.b, params.rho, params.m, params.sigma))
    limit = 4 * math.sqrt(a + b * sigma)
    k = np.clip(np.log(ratios), -limit, limit) - m
    return np.asarray(a + b * (rho * k + np.sqrt(k * k + sigma * sigma)), dtype=np.float64)


def _options(stage: Stage, positions: Sequence[PositionRisk]) -> Iterable[OptionTail]:
    portfolio = stage.portfolio
    shape = portfolio.tails.shape
    for position in positions:
        one = portfolio.by_market(position.market)
        if one.kind is not Kind.OPTION:
            continue
        surface, seconds = stage.surfaces[one.series], _seconds(portfolio, one)
        forward = position.spot / NANO + surface.difference / NANO
        years, strike = seconds / YEAR, one.strike / NANO
        at_the_money = svi.vol(surface.params, NANO, seconds, NANO) / WAD
        discount = math.exp(-max(portfolio.series[one.series].rate / WAD, 0.0) * years)
        prices: dict[str, float | None] = {}
        volatilities: dict[str, float | None] = {}
        for law in LAWS:
            prices[law] = volatilities[law] = None
            try:
                found: OptionLaw = law_at_the_money(law, at_the_money, forward, years, shape)
            except ValueError:
                continue
            undiscounted = found.price(one.call, forward, strike, years)
            prices[law] = discount * undiscounted
            volatilities[law] = (
                found.volatility
                if isinstance(found, Black)
                else _implied(undiscounted, one.call, forward, strike, years)
            )
        yield OptionTail(one.name, position.size, position.mark / NANO, prices, volatilities)


def _implied(price: float, is_call: bool, forward: float, strike: float, years: float) -> float | None:
    try:
        return implied_volatility(price, is_call, forward, strike, years)
    except ValueError:
        return None


def _seconds(portfolio: Portfolio, one: Instrument) -> int:
    return portfolio.series[one.series].expiry - portfolio.money.time


def _correlations(portfolio: Portfolio) -> Floats:
    """Of prices, as risk-based margin has them."""
    risk = portfolio.protocol.risk
    assert risk is not None
    known = tuple(feed_numbers(portfolio.protocol))
    lower = risk.lower_triangle(known)
    symbols = tuple(portfolio.assets)
    found = np.eye(len(symbols))
    for i, first in enumerate(symbols):
        for j, second in enumerate(symbols[:i]):
            high, low = sorted((known.index(first), known.index(second)), reverse=True)
            found[i, j] = found[j, i] = lower[high * (high - 1) // 2 + low] / BPS
    return found


def _equity(holdings: Holdings) -> float:
    unrealised = sum(position.unrealised for position in holdings.positions)
    return (holdings.cash + unrealised + sum(one.value for one in holdings.collaterals)) / WAD


def _of_law(law: str, lost: Floats, equity: float) -> LossLaw:
    worst = np.sort(lost)[math.ceil(LEVEL * len(lost)) :]
    return LossLaw(law, float(worst[0]), float(worst.mean()), float((lost > equity).mean()))


def _excess(lost: Floats, requirement: float) -> Excess:
    over = lost[lost > requirement]
    chance = len(over) / len(lost)
    error = math.sqrt(chance * (1 - chance) / len(lost))
    return Excess(chance, error, float((over - requirement).mean()) if len(over) else 0.0)


def _excesses(of: Mapping[str, Mapping[str, Excess]]) -> dict[str, Any]:
    return {
        name: {
            law: {"chance": one.chance, "standard_error": one.error, "mean_beyond_usd": one.beyond}
            for law, one in laws.items()
        }
        for name, laws in of.items()
    }
