# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/modules/standard_options.vy and math/option_margin_math.vy: options, dated futures and
inverse perpetuals by the standard rules.

Written from the rules, not from the contract: payoffs are evaluated at every price, nothing is accumulated.
Money is wad USD, ratios bps, confidence 1e-8, sizes nano base, prices nano USD; every charge is rounded up by
itself. May import nothing but domain modules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from simulation.domain import market_math
from simulation.domain.fixed_point import div_ceil, div_up
from simulation.domain.margin_math import (
    FULL_CHARGE,
    Assessment,
    Contingency,
    MarketRisk,
    Portfolio,
    PositionRisk,
    Term,
    confidence_up,
    depeg_up,
    requirement_up,
    weighted,
    worst_size,
)
from simulation.domain.margin_math import explain as explain_linear

__all__ = [
    "FULL_OPTION_CHARGE",
    "Board",
    "Charge",
    "OptionRisk",
    "Parameters",
    "assess",
    "charges",
    "explain",
    "maximum_loss",
    "pack_option_risk",
    "short_initial",
    "short_maintenance",
]

BPS = 10_000
NANO = 10**9
FIRST_INVERSE = 128
FIRST_DATED = 256


@dataclass(frozen=True, slots=True)
class OptionRisk:
    """Parameters of the options of one underlying, bps where nothing else is said."""

    initial_spot: int
    least_initial_spot: int
    maintenance_call: int
    maintenance_put: int
    maintenance_put_mark: int
    put_offset: int
    initial_unpaired: int
    maintenance_unpaired: int
    confidence_threshold: int
    """Unit 1e-8."""
    confidence_factor: int


FULL_OPTION_CHARGE = OptionRisk(BPS, BPS, BPS, BPS, BPS, BPS, BPS, BPS, 0, 0)
"""What options of an underlying without parameters are charged."""


@dataclass(frozen=True, slots=True)
class Board:
    """What is read of a series."""

    feed: int
    fixed: int
    variable: int
    """The forward is the sum of both, nano USD."""
    strikes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything an engine keeps."""

    markets: Mapping[int, MarketRisk]
    contingency: Contingency
    options: Mapping[int, OptionRisk]
    """By feed."""
    futures: Mapping[int, MarketRisk]
    """By feed."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What one future, one inverse perpetual or the options of one series are charged, wad USD."""

    subject: int
    options: bool
    initial_margin: int
    maintenance_margin: int
    confidence: int
    depeg: int
    unrealised: int


def pack_option_risk(risk: OptionRisk) -> int:
    """The risk word of an underlying."""
    fields = [getattr(risk, name) for name in OptionRisk.__slots__]
    word = sum(field << 16 * place for place, field in enumerate(fields[:8]))
    return int(word | fields[8] << 128 | fields[9] << 156)


def short_initial(size: int, is_call: bool, strike: int, spot: int, mark: int, risk: OptionRisk) -> int:
    """What `size` > 0 options sold keep beyond their mark initially, wad, up."""
    out_of_money = max(strike - spot, 0) if is_call else max(spot - strike, 0)
    by_spot = max(spot * risk.initial_spot - out_of_money * BPS, spot * risk.least_initial_spot)
    if is_call:
        return div_up(size * by_spot, BPS)
    kept = max(spot * risk.maintenance_put, mark * risk.maintenance_put_mark)
    lifted = (mark * BPS + kept) * risk.put_offset - mark * BPS * BPS
    return div_up(size * max(by_spot * BPS, lifted), BPS**2)


def short_maintenance(size: int, is_call: bool, spot: int, mark: int, risk: OptionRisk) -> int:
    """What `size` > 0 options sold keep beyond their mark, wad, up."""
    if is_call:
        return div_up(size * spot * risk.maintenance_call, BPS)
    return div_up(size * max(spot * risk.maintenance_put, mark * risk.maintenance_put_mark), BPS)


def maximum_loss(legs: Sequence[tuple[int, int, bool]], forward: int, unpaired: int) -> int:
    """The worst payoff at expiry as an amount <= 0, wad, away from zero.

    `legs` are sizes, strikes and whether calls. Prices are zero and every strike; above the last one
    each call short on balance loses `unpaired` bps of the forward.
    """
    prices = {0} | {strike for _, strike, _ in legs}
    worst = min(
        sum(size * market_math.payoff(price, strike, is_call) for size, strike, is_call in legs)
        for price in prices
    )
    calls = sum(size for size, _, is_call in legs if is_call)
    return min(0, worst) - div_ceil(max(0, -calls) * forward * unpaired, BPS)


def charges(portfolio: Portfolio, boards: Mapping[int, Board], parameters: Parameters) -> tuple[Charge, ...]:
    """What is added for markets that are not linear perpetuals."""
    found = [
        _tiered(position, parameters.markets.get(position.market, FULL_CHARGE), portfolio, parameters)
        for position in portfolio.positions
        if FIRST_INVERSE <= position.market < FIRST_DATED
    ]
    dated = [position for position in portfolio.positions if position.market >= FIRST_DATED]
    for series in dict.fromkeys(market_math.series(position.market) for position in dated):
        board = boards[series]
        own = [position for position in dated if market_math.series(position.market) == series]
        futures = [p for p in own if market_math.kind(p.market) is market_math.Kind.DATED_FUTURE]
        options = [p for p in own if market_math.kind(p.market) is market_math.Kind.OPTION]
        risk = parameters.futures.get(board.feed, FULL_CHARGE)
        found.extend(_tiered(position, risk, portfolio, parameters) for position in futures)
        if options:
            found.append(_options(series, board, options, portfolio, parameters))
    return tuple(found)


