# SPDX-License-Identifier: Apache-2.0
"""A portfolio under every margin system: everything that `plimsoll margin` says of it.

Imports: the other modules of analysis; domain.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulation.analysis.hedge import find_hedge
from simulation.analysis.liquidation import liquidation_prices
from simulation.analysis.margins import ISOLATED, Answers, assess, explain
from simulation.analysis.portfolio import Portfolio
from simulation.analysis.result import Grid, Held, MarginAnalysis, NamedTerm, SystemResult
from simulation.analysis.stage import Stage, open_stage
from simulation.analysis.tails import measure_tails
from simulation.chain.deployment import feed_numbers
from simulation.config.scenario import ENGINES
from simulation.domain.margin_math import Portfolio as Holdings
from simulation.domain.margin_math import Term
from simulation.domain.units import BPS, NANO, WAD

__all__ = ["analyse", "equity_of"]

SPOT_MOVES = tuple(range(-5_000, 5_001, 500))
"""Bps."""
VOLATILITY_MOVES = (-5_000, -3_000, -1_500, 0, 1_500, 3_000, 5_000, 7_500, 10_000)
"""Bps."""
OF_COLLATERALS = ("collateral", "haircut", "collateral confidence")
OF_UNDERLYINGS = (
    *("price", "volatility", "curvature", "basis", "concentration", "orders", "confidence", "depeg"),
)
FIRST_SKEW, BASIS = 32, 34
"""PortfolioMargin: the skews and the basis contingency, after the scenarios that move something."""
SKEWS = ("linear skew", "absolute skew")
CORRELATIONS = ("as given", "moved together", "moved apart")
"""RiskBasedMargin: worst_scenario."""


def analyse(portfolio: Portfolio, backend: str = "revm") -> MarginAnalysis:
    """Deploys, values and searches.

    Raises:
        ChainError: the contracts refused the portfolio itself.
    """
    stage = open_stage(portfolio, backend)
    holdings = stage.holdings()
    answers = assess(stage, [holdings])[0]
    able = [name for name in ENGINES if answers[name].assessment is not None]
    prices = liquidation_prices(stage, able)
    margins = {name: found for name in ENGINES if (found := answers[name].assessment) is not None}
    return MarginAnalysis(
        name=portfolio.name,
        description=portfolio.money.description,
        file=portfolio.file,
        time=portfolio.money.time,
        engine=portfolio.money.engine,
        cash=holdings.cash,
        held=tuple(_held(stage, holdings)),
        collaterals=tuple(_collaterals(portfolio, holdings)),
        systems=tuple(
            SystemResult(
                name=name,
                contract=ENGINES[name],
                assessment=answers[name].assessment,
                reason=answers[name].reason,
                worst=_worst(portfolio, name, answers[name]),
                terms=tuple(_terms(stage, name, holdings)),
                saved=_saved(answers, name),
                liquidation=tuple(prices.get(name, ())),
                hedge=find_hedge(stage, name),
            )
            for name in ENGINES
        ),
        grid=profit_grid(stage),
        tails=measure_tails(stage, holdings, margins),
    )


def equity_of(holdings: Holdings) -> int:
    """Cash, unrealised PnL and collateral at full value, wad USD."""
    unrealised = sum(position.unrealised for position in holdings.positions)
    return holdings.cash + unrealised + sum(one.value for one in holdings.collaterals)


def profit_grid(stage: Stage) -> Grid:
    """Equity after each pair of moves less equity now, asked of the contracts at those prices.

    Volatility does not matter to a portfolio without options: its grid has one row. Inverse positions are
    asked for their PnL in coin besides.
    """
    portfolio = stage.portfolio
    held = (portfolio.instruments[position.instrument] for position in portfolio.positions)
    volatilities = VOLATILITY_MOVES if any(one.strike for one in held) else (0,)
    now = equity_of(stage.holdings())
    inverse = [portfolio.instruments[position.instrument] for position in portfolio.positions]
    inverse = [one for one in inverse if one.inverse]
    coins: dict[str, list[int | None]] = {one.name: [] for one in inverse}

    def profit(spot: int, volatility: int) -> int | None:
        spots = {
            symbol: max(asset.spot * (BPS + spot) // BPS, 1) for symbol, asset in portfolio.assets.items()
        }
        with stage.moved(spots, (BPS + volatility) * WAD // BPS) as reason:
            if volatility == 0:
                for one in inverse:
                    coins[one.name].append(None if reason else stage.coins_of(one.market)[1])
            return None if reason else equity_of(stage.holdings()) - now

    return Grid(
        SPOT_MOVES,
        volatilities,
        tuple(tuple(profit(spot, volatility) for spot in SPOT_MOVES) for volatility in volatilities),
        {name: tuple(found) for name, found in coins.items()},
    )


def _held(stage: Stage, holdings: Holdings) -> Iterator[Held]:
    for position in holdings.positions:
        one = stage.portfolio.by_market(position.market)
        coin = profit = None
        if one.inverse:
            coin, profit = stage.coins_of(position.market)
            entry = position.size * NANO // coin if coin else None
        else:
            entry = stage.entry_of(position.market)
        yield Held(one.name, position.size, entry, position.mark, position.unrealised, one.unit, coin, profit)


def _collaterals(portfolio: Portfolio, holdings: Holdings) -> Iterator[Held]:
    tokens = list(portfolio.protocol.collaterals)
    amounts = {one.asset: one.amount for one in portfolio.collaterals}
    for one in holdings.collaterals:
        symbol = tokens[one.asset - 1]
        spot = portfolio.assets[portfolio.protocol.collaterals[symbol].asset].spot
        yield Held(symbol, amounts[symbol], None, spot, one.value, "base")


def _saved(answers: dict[str, Answers], name: str) -> int | None:
    alone, one = answers[ISOLATED].assessment, answers[name].assessment
    return None if alone is None or one is None else alone.initial_margin - one.initial_margin


def _terms(stage: Stage, name: str, holdings: Holdings) -> Iterator[NamedTerm]:
    terms, _ = explain(stage, holdings, name)
    for term in terms:
        yield NamedTerm(
            term.label,
            _subject(stage.portfolio, name, term),
            term.initial_margin,
            term.maintenance_margin,
            term.equity,
        )


def _subject(portfolio: Portfolio, name: str, term: Term) -> str:
    """Which market, series, token or asset a term is about; empty for the whole portfolio."""
    if term.label in OF_COLLATERALS:
        return list(portfolio.protocol.collaterals)[term.subject - 1]
    if name == "portfolio" and term.label == "scenario":
        return _scenario(portfolio, term.subject)
    if term.subject == 0:
        return ""
    if name == "risk-based" and term.label in OF_UNDERLYINGS:
        return next(asset for asset, feed in feed_numbers(portfolio.protocol).items() if feed == term.subject)
    return portfolio.by_market(term.subject).name


def _worst(portfolio: Portfolio, name: str, answers: Answers) -> str:
    if answers.assessment is None:
        return ""
    number = answers.assessment.worst_scenario
    if name == "portfolio":
        return _scenario(portfolio, number)
    return f"correlations {CORRELATIONS[number]}" if name == "risk-based" else ""


def _scenario(portfolio: Portfolio, number: int) -> str:
    """A scenario of the RiskBoard's grid in words."""
    if number == 0:
        return "none loses"
    if number == BASIS:
        return "basis contingency"
    rows = portfolio.protocol.grid.scenarios
    plain = [row for row in rows if not row.volatility.endswith("skew")]
    skews = {row.volatility: row for row in rows if row.volatility.endswith("skew")}
    row = plain[number - 1] if number <= len(plain) else skews[SKEWS[number - FIRST_SKEW]]
    volatility = row.volatility if row.volatility in SKEWS else f"volatility {row.volatility}"
    counted = "" if row.damping == BPS else f", {row.damping / 100:g} % of the loss"
    return f"spot {(row.spot - BPS) / 100:+g} %, {volatility}{counted}"
