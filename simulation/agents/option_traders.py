# SPDX-License-Identifier: Apache-2.0
"""Populations that trade dated markets: option writers who hedge, buyers of protection, basis traders.

They answer margin calls as other traders do. Imports: agents.traders, messages, config.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.agents.traders import Traders, TraderSettings
from simulation.config import Distribution, knob, varies
from simulation.config.kinds import NUMBER, SECONDS, SHARE, USD, YEARLY
from simulation.messages import IMMEDIATE, Fees, Intent, MarketView, PlaceOrder, View

__all__ = [
    "BasisSettings",
    "BasisTraders",
    "OptionWriters",
    "PutBuyers",
    "PutSettings",
    "WriterSettings",
]

YEAR = 365 * 86_400
LAST_TRADE = 600
"""Seconds before expiry from which nothing new is opened."""


@dataclass(frozen=True, slots=True)
class DatedSettings(TraderSettings):
    """What traders of dated markets share."""

    capital: Distribution = knob(varies(USD), {"lognormal": ["100_000 USD", 0.5]})
    collateral_share: float = knob(SHARE, "0 %", low="0 %", high="90 %")
    reserve: float = knob(NUMBER, 0.3, low=0.0, high=100.0)
    leverage: Distribution = knob(varies(NUMBER), {"lognormal": [1.5, 0.3]})
    """Notional of the underlying over equity that a trader aims at."""
    interval: int = knob(SECONDS, "1 h", low="1 s")


class DatedTraders(Traders):
    """A population that trades series; subclasses say what one active trader does."""

    one_market = False
    settings_class: ClassVar[type[TraderSettings]] = DatedSettings
    settings: DatedSettings

    def __init__(
        self, name: str, accounts: NDArray[np.int64], settings: DatedSettings | None, rng: np.random.Generator
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        self.orders = 0

    def measure(self) -> dict[str, float]:
        """What all traders measure, and orders in dated markets and their hedges."""
        return {**super().measure(), "orders": float(self.orders)}

    def act(self, view: View, place: int, rng: np.random.Generator) -> Iterator[Intent]:
        """What the trader at `place` of the population does when it is active."""
        raise NotImplementedError

    def upkeep(self, view: View, rng: np.random.Generator) -> Iterator[Intent]:
        """What is done in every block, whoever is active."""
        return iter(())

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """Answers to margin calls, upkeep, then the trades of whoever is active now."""
        return [*super().decide(view, rng), *self.upkeep(view, rng)]

    def _trade(
        self, view: View, active: NDArray[np.int64], rng: np.random.Generator, intents: list[Intent]
    ) -> None:
        for place in active.tolist():
            orders = list(self.act(view, place, rng))
            self.orders += len(orders)
            intents.extend(orders)

    def room(self, view: View, place: int) -> float:
        """Underlying that the trader may hold in all, USD; nothing while its margin is thin."""
        equity = float(view.accounts.equity[self.rows[place]])
        required = float(view.accounts.initial_margin[self.rows[place]])
        means = float(self.means(view, self.rows[[place]])[0])
        return float(self.leverage[place]) * means if equity > 1.3 * required else 0.0

    def perpetual_of(self, view: View, feed: int) -> tuple[int, MarketView] | None:
        """Column and perpetual on the same underlying, the first that it trades; linear ones come first."""
        mine = [(at, view.markets[at]) for at in self.perpetuals(view)]
        return next(((at, one) for at, one in mine if one.feed == feed), None)

    def order(
        self, place: int, market: MarketView, size: float, slack: float, fees: Fees
    ) -> Iterator[Intent]:
        """An order that takes, of signed `size`, no worse than the best price by `slack` in USD."""
        lots, buys = market.lots(size), size > 0
        best = (market.best_ask if buys else market.best_bid) * market.tick_size
        if not lots or not best or not market.valid:
            return
        limit = best + slack if buys else best - slack
        yield PlaceOrder(
            account=int(self.accounts[place]),
            market=market.market,
            is_bid=buys,
            tick=min(market.tick_up(limit) if buys else market.tick_down(max(limit, 0.0)), 2**24 - 1),
            lots=lots,
            options=IMMEDIATE,
            fees=fees,
        )


def alive(view: View) -> list[MarketView]:
    """Dated markets in which something new may still be opened."""
    return [one for one in view.markets if one.series and one.expiry - LAST_TRADE > view.timestamp]


@dataclass(frozen=True, slots=True)
class WriterSettings(DatedSettings):
    """How options are written and hedged."""

    away: float = knob(SHARE, "3 %", low="0 %", high="100 %")
    """Least distance of the strike from spot, out of the money."""
    piece: float = knob(SHARE, "20 %", low="0.1 %", high="100 %")
    """Part of what it aims at that is written at once."""
    band: float = knob(SHARE, "5 %", low="0.1 %", high="1000 %")
    """Delta, as part of equity in USD, at which the hedge is adjusted."""
    hedges: int = knob(SECONDS, "10 min", low="1 s")
    """Mean time between two looks of a writer at its delta."""


class OptionWriters(DatedTraders):
    """Sell options out of the money to whoever bids, and keep their delta near zero with the perpetual."""

    settings_class: ClassVar[type[TraderSettings]] = WriterSettings
    settings: WriterSettings

    def act(self, view: View, place: int, rng: np.random.Generator) -> Iterator[Intent]:
        """Writes one piece of one option, drawn among those out of the money."""
        accounts, row = view.accounts, int(self.rows[place])
        options = [(at, one) for at, one in enumerate(view.markets) if one.strike]
        written = sum(-float(accounts.size[row, at]) * one.spot for at, one in options)
        room = self.room(view, place)
        away = 1.0 + self.settings.away
        fit = [
            one
            for one in alive(view)
            if one.strike
            and one.best_bid
            and (one.strike >= one.spot * away if one.is_call else one.strike * away <= one.spot)
        ]
        if not fit or written >= room:
            return
        chosen = fit[int(rng.integers(len(fit)))]
        size = min(self.settings.piece * room, room - written) / chosen.spot
        yield from self.order(place, chosen, -size, 0.2 * chosen.best_bid * chosen.tick_size, self.fees)

    def upkeep(self, view: View, rng: np.random.Generator) -> Iterator[Intent]:
        """Hedges of writers who look and whose delta has left its band."""
        looks = rng.random(len(self.accounts)) < -np.expm1(-view.block_time / self.settings.hedges)
        for place in np.flatnonzero(looks & ~view.accounts.liquidating[self.rows]).tolist():
            yield from self.hedge(view, place)

    def hedge(self, view: View, place: int) -> Iterator[Intent]:
        """Orders in the perpetual against the delta of all positions on the same underlying."""
        accounts, row = view.accounts, int(self.rows[place])
        for feed in sorted({series.feed for series in view.series}):
            found = self.perpetual_of(view, feed)
            if found is None:
                continue
            at, perpetual = found
            delta = float(accounts.delta[row, at])
            for column, market in enumerate(view.markets):
                if market.series and market.feed == feed and not market.settled:
                    delta += float(accounts.size[row, column]) * market.delta
            held = abs(delta) * perpetual.mark
            if (
                held > self.settings.band * max(float(accounts.equity[row]), 0.0)
                and held > self.settings.minimum
            ):
                self.orders += 1
                slack = 0.01 * perpetual.mark
                size = perpetual.size_for(-delta, perpetual.mark)
                yield from self.order(place, perpetual, size, slack, self.fees)


@dataclass(frozen=True, slots=True)
class PutSettings(DatedSettings):
    """What is held and how it is protected."""

    away: float = knob(SHARE, "5 %", low="0 %", high="100 %")
    """Distance of the put's strike below spot."""
    cover: float = knob(SHARE, "100 %", low="0 %", high="100 %")
    """Part of the position that puts protect."""


