# SPDX-License-Identifier: Apache-2.0
"""Receipt gas of options: margin checks, trades, settlement, and what keeps their prices on chain.

The account of a row holds its options bought and sold in turn, spread evenly over the expiries, with real
Exchange, Surface and RiskBoard; each measurement is one transaction on cold storage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from simulation.domain.market_math import option
from tests.backends import CHAIN_ID
from tests.boards import PARAMETERS
from tests.evm import Receipt
from tests.option_world import LOT, TICK, OptionWorld
from tests.prices import sign
from tests.protocol import CROSS, IMMEDIATE, NANO
from tests.surfaces import SurfaceUpdate, surface_digest

__all__ = ["OPTION_ROWS", "measure_options"]

DAY = 86_400
SPOT = 2_000
EXPIRIES = 8
HELD_STRIKES = 32
"""Strikes of the series that an account holds options of."""
NEAREST = 16
"""Place of the lowest of eight strikes around the money."""
WINDOW = 1_800
LISTED = {9: 1, 10: 8, 11: 64}
"""Strikes by number of the series whose boards are refreshed."""


class OptionBench:
    """A rich maker, eight series of 32 strikes and three of 1, 8 and 64, all priced."""

    def __init__(self) -> None:
        self.world = world = OptionWorld(by_hand=False)
        world.prices(ETH=SPOT, BTC=30_000)
        engine = world.env.deploy("PortfolioMargin", world.board.address, PARAMETERS.row())
        self.portfolio_margin = int(world.vault.register_engine(engine.address).value)
        strikes = [(1_000 + 50 * place) * NANO for place in range(HELD_STRIKES)]
        for place in range(EXPIRIES):
            world.list_series("ETH", (7 + 7 * place) * DAY, strikes)
        for count in LISTED.values():
            world.list_series("ETH", 30 * DAY, [(1_000 + 30 * place) * NANO for place in range(count)])
        for series in range(1, EXPIRIES + len(LISTED) + 1):
            world.refresh(series)
        self.maker = world.account("maker", cash=10**8)

    def order(self, role: str, account: int, market: int, is_bid: bool, options: int = 0) -> Receipt:
        """One unit at mark."""
        mark = self.world.marks([market])[market]
        return self.world.exchange.place(
            account, market, is_bid, mark // TICK + 1, NANO // LOT, options, 0, 16,
            sender=self.world.env.address(role),
        )  # fmt: skip

    def holder(self, engine: int, count: int, expiries: int) -> tuple[int, list[int]]:
        """An account under an engine, and its options."""
        account = self.world.account("trader", cash=10**6, engine=engine)
        each = count // expiries
        if expiries == 1 and count == 2 * HELD_STRIKES:
            markets = list(range(257, 257 + count))
        else:
            markets = [
                option(1 + n // each, NEAREST + n % each, (n + n // each) % 2 == 0) for n in range(count)
            ]
        for place, market in enumerate(markets):
            self.order("maker", self.maker, market, place % 2 == 1)
            self.order("trader", account, market, place % 2 == 0, IMMEDIATE)
        return account, markets

    def check(self, engine: int, count: int, expiries: int) -> Receipt:
        account, _ = self.holder(engine, count, expiries)
        ledger = self.world.ledger
        return self.world.env.send(ledger.address, ledger.encode("check_outflow", account))

    def trade(self, count: int, expiries: int) -> Receipt:
        account, markets = self.holder(self.portfolio_margin, count, expiries)
        maker = self.world.account("house", cash=10**6)
        self.order("house", maker, markets[0], False)
        return self.order("trader", account, markets[0], True, IMMEDIATE)

    def settle(self, count: int) -> Receipt:
        account, _ = self.holder(self.portfolio_margin, count, 1)
        self.finalised()
        return self.world.ledger.settle_expired(account, 1, sender=self.world.env.address("anyone"))

    def until_expiry(self, short_of: int = 0) -> Receipt | None:
        """Recorded each minute through the window, short of so many seconds."""
        world, last = self.world, None
        left = int(world.instruments.series(1).expiry) - world.env.timestamp
        world.env.advance(left - WINDOW - 60)
        for _ in range((WINDOW + 120 - short_of) // 60):
            world.advance(60, ETH=SPOT)
            last = world.surface.accumulate([1])
        return last

    def finalised(self) -> Receipt:
        self.until_expiry()
        return self.world.surface.finalise(1, sender=self.world.env.address("anyone"))

    def accumulated(self) -> Receipt:
        found = self.until_expiry(short_of=600)
        assert found is not None
        return found

    def refresh(self, series: int) -> Receipt:
        """With a new price, so that all is valued anew."""
        self.world.advance(12, ETH=SPOT + 1)
        return self.world.board.refresh(series, sender=self.world.env.address("anyone"))

    def updates(self, count: int) -> tuple[list[tuple[Any, ...]], list[list[Any]]]:
        self.world.advance(12, ETH=SPOT)
        now = self.world.env.timestamp
        made = [SurfaceUpdate(series=n, timestamp=now, deadline=now + 60) for n in range(1, count + 1)]
        digests = [surface_digest(self.world.surface.address, one, CHAIN_ID) for one in made]
        return [one.row() for one in made], [sign(digest, "signer") for digest in digests]

    def update(self) -> Receipt:
        rows, signatures = self.updates(1)
        return self.world.surface.update(rows[0], signatures[0], sender=self.world.env.address("relayer"))

    def update_many(self) -> Receipt:
        rows, signatures = self.updates(EXPIRIES)
        return self.world.surface.update_many(rows, signatures, sender=self.world.env.address("relayer"))

    def forward(self) -> Receipt:
        surface = self.world.surface
        return self.world.env.send(surface.address, surface.encode("forward", 1))


Row = Callable[[OptionBench], Receipt]
OPTION_ROWS: Mapping[str, Row] = {
    "Ledger.check_outflow, portfolio margin, 64 options, 8 expiries": lambda b: b.check(
        b.portfolio_margin, 64, 8
    ),
    "Ledger.check_outflow, portfolio margin, 8 options, 1 expiry": lambda b: b.check(
        b.portfolio_margin, 8, 1
    ),
    "Ledger.check_outflow, standard rules, 64 options, 8 expiries": lambda b: b.check(CROSS, 64, 8),
    "Ledger.settle_expired, 64 options, 1 expiry": lambda b: b.settle(64),
    "Exchange.place trade, portfolio margin, taker with 64 options, 8 expiries": lambda b: b.trade(64, 8),
    "RiskBoard.refresh, 1 strike": lambda b: b.refresh(9),
    "RiskBoard.refresh, 8 strikes": lambda b: b.refresh(10),
    "RiskBoard.refresh, 64 strikes": lambda b: b.refresh(11),
    "Surface.update": OptionBench.update,
    "Surface.update_many of 8": OptionBench.update_many,
    "Surface.accumulate": OptionBench.accumulated,
    "Surface.finalise": OptionBench.finalised,
    "Surface.forward": OptionBench.forward,
}


@cache
def _bench() -> OptionBench:
    return OptionBench()


def measure_options() -> dict[str, int]:
    """Receipt gas by row, each from the same snapshot."""
    bench, found = _bench(), {}
    for name, row in OPTION_ROWS.items():
        snapshot = bench.world.env.snapshot()
        found[name] = row(bench).gas_used
        bench.world.env.revert(snapshot)
    return found
