# SPDX-License-Identifier: Apache-2.0
"""The whole protocol with one series: real Ledger, Exchange and Instruments; prices from a mock, no margin.

Series 1 on ETH's feed, strikes from 1,000 USD in steps of 100, expiring thirty days ahead. The Exchange and
the Liquidator of the Ledger are the roles of EXCHANGE_AND_LIQUIDATOR unless it is told otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.protocol import EXCHANGE_AND_LIQUIDATOR, NANO, World

__all__ = ["FUTURE", "LIFE", "STRIKES", "DatedWorld", "fresh_dated_world"]

LIFE = 30 * 86_400
STRIKES = [(1_000 + 100 * place) * NANO for place in range(32)]
FUTURE = 256
TICK, LOT = 10**6, 1_000
FREE_ENGINE = 3
"""Engine id of MockEngine."""


class DatedWorld(World):
    """A deployed protocol whose series 1 is priced by the test."""

    def __init__(self, wiring: Mapping[str, tuple[str, ...]] | None = None) -> None:
        super().__init__(wiring=wiring)
        self.prices(ETH=2_000, BTC=30_000)
        self.pricing = self.env.deploy("MockPricing")
        self.vault.register_engine(self.env.deploy("MockEngine").address)
        priced = self.pricing.address
        self.instruments.wire(priced, priced, self.ledger.address)
        self.expiry = self.env.timestamp + LIFE
        terms = (self.feeds["ETH"], self.expiry, TICK, LOT, TICK, LOT, 10**15, 10**15)
        self.pricing.set_expiry(self.expiry)
        self.instruments.list_series(terms)
        self.instruments.add_strikes(1, STRIKES)
        self.mark({FUTURE: 2_000 * NANO})

    def mark(self, marks: Mapping[int, int]) -> None:
        """Prices of the future and of options, nano USD, valid until the series is settled."""
        if FUTURE in marks:
            self.pricing.set_forward(1, marks[FUTURE], 10**8, True)
        options = {market: mark for market, mark in marks.items() if market != FUTURE}
        shared = (2_000 * NANO) << 72 | 10**8 << 144 | (2**40 - 1) << 172 | 10_000 << 212
        shared |= self.feeds["ETH"] << 228
        self.pricing.set_marks(list(options), [mark | shared for mark in options.values()])

    def member(self, role: str, cash: float = 1_000_000) -> int:
        """An account under the engine that asks for nothing."""
        return self.account(role, cash=cash, engine=FREE_ENGINE)

    def expire(self, settlement: int = 0) -> None:
        """To the second of expiry with fresh prices; settled at a price in nano USD if one is given."""
        self.env.advance(self.expiry - self.env.timestamp)
        self.prices(ETH=2_000, BTC=30_000)
        self.pricing.set_settlement(1, settlement)

    def order(
        self, role: str, account: int, market: int, is_bid: bool, price: int, size: int, options: int = 0
    ) -> Any:
        """An order in nano USD and nano base; the receipt."""
        sender = self.env.address(role)
        return self.exchange.place(
            account, market, is_bid, price // TICK, size // LOT, options, 0, 16, sender=sender
        )

    def equity(self, account: int) -> int:
        """Cash and everything unrealised, wad."""
        view, _ = self.ledger.portfolio(account)
        return int(view.cash) + sum(int(risk.unrealised) for risk in view.positions)


@cache
def _deployed(wiring: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[DatedWorld, Any]:
    world = DatedWorld(dict(wiring))
    return world, world.env.snapshot()


def fresh_dated_world(by_hand: bool = True) -> DatedWorld:
    """Rewound to its deployment; `by_hand`: roles stand for the Exchange and the Liquidator."""
    world, snapshot = _deployed(EXCHANGE_AND_LIQUIDATOR if by_hand else ())
    world.env.revert(snapshot)
    return world
