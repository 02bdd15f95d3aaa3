# SPDX-License-Identifier: Apache-2.0
"""What the plan has set in the engines and what they read, as the twins take it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulation.chain.deployment import Call, Deploy, Step
from simulation.domain import portfolio_math, risk_board
from simulation.domain.dynamic_margin import Scale, ScaleRules
from simulation.domain.margin_math import Contingency, MarketRisk
from simulation.domain.risk_model import Model, Quantiles, Underlying
from simulation.domain.settlement_math import Rules
from simulation.domain.standard_options import OptionRisk

__all__ = ["Deployed"]

BPS, HOUR = 10_000, 3_600


class Deployed:
    """Parameters as the steps of a deployment name them."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self._steps = steps
        numbers, options = self._last("CrossMargin", "set_options")
        self.options = {feed: OptionRisk(*row) for feed, row in zip(numbers, options, strict=True)}
        numbers, futures = self._last("CrossMargin", "set_futures")
        self.futures = {feed: MarketRisk(*row) for feed, row in zip(numbers, futures, strict=True)}
        self.risks = {
            market: MarketRisk(*row)
            for markets, rows in self._calls("CrossMargin", "set_markets")
            for market, row in zip(markets, rows, strict=True)
        }
        """By perpetual."""

        scenarios, shocks = self._last("RiskBoard", "set_grid")
        self.grid = risk_board.arranged([risk_board.Scenario(*row) for row in scenarios])
        self.shocks = risk_board.Shocks(*shocks)
        self.portfolio = portfolio_math.Parameters(*self._deployment("PortfolioMargin")[1])
        self.market_feeds = dict(self._calls("PortfolioMargin", "set_market_feed"))
        self.coin_feeds = dict(self._calls("PortfolioMargin", "set_asset_feed"))
        """Feeds of perpetuals and of collaterals under portfolio margin."""

        self.settlement = Rules(*self._deployment("Surface")[1])
        self.engine_delay: int = self._deployment("EngineSwitch")[2]
        self.credit: tuple[int, int] = self._deployment("CreditMargin")[1:]
        """Share and multiple, bps."""
        (self.desk,) = self._last("CreditDesk", "set_parameters")

    def model(self, feeds: dict[int, int]) -> Model:
        """Of risk-based margin; `feeds` by perpetual, or by 256 times the series."""
        rows, correlations, quantiles = self._last("RiskModel", "set_model")
        underlyings = tuple(Underlying(*row) for row in rows)
        places = {underlying.feed: place for place, underlying in enumerate(underlyings)}
        assets, pledged = self._last("RiskModel", "map_collaterals")
        return Model(
            underlyings,
            correlations,
            Quantiles(*quantiles),
            Contingency(*self._deployment("RiskModel")[1]),
            {market: places[feeds[market]] for market in self._admitted("RiskModel")},
            {asset: places[feed] for asset, feed in zip(assets, pledged, strict=True)},
        )

    def scales(self, start: int) -> dict[int, Scale]:
        """Of each feed as its rules have been set at `start`, one and the buffer."""
        found = {}
        for feed, row in self._calls("DynamicMargin", "set_scale_rules"):
            rules = ScaleRules(*row)
            found[feed] = Scale(rules, min(BPS + rules.buffer, rules.cap) * HOUR, start)
        return found

    def scaled(self, feeds: dict[int, int]) -> tuple[dict[int, int], dict[int, int]]:
        """Feeds by which markets and collaterals are scaled; `feeds` as of `model`."""
        assets, pledged = self._last("DynamicMargin", "map_collaterals")
        markets = {market: feeds[market] for market in self._admitted("DynamicMargin")}
        return markets, dict(zip(assets, pledged, strict=True))

    def _admitted(self, name: str) -> list[int]:
        return [market for (markets,) in self._calls(name, "admit_markets") for market in markets]

    def _calls(self, target: str, function: str) -> Iterator[tuple[Any, ...]]:
        for step in self._steps:
            if isinstance(step, Call) and (step.target, step.function) == (target, function):
                yield step.args

    def _last(self, target: str, function: str) -> tuple[Any, ...]:
        return list(self._calls(target, function))[-1]

    def _deployment(self, name: str) -> tuple[Any, ...]:
        return next(step.args for step in self._steps if isinstance(step, Deploy) and step.name == name)
