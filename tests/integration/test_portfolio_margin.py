# SPDX-License-Identifier: Apache-2.0
"""Options under PortfolioMargin on the whole protocol, priced by the real Oracle, Surface and RiskBoard."""

from __future__ import annotations

from dataclasses import astuple
from functools import cache
from typing import Any

import pytest
from eth_account import Account

from simulation.domain import market_math
from simulation.domain.settlement_math import Rules
from tests.boards import PARAMETERS, SCENARIOS, SHOCKS
from tests.evm import Contract, reverts
from tests.protocol import EXCHANGE_AND_LIQUIDATOR, NANO, WAD, World
from tests.surfaces import SurfaceConfig, SurfaceUpdate, surface_digest

PORTFOLIO = 3
"""Id of the first engine that is registered after those of the plan."""
DAY = 86_400
SPOT = 2_000
SERIES = 8
STRIKES = [(1_600 + 100 * k) * NANO for k in range(8)]
CALLDATA = 21_000 + 36 * 16
"""At most what a transaction of a function of one argument costs before it begins."""


class OptionWorld(World):
    """Eight series of eight strikes on ETH, refreshed."""

    def __init__(self) -> None:
        super().__init__(wiring=dict(EXCHANGE_AND_LIQUIDATOR))
        self.prices(ETH=SPOT, BTC=30_000)
        self.surface: Contract = self.env.deploy("Surface", self.oracle.address, astuple(Rules()))
        self.board: Contract = self.env.deploy(
            "RiskBoard", self.oracle.address, self.surface.address, self.instruments.address
        )
        self.instruments.wire(self.surface.address, self.board.address, self.ledger.address)
        self.surface.wire(self.instruments.address)
        self.engine: Contract = self.env.deploy("PortfolioMargin", self.board.address, PARAMETERS.row())
        self.engine.set_market_feed(1, self.feeds["ETH"])
        self.vault.register_engine(self.engine.address)
        self.board.set_grid(list(SCENARIOS), SHOCKS.row())
        for series in range(1, SERIES + 1):
            expiry = self.env.timestamp + 7 * DAY * series
            terms = (self.feeds["ETH"], expiry, 10**6, 1_000, 10**6, 1_000, 10**15, 10**15)
            self.instruments.list_series(terms)
            self.instruments.add_strikes(series, STRIKES)
            self.surface.set_surface(series, SurfaceConfig().row())
            self.push_surface(series, 7 * DAY * series)
            self.board.refresh(series)

    def push_surface(self, series: int, seconds: int) -> None:
        """A signed surface of now, this long before expiry."""
        now = self.env.timestamp
        update = SurfaceUpdate(series=series, reference_tau=seconds, timestamp=now, deadline=now + 60)
        digest = surface_digest(self.surface.address, update)
        signed = [self.keys_in_order()[0].unsafe_sign_hash(digest)]
        self.surface.update(update.row(), [(one.r, one.s | ((one.v - 27) << 255)) for one in signed])

    def keys_in_order(self) -> list[Any]:
        """The signers' keys by ascending address."""
        keys = [Account.from_key(key) for key in self.keys]
        return sorted(keys, key=lambda key: int(key.address, 16))

    def mark(self, market: int) -> int:
        """Nano USD."""
        return int(self.instruments.words([market])[0]) & (2**72 - 1)


@cache
def _deployed() -> tuple[OptionWorld, Any]:
    world = OptionWorld()
    return world, world.env.snapshot()


@pytest.fixture
def world() -> OptionWorld:
    rig, snapshot = _deployed()
    rig.env.revert(snapshot)
    return rig


def options(series: int) -> list[int]:
    """Eight options of each of the first series, calls and puts in turn."""
    return [
        market_math.option(number, k, (k + number) % 2 == 0)
        for number in range(1, series + 1)
        for k in range(8)
    ]


def filled(world: OptionWorld, series: int, cash: float = 1_000_000) -> tuple[int, int]:
    """Two accounts that hold these options against each other, bought and sold in turn."""
    ours = world.account("trader", cash=cash, engine=PORTFOLIO)
    theirs = world.account("maker", cash=cash, engine=PORTFOLIO)
    for place, market in enumerate(options(series)):
        world.match(ours, theirs, market, world.mark(market), (NANO, -2 * NANO, 3 * NANO)[place % 3])
    return ours, theirs


@pytest.mark.parametrize(("series", "limit"), [(1, 200_000), (8, 760_000)])
def test_gas_of_a_margin_check(world: OptionWorld, series: int, limit: int) -> None:
    account, _ = filled(world, series)
    assert world.ledger.view_gas("check_outflow", account) + CALLDATA <= limit


def test_the_engine_is_asked_what_the_ledger_holds(world: OptionWorld) -> None:
    account, other = filled(world, 2)
    found, valid = world.ledger.assess(account)
    view, _ = world.ledger.portfolio(account)
    assert valid and tuple(found) == tuple(world.engine.assess(tuple(view)))
    assert found.equity == 1_000_000 * WAD
    assert 0 < found.maintenance_margin < found.initial_margin
    assert world.ledger.assess(other)[0].equity == found.equity


def test_stale_values_refuse_risk_and_let_it_shrink(world: OptionWorld) -> None:
    account, other = filled(world, 1)
    market = options(1)[0]
    world.env.advance(SHOCKS.max_age + 1)
    world.prices(ETH=SPOT)
    assert not world.ledger.assess(account)[1]
    with reverts("ledger: stale price"):
        world.match(account, other, market, world.mark(market), NANO)
    world.match(account, other, market, world.mark(market), -NANO)
    world.board.refresh(1)
    world.match(account, other, market, world.mark(market), NANO)


def test_a_move_of_spot_past_the_bound_refuses_risk_until_refreshed(world: OptionWorld) -> None:
    account, _ = filled(world, 1)
    world.env.advance(12)
    world.prices(ETH=SPOT * 1.011)
    assert not world.ledger.assess(account)[1]
    world.board.refresh(1)
    assert world.ledger.assess(account)[1]


def test_a_long_option_needs_no_more_than_its_premium(world: OptionWorld) -> None:
    """Bought with all there is: not a cent of margin is missing, whatever the skew scenarios say."""
    market = options(1)[3]
    mark = world.mark(market)
    writer = world.account("maker", cash=100_000, engine=PORTFOLIO)
    buyer = world.account("trader", cash=mark / NANO, engine=PORTFOLIO)
    world.match(buyer, writer, market, mark, NANO)
    found, _ = world.ledger.assess(buyer)
    assert found.equity >= found.initial_margin
    assert found.initial_margin <= mark * NANO