def explain(portfolio: Portfolio, boards: Mapping[int, Board], parameters: Parameters) -> tuple[Term, ...]:
    """The terms of `assess` in the contract's order."""
    linear = tuple(p for p in portfolio.positions if p.market < FIRST_INVERSE)
    rest = Portfolio(0, portfolio.stable_price, (), portfolio.collaterals)
    terms = list(
        explain_linear(
            replace(portfolio, positions=linear, collaterals=()), parameters.markets, parameters.contingency
        )
    )
    for charge in charges(portfolio, boards, parameters):
        label = "options" if charge.options else "position"
        terms.append(
            Term(label, charge.subject, charge.initial_margin, charge.maintenance_margin, charge.unrealised)
        )
        extra = {"confidence": charge.confidence, "depeg": charge.depeg}
        terms.extend(Term(name, charge.subject, amount, 0, 0) for name, amount in extra.items() if amount)
    return (*terms, *explain_linear(rest, parameters.markets, parameters.contingency)[1:])


def assess(portfolio: Portfolio, boards: Mapping[int, Board], parameters: Parameters) -> Assessment:
    """What CrossMargin and IsolatedMargin answer."""
    terms = explain(portfolio, boards, parameters)
    return Assessment(
        sum(term.initial_margin for term in terms),
        sum(term.maintenance_margin for term in terms),
        sum(term.equity for term in terms),
    )


def _tiered(position: PositionRisk, risk: MarketRisk, portfolio: Portfolio, parameters: Parameters) -> Charge:
    if position.market < FIRST_DATED:
        contracts = position.size * NANO
        legs = (contracts, contracts + position.unrealised)
        notional = max(abs(leg) for leg in legs)
        worst_notional = max(worst_size(leg, position.bids * NANO, position.asks * NANO) for leg in legs)
        at_spot = worst_notional
    else:
        worst = worst_size(position.size, position.bids, position.asks)
        notional, worst_notional = abs(position.size) * position.mark, worst * position.mark
        at_spot = worst * position.spot
    rules = parameters.contingency
    return Charge(
        position.market,
        False,
        requirement_up(weighted(worst_notional, risk), risk.initial),
        requirement_up(weighted(notional, risk), risk.maintenance),
        confidence_up(at_spot, position.confidence, rules.confidence_threshold, rules.confidence_factor),
        depeg_up(at_spot, portfolio.stable_price, rules.depeg_threshold, rules.depeg_factor),
        position.unrealised,
    )


def _isolated_initial(size: int, position: PositionRisk, strike: int, risk: OptionRisk) -> int:
    if size >= 0:
        return size * position.mark
    is_call = market_math.is_call(position.market)
    return short_initial(-size, is_call, strike, position.spot, position.mark, risk)


def _isolated_maintenance(position: PositionRisk, risk: OptionRisk) -> int:
    if position.size >= 0:
        return position.size * position.mark
    is_call = market_math.is_call(position.market)
    return short_maintenance(-position.size, is_call, position.spot, position.mark, risk)


def _options(
    series: int,
    board: Board,
    options: Sequence[PositionRisk],
    portfolio: Portfolio,
    parameters: Parameters,
) -> Charge:
    risk = parameters.options.get(board.feed, FULL_OPTION_CHARGE)
    forward = board.fixed + board.variable
    strikes = [board.strikes[market_math.strike_index(option.market)] for option in options]
    calls = [market_math.is_call(option.market) for option in options]
    held = [option.size for option in options]
    low = [option.size - option.asks for option in options]
    high = [option.size + option.bids for option in options]

    loss = sum(size * option.mark for size, option in zip(held, options, strict=True)) - maximum_loss(
        list(zip(held, strikes, calls, strict=True)), forward, risk.maintenance_unpaired
    )
    isolated = sum(_isolated_maintenance(option, risk) for option in options)
    maintenance = max(0, min(isolated, loss))

    loss = sum(size * option.mark for size, option in zip(high, options, strict=True)) - maximum_loss(
        list(zip(low, strikes, calls, strict=True)), forward, risk.initial_unpaired
    )
    isolated = sum(
        max(_isolated_initial(size, option, strike, risk) for size in (least, most))
        for option, strike, least, most in zip(options, strikes, low, high, strict=True)
    )
    initial = max(0, min(isolated, loss), maintenance)

    shorts = sum(max(0, -size) for size in low) * options[0].spot
    rules = parameters.contingency
    return Charge(
        market_math.future(series),
        True,
        initial,
        maintenance,
        confidence_up(
            shorts,
            min(option.confidence for option in options),
            risk.confidence_threshold,
            risk.confidence_factor,
        ),
        depeg_up(shorts, portfolio.stable_price, rules.depeg_threshold, rules.depeg_factor),
        sum(option.unrealised for option in options),
    )
