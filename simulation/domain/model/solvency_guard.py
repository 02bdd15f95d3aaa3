# SPDX-License-Identifier: Apache-2.0
"""The SolvencyGuard: records by account, totals as their sum. May import domain modules only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulation.domain import solvency_math
from simulation.domain.margin_math import Portfolio
from simulation.domain.market_math import series
from simulation.domain.model.fund import Fund
from simulation.domain.orders import Refused
from simulation.domain.risk_model import Greeks
from simulation.domain.solvency_math import Measure

__all__ = ["OBSERVE", "PRICE", "REFUSE", "SolvencyGuard", "Watched"]

OBSERVE, PRICE, REFUSE = 1, 2, 4
NANO = 10**9
NOTHING = Measure({}, 0)


@dataclass(frozen=True, slots=True)
class Watched:
    """An underlying: stress and share, bps."""

    stress: int
    share: int


@dataclass(slots=True)
class SolvencyGuard:
    """Nano USD throughout; a charge is wad."""

    fund: Fund
    scale: int
    """Wad for a unit of the cash token."""
    watched: dict[int, Watched]
    """By feed."""
    markets: dict[int, int]
    """Feed of a perpetual, by market, and of a series, by 256 times its number."""
    assets: dict[int, int]
    """Feed of a collateral."""
    mode: int = OBSERVE
    rate: int = 0
    greeks: Mapping[int, Greeks | None] = field(default_factory=dict)
    records: dict[int, Measure] = field(default_factory=dict)
    """By account."""

    def measure(self, portfolio: Portfolio) -> Measure:
        found = solvency_math.sides(portfolio, self._feed, self.assets.get, self.greeks)
        stresses = {feed: watched.stress for feed, watched in self.watched.items()}
        return solvency_math.contributions(found, stresses, solvency_math.capital(portfolio))

    def total(self, feed: int) -> tuple[int, int]:
        """Long and short of all records."""
        pairs = [record.sides.get(feed, (0, 0)) for record in self.records.values()]
        return sum(long for long, _ in pairs), sum(short for _, short in pairs)

    @property
    def owed(self) -> int:
        return sum(record.owed for record in self.records.values())

    def buffer(self, feed: int) -> int:
        assets = self.fund.assets * self.scale // NANO
        return solvency_math.buffer_down(assets, self.owed, self.watched[feed].share)

    def record(self, account: int, now: Measure) -> None:
        """What is recorded of an account from here on."""
        self.records[account] = now

    def judge(self, account: int, before: Measure, after: Measure) -> int:
        """Records `after` and returns the charge for what it adds to `before`. Raises Refused."""
        self.records[account] = after
        past = 0
        for feed, pair in after.sides.items():
            stress, buffer = self.watched[feed].stress, self.buffer(feed)
            earlier = before.sides.get(feed, (0, 0))
            beyond = []
            for now, then, total in zip(pair, earlier, self.total(feed), strict=True):
                added = solvency_math.stressed_up(max(now - then, 0), stress)
                beyond.append(min(added, max(solvency_math.stressed_up(total, stress) - buffer, 0)))
            past += max(beyond)
        if past and self.mode == REFUSE:
            raise Refused("solvency_guard: past the buffer")
        return solvency_math.charge_up(past, self.rate) if self.mode == PRICE else 0

    def outflow(self, account: int, portfolio: Portfolio, valid: bool) -> int:
        """After money has left: compared with the record. Raises Refused."""
        if not valid:
            return 0
        return self.judge(account, self.records.get(account, NOTHING), self.measure(portfolio))

    def _feed(self, market: int) -> int | None:
        return self.markets.get(series(market) * 256 or market)
