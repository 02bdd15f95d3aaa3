# SPDX-License-Identifier: Apache-2.0
"""A market maker: several levels on both sides of a fair price, skewed by inventory, wider when prices move.

Imports: agents.base, messages, config.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.agents.base import Agent, Endowment
from simulation.config import knob
from simulation.config.kinds import INTEGER, NUMBER, SECONDS, SHARE, TEXT, USD
from simulation.config.schema import Array
from simulation.messages import (
    POST_ONLY,
    CancelOrder,
    Fees,
    Intent,
    MarketView,
    PlaceOrder,
    Receipt,
    ReplaceOrder,
    View,
)

__all__ = ["MarketMaker", "MarketMakerSettings"]

LAST_QUOTE = 120
"""Seconds before expiry from which it shows nothing in a series."""
DATED_MARKETS = 8
"""Share of its inventory that one dated market may take: one in this many."""

Quote = tuple[int, int, int]
"""Tick, order id and open lots of a resting order."""


@dataclass(frozen=True, slots=True)
class MarketMakerSettings:
    """How it quotes."""

    capital: float = knob(USD, "2_000_000 USD", low="1 USD")
    collateral_share: float = knob(SHARE, "0 %", low="0 %", high="90 %")
    """Part of the capital that is the first collateral asset: coin to settle inverse markets in."""
    markets: tuple[str, ...] = knob(Array(TEXT), [])
    """Names of the perpetuals that it quotes, linear or inverse; none: all. It quotes all dated markets."""
    levels: int = knob(INTEGER, 3, low=1, high=12)
    """Orders on each side of each market."""
    spread: float = knob(SHARE, "0.05 %", low="0 %", high="10 %")
    """Distance of the first level from the fair price when nothing moves."""
    step: float = knob(SHARE, "0.15 %", low="0.001 %", high="10 %")
    """Distance between levels."""
    size: float = knob(SHARE, "5 %", low="0.01 %", high="1000 %")
    """Notional of one level over equity."""
    skew: float = knob(SHARE, "0.2 %", low="0 %", high="10 %")
    """Shift of the fair price when inventory is at its limit."""
    inventory: float = knob(NUMBER, 4.0, low=0.1, high=20.0)
    """Notional over equity in one market at which it quotes one side only."""
    volatility_spread: float = knob(NUMBER, 0.4, low=0.0, high=20.0)
    """Widening: this many standard deviations of one block's return."""
    horizon: int = knob(SECONDS, "15 min", low="1 s")
    """Time constant of its volatility."""
    retreat: float = knob(SHARE, "1.5 %", low="0.01 %", high="100 %")
    """One block's standard deviation at which it shows half its size."""
    tolerance: float = knob(SHARE, "0.05 %", low="0 %", high="10 %")
    """A quote nearer than this to where it should be stays, and keeps its place in the queue."""
    dated_spread: float = knob(SHARE, "0.1 %", low="0 %", high="10 %")
    """Distance of its one quote a side in a dated market from the price elsewhere, over spot."""
    volatility_edge: float = knob(SHARE, "2 %", low="0 %", high="100 %")
    """Volatility that it takes off its bids and adds to its asks for options."""
    dated_size: float = knob(SHARE, "3 %", low="0.01 %", high="1000 %")
    """Underlying of one quote in a dated market over equity."""
    drift: float = knob(NUMBER, 0.3, low=0.0, high=20.0)
    """Likewise in standard deviations of one block's return: who pays for every move does not chase noise."""
    tip: float = knob(NUMBER, 0.02, low=0.0)
    """Priority fee, gwei."""


