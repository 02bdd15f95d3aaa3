# SPDX-License-Identifier: Apache-2.0
"""What accounts must keep and which markets they may list, by engine. May import domain modules only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulation.domain import market_math, portfolio_math, risk_board, standard_options
from simulation.domain.margin_math import Assessment, Contingency, MarketRisk, Portfolio, assess
from simulation.domain.model.markets import Markets

__all__ = ["Engine", "ScenarioEngine"]

FIRST_INVERSE = 128


@dataclass(slots=True)
class Engine:
    """Cross and isolated margin: the standard rules."""

    risks: dict[int, MarketRisk]
    """By perpetual."""
    contingency: Contingency
    options: dict[int, standard_options.OptionRisk] = field(default_factory=dict)
    """By feed."""
    futures: dict[int, MarketRisk] = field(default_factory=dict)
    """By feed."""
    isolated: bool = False
    """One perpetual, or the markets of one series."""

    def assess(self, portfolio: Portfolio, markets: Markets, now: int) -> Assessment:
        if all(position.market < FIRST_INVERSE for position in portfolio.positions):
            return assess(portfolio, self.risks, self.contingency)
        boards = {
            number: standard_options.Board(series.feed, series.fixed, series.variable, series.strikes)
            for number, series in markets.series.items()
        }
        parameters = standard_options.Parameters(self.risks, self.contingency, self.options, self.futures)
        return standard_options.assess(portfolio, boards, parameters)

    def permits(self, market: int, others: Sequence[int], markets: Markets) -> bool:
        """Whether an account with these other markets may list one more."""
        kind, series = market_math.kind(market), market_math.series(market)
        if series:
            known = self.options if kind is market_math.Kind.OPTION else self.futures
            if series not in markets.series or markets.series[series].feed not in known:
                return False
        elif market not in self.risks:
            return False
        if not self.isolated or not others:
            return True
        return series != 0 and all(market_math.series(other) == series for other in others)


@dataclass(slots=True)
class ScenarioEngine:
    """Portfolio margin: the worst of many scenarios, options valued as of the last board of their series."""

    parameters: portfolio_math.Parameters
    scenarios: Sequence[risk_board.Scenario | None]
    """At their cases (risk_board.arranged)."""
    market_feeds: dict[int, int]
    asset_feeds: dict[int, int]
    boards: dict[int, risk_board.Board] = field(default_factory=dict)
    """By series, as given."""

    def assess(self, portfolio: Portfolio, markets: Markets, now: int) -> Assessment:
        setting = portfolio_math.Setting(
            now, self.parameters, self.scenarios, self.boards, self.market_feeds, self.asset_feeds
        )
        return portfolio_math.assess(portfolio, setting)

    def permits(self, market: int, others: Sequence[int], markets: Markets) -> bool:
        """Whether it can be valued, whatever else the account has."""
        return market in self.market_feeds or market_math.series(market) in self.boards
