# SPDX-License-Identifier: Apache-2.0
"""Twin of engines/DynamicMargin.vy and modules/dynamic_scale.vy: margin that follows volatility.

A scale is in units of 1 / 36,000,000, a bps being 3,600 of them, so that bps per hour are units per second.
Variances are annualised, unit 1e-7; everything else is in the units of margin_math. Exact integers; may
import nothing but domain modules.

The buffer is that of Commission Delegated Regulation (EU) 153/2013, article 28 (1) (a): a share of margin
(25 % there) that may be used up while what is calculated rises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isqrt

from simulation.domain.fixed_point import div_up
from simulation.domain.margin_math import (
    FULL_CHARGE,
    Assessment,
    CollateralRisk,
    Portfolio,
    PositionRisk,
    Term,
    confidence_up,
    depeg_up,
    weighted,
    worst_size,
)
from simulation.domain.standard_options import Board, Parameters, charges

__all__ = [
    "LONGEST",
    "ONE",
    "Scale",
    "ScaleRules",
    "assess",
    "explain",
    "moved",
    "refreshed",
    "target_up",
]

BPS = 10_000
HOUR = 3_600
ONE = BPS * HOUR
"""A scale of one."""
LONGEST = 600
"""Seconds for which a scale moves at once at most, however long ago it was refreshed."""
FIRST_INVERSE, FIRST_DATED = 128, 256


@dataclass(frozen=True, slots=True)
class ScaleRules:
    """As IDynamicScale.ScaleRules."""

    reference_variance: int
    """Annualised, unit 1e-7."""
    floor: int
    """Bps."""
    cap: int
    """Bps."""
    rise: int
    """Bps per hour."""
    fall: int
    """Bps per hour."""
    buffer: int
    """Bps."""


@dataclass(frozen=True, slots=True)
class Scale:
    """State of a feed."""

    rules: ScaleRules
    scale: int
    refreshed_at: int
    """Unix seconds."""


def target_up(variance: int, rules: ScaleRules) -> int:
    """clamp(max(v, min(v, 1) (1 + buffer)), floor, cap), v**2 the variance over its reference; up."""
    square = div_up(variance * ONE**2, rules.reference_variance)
    ratio = isqrt(square)
    ratio += ratio**2 < square
    held = div_up(min(ratio, ONE) * (BPS + rules.buffer), BPS)
    return min(max(ratio, held, rules.floor * HOUR), rules.cap * HOUR)


def moved(state: Scale, target: int, timestamp: int) -> int:
    """The scale at a time, gone toward its target as far as the limit allows."""
    elapsed = min(timestamp - state.refreshed_at, LONGEST)
    if target >= state.scale:
        return min(target, state.scale + elapsed * state.rules.rise)
    return max(target, state.scale - elapsed * state.rules.fall, 0)


def refreshed(state: Scale, variance: int, timestamp: int) -> Scale:
    """What a refresh stores."""
    scale = moved(state, target_up(variance, state.rules), timestamp)
    return replace(state, scale=scale, refreshed_at=timestamp)


def explain(
    portfolio: Portfolio,
    boards: Mapping[int, Board],
    parameters: Parameters,
    market_scales: Mapping[int, int],
    collateral_scales: Mapping[int, int],
) -> tuple[Term, ...]:
    """The terms of the assessment; contingencies that are zero are left out.

    Args:
        parameters: those of CrossMargin, which hold at a scale of one.
        market_scales: by perpetual, or by 256 times the series; one where there is none.
        collateral_scales: by asset; one where there is none.
    """
    terms = [Term("cash", 0, 0, 0, portfolio.cash)]
    for position in portfolio.positions:
        if position.market < FIRST_INVERSE:
            terms += _linear(position, portfolio, parameters, market_scales.get(position.market, ONE))
    for charge in charges(portfolio, boards, parameters):
        series = charge.subject // FIRST_DATED * FIRST_DATED
        scale = ONE if charge.options else market_scales.get(series or charge.subject, ONE)
        initial = div_up(charge.initial_margin * scale, ONE)
        maintenance = div_up(charge.maintenance_margin * scale, ONE)
        label = "options" if charge.options else "position"
        terms.append(Term(label, charge.subject, initial, maintenance, charge.unrealised))
        terms += _contingencies(charge.subject, charge.confidence, charge.depeg)
    for collateral in portfolio.collaterals:
        terms += _collateral(collateral, parameters, collateral_scales.get(collateral.asset, ONE))
    return tuple(terms)


def assess(
    portfolio: Portfolio,
    boards: Mapping[int, Board],
    parameters: Parameters,
    market_scales: Mapping[int, int],
    collateral_scales: Mapping[int, int],
) -> Assessment:
    """What DynamicMargin answers."""
    terms = explain(portfolio, boards, parameters, market_scales, collateral_scales)
    return Assessment(
        sum(term.initial_margin for term in terms),
        sum(term.maintenance_margin for term in terms),
        sum(term.equity for term in terms),
    )


def _linear(position: PositionRisk, portfolio: Portfolio, parameters: Parameters, scale: int) -> list[Term]:
    risk = parameters.markets.get(position.market, FULL_CHARGE)
    worst = worst_size(position.size, position.bids, position.asks)
    initial, maintenance = (
        min(
            div_up(weighted(size * position.mark, risk) * ratio * scale, BPS**2 * ONE),
            size * position.mark,
        )
        for size, ratio in ((worst, risk.initial), (abs(position.size), risk.maintenance))
    )
    rules = parameters.contingency
    at_spot = worst * position.spot
    confidence = confidence_up(
        at_spot, position.confidence, rules.confidence_threshold, rules.confidence_factor
    )
    depeg = depeg_up(at_spot, portfolio.stable_price, rules.depeg_threshold, rules.depeg_factor)
    return [
        Term("position", position.market, initial, maintenance, position.unrealised),
        *_contingencies(position.market, confidence, depeg),
    ]


def _collateral(collateral: CollateralRisk, parameters: Parameters, scale: int) -> list[Term]:
    value, rules = collateral.value, parameters.contingency
    highest = max(collateral.initial_haircut, collateral.maintenance_haircut)
    initial, maintenance = (
        min(div_up(value * haircut * scale, BPS * ONE), value)
        for haircut in (highest, collateral.maintenance_haircut)
    )
    terms = [Term("haircut", collateral.asset, initial, maintenance, value)]
    charge = confidence_up(value, collateral.confidence, rules.confidence_threshold, rules.confidence_factor)
    if min(charge, value - initial):
        charge = min(charge, value - initial)
        terms.append(Term("collateral confidence", collateral.asset, charge, 0, 0))
    return terms


def _contingencies(subject: int, confidence: int, depeg: int) -> list[Term]:
    named = (("confidence", confidence), ("depeg", depeg))
    return [Term(label, subject, charge, 0, 0) for label, charge in named if charge]