class PutBuyers(DatedTraders):
    """Hold the perpetual and buy puts against its fall; when puts have expired they buy others."""

    settings_class: ClassVar[type[TraderSettings]] = PutSettings
    settings: PutSettings

    def act(self, view: View, place: int, rng: np.random.Generator) -> Iterator[Intent]:
        """First the position, then its protection in the nearest series."""
        accounts, row = view.accounts, int(self.rows[place])
        puts = [(at, one) for at, one in enumerate(view.markets) if one.strike and not one.is_call]
        feeds = sorted({one.feed for _, one in puts})
        if not feeds:
            return
        found = self.perpetual_of(view, feeds[int(self.home[place]) % len(feeds)])
        if found is None or not found[1].mark:
            return
        at, perpetual = found
        held = float(accounts.size[row, at])
        wanted = perpetual.size_of(self.room(view, place), perpetual.mark) - held
        if wanted * perpetual.worth > self.settings.minimum:
            yield from self.order(place, perpetual, wanted, 0.01 * perpetual.mark, self.fees)
            return
        live = [one for one in alive(view) if one.strike and not one.is_call and one.feed == perpetual.feed]
        covered = sum(float(accounts.size[row, column]) for column, one in puts if not one.settled)
        missing = self.settings.cover * perpetual.base(held, perpetual.mark) - covered
        if not live or missing <= 0.0:
            return
        nearest = min(one.expiry for one in live)
        aim = perpetual.spot * (1.0 - self.settings.away)
        put = min((one for one in live if one.expiry == nearest), key=lambda one: abs(one.strike - aim))
        yield from self.order(place, put, missing, 0.2 * put.best_ask * put.tick_size, self.fees)


