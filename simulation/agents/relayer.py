# SPDX-License-Identifier: Apache-2.0
"""The oracle relayer: brings signed prices when they moved enough or grew old enough.

Mark is spot moved toward the middle of the book, by a part and within a bound. Imports: agents.base,
messages, domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from simulation.agents.base import Agent
from simulation.config import knob
from simulation.config.kinds import INTEGER, NUMBER, SECONDS, SHARE
from simulation.domain.units import FULL_CONFIDENCE, to_nano
from simulation.messages import FeedView, Fees, Intent, OracleUpdate, Receipt, SeriesView, View

__all__ = ["OracleRelayer", "PriceSigner", "RelayerSettings"]


WINDOW = 1_800
"""Seconds before expiry over which a settlement price is averaged."""


class PriceSigner(Protocol):
    """Whoever vouches for prices."""

    def sign(
        self, feed: int, spot: int, mark: int, confidence: int, timestamp: int, deadline: int
    ) -> tuple[tuple[int, int], ...]:
        """EIP-2098 pairs (r, vs) over the EIP-712 hash of IOracle.PriceUpdate, by rising signer address."""
        ...


@dataclass(frozen=True, slots=True)
class RelayerSettings:
    """When it speaks and how it makes a mark."""

    heartbeat: int = knob(SECONDS, "30 min", low="1 s")
    """Longest silence."""
    settling: int = knob(SECONDS, "1 min", low="1 s")
    """Longest silence while the settlement price of a series on the feed is averaged."""
    deviation: float = knob(SHARE, "0.3 %", low="0 %", high="50 %")
    """Move of spot or mark since the price on chain that calls for an update."""
    blend: float = knob(NUMBER, 0.5, low=0.0, high=1.0)
    """Part of the way from spot to the middle of the book at which mark is put."""
    bound: float = knob(SHARE, "1 %", low="0 %", high="50 %")
    """Furthest that mark may stand from spot."""
    lifetime: int = knob(SECONDS, "10 min", low="1 s")
    """From observation to the deadline after which the chain refuses it."""
    tip: float = knob(NUMBER, 0.05, low=0.0)
    """Priority fee, gwei."""
    latency: int = knob(INTEGER, 0, low=0, high=1000)
    """Blocks between observation and arrival in the pool."""


class OracleRelayer(Agent):
    """Compares what is on chain with the outside and sends what is due, one transaction a feed."""

    role = "relayer"
    settings_class: ClassVar[type[RelayerSettings]] = RelayerSettings
    settings: RelayerSettings
    signer: PriceSigner

    def __init__(
        self,
        name: str,
        accounts: NDArray[np.int64],
        settings: RelayerSettings | None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        self.latency = self.settings.latency
        self.tip = int(self.settings.tip * 1e9)
        self.pending: dict[int, int] = {}
        self.updates = 0

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """Updates of all feeds that are due and not already under way."""
        intents: list[Intent] = []
        for feed in view.feeds:
            # A price still in the pool is repeated only when it has grown too old to be of use.
            sent = self.pending.get(feed.feed)
            if sent is not None and view.timestamp - sent < self.settings.lifetime:
                continue
            mark = self._mark(view, feed)
            if self._due(view, feed, mark):
                intents.append(self._update(view, feed, mark))
                self.pending[feed.feed] = view.timestamp
        self.updates += len(intents)
        return intents

    def on_receipt(self, receipt: Receipt, rng: np.random.Generator) -> None:
        """A feed is free again once its update was executed or lost."""
        intent = receipt.intent
        if isinstance(intent, OracleUpdate) and self.pending.get(intent.feed) == intent.timestamp:
            del self.pending[intent.feed]

    def measure(self) -> dict[str, float]:
        """Updates sent."""
        return {"updates": float(self.updates)}

    def _mark(self, view: View, feed: FeedView) -> float:
        if feed.market == 0:
            return feed.reference
        moved = self.settings.blend * (view.markets[feed.market - 1].mid / feed.reference - 1.0)
        bound = self.settings.bound
        book = view.markets[feed.market - 1]
        two_sided = len(book.bid_ticks) and len(book.ask_ticks)
        return feed.reference * (1.0 + (min(max(moved, -bound), bound) if two_sided else 0.0))

    def _due(self, view: View, feed: FeedView, mark: float) -> bool:
        heartbeat = self.settings.heartbeat
        if any(series.feed == feed.feed and self._settles(view, series) for series in view.series):
            heartbeat = min(heartbeat, self.settings.settling)
        if feed.spot == 0.0 or feed.flags or view.timestamp - feed.timestamp >= heartbeat:
            return True
        moved = max(abs(feed.reference / feed.spot - 1.0), abs(mark / feed.mark - 1.0))
        return moved >= self.settings.deviation

    @staticmethod
    def _settles(view: View, series: SeriesView) -> bool:
        """Every minute counts in the settlement price, and one price after expiry is needed to fix it."""
        return not series.settlement and series.expiry - WINDOW <= view.timestamp + view.block_time

    def _update(self, view: View, feed: FeedView, mark: float) -> OracleUpdate:
        spot_nano, mark_nano = to_nano(feed.reference), to_nano(mark)
        deadline = view.timestamp + self.settings.lifetime
        signatures = self.signer.sign(
            feed.feed, spot_nano, mark_nano, FULL_CONFIDENCE, view.timestamp, deadline
        )
        return OracleUpdate(
            account=int(self.accounts[0]),
            feed=feed.feed,
            spot=spot_nano,
            mark=mark_nano,
            confidence=FULL_CONFIDENCE,
            timestamp=view.timestamp,
            deadline=deadline,
            signatures=signatures,
            fees=Fees(tip=self.tip, lifetime=max(1, self.settings.lifetime // view.block_time)),
        )