class MarketMaker(Agent):
    """Quotes around the reference price; its own resting orders are its only memory of the book."""

    role = "maker"
    individual = True
    settings_class: ClassVar[type[MarketMakerSettings]] = MarketMakerSettings
    settings: MarketMakerSettings

    def __init__(
        self,
        name: str,
        accounts: NDArray[np.int64],
        settings: MarketMakerSettings | None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        self.variance = np.zeros(0)
        self.last = np.zeros(0)
        self.in_flight = 0
        self.quoted = 0
        self.held = np.zeros(0)
        self.hedge = 0.0
        self.fees = Fees(tip=int(self.settings.tip * 1e9), lifetime=5)

    def endowments(self) -> Sequence[Endowment]:
        """All capital in the account."""
        share, capital = self.settings.collateral_share, self.settings.capital
        return [Endowment(cash=capital * (1 - share), collateral=capital * share) for _ in self.accounts]

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """Moves, adds and removes quotes; waits while an earlier round is still in the pool."""
        self._observe(view)
        if self.in_flight:
            return []
        account, row = int(self.accounts[0]), int(self.rows[0])
        if view.accounts.liquidating[row]:
            return []
        own = self._resting(view)
        intents: list[Intent] = []
        for column, market in enumerate(view.markets):
            if market.series:
                self._quote_dated(view, account, row, column, market, own, intents)
            elif not self.settings.markets or market.symbol in self.settings.markets:
                self._quote(view, account, row, column, market, own, intents)
        self.in_flight = len(intents)
        self.quoted += len(intents)
        return intents

    def on_receipt(self, receipt: Receipt, rng: np.random.Generator) -> None:
        """Counts what is still under way."""
        self.in_flight -= 1

    def measure(self) -> dict[str, float]:
        """Orders it has sent, and what a hedge of its inventory elsewhere would have earned, USD."""
        return {"quotes": float(self.quoted), "hedge_pnl_usd": self.hedge}

    def _observe(self, view: View) -> None:
        prices = np.array([market.reference for market in view.perpetuals])
        if len(self.last) != len(prices):
            self.last, self.variance, self.held = prices, np.zeros(len(prices)), np.zeros(len(prices))
        self.hedge -= float(self.held @ (prices - self.last))
        self.held = view.accounts.delta[self.rows[0], : len(prices)]
        weight = -np.expm1(-view.block_time / self.settings.horizon)
        self.variance = (1.0 - weight) * self.variance + weight * np.log(prices / self.last) ** 2
        self.last = prices

    def _resting(self, view: View) -> dict[tuple[int, bool], list[Quote]]:
        """Its own orders by market and side, best first."""
        orders = view.orders
        rows = np.flatnonzero(orders.account == self.accounts[0])
        found: dict[tuple[int, bool], list[Quote]] = {}
        for market, is_bid, tick, order_id, lots in zip(
            orders.market[rows].tolist(),
            orders.is_bid[rows].tolist(),
            orders.tick[rows].tolist(),
            orders.order_id[rows].tolist(),
            orders.lots[rows].tolist(),
            strict=True,
        ):
            found.setdefault((market, is_bid), []).append((tick, order_id, lots))
        for (_, is_bid), quotes in found.items():
            quotes.sort(reverse=is_bid)
        return found

    def _quote(
        self,
        view: View,
        account: int,
        row: int,
        column: int,
        market: MarketView,
        own: dict[tuple[int, bool], list[Quote]],
        intents: list[Intent],
    ) -> None:
        quotes, equity = self.settings, float(view.accounts.equity[row])
        bids: list[int] = []
        asks: list[int] = []
        lots = 0
        if market.valid and equity > 0:
            deviation = math.sqrt(self.variance[column])
            load = float(view.accounts.size[row, column]) * market.worth / (quotes.inventory * equity)
            fair = market.reference * (1.0 - quotes.skew * min(max(load, -1.0), 1.0))
            half = quotes.spread + quotes.volatility_spread * deviation
            shown = quotes.size * equity / (1.0 + deviation / quotes.retreat)
            lots = market.lots(market.size_of(shown, market.reference))
            if lots and load < 1.0:
                bids = [market.tick_down(fair * (1.0 - half - k * quotes.step)) for k in range(quotes.levels)]
            if lots and load > -1.0:
                asks = [market.tick_up(fair * (1.0 + half + k * quotes.step)) for k in range(quotes.levels)]
        falling = market.reference < market.mid
        # The side that the price runs away from goes first, so that new quotes never meet the maker's own.
        for is_bid, wanted in ((True, bids), (False, asks)) if falling else ((False, asks), (True, bids)):
            resting = own.get((market.market, is_bid), [])
            slack = max(quotes.tolerance, quotes.drift * math.sqrt(self.variance[column]))
            self._move(account, market, is_bid, resting, wanted, lots, slack, intents)

    def _quote_dated(
        self,
        view: View,
        account: int,
        row: int,
        column: int,
        market: MarketView,
        own: dict[tuple[int, bool], list[Quote]],
        intents: list[Intent],
    ) -> None:
        """One bid and one ask around the price elsewhere; at the limit of its inventory one of them."""
        quotes, equity = self.settings, float(view.accounts.equity[row])
        if market.expired(view.timestamp):
            return
        bids: list[int] = []
        asks: list[int] = []
        lots = 0
        half = quotes.dated_spread * market.spot * max(abs(market.delta), 0.1)
        half += quotes.volatility_edge * market.vega + market.tick_size
        if market.valid and equity > 0 and market.expiry - LAST_QUOTE > view.timestamp:
            load = float(view.accounts.size[row, column]) * market.spot / (quotes.inventory * equity)
            # What may be held in one option is held in all of them together.
            load *= DATED_MARKETS
            fair = market.reference - half * min(max(load, -1.0), 1.0)
            lots = market.lots(quotes.dated_size * equity / market.spot)
            if lots and load < 1.0 and fair - half >= market.tick_size:
                bids = [market.tick_down(fair - half)]
            if lots and load > -1.0:
                asks = [market.tick_up(max(fair + half, 2 * market.tick_size))]
        slack = 0.5 * half / max(market.reference, market.tick_size)
        falling = market.reference < market.mid
        for is_bid, wanted in ((True, bids), (False, asks)) if falling else ((False, asks), (True, bids)):
            resting = own.get((market.market, is_bid), [])
            self._move(account, market, is_bid, resting, wanted, lots, slack, intents, max_fills=1)

    def _move(
        self,
        account: int,
        market: MarketView,
        is_bid: bool,
        resting: list[Quote],
        wanted: list[int],
        lots: int,
        slack: float,
        intents: list[Intent],
        max_fills: int = 8,
    ) -> None:
        far = slack * market.reference / market.tick_size
        for (tick, order_id, open_lots), aim in zip(resting, wanted, strict=False):
            if abs(tick - aim) > far or 2 * open_lots < lots:
                intents.append(
                    ReplaceOrder(
                        account=account,
                        order_id=order_id,
                        tick=aim,
                        lots=lots,
                        options=POST_ONLY,
                        max_fills=max_fills,
                        fees=self.fees,
                    )
                )
        for _, order_id, _ in resting[len(wanted) :]:
            intents.append(CancelOrder(account=account, order_id=order_id, fees=self.fees))
        for aim in wanted[len(resting) :]:
            intents.append(
                PlaceOrder(
                    account=account,
                    market=market.market,
                    is_bid=is_bid,
                    tick=aim,
                    lots=lots,
                    options=POST_ONLY,
                    max_fills=max_fills,
                    fees=self.fees,
                )
            )
