# SPDX-License-Identifier: Apache-2.0
"""Prices as they are stored and funding as it accrues. May import nothing but domain modules."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulation.domain import funding_math
from simulation.domain.model.state import Feed, MarketState
from simulation.domain.oracle_math import FeedConfig, Tick, fresh_until, is_valid, next_tick
from simulation.domain.orders import Refused

__all__ = ["Markets"]


@dataclass(slots=True)
class Markets:
    feeds: dict[int, Feed]
    markets: dict[int, MarketState]

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

    def valid(self, market: int, now: int) -> bool:
        return is_valid(self.tick(market), now)

    def mark(self, market: int) -> int:
        return self.tick(market).mark

    def _accrued(self, market: int, now: int) -> tuple[int, int]:
        """Index and time until which it is accrued: no further than the price was fresh."""
        state, tick = self.markets[market], self.tick(market)
        until = max(min(now, fresh_until(tick)), state.accrued_until)
        return funding_math.accrue(state.index, state.rate, until - state.accrued_until, tick.spot), until

    def index(self, market: int, now: int) -> int:
        """Funding index in nano USD per unit of base."""
        return funding_math.index_nano(self._accrued(market, now)[0])

    def touch(self, market: int, now: int) -> None:
        """Accrues, then a valid price sets the rate from now on."""
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
