# SPDX-License-Identifier: Apache-2.0
"""A registry with one perpetual and one series on feed 1 at 1,500 USD, priced by a mock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from simulation.domain.market_math import option
from tests.evm import Contract, Env
from tests.markets import deploy_instruments
from tests.prices import push

__all__ = ["EXPIRY", "LIFE", "SPOT", "STRIKES", "TERMS", "Desk", "fresh_desk", "mark_word", "terms"]

NANO = 10**9
SPOT = 1_500 * NANO
LIFE = 30 * 86_400
STRIKES = [1_000 * NANO, 1_500 * NANO, 2_000 * NANO, 2**72 - 1]
EXPIRY = 1_700_000_000 + LIFE
TERMS = {
    "feed": 1,
    "expiry": EXPIRY,
    "future_tick_size": NANO // 10,
    "future_lot_size": NANO // 1_000,
    "option_tick_size": NANO // 100,
    "option_lot_size": NANO // 100,
    "future_max_open_interest": 10**6 * NANO,
    "option_max_open_interest": 10**5 * NANO,
}


def terms(**changes: int) -> tuple[int, ...]:
    """IInstruments.SeriesTerms: TERMS as changed."""
    return tuple((TERMS | changes).values())


def mark_word(mark: int, spot: int, confidence: int, fresh_until: int, move: int) -> int:
    """A mark word as IRiskBoard has it, of feed 1 and before expiry."""
    return mark | spot << 72 | confidence << 144 | fresh_until << 172 | move << 212 | 1 << 228


@dataclass(frozen=True, slots=True)
class Desk:
    """Series 1 with four strikes, nothing priced; `pricing` is Surface, RiskBoard and Ledger in one."""

    env: Env
    oracle: Contract
    instruments: Contract
    pricing: Contract

    def price(self, forward: int, marks: dict[int, int] | None = None, series: int = 1) -> None:
        """A forward in full confidence, and option marks (by market) fresh for an hour within 5 % of spot."""
        self.pricing.set_forward(series, forward, 10**8, True)
        marks = marks or {}
        words = [mark_word(mark, SPOT, 10**8, self.env.timestamp + 3_600, 500) for mark in marks.values()]
        self.pricing.set_marks(list(marks), words)

    def expire(self, settlement: int = 0) -> None:
        """To the second of expiry, with a fresh price; settled at a price if one is given."""
        self.env.advance(EXPIRY - self.env.timestamp)
        push(self.oracle, 1, SPOT)
        self.pricing.set_settlement(1, settlement)


@cache
def _deployed() -> Desk:
    env = Env()
    oracle, instruments = deploy_instruments(env, markets=1)
    pricing = env.deploy("MockPricing")
    instruments.wire(pricing.address, pricing.address, pricing.address)
    pricing.set_expiry(EXPIRY)
    instruments.list_series(terms())
    instruments.add_strikes(1, STRIKES)
    push(oracle, 1, SPOT)
    return Desk(env, oracle, instruments, pricing)


def fresh_desk() -> Desk:
    """The desk as deployed; its tests roll it back with `env.anchor()`."""
    return _deployed()


CALLS = [option(1, place, True) for place in range(len(STRIKES))]
PUTS = [option(1, place, False) for place in range(len(STRIKES))]
