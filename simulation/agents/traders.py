# SPDX-License-Identifier: Apache-2.0
"""Populations of leveraged traders: noise, momentum, mean reversion. One object decides for all its accounts.

Each trader has a taste for leverage, acts at random times, and answers a margin call by temper: it adds
collateral from its wallet, reduces its position, or does nothing. It learns of the call when the chain
announces it, or when it happens to look at its account, and takes its time. Imports: agents.base, messages,
config.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.agents.base import Agent, Endowment
from simulation.config import Distribution, knob, varies
from simulation.config.kinds import NUMBER, SECONDS, SHARE, TEXT, USD
from simulation.config.schema import Array
from simulation.messages import (
    IMMEDIATE,
    POST_ONLY,
    REDUCE_ONLY,
    CancelAll,
    Deposit,
    Fees,
    Intent,
    MarketView,
    PlaceOrder,
    View,
)

__all__ = [
    "MeanReversionSettings",
    "MeanReversionTraders",
    "MomentumSettings",
    "MomentumTraders",
    "NoiseSettings",
    "NoiseTraders",
    "TraderSettings",
    "Traders",
    "taking",
]

ADDS, REDUCES, IGNORES = 0, 1, 2
"""Tempers."""

GWEI = 1_000_000_000
OPTION_SLIPPAGE = 0.5
"""Of an option's price, at which a trader in need gets out."""


@dataclass(frozen=True, slots=True)
class TraderSettings:
    """What all traders share."""

    capital: Distribution = knob(varies(USD), {"lognormal": ["20_000 USD", 1.0]})
    """Put into the account at the start."""
    collateral_share: float = knob(SHARE, "20 %", low="0 %", high="90 %")
    """Part of the capital that is the first collateral asset instead of cash."""
    reserve: float = knob(NUMBER, 0.5, low=0.0, high=100.0)
    """Cash kept in the wallet, as a multiple of the capital."""
    leverage: Distribution = knob(varies(NUMBER), {"lognormal": [6.0, 0.5]})
    """Notional over equity that a trader aims at."""
    markets: tuple[str, ...] = knob(Array(TEXT), [])
    """Names of the perpetuals that they trade, linear or inverse; none: all."""
    interval: int = knob(SECONDS, "3 h", low="1 s")
    """Mean time between two trades of one trader."""
    passive: float = knob(SHARE, "25 %", low="0 %", high="100 %")
    """Share of orders that rest near the mid instead of taking."""
    slippage: float = knob(SHARE, "1 %", low="0 %", high="50 %")
    """Worst price accepted by an order that takes, from mid."""
    minimum: float = knob(USD, "500 USD", low="0 USD")
    """Smallest change of notional that is worth a transaction."""
    watch: int = knob(SECONDS, "1 h", low="1 s")
    """Mean time between two looks of a trader at its margin; a margin call on chain always reaches it."""
    patience: int = knob(SECONDS, "5 min", low="1 s")
    """Time before a trader who has answered a margin call looks at its margin again."""
    alert: float = knob(NUMBER, 1.0, low=0.1, high=10.0)
    """Equity over initial margin below which a trader feels called."""
    answers: float = knob(SHARE, "66.67 %", low="0 %", high="100 %")
    """Share of traders who answer a margin call; the others ignore every one."""
    adds: float = knob(NUMBER, 1.0, low=0.0)
    """Weight, among those who answer, of adding cash from the wallet."""
    reduces: float = knob(NUMBER, 1.0, low=0.0)
    """Weight, among those who answer, of reducing the position."""
    delay: Distribution = knob(varies(SECONDS), "0 s")
    """From hearing of a margin call to the first answer; every trader has its own."""
    line_use: float = knob(SHARE, "100 %", low="0 %", high="100 %")
    """Part of a credit line that a trader leans on as if it were equity."""
    tip: float = knob(NUMBER, 0.01, low=0.0)
    """Priority fee, gwei; twice as much when margin is called."""


