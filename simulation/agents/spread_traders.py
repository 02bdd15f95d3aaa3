# SPDX-License-Identifier: Apache-2.0
"""Traders with one hedged book who keep it at one venue or spread it over several.

The book is the same wherever it is kept: long one perpetual and short another, of sizes that come from the
trader's capital and its random numbers alone, until margin forces it. So a population at one venue with the
random numbers of another at several (`twin`) trades the same book, and what differs is what spreading did.
Imports: agents.base, agents.traders, messages, config.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.agents.base import Agent, Endowment
from simulation.agents.traders import taking
from simulation.config import Distribution, knob, varies
from simulation.config.kinds import NUMBER, SECONDS, SHARE, USD, choice
from simulation.messages import REDUCE_ONLY, Deposit, Fees, Intent, Receipt, View, Withdraw

__all__ = ["SpreadSettings", "SpreadTraders"]

GWEI = 1_000_000_000
LEGS, EVEN, OPPOSITE = "legs", "even", "opposite"


@dataclass(frozen=True, slots=True)
class SpreadSettings:
    """What the traders of one population share."""

    capital: Distribution = knob(varies(USD), {"lognormal": ["50_000 USD", 0.5]})
    """Put in at the start, the same part at every venue."""
    reserve: float = knob(NUMBER, 0.2, low=0.0, high=100.0)
    """Cash kept in the wallet, as a multiple of the capital."""
    leverage: Distribution = knob(varies(NUMBER), {"uniform": [1.5, 3.0]})
    """Notional of both legs over capital."""
    split: str = knob(choice(LEGS, EVEN, OPPOSITE), LEGS)
    """How the book is divided: a leg at each venue; every leg in equal parts; or twice the first leg at the
    first venue against the same short at the second (at one venue the two cancel out)."""
    hedge: float = knob(SHARE, "100 %", low="0 %", high="200 %")
    """Notional of the short leg over that of the long one."""
    interval: int = knob(SECONDS, "2 h", low="1 s")
    """Mean time between two changes of a trader's mind about its size."""
    slippage: float = knob(SHARE, "1 %", low="0 %", high="50 %")
    """Worst price accepted, from mid."""
    minimum: float = knob(USD, "500 USD", low="0 USD")
    """Smallest change of notional that is worth a transaction."""
    alert: float = knob(NUMBER, 1.5, low=0.1, high=10.0)
    """Equity over initial margin at a venue below which cash is brought there."""
    spare: float = knob(NUMBER, 2.5, low=1.0, high=20.0)
    """Equity over initial margin above which a venue has cash to spare for another."""
    patience: int = knob(SECONDS, "5 min", low="1 s")
    """Time before a trader who has brought cash somewhere looks at its margin again."""
    tip: float = knob(NUMBER, 0.02, low=0.0)
    """Priority fee, gwei; twice as much when margin is short."""