@dataclass(frozen=True, slots=True)
class BasisSettings(DatedSettings):
    """When the basis is worth it."""

    leverage: Distribution = knob(varies(NUMBER), {"lognormal": [3.0, 0.3]})
    enter: float = knob(YEARLY, "5 %/year", low="0 %/year")
    """Yearly rate of future over perpetual, either way, beyond which the trade is put on."""
    leave: float = knob(YEARLY, "1 %/year", low="0 %/year")
    """Rate below which it is taken off."""
    piece: float = knob(SHARE, "25 %", low="0.1 %", high="100 %")
    """Part of the whole that is traded at once."""


class BasisTraders(DatedTraders):
    """Sell the future and buy the perpetual while the future is dear, the other way when it is cheap."""

    settings_class: ClassVar[type[TraderSettings]] = BasisSettings
    settings: BasisSettings

    def act(self, view: View, place: int, rng: np.random.Generator) -> Iterator[Intent]:
        """A piece of both legs, or of what the one is behind the other."""
        accounts, row, plan = view.accounts, int(self.rows[place]), self.settings
        futures = [(at, one) for at, one in enumerate(view.markets) if one.series and not one.strike]
        futures = [(at, one) for at, one in futures if not one.expired(view.timestamp)]
        if not futures:
            return
        column, dated = futures[int(self.home[place]) % len(futures)]
        found = self.perpetual_of(view, dated.feed)
        if found is None or not (dated.best_bid and dated.best_ask and found[1].mark):
            return
        at, perpetual = found
        years = max(dated.expiry - view.timestamp, 3_600) / YEAR
        rate = float(np.log(dated.mid / perpetual.mid)) / years
        held = float(accounts.size[row, column])
        room = self.room(view, place) / perpetual.mark
        goal = held
        if abs(rate) > plan.enter and dated.expiry - LAST_TRADE > view.timestamp:
            goal = -room if rate > 0.0 else room
        elif abs(rate) < plan.leave:
            goal = 0.0
        step = float(np.clip(goal - held, -plan.piece * abs(room or held), plan.piece * abs(room or held)))
        yield from self.order(place, dated, step, 0.002 * dated.mid, self.fees)
        # The hedge follows what is held, so that a leg that did not fill leaves nothing open for long.
        behind = -(held + step) - float(accounts.delta[row, at])
        if abs(behind) * perpetual.mark > plan.minimum:
            size = perpetual.size_for(behind, perpetual.mark)
            yield from self.order(place, perpetual, size, 0.005 * perpetual.mark, self.fees)