class Traders(Agent):
    """A population; subclasses say in which direction and how far each active trader wants to go."""

    role = "trader"
    one_market = True
    borrows = True
    settings_class: ClassVar[type[TraderSettings]] = TraderSettings
    settings: TraderSettings

    def __init__(
        self,
        name: str,
        accounts: NDArray[np.int64],
        settings: TraderSettings | None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        taste, count = self.settings, len(accounts)
        self.capital = np.maximum(taste.capital.draw(rng, count), 1.0)
        self.leverage = np.maximum(taste.leverage.draw(rng, count), 0.0)
        adding = taste.adds / (taste.adds + taste.reduces) if taste.adds + taste.reduces > 0 else 0.5
        weights = [taste.answers * adding, taste.answers * (1.0 - adding), 1.0 - taste.answers]
        self.temper = rng.choice(3, count, p=weights)
        self.home = rng.integers(0, 2**31, count)
        """Picks the market that a trader prefers, once the number of markets is known."""
        self.delay = np.maximum(taste.delay.draw(rng, count), 0.0).astype(np.int64)
        self.calm_until = np.zeros(count, np.int64)
        self.alarmed = np.zeros(count, np.bool_)
        """Knows that its margin is too low, and minds it until it is well again."""
        self.heard = np.zeros(count, np.int64)
        self.calls = self.reductions = 0
        self.added = 0.0
        tip = int(taste.tip * GWEI)
        self.fees, self.urgent = Fees(tip=tip, lifetime=30), Fees(tip=2 * tip, lifetime=30)

    def endowments(self) -> Sequence[Endowment]:
        """Capital, part of it as collateral, and the reserve in the wallet."""
        share, reserve = self.settings.collateral_share, self.settings.reserve
        return [
            Endowment(cash=value * (1 - share), wallet=value * reserve, collateral=value * share)
            for value in self.capital.tolist()
        ]

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """Answers to margin calls first, then the trades of whoever is active now."""
        draws, looks = rng.random((2, len(self.accounts)))
        self.observe(view)
        intents = self._answer_calls(view, looks < -np.expm1(-view.block_time / self.settings.watch))
        odds = -np.expm1(-view.block_time / self.settings.interval)
        active = np.flatnonzero(draws < odds)
        if len(active):
            active = active[~view.accounts.liquidating[self.rows[active]]]
            self._trade(view, active, rng, intents)
        return intents

    def observe(self, view: View) -> None:
        """Takes note of prices; called once a block."""

    def perpetuals(self, view: View) -> list[int]:
        """Columns of the perpetuals that this population trades."""
        names = self.settings.markets
        return [at for at, one in enumerate(view.perpetuals) if not names or one.symbol in names]

    def columns(self, view: View, active: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of each active trader, the column of the perpetual that it prefers."""
        mine: NDArray[np.int64] = np.array(self.perpetuals(view), np.int64)
        preferred: NDArray[np.int64] = mine[self.home[active] % len(mine)]
        return preferred

    def wanted(self, view: View, active: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
        """What each active trader wants, as a part of its leverage: -1 fully short, 1 fully long."""
        raise NotImplementedError

    def means(self, view: View, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """What the accounts in `rows` size their positions by, USD: equity, and what they use of a line."""
        own: NDArray[np.float64] = np.maximum(view.accounts.equity[rows], 0.0)
        return own if view.credit is None else own + self.settings.line_use * view.credit.purse[rows]

    def measure(self) -> dict[str, float]:
        """Answers given to margin calls, and which."""
        return {
            "margin_calls_answered": float(self.calls),
            "margin_added_usd": self.added,
            "margin_reductions": float(self.reductions),
        }

    def _answer_calls(self, view: View, looks: NDArray[np.bool_]) -> list[Intent]:
        accounts, rows = view.accounts, self.rows
        equity, required = accounts.equity[rows], accounts.initial_margin[rows]
        low = (required > 0) & (equity < required * self.settings.alert)
        called = accounts.called[rows]
        if view.credit is not None:
            # The notice of a credit line reaches its owner as a margin call does.
            called = np.maximum(called, view.credit.called[rows])
        told = called > self.heard
        self.heard = called.copy()
        hears = low & (looks | told) & ~self.alarmed
        later = np.maximum(self.calm_until, view.timestamp + self.delay)
        self.calm_until = np.where(hears, later, self.calm_until)
        self.alarmed = low & (self.alarmed | hears)
        answers = self.alarmed & (view.timestamp >= self.calm_until)
        answers &= (self.temper != IGNORES) & ~accounts.liquidating[rows]
        intents: list[Intent] = []
        for place in np.flatnonzero(answers).tolist():
            self.calm_until[place] = view.timestamp + self.settings.patience
            account, row = int(self.accounts[place]), int(rows[place])
            if self.temper[place] == ADDS:
                # Half again what is missing, or the next tick calls once more.
                missing = 1.5 * (required[place] - equity[place]) + 0.1 * required[place]
                amount = view.units(0, min(missing, float(accounts.wallet[row, 0])))
                if amount > 0:
                    self.calls += 1
                    self.added += amount / 10 ** view.asset_decimals[0]
                    intents.append(Deposit(account=account, asset=0, amount=amount, fees=self.urgent))
            else:
                # The part that brings equity back to a quarter above the requirement.
                part = 1.0 - equity[place] / (1.25 * required[place])
                orders = self._reduce(view, account, row, min(max(part, 0.2), 1.0))
                self.calls += bool(orders)
                self.reductions += len(orders)
                intents.extend(orders)
        return intents

    def _reduce(self, view: View, account: int, row: int, part: float) -> list[Intent]:
        orders: list[Intent] = []
        for column, market in enumerate(view.markets):
            size = float(view.accounts.size[row, column])
            lots = market.lots(size * part)
            # Into an empty book nothing can be sold.
            if market.expired(view.timestamp):
                continue
            if lots and (market.best_bid if size > 0 else market.best_ask):
                slippage = OPTION_SLIPPAGE if market.strike else 3 * self.settings.slippage
                orders.append(taking(account, market, -size, lots, slippage, self.urgent, REDUCE_ONLY))
        return orders

    def _trade(
        self, view: View, active: NDArray[np.int64], rng: np.random.Generator, intents: list[Intent]
    ) -> None:
        wanted = self.wanted(view, active, rng)
        passive = rng.random(len(active)) < self.settings.passive
        columns = self.columns(view, active)
        rows = self.rows[active]
        accounts = view.accounts
        worth = np.array([market.worth for market in view.markets])[columns]
        target = wanted * self.leverage[active] * self.means(view, rows) / np.maximum(worth, 1e-9)
        change = target - accounts.size[rows, columns]
        resting = (accounts.bids[rows] + accounts.asks[rows]).any(axis=1)
        for place, column, size, rests, busy in zip(
            active.tolist(),
            columns.tolist(),
            change.tolist(),
            passive.tolist(),
            resting.tolist(),
            strict=True,
        ):
            market, account = view.markets[column], int(self.accounts[place])
            lots = market.lots(size)
            if not market.valid or lots == 0 or lots >= 2**48:
                continue
            if abs(size) * market.worth < self.settings.minimum:
                continue
            if busy:
                intents.append(CancelAll(account=account, fees=self.fees))
            intents.append(
                _resting(account, market, size, lots, view.timestamp + 10 * view.block_time, self.fees)
                if rests
                else taking(account, market, size, lots, self.settings.slippage, self.fees)
            )


@dataclass(frozen=True, slots=True)
class NoiseSettings(TraderSettings):
    """Traders with an opinion of their own that no price explains."""

    long_share: float = knob(SHARE, "60 %", low="0 %", high="100 %")
    """Share of traders whose lasting opinion is long."""
    closes: float = knob(SHARE, "15 %", low="0 %", high="100 %")
    """Chance that a trade closes the position."""


class NoiseTraders(Traders):
    """Each keeps to its side, with a size drawn anew at every trade, and sometimes goes flat."""

    settings_class: ClassVar[type[TraderSettings]] = NoiseSettings
    settings: NoiseSettings

    def __init__(
        self, name: str, accounts: NDArray[np.int64], settings: NoiseSettings | None, rng: np.random.Generator
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        self.side = np.where(rng.random(len(accounts)) < self.settings.long_share, 1.0, -1.0)

    def wanted(self, view: View, active: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Half to all of the leverage on the trader's side, or nothing."""
        size = rng.uniform(0.5, 1.0, len(active)) * self.side[active]
        return np.where(rng.random(len(active)) < self.settings.closes, 0.0, size)


@dataclass(frozen=True, slots=True)
class TrendSettings(TraderSettings):
    """Traders who compare the price with its own past."""

    horizon: int = knob(SECONDS, "1 h", low="1 s")
    """Time constant of the average that the price is compared with."""
    sensitivity: float = knob(SHARE, "1 %", low="0.01 %", high="100 %")
    """Distance from the average at which a trader is about three quarters committed."""


class TrendTraders(Traders):
    """Exposure follows tanh(distance from the moving average / sensitivity)."""

    settings_class: ClassVar[type[TraderSettings]] = TrendSettings
    settings: TrendSettings
    direction: ClassVar[float] = 1.0

    def __init__(
        self, name: str, accounts: NDArray[np.int64], settings: TrendSettings | None, rng: np.random.Generator
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        self.average = np.zeros(0)

    def observe(self, view: View) -> None:
        """Moves the average of the reference price."""
        prices = np.array([market.reference for market in view.perpetuals])
        if len(self.average) != len(prices):
            self.average = prices
        self.average = self.average - np.expm1(-view.block_time / self.settings.horizon) * (
            prices - self.average
        )

    def wanted(self, view: View, active: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
        """With or against the distance from the average; each trader reads it with an error of its own."""
        prices = np.array([market.reference for market in view.perpetuals])
        signal = (prices / self.average - 1.0)[self.columns(view, active)]
        noise = rng.normal(0.0, 0.25 * self.settings.sensitivity, len(active))
        exposure: NDArray[np.float64] = self.direction * np.tanh((signal + noise) / self.settings.sensitivity)
        return exposure


@dataclass(frozen=True, slots=True)
class MomentumSettings(TrendSettings):
    """Traders who follow."""


class MomentumTraders(TrendTraders):
    """Buy what rose, sell what fell."""

    settings_class: ClassVar[type[TraderSettings]] = MomentumSettings
    direction = 1.0


@dataclass(frozen=True, slots=True)
class MeanReversionSettings(TrendSettings):
    """Traders who oppose."""


class MeanReversionTraders(TrendTraders):
    """Sell what rose, buy what fell."""

    settings_class: ClassVar[type[TraderSettings]] = MeanReversionSettings
    direction = -1.0


def taking(
    account: int, market: MarketView, size: float, lots: int, slippage: float, fees: Fees, options: int = 0
) -> PlaceOrder:
    """An order that takes at once: `size` says the side, `slippage` how far beyond the mid, as a share."""
    price = market.mid * (1.0 + slippage if size > 0 else 1.0 - slippage)
    tick = market.tick_up(price) if size > 0 else market.tick_down(price)
    return PlaceOrder(
        account=account,
        market=market.market,
        is_bid=size > 0,
        tick=min(tick, 2**24 - 1),
        lots=lots,
        options=options | IMMEDIATE,
        fees=fees,
    )


def _resting(account: int, market: MarketView, size: float, lots: int, expiry: int, fees: Fees) -> PlaceOrder:
    buys = size > 0
    best = market.best_bid if buys else market.best_ask
    if best == 0:
        best = market.tick_down(market.mid * 0.999) if buys else market.tick_up(market.mid * 1.001)
    return PlaceOrder(
        account=account,
        market=market.market,
        is_bid=buys,
        tick=min(best, 2**24 - 1),
        lots=lots,
        options=POST_ONLY,
        expiry=expiry,
        fees=fees,
    )