class SpreadTraders(Agent):
    """One population; account by account, what is wanted at each venue follows from one book."""

    settings_class: ClassVar[type[SpreadSettings]] = SpreadSettings
    spreads: ClassVar[bool] = True
    settings: SpreadSettings

    def __init__(
        self,
        name: str,
        accounts: NDArray[np.int64],
        settings: SpreadSettings | None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        taste, count = self.settings, len(accounts)
        self.capital = np.maximum(taste.capital.draw(rng, count), 1.0)
        self.leverage = np.maximum(taste.leverage.draw(rng, count), 0.0)
        self.side = np.where(rng.random(count) < 0.5, 1.0, -1.0)
        """Which of the two legs is long."""
        self.share = np.zeros(count)
        """Of the full book that each trader wants now."""
        self.prices = np.zeros(0)
        """Marks by which the book was measured, those of the first block, so that it depends on no venue."""
        self.calm_until = np.zeros(count, np.int64)
        self.sent = np.zeros(count, np.int64)
        """Transactions on their way; a trader who has any waits for them."""
        self.moved = self.added = 0.0
        self.reductions = 0
        tip = int(taste.tip * GWEI)
        self.fees, self.urgent = Fees(tip=tip, lifetime=5), Fees(tip=2 * tip, lifetime=10)

    def endowments_at(self, place: int) -> Sequence[Endowment]:
        """The same part of the capital at every venue; the reserve in the wallet."""
        parts, reserve = len(self.venues), self.settings.reserve
        return [
            Endowment(cash=value / parts, wallet=value * reserve if place == 0 else 0.0)
            for value in self.capital.tolist()
        ]

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """Everything at its one venue."""
        return self.decide_across([view], rng)[0]

    def decide_across(self, views: Sequence[View], rng: np.random.Generator) -> list[list[Intent]]:
        """Margin first, at all venues; then whoever is not on its way brings its positions to the book."""
        view, count = views[0], len(self.accounts)
        draws, sizes = rng.random((2, count))
        odds = -np.expm1(-view.block_time / self.settings.interval)
        active = (draws < odds) | (self.share == 0.0)
        self.share = np.where(active, 0.5 + 0.5 * sizes, self.share)
        if not len(self.prices):
            # Its book counts units of base: linear perpetuals, which come first.
            linear = [market for market in view.perpetuals if not market.inverse]
            self.prices = np.array([market.reference for market in linear[:2]])
        wanted = self._wanted(len(views))
        intents: list[list[Intent]] = [[] for _ in views]
        for place in range(count):
            if self.sent[place]:
                continue
            if self.calm_until[place] <= view.timestamp and self._mind_margin(views, place, intents):
                self.calm_until[place] = view.timestamp + self.settings.patience
            else:
                self._trade(views, place, wanted, intents)
        for one in (intent for wishes in intents for intent in wishes):
            self.sent[one.account - int(self.accounts[0])] += 1
        return intents

    def on_receipt(self, receipt: Receipt, rng: np.random.Generator) -> None:
        """One less to wait for."""
        self.sent[receipt.intent.account - int(self.accounts[0])] -= 1

    def measure(self) -> dict[str, float]:
        """Cash brought to venues, how much of it from other venues, and forced reductions."""
        return {
            "margin_added_usd": self.added,
            "margin_moved_usd": self.moved,
            "margin_reductions": float(self.reductions),
        }

    def _wanted(self, venues: int) -> NDArray[np.float64]:
        """(venues, traders, legs): positions, units of base, positive long."""
        full = self.side * self.share * self.leverage * self.capital
        legs = len(self.prices)
        # Both legs together have the notional that leverage allows.
        long = full / (1.0 + self.settings.hedge) / self.prices[0]
        short = -full * self.settings.hedge / (1.0 + self.settings.hedge) / self.prices[-1]
        found = np.zeros((venues, len(full), legs))
        if self.settings.split == OPPOSITE:
            found[0, :, 0] += long
            found[-1, :, 0] -= long
        elif self.settings.split == EVEN:
            found[:, :, 0] += long / venues
            found[:, :, -1] += short / venues
        else:
            found[0, :, 0] += long
            found[-1, :, -1] += short
        return found

    def _mind_margin(self, views: Sequence[View], place: int, intents: list[list[Intent]]) -> bool:
        """Brings cash where equity is short, or reduces there; True when something was sent."""
        taste, row, account = self.settings, int(self.rows[place]), int(self.accounts[place])
        for at, view in enumerate(views):
            accounts = view.accounts
            required, equity = float(accounts.initial_margin[row]), float(accounts.equity[row])
            if required <= 0.0 or equity >= taste.alert * required or accounts.liquidating[row]:
                continue
            missing = (taste.alert + 0.5) * required - equity
            held = float(accounts.wallet[row, 0])
            amount = view.units(0, min(missing, held))
            if amount > 0 and held >= min(missing, 0.1 * required):
                self.added += amount / 10 ** view.asset_decimals[0]
                intents[at].append(Deposit(account=account, asset=0, amount=amount, fees=self.urgent))
                return True
            richest = max(range(len(views)), key=lambda other: self._spare(views[other], row))
            amount = view.units(0, min(missing, self._spare(views[richest], row)))
            if richest != at and amount > 0:
                # It is in the wallet when the trader looks again, and goes on from there.
                self.moved += amount / 10 ** view.asset_decimals[0]
                intents[richest].append(Withdraw(account=account, asset=0, amount=amount, fees=self.urgent))
                return True
            if equity < required:
                return self._reduce(view, place, intents[at])
        return False

    def _spare(self, view: View, row: int) -> float:
        """Cash that an account could do without, USD."""
        accounts = view.accounts
        if accounts.liquidating[row]:
            return 0.0
        free = float(accounts.equity[row]) - self.settings.spare * float(accounts.initial_margin[row])
        return max(0.0, min(free, float(accounts.cash[row])))

    def _reduce(self, view: View, place: int, intents: list[Intent]) -> bool:
        """Half of every position goes."""
        before = len(intents)
        for column, market in enumerate(view.perpetuals[: len(self.prices)]):
            size = float(view.accounts.size[self.rows[place], column])
            lots = market.lots(0.5 * size)
            if lots and (market.best_bid if size > 0 else market.best_ask):
                account, slippage = int(self.accounts[place]), 3 * self.settings.slippage
                intents.append(taking(account, market, -size, lots, slippage, self.urgent, REDUCE_ONLY))
        self.reductions += len(intents) - before
        # A smaller book from now on, or it would be built up again at once.
        self.share[place] *= 0.5
        return len(intents) > before

    def _trade(
        self,
        views: Sequence[View],
        place: int,
        wanted: NDArray[np.float64],
        intents: list[list[Intent]],
    ) -> None:
        """Orders for what is missing of the book at every venue."""
        row, account = int(self.rows[place]), int(self.accounts[place])
        for at, view in enumerate(views):
            if view.accounts.liquidating[row]:
                continue
            for column, market in enumerate(view.perpetuals[: len(self.prices)]):
                change = float(wanted[at, place, column] - view.accounts.size[row, column])
                lots = market.lots(change)
                if not market.valid or lots == 0 or lots >= 2**48:
                    continue
                if abs(change) * market.mark < self.settings.minimum:
                    continue
                if not (market.best_ask if change > 0 else market.best_bid):
                    continue
                intents[at].append(taking(account, market, change, lots, self.settings.slippage, self.fees))
