# SPDX-License-Identifier: Apache-2.0
"""Prices as they are stored, funding as it accrues, settlement of dated series.

Forwards and the marks of options are given from outside until a series is settled; the settlement price
itself is worked out here from what was recorded. May import nothing but domain modules.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from simulation.domain import funding_math, market_math
from simulation.domain.market_math import is_inverse
from simulation.domain.model.state import DatedMarket, Feed, MarketState, Quote, Series
from simulation.domain.oracle_math import (
    FLAG_BOUND,
    FLAG_CONFIDENCE,
    FLAG_JUMP,
    FeedConfig,
    Tick,
    fresh_until,
    is_valid,
    next_tick,
)
from simulation.domain.orders import Refused
from simulation.domain.settlement_math import WINDOW, Observation, Rules, settlement_price

__all__ = ["Markets"]

FULL_CONFIDENCE = 10**8
UNFIT = FLAG_CONFIDENCE | FLAG_BOUND | FLAG_JUMP
"""A price with one of these is no observation of a settlement price."""


@dataclass(slots=True)
class Markets:
    feeds: dict[int, Feed]
    markets: dict[int, MarketState]
    """Perpetuals."""
    series: dict[int, Series] = field(default_factory=dict)
    dated: dict[int, DatedMarket] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)

    def store(self, price: tuple[int, int, int, int, int, int], signers: int, now: int) -> bool:
        """A price that `signers` of the signers signed: feed, spot, mark, confidence, time, deadline."""
        feed_id, spot, mark, confidence, timestamp, deadline = price
        feed = self.feeds.get(feed_id)
        if feed is None:
            raise Refused("oracle: unknown feed")
        if now > deadline:
            raise Refused("oracle: deadline passed")
        if timestamp > now:
            raise Refused("oracle: timestamp in the future")
        tick = next_tick(feed.tick, feed.config, spot, mark, confidence, timestamp)
        if tick is None:
            return False
        if signers < feed.signers:
            raise Refused("oracle: too few signers")
        feed.tick = tick
        return True

    def configure(self, feed_id: int, config: FeedConfig, signers: int) -> None:
        feed = self.feeds[feed_id]
        feed.config, feed.signers = config, signers
        feed.tick = replace(feed.tick, heartbeat=config.heartbeat)

    def tick(self, market: int) -> Tick:
        return self.feeds[self.markets[market].feed].tick

    def feed_valid(self, feed: int, now: int) -> bool:
        return is_valid(self.feeds[feed].tick, now)

    def terms(self, market: int) -> MarketState | DatedMarket:
        """Lot size, cap and open interest."""
        return self.markets[market] if market in self.markets else self.dated[market]

    def cap_in_force(self, market: int, now: int) -> int:
        """Open interest that more risk may lead to: none where only reducing trades are taken."""
        if market in self.markets:
            active = self.markets[market].active
        else:
            series = self.series[market_math.series(market)]
            active = series.active and now < series.expiry
        return self.terms(market).cap if active else 0

    def quote(self, market: int, now: int) -> Quote:
        """Mark, spot, confidence and whether risk may be added at them; the payoff once settled."""
        if market in self.markets:
            tick = self.tick(market)
            return Quote(tick.mark, tick.spot, tick.confidence, is_valid(tick, now))
        series = self.series[market_math.series(market)]
        if series.price is None:
            return self.dated[market].given
        payoff = series.price
        if market_math.kind(market) is market_math.Kind.OPTION:
            strike = series.strikes[market_math.strike_index(market)]
            payoff = market_math.payoff(series.price, strike, market_math.is_call(market))
        return Quote(payoff, series.price, FULL_CONFIDENCE, True)

    def valid(self, market: int, now: int) -> bool:
        return self.quote(market, now).valid

    def mark(self, market: int, now: int) -> int:
        return self.quote(market, now).mark

    def is_expired(self, market: int, now: int) -> bool:
        return market in self.dated and now >= self.series[market_math.series(market)].expiry

    def is_settled(self, market: int) -> bool:
        return market in self.dated and self.series[market_math.series(market)].price is not None

    def _accrued(self, market: int, now: int) -> tuple[int, int]:
        """Index and time until which it is accrued: no further than the price was fresh."""
        state, tick = self.markets[market], self.tick(market)
        until = max(min(now, fresh_until(tick)), state.accrued_until)
        worth = 10**9 if is_inverse(market) else tick.spot
        return funding_math.accrue(state.index, state.rate, until - state.accrued_until, worth), until

    def index(self, market: int, now: int) -> int:
        """Funding index in nano USD per unit of base; dated markets have none."""
        if market in self.dated:
            return 0
        return funding_math.index_nano(self._accrued(market, now)[0])

    def touch(self, market: int, now: int) -> None:
        """Accrues, then a valid price sets the rate from now on; nothing of a dated market."""
        if market in self.dated:
            return
        if market not in self.markets:
            raise Refused("instruments: unknown market")
        state, tick = self.markets[market], self.tick(market)
        state.index, state.accrued_until = self._accrued(market, now)
        state.rate = max(-state.max_rate, min(state.rate, state.max_rate))
        if is_valid(tick, now):
            premium = funding_math.premium(tick.mark, tick.mark, tick.spot)
            state.rate = funding_math.rate(
                premium, state.convergence_hours, state.static_rate, state.max_rate
            )

    # --- settlement prices

    def accumulate(self, numbers: list[int]) -> None:
        """Records the price in force for each series that has no settlement price yet."""
        for number in numbers:
            series = self._series(number)
            if series.price is None:
                series.observations = self._observed(series)

    def finalise(self, number: int, now: int) -> None:
        """Fixes the settlement price, once. Raises Refused while it is not determined."""
        series = self._series(number)
        if series.price is not None:
            return
        series.observations = self._observed(series)
        tick = self.feeds[series.feed].tick
        latest = Observation(tick.spot, tick.timestamp)
        series.price = settlement_price(series.observations, latest, now, series.expiry, self.rules)
        if series.price is None:
            raise Refused("surface: price not determined yet")

    def _series(self, number: int) -> Series:
        if number not in self.series:
            raise Refused("surface: unknown series")
        return self.series[number]

    def _observed(self, series: Series) -> list[Observation]:
        tick = self.feeds[series.feed].tick
        last = series.observations[-1].timestamp if series.observations else 0
        if tick.flags & UNFIT or tick.spot == 0 or tick.timestamp <= last:
            return series.observations
        if tick.timestamp + self.rules.max_gap <= series.expiry - WINDOW:
            return series.observations  # Not in force in any second that can count.
        return [*series.observations, Observation(tick.spot, tick.timestamp)]
