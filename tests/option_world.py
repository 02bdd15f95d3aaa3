# SPDX-License-Identifier: Apache-2.0
"""The whole protocol with dated series priced by the real Surface and RiskBoard, under the standard rules.

The Exchange and the Liquidator of the Ledger are roles (tests.protocol), so that a test opens any position at
any price, unless it is told otherwise; everything that a margin check asks is real.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

from simulation.config.scenario import ProtocolSpec
from simulation.domain import margin_math
from simulation.domain import standard_options as twin
from simulation.domain.settlement_math import Rules
from tests.backends import CHAIN_ID
from tests.boards import SCENARIOS, SHOCKS
from tests.prices import sign
from tests.protocol import EXCHANGE_AND_LIQUIDATOR, World
from tests.surfaces import SurfaceConfig, SurfaceUpdate, surface_digest

__all__ = ["FUTURE_RISK", "OPTION_RISK", "OptionWorld"]

OPTION_RISK = twin.OptionRisk(1_500, 1_000, 750, 750, 750, 10_500, 12_000, 11_000, 4 * 10**7, 4_000)
FUTURE_RISK = margin_math.MarketRisk(650, 500, 15_000, 20_000, 1_000_000, 5_000_000)
LARGEST = 10**16
TICK, LOT = 10**6, 1_000


class OptionWorld(World):
    """Series are listed by the test; both engines have the RiskBoard and parameters for both feeds."""

    def __init__(self, by_hand: bool = True, protocol: ProtocolSpec | None = None) -> None:
        super().__init__(protocol, wiring=dict(EXCHANGE_AND_LIQUIDATOR) if by_hand else None)
        self.oracle.set_signer(self.env.address("signer"), True)
        self.surface = self.env.deploy("Surface", self.oracle.address, astuple(Rules()))
        self.surface.wire(self.instruments.address)
        self.board = self.env.deploy(
            "RiskBoard", self.oracle.address, self.surface.address, self.instruments.address
        )
        self.board.set_grid(list(SCENARIOS), SHOCKS.row())
        self.instruments.wire(self.surface.address, self.board.address, self.ledger.address)
        feeds = list(self.feeds.values())
        for name in ("CrossMargin", "IsolatedMargin"):
            engine = self.contracts[name]
            engine.wire(self.board.address)
            engine.set_options(feeds, [astuple(OPTION_RISK)] * len(feeds))
            engine.set_futures(feeds, [astuple(FUTURE_RISK)] * len(feeds))

    def list_series(self, asset: str, seconds: int, strikes: Sequence[int]) -> int:
        """A series that expires in so many seconds, strikes in nano USD; its number."""
        expiry = self.env.timestamp + seconds
        terms = (self.feeds[asset], expiry, TICK, LOT, TICK, LOT, LARGEST, LARGEST)
        series = int(self.instruments.list_series(terms).value)
        self.instruments.add_strikes(series, list(strikes))
        self.surface.set_surface(series, SurfaceConfig(max_difference=9_999).row())
        return series

    def refresh(self, series: int, **surface: int) -> None:
        """A surface of now, with changes, and a board made from it."""
        now = self.env.timestamp
        update = SurfaceUpdate(**({"series": series, "timestamp": now, "deadline": now + 60} | surface))
        digest = surface_digest(self.surface.address, update, CHAIN_ID)
        self.surface.update(update.row(), sign(digest, "signer"))
        self.board.refresh(series)

    def marks(self, markets: Sequence[int]) -> dict[int, int]:
        """Marks of now, nano USD."""
        words = self.instruments.words(list(markets))
        return {market: word & (2**72 - 1) for market, word in zip(markets, words, strict=True)}

    def boards(self) -> Mapping[int, twin.Board]:
        """What an engine reads of each series, from the Surface and the registry."""
        found = {}
        for series in range(1, self.instruments.series_count() + 1):
            spec, parts = self.instruments.series(series), self.surface.forward_parts(series)
            strikes = tuple(self.instruments.strikes(series))
            found[series] = twin.Board(spec.feed, parts.fixed, parts.variable, strikes)
        return found

    def expected(self, account: int) -> tuple[int, ...]:
        """The twin's answer for an account, about the portfolio that the Ledger hands to the engine."""
        row: Any = self.ledger.portfolio(account)[0]
        portfolio = margin_math.Portfolio(
            row.cash,
            row.stable_price,
            tuple(margin_math.PositionRisk(*position) for position in row.positions),
            tuple(margin_math.CollateralRisk(*collateral) for collateral in row.collaterals),
        )
        engine = self.contracts["CrossMargin"]
        count = len(self.protocol.markets)
        parameters = twin.Parameters(
            {n: margin_math.MarketRisk(*engine.market_risk(n)) for n in range(1, count + 1)},
            margin_math.Contingency(*engine.contingency()),
            {feed: OPTION_RISK for feed in self.feeds.values()},
            {feed: FUTURE_RISK for feed in self.feeds.values()},
        )
        return astuple(twin.assess(portfolio, self.boards(), parameters))
