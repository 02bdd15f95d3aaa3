# SPDX-License-Identifier: Apache-2.0
"""A SolvencyGuard over one mock that is its Ledger, registry, fund, greeks, Exchange and Vault, and its twin.

Feeds 11 and 22 with perpetuals 1 and 2, inverse perpetuals 128 and 129, series 1 and 2, collaterals 1 and 2.
"""

from __future__ import annotations

from dataclasses import astuple
from functools import cache
from typing import Any

from simulation.domain.margin_math import CollateralRisk, Portfolio, PositionRisk
from simulation.domain.market_math import is_inverse
from simulation.domain.model.fund import Fund
from simulation.domain.model.solvency_guard import SolvencyGuard, Watched
from simulation.domain.risk_model import Greeks
from simulation.domain.solvency_math import Measure
from tests.evm import Contract, Env, Receipt

__all__ = ["BTC", "ETH", "NANO", "WAD", "Desk", "cash_only", "fresh_desk", "perpetual", "traded"]

ETH, BTC = 11, 22
NANO, WAD = 10**9, 10**18
MARKETS = {1: ETH, 2: BTC, 128: ETH, 129: BTC, 256: ETH, 512: BTC}
ASSETS = {1: ETH, 2: BTC}
OBSERVE, PRICE, REFUSE = 1, 2, 4
VALID = 1 << 255


def perpetual(size: float, mark: float, unrealised: float = 0, bids: float = 0, asks: float = 0) -> Any:
    """A position in market 1, sizes in units, prices and money in USD."""
    price = round(mark * NANO)
    nano = [round(one * NANO) for one in (size, bids, asks)]
    return PositionRisk(1, nano[0], price, price, 10**8, round(unrealised * WAD), nano[1], nano[2])


def greek_word(greeks: Greeks | None) -> int:
    """IGreeks."""
    if greeks is None:
        return 0
    return VALID | greeks.delta % 2**80 | greeks.gamma << 80 | greeks.vega << 152 | greeks.seconds << 224


class Desk:
    """The guard asked, and the model told the same."""

    def __init__(self) -> None:
        self.env = Env()
        self.mock: Contract = self.env.deploy("MockExposure", 6)
        self.guard: Contract = self.env.deploy("SolvencyGuard", self.mock)
        for market, feed in MARKETS.items():
            self.mock.set_feed(market, feed)
        self.guard.wire(*[self.mock.address] * 5)
        self.model = SolvencyGuard(Fund(), 10**12, {}, dict(MARKETS), dict(ASSETS))
        self.watch(ETH, 2_500, 6_000)
        self.watch(BTC, 2_000, 4_000)
        self.guard.admit_markets(list(MARKETS))
        self.guard.map_collaterals(list(ASSETS), list(ASSETS.values()))

    def watch(self, feed: int, stress: int, share: int) -> None:
        self.guard.set_underlying(feed, stress, share)
        self.model.watched[feed] = Watched(stress, share)

    def set_mode(self, mode: int, rate: int = 0) -> None:
        self.guard.set_mode(mode, rate)
        self.model.mode, self.model.rate = mode, rate

    def fund(self, usd: float) -> None:
        self.model.fund.assets = round(usd * 10**6)
        self.mock.set_capacity(self.model.fund.assets)

    def know(self, market: int, greeks: Greeks | None) -> None:
        self.mock.set_greeks(market, greek_word(greeks))
        self.model.greeks = {**self.model.greeks, market: greeks}

    def stand(self, account: int, portfolio: Portfolio, coins: dict[int, int] | None = None) -> None:
        """The account as the Ledger answers; `coins` are funding indexes of inverse positions, nano."""
        flat = (
            portfolio.cash,
            portfolio.stable_price,
            [astuple(one) for one in portfolio.positions],
            [astuple(one) for one in portfolio.collaterals],
        )
        self.mock.set_portfolio(account, flat)
        for one in portfolio.positions:
            index = (coins or {}).get(one.market, 0)
            self.mock.set_position(account, one.market, (one.size, 0, index, one.bids, one.asks))

    def trade(self, account: int, *trade: int) -> Receipt:
        """(market, size, quote, fee, resting), asked as the Exchange."""
        return self.mock.trade(self.guard.address, account, trade)

    def outflow(self, account: int) -> Receipt:
        """Asked as the Vault."""
        return self.mock.outflow(self.guard.address, account)

    def recorded(self, account: int) -> Measure:
        return _measure(*self.guard.contribution(account))

    def previewed(self, account: int) -> Measure:
        sides, owed, _ = self.guard.preview(account)
        return _measure(sides, owed)

    def totals(self, feed: int) -> tuple[int, int]:
        """Nano USD."""
        found = self.guard.solvency_delta(feed)
        return found.long // NANO, found.short // NANO


def cash_only(usd: float, *positions: Any, collaterals: tuple[CollateralRisk, ...] = ()) -> Portfolio:
    return Portfolio(round(usd * WAD), NANO, tuple(positions), collaterals)


def traded(
    portfolio: Portfolio, trade: tuple[int, ...], mark: int, index: int = 0, held_index: int = 0
) -> Portfolio:
    """The portfolio once the trade is booked, funding of an inverse position paid out of cash."""
    market, size, quote, fee, resting = trade
    others = tuple(one for one in portfolio.positions if one.market != market)
    held = next((one for one in portfolio.positions if one.market == market), None)
    held = held or PositionRisk(market, 0, mark, mark, 10**8, 0, 0, 0)
    cash, unrealised = portfolio.cash - fee, held.unrealised
    if size and is_inverse(market):
        due = held.size * (index - held_index)
        unrealised += due + quote * mark - size * NANO
        cash -= due
    elif size:
        unrealised += size * mark - quote
    after = PositionRisk(
        market,
        held.size + size,
        held.mark,
        held.spot,
        held.confidence,
        unrealised,
        held.bids + max(resting, 0),
        held.asks + max(-resting, 0),
    )
    return Portfolio(cash, portfolio.stable_price, (*others, after), portfolio.collaterals)


def _measure(sides: Any, owed: int) -> Measure:
    return Measure({one.feed: (one.long // NANO, one.short // NANO) for one in sides}, owed // NANO)


@cache
def _deployed() -> tuple[Desk, Any]:
    desk = Desk()
    return desk, desk.env.snapshot()


def fresh_desk() -> Desk:
    """Two underlyings, no records, an empty fund, mode OBSERVE; rewound to its deployment."""
    desk, snapshot = _deployed()
    desk.env.revert(snapshot)
    desk.model = SolvencyGuard(
        Fund(), 10**12, {ETH: Watched(2_500, 6_000), BTC: Watched(2_000, 4_000)}, dict(MARKETS), dict(ASSETS)
    )
    return desk
