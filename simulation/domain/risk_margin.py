# SPDX-License-Identifier: Apache-2.0
"""Twin of engines/RiskBasedMargin.vy: parametric margin from sensitivities and a covariance matrix.

Deltas, gammas and vegas are wad USD for a relative move of one; volatilities and correlations 1e-9,
quantiles and ratios bps. Requirements are >= 0 and every term is rounded up by itself. Exact integers; may
import nothing but domain modules.

VaR is the delta normal method of RiskMetrics (J.P. Morgan, Technical Document, 1996, 7.3) with the loss of a
long gamma taken where it is largest instead of at the quantile (delta-gamma, ibid. 7.3.2). Three sets of
correlations: Basel, MAR21.6. Curvature without netting between underlyings and sensitivities at one
quantile: MAR21.5 and ISDA SIMM. The minimum for short options, and the charge for matched notional: SPAN
(short option minimum, intracommodity spread charge).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt

from simulation.domain.fixed_point import div_up
from simulation.domain.margin_math import (
    Assessment,
    CollateralRisk,
    Portfolio,
    PositionRisk,
    Term,
    confidence_up,
    depeg_up,
    haircut_up,
    worst_size,
)
from simulation.domain.market_math import Kind, kind
from simulation.domain.risk_model import Greeks, Model, Underlying

__all__ = [
    "MAX_LOSS",
    "assess",
    "explain",
    "value_at_risk",
]

BPS = 10_000
NANO = 10**9
WAD = 10**18
MOVE_ONE = NANO * BPS
MAX_LOSS = 2**100
"""Wad USD; a larger loss in one factor is refused."""
MONTH, DAY = 30 * 86_400, 86_400


@dataclass(slots=True)
class _Line:
    """Exposures to one underlying."""

    long: int = 0
    short: int = 0
    gamma: int = 0
    vega: int = 0
    shorts: int = 0
    up: int = 0
    down: int = 0
    order_gamma: int = 0
    order_vega_up: int = 0
    order_vega_down: int = 0
    order_shorts: int = 0
    confidence: int = 0
    depeg: int = 0

    def add(self, delta: int) -> None:
        if delta > 0:
            self.long += delta
        else:
            self.short -= delta

    def reach(self, delta: int) -> None:
        if delta > 0:
            self.up += delta
        else:
            self.down -= delta


@dataclass(slots=True)
class _Book:
    """A portfolio by underlying; `left` is the same without long options."""

    lines: list[_Line]
    left: list[_Line]
    unmapped: _Line
    option_value: int = 0
    initial: int = 0
    """Of markets of no underlying."""
    maintenance: int = 0


@dataclass(slots=True)
class _Requirement:
    var: int
    scenario: int
    losses: list[int]
    curvature: list[int]
    basis: list[int]
    concentration: list[int]
    option_value: int

    def total(self) -> int:
        return self.var + sum(self.curvature) + sum(self.basis) + sum(self.concentration) + self.option_value


def value_at_risk(model: Model, losses: Sequence[int]) -> tuple[int, int]:
    """VaR of losses at the quantile by factor (wad, signed), and which correlations were the worst.

    0 the given ones; 1 moved together: prices toward one, volatilities toward one; 2 moved apart: every pair
    toward the sign that hurts. Each is a mixture of the given matrix with a sum of squares, so semi-definite
    as it is.
    """
    factors = range(len(losses))
    given = sum(losses[i] * losses[j] * model.correlation(i, j) for i in factors for j in factors)
    half = len(losses) // 2
    blocks = (sum(losses[:half]) ** 2 + sum(losses[half:]) ** 2) * NANO
    signs = sum(abs(loss) for loss in losses) ** 2 * NANO
    together, apart = model.quantiles.together, model.quantiles.apart
    forms = (
        given * BPS,
        given * (BPS - together) + blocks * together,
        given * (BPS - apart) + signs * apart,
    )
    worst = max(forms)
    return _root_up(div_up(worst, NANO * BPS)), forms.index(worst)


def explain(portfolio: Portfolio, model: Model, greeks: Mapping[int, Greeks]) -> tuple[Term, ...]:
    """The terms of the assessment; those of underlyings that are zero are left out."""
    terms = [Term("cash", 0, 0, 0, portfolio.cash)]
    terms += [
        Term("position", position.market, 0, 0, position.unrealised) for position in portfolio.positions
    ]
    book = _book(portfolio, model, greeks)
    initial, maintenance = _requirements(book, model)
    shares = _shares(model, initial), _shares(model, maintenance)
    count = len(model.underlyings)
    for place, (underlying, line) in enumerate(zip(model.underlyings, book.lines, strict=True)):
        charges = (
            ("price", shares[0][place], shares[1][place]),
            ("volatility", shares[0][count + place], shares[1][count + place]),
            ("curvature", initial.curvature[place], maintenance.curvature[place]),
            ("basis", initial.basis[place], maintenance.basis[place]),
            ("concentration", initial.concentration[place], maintenance.concentration[place]),
            ("orders", _orders_up(line, underlying, model.quantiles.initial), 0),
            ("confidence", line.confidence, 0),
            ("depeg", line.depeg, 0),
        )
        terms += [Term(label, underlying.feed, high, low, 0) for label, high, low in charges if high or low]
    for label, charge in (("confidence", book.unmapped.confidence), ("depeg", book.unmapped.depeg)):
        if charge:
            terms.append(Term(label, 0, charge, 0, 0))
    if initial.option_value or maintenance.option_value:
        terms.append(Term("long options", 0, initial.option_value, maintenance.option_value, 0))
    for collateral in portfolio.collaterals:
        high, low, charge = _collateral(collateral, model)
        terms.append(Term("haircut", collateral.asset, high, low, collateral.value))
        if charge:
            terms.append(Term("collateral confidence", collateral.asset, charge, 0, 0))
    if book.initial or book.maintenance:
        terms.append(Term("not admitted", 0, book.initial, book.maintenance, 0))
    return tuple(terms)


def assess(portfolio: Portfolio, model: Model, greeks: Mapping[int, Greeks]) -> Assessment:
    """What RiskBasedMargin answers; the scenario is that of the VaR in initial margin."""
    terms = explain(portfolio, model, greeks)
    initial, _ = _requirements(_book(portfolio, model, greeks), model)
    return Assessment(
        sum(term.initial_margin for term in terms),
        sum(term.maintenance_margin for term in terms),
        sum(term.equity for term in terms),
        initial.scenario,
    )


def _book(portfolio: Portfolio, model: Model, greeks: Mapping[int, Greeks]) -> _Book:
    count = len(model.underlyings)
    book = _Book([_Line() for _ in range(count)], [_Line() for _ in range(count)], _Line())
    for position in portfolio.positions:
        place = model.place(position.market)
        option = kind(position.market) is Kind.OPTION
        sensitivities = greeks.get(position.market)
        if option and sensitivities is not None and sensitivities.seconds == 0:
            continue
        if place is None or (option and sensitivities is None):
            line = book.unmapped
            _charge_in_full(book, position)
        else:
            line = book.lines[place]
            if sensitivities is not None and option:
                _add_option(book, place, position, sensitivities)
            else:
                _add_linear(book, place, position)
        charged = _charged(position)
        rules = model.contingency
        line.confidence += confidence_up(
            charged, position.confidence, rules.confidence_threshold, rules.confidence_factor
        )
        line.depeg += depeg_up(charged, portfolio.stable_price, rules.depeg_threshold, rules.depeg_factor)
    for collateral in portfolio.collaterals:
        if collateral.asset in model.mapped:
            for lines in (book.lines, book.left):
                lines[model.mapped[collateral.asset]].add(collateral.value)
    return book


def _charged(position: PositionRisk) -> int:
    """Notional at spot that pays for low confidence and a depeg: of options what is or may become short."""
    if kind(position.market) is Kind.OPTION:
        return max(position.asks - position.size, 0) * position.spot
    worst = worst_size(position.size, position.bids, position.asks)
    return worst * (NANO if kind(position.market) is Kind.INVERSE_PERPETUAL else position.spot)


def _charge_in_full(book: _Book, position: PositionRisk) -> None:
    size, bids, asks, mark = position.size, position.bids, position.asks, position.mark
    if kind(position.market) is Kind.OPTION:
        short_price = max(mark, position.spot)
        book.initial += max(max(size + bids, 0) * mark, max(asks - size, 0) * short_price)
        book.maintenance += size * mark if size > 0 else -size * short_price
    else:
        price = NANO if kind(position.market) is Kind.INVERSE_PERPETUAL else mark
        book.initial += worst_size(size, bids, asks) * price
        book.maintenance += abs(size) * price


def _add_linear(book: _Book, place: int, position: PositionRisk) -> None:
    inverse = kind(position.market) is Kind.INVERSE_PERPETUAL
    price = NANO if inverse else position.mark
    delta = position.size * price + (position.unrealised if inverse else 0)
    book.lines[place].add(delta)
    book.left[place].add(delta)
    book.lines[place].reach(position.bids * price)
    book.lines[place].reach(-position.asks * price)


def _add_option(book: _Book, place: int, position: PositionRisk, greeks: Greeks) -> None:
    size, bids, asks = position.size, position.bids, position.asks
    vega = greeks.vega * isqrt(MONTH * WAD // max(greeks.seconds, DAY)) // NANO
    for lines in (book.lines, book.left) if size <= 0 else (book.lines,):
        line = lines[place]
        line.add(size * greeks.delta)
        line.gamma += size * greeks.gamma
        line.vega += size * vega
        line.shorts += max(-size, 0) * position.spot
    if size > 0:
        book.option_value += size * position.mark
    line = book.lines[place]
    line.reach(bids * greeks.delta)
    line.reach(-asks * greeks.delta)
    line.order_gamma += asks * greeks.gamma
    line.order_vega_up += bids * vega
    line.order_vega_down += asks * vega
    line.order_shorts += (max(asks - size, 0) - max(-size, 0)) * position.spot


def _collateral(collateral: CollateralRisk, model: Model) -> tuple[int, int, int]:
    """Initial and maintenance haircut, and the charge for confidence that fits into what is left."""
    value, rules = collateral.value, model.contingency
    charge = confidence_up(value, collateral.confidence, rules.confidence_threshold, rules.confidence_factor)
    if collateral.asset in model.mapped:
        underlying = model.underlyings[model.mapped[collateral.asset]]
        taken = underlying.volatility * model.quantiles.initial
        taken += (underlying.basis + underlying.concentration_ratio) * NANO
        return 0, 0, min(charge, value * (MOVE_ONE - taken) // MOVE_ONE)
    initial = haircut_up(value, max(collateral.initial_haircut, collateral.maintenance_haircut))
    return initial, haircut_up(value, collateral.maintenance_haircut), min(charge, value - initial)


def _requirements(book: _Book, model: Model) -> tuple[_Requirement, _Requirement]:
    """For each margin the smaller: of everything, or of all but long options plus their value."""
    initial, maintenance = _pair(book.lines, 0, model)
    if book.left != book.lines:
        initial_left, maintenance_left = _pair(book.left, book.option_value, model)
        if initial_left.total() < initial.total():
            initial = initial_left
        if maintenance_left.total() < maintenance.total():
            maintenance = maintenance_left
    return initial, maintenance


def _pair(lines: list[_Line], option_value: int, model: Model) -> tuple[_Requirement, _Requirement]:
    initial = _requirement(lines, option_value, model, model.quantiles.initial)
    maintenance = _requirement(lines, option_value, model, model.quantiles.maintenance)
    if initial.var < maintenance.var:
        initial.var, initial.scenario = maintenance.var, maintenance.scenario
        initial.losses = maintenance.losses
    return initial, maintenance


def _requirement(lines: list[_Line], option_value: int, model: Model, quantile: int) -> _Requirement:
    prices, vols, curvature, basis, concentration = [], [], [], [], []
    for underlying, line in zip(model.underlyings, lines, strict=True):
        move = underlying.volatility * quantile
        loss = _at(div_up(abs(line.long - line.short) * move, MOVE_ONE))
        if line.gamma > 0:
            gain = line.gamma * move**2 // MOVE_ONE**2
            loss = loss - gain // 2 if gain <= loss else div_up(loss**2, 2 * gain)
        prices.append(-loss if line.short > line.long else loss)
        vega = _at(div_up(abs(line.vega) * underlying.vol_volatility * quantile, MOVE_ONE))
        vols.append(-vega if line.vega < 0 else vega)
        curvature.append(
            max(
                div_up(max(-line.gamma, 0) * move**2, 2 * MOVE_ONE**2),
                div_up(line.shorts * underlying.short_option * quantile, model.quantiles.initial * BPS),
            )
        )
        basis.append(div_up(min(line.long, line.short) * underlying.basis, BPS))
        above = max(line.long + line.short - underlying.concentration_bound * WAD, 0)
        concentration.append(div_up(above * underlying.concentration_ratio, BPS))
    losses = prices + vols
    var, scenario = value_at_risk(model, losses)
    return _Requirement(var, scenario, losses, curvature, basis, concentration, option_value)


def _at(loss: int) -> int:
    if loss >= MAX_LOSS:
        raise OverflowError("parametric_risk: loss out of range")
    return loss


def _orders_up(line: _Line, underlying: Underlying, quantile: int) -> int:
    """What resting orders could add at most; VaR is a norm and the other charges are convex."""
    move = underlying.volatility * quantile
    reach = max(line.up, line.down)
    vega = max(line.order_vega_up, line.order_vega_down)
    return (
        div_up(reach * move, MOVE_ONE)
        + div_up(reach * (underlying.basis + underlying.concentration_ratio), BPS)
        + div_up(vega * underlying.vol_volatility * quantile, MOVE_ONE)
        + div_up(line.order_gamma * move**2, 2 * MOVE_ONE**2)
        + div_up(line.order_shorts * underlying.short_option, BPS)
    )


def _shares(model: Model, requirement: _Requirement) -> list[int]:
    """VaR by factor: Euler's allocation with hedges at nothing; the largest takes what rounding leaves."""
    losses, var = requirement.losses, requirement.var
    if var == 0:
        return [0] * len(losses)
    factors, half = range(len(losses)), len(losses) // 2
    sums = sum(losses[:half]), sum(losses[half:])
    total = sum(abs(loss) for loss in losses)
    stress = (0, model.quantiles.together, model.quantiles.apart)[requirement.scenario]
    weights = []
    for i in factors:
        across = sum(model.correlation(i, j) * losses[j] for j in factors)
        moved = sums[i >= half]
        if requirement.scenario == 2:
            moved = total if losses[i] > 0 else -total
        slope = (BPS - stress) * across + stress * NANO * moved
        weights.append(max(losses[i] * slope, 0))
    unit = sum(weights) // var + 1
    shares = [weight // unit for weight in weights]
    shares[weights.index(max(weights))] += var - sum(shares)
    return shares


def _root_up(square: int) -> int:
    root = isqrt(square)
    return root + (root * root < square)
