# SPDX-License-Identifier: Apache-2.0
"""What accounts must keep and which markets they may list, by engine. May import domain modules only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulation.domain import (
    dynamic_margin,
    market_math,
    portfolio_math,
    risk_board,
    risk_margin,
    standard_options,
)
from simulation.domain.dynamic_margin import Scale
from simulation.domain.margin_math import Assessment, Contingency, MarketRisk, Portfolio, assess
from simulation.domain.model.markets import Markets
from simulation.domain.orders import Refused
from simulation.domain.risk_model import Greeks, Model

__all__ = ["AnyEngine", "CreditEngine", "DynamicEngine", "Engine", "RiskEngine", "ScenarioEngine"]

FIRST_INVERSE, FIRST_DATED = 128, 256


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
        return standard_options.assess(portfolio, _boards(markets), self.parameters)

    @property
    def parameters(self) -> standard_options.Parameters:
        return standard_options.Parameters(self.risks, self.contingency, self.options, self.futures)

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


@dataclass(slots=True)
class RiskEngine:
    """Risk-based margin, options by the sensitivities that their boards give."""

    model: Model
    greeks: dict[int, Greeks] = field(default_factory=dict)
    """By market, as given."""

    def assess(self, portfolio: Portfolio, markets: Markets, now: int) -> Assessment:
        return risk_margin.assess(portfolio, self.model, self.greeks)

    def permits(self, market: int, others: Sequence[int], markets: Markets) -> bool:
        """Whether its underlying is in the model."""
        return self.model.place(market) is not None


@dataclass(slots=True)
class DynamicEngine:
    """Another engine's requirements, scaled by the volatility of feeds."""

    base: Engine
    scales: dict[int, Scale]
    """By feed, as last refreshed."""
    feeds: dict[int, int]
    """By perpetual, or by 256 times the series."""
    asset_feeds: dict[int, int]

    def scale(self, feed: int, markets: Markets, now: int) -> int:
        """The scale of a feed now; one without a price stays where it is."""
        state, tick = self.scales[feed], markets.feeds[feed].tick
        if tick.spot == 0:
            return state.scale
        return dynamic_margin.moved(state, dynamic_margin.target_up(tick.variance, state.rules), now)

    def refresh(self, feeds: Sequence[int], markets: Markets, now: int) -> None:
        """Stores the scales of now."""
        for feed in feeds:
            if feed not in self.scales:
                raise Refused("dynamic_scale: unknown feed")
            scale = self.scale(feed, markets, now)
            self.scales[feed] = Scale(self.scales[feed].rules, scale, now)

    def assess(self, portfolio: Portfolio, markets: Markets, now: int) -> Assessment:
        by_feed = {feed: self.scale(feed, markets, now) for feed in self.scales}
        return dynamic_margin.assess(
            portfolio,
            _boards(markets),
            self.base.parameters,
            {market: by_feed[feed] for market, feed in self.feeds.items()},
            {asset: by_feed[feed] for asset, feed in self.asset_feeds.items()},
        )

    def permits(self, market: int, others: Sequence[int], markets: Markets) -> bool:
        """Whether it has a feed here and the base permits it."""
        admitted = market if market < FIRST_DATED else market >> 8 << 8
        return admitted in self.feeds and self.base.permits(market, others, markets)


@dataclass(slots=True)
class CreditEngine:
    """Another engine's requirements, of which a line may stand for a share."""

    base: Engine
    share: int
    """Bps of a requirement."""
    multiple: int
    """Bps of own equity."""

    def assess(self, portfolio: Portfolio, markets: Markets, now: int) -> Assessment:
        """Without a line: the Ledger takes off what the account's own stands for."""
        return self.base.assess(portfolio, markets, now)

    def permits(self, market: int, others: Sequence[int], markets: Markets) -> bool:
        return self.base.permits(market, others, markets)


AnyEngine = Engine | ScenarioEngine | RiskEngine | DynamicEngine | CreditEngine


def _boards(markets: Markets) -> dict[int, standard_options.Board]:
    """What the standard rules read of every series."""
    return {
        number: standard_options.Board(series.feed, series.fixed, series.variable, series.strikes)
        for number, series in markets.series.items()
    }
