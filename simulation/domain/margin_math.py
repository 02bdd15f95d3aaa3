# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/margin_math.vy and modules/tiered_margin.vy: margin of linear portfolios.

Money is wad USD, ratios bps, confidence 1e-8, sizes nano base, prices nano USD. Requirements are
>= 0 and every term is rounded up by itself; equity is exact. May import nothing but domain modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulation.domain.fixed_point import div_up

__all__ = [
    "FULL_CHARGE",
    "Assessment",
    "CollateralRisk",
    "Contingency",
    "MarketRisk",
    "Portfolio",
    "PositionRisk",
    "Term",
    "assess",
    "confidence_up",
    "depeg_up",
    "explain",
    "haircut_up",
    "pack_risk",
    "requirement_up",
    "weighted",
    "worst_size",
]

BPS = 10_000
NANO = 10**9
FULL_CONFIDENCE = 10**8
WAD = 10**18
BOUND_UNIT = 1_000


@dataclass(frozen=True, slots=True)
class MarketRisk:
    """Parameters of one market."""

    initial: int
    """Bps of notional, up to the first bound."""
    maintenance: int
    """Bps of notional, up to the first bound."""
    first_multiplier: int
    """Bps, on what is above the first bound."""
    second_multiplier: int
    """Bps, on what is above the second bound."""
    first_bound: int
    """Notional, USD, whole thousands."""
    second_bound: int
    """Notional, USD, whole thousands."""


FULL_CHARGE = MarketRisk(BPS, BPS, BPS, BPS, 0, 0)
"""What a market without parameters is charged."""


@dataclass(frozen=True, slots=True)
class Contingency:
    """Parameters of the confidence and depeg terms."""

    confidence_threshold: int
    """Unit 1e-8."""
    confidence_factor: int
    """Bps."""
    depeg_threshold: int
    """Nano USD."""
    depeg_factor: int
    """Bps."""


@dataclass(frozen=True, slots=True)
class PositionRisk:
    """A position as an engine sees it."""

    market: int
    size: int
    """Signed nano base."""
    mark: int
    spot: int
    confidence: int
    """Unit 1e-8."""
    unrealised: int
    """Wad USD, unpaid funding included."""
    bids: int = 0
    """Resting buy size, nano base."""
    asks: int = 0
    """Resting sell size, nano base."""


@dataclass(frozen=True, slots=True)
class CollateralRisk:
    """A collateral as an engine sees it."""

    asset: int
    value: int
    """Wad USD."""
    confidence: int
    """Unit 1e-8."""
    maintenance_haircut: int
    """Bps of value."""
    initial_haircut: int
    """Bps of value."""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """An account as an engine sees it."""

    cash: int
    """Wad USD, signed."""
    stable_price: int
    """Nano USD."""
    positions: tuple[PositionRisk, ...] = ()
    collaterals: tuple[CollateralRisk, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of an assessment, wad USD."""

    label: str
    subject: int
    """Market or asset; 0 for the whole portfolio."""
    initial_margin: int
    maintenance_margin: int
    equity: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a portfolio must keep and what it is worth, wad USD."""

    initial_margin: int
    maintenance_margin: int
    equity: int
    worst_scenario: int = 0


def worst_size(size: int, bids: int, asks: int) -> int:
    """max(|size + bids|, |size - asks|)."""
    return max(abs(size + bids), abs(size - asks))


def weighted(notional: int, risk: MarketRisk) -> int:
    """Sum over tiers of the notional inside the tier times its multiplier, wad * bps."""
    first, second = risk.first_bound * WAD, risk.second_bound * WAD
    return (
        min(notional, first) * BPS
        + max(min(notional, second) - first, 0) * risk.first_multiplier
        + max(notional - second, 0) * risk.second_multiplier
    )


def requirement_up(weighted_notional: int, ratio: int) -> int:
    """A ratio in bps of a weighted notional."""
    return div_up(weighted_notional * ratio, BPS**2)


def confidence_up(notional: int, confidence: int, threshold: int, factor: int) -> int:
    """(1 - confidence) * factor of a notional where confidence is below the threshold, else 0."""
    if confidence >= threshold:
        return 0
    return div_up(notional * (FULL_CONFIDENCE - confidence) * factor, FULL_CONFIDENCE * BPS)


def depeg_up(notional: int, stable_price: int, threshold: int, factor: int) -> int:
    """(threshold - price) * factor of a notional where the price is below the threshold, else 0."""
    if stable_price >= threshold:
        return 0
    return div_up(notional * (threshold - stable_price) * factor, NANO * BPS)


def haircut_up(amount: int, haircut: int) -> int:
    """A share in bps of an amount."""
    return div_up(amount * haircut, BPS)


def pack_risk(risk: MarketRisk) -> int:
    """The market's entry of the parameter table, 128 bits."""
    return (
        risk.initial
        | risk.maintenance << 16
        | risk.first_multiplier << 32
        | risk.second_multiplier << 48
        | risk.first_bound // BOUND_UNIT << 64
        | risk.second_bound // BOUND_UNIT << 96
    )


def explain(
    portfolio: Portfolio, markets: Mapping[int, MarketRisk], contingency: Contingency
) -> tuple[Term, ...]:
    """The terms of the assessment; contingencies that are zero are left out."""
    terms = [Term("cash", 0, 0, 0, portfolio.cash)]
    threshold, factor = contingency.confidence_threshold, contingency.confidence_factor
    for position in portfolio.positions:
        risk = markets.get(position.market, FULL_CHARGE)
        held = abs(position.size)
        worst = worst_size(position.size, position.bids, position.asks)
        initial = requirement_up(weighted(worst * position.mark, risk), risk.initial)
        maintenance = requirement_up(weighted(held * position.mark, risk), risk.maintenance)
        terms.append(Term("position", position.market, initial, maintenance, position.unrealised))
        at_spot = worst * position.spot
        charges = {
            "confidence": confidence_up(at_spot, position.confidence, threshold, factor),
            "depeg": depeg_up(
                at_spot, portfolio.stable_price, contingency.depeg_threshold, contingency.depeg_factor
            ),
        }
        terms.extend(
            Term(label, position.market, charge, 0, 0) for label, charge in charges.items() if charge
        )
    for collateral in portfolio.collaterals:
        worse = max(collateral.initial_haircut, collateral.maintenance_haircut)
        initial = haircut_up(collateral.value, worse)
        maintenance = haircut_up(collateral.value, collateral.maintenance_haircut)
        terms.append(Term("haircut", collateral.asset, initial, maintenance, collateral.value))
        charge = confidence_up(collateral.value, collateral.confidence, threshold, factor)
        charge = min(charge, collateral.value - initial)
        if charge:
            terms.append(Term("collateral confidence", collateral.asset, charge, 0, 0))
    return tuple(terms)


def assess(portfolio: Portfolio, markets: Mapping[int, MarketRisk], contingency: Contingency) -> Assessment:
    """What CrossMargin and IsolatedMargin answer."""
    terms = explain(portfolio, markets, contingency)
    return Assessment(
        sum(term.initial_margin for term in terms),
        sum(term.maintenance_margin for term in terms),
        sum(term.equity for term in terms),
    )
