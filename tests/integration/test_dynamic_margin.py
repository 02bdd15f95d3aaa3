# SPDX-License-Identifier: Apache-2.0
"""DynamicMargin in the plan: the third engine, and what the Ledger makes of it as volatility rises."""

from __future__ import annotations

from dataclasses import replace

from simulation.config.scenario import DynamicSpec
from simulation.domain.dynamic_margin import HOUR, ONE
from tests.evm import reverts
from tests.protocol import BUY, World, default_protocol

DYNAMIC = 3


def world() -> World:
    return World(replace(default_protocol(), dynamic=DynamicSpec()))


def test_margin_is_that_of_cross_and_the_buffer_to_begin_with() -> None:
    deployed = world()
    deployed.prices(ETH=2_000, BTC=30_000)
    accounts = [deployed.account("trader", cash=10_000, engine=engine) for engine in (1, DYNAMIC)]
    maker = deployed.account("maker", cash=1_000_000)
    for account in accounts:
        deployed.deposit("trader", account, 1, 10**18)
        deployed.trade(account, maker, 1, 2_000, 5)
    cross, dynamic = (deployed.ledger.assess(account)[0] for account in accounts)
    assert dynamic.initial_margin * 4 == cross.initial_margin * 5
    assert dynamic.maintenance_margin * 4 == cross.maintenance_margin * 5
    assert dynamic.equity == cross.equity
    deployed.check()


def test_a_jump_of_volatility_raises_margin_by_the_limit_and_stops_new_risk_first() -> None:
    """A move of a fifth within a minute: at once ten minutes' worth, then 5 % of the ratios an hour."""
    deployed = world()
    engine = deployed.contracts["DynamicMargin"]
    deployed.prices(ETH=2_000, BTC=30_000)
    account = deployed.account("trader", cash=3_000, engine=DYNAMIC)
    maker = deployed.account("maker", cash=1_000_000)
    deployed.trade(account, maker, 1, 2_000, 5)
    before = engine.scale(1)
    assert before == ONE * 5 // 4
    for price in (2_400, 2_000, 2_400, 2_000):
        deployed.advance(60, ETH=price, BTC=30_000)
    assert engine.target(1) > 2 * ONE
    assert before < engine.scale(1) <= before + 600 * 500
    held = deployed.ledger.assess(account)[0]
    assert held.equity > held.maintenance_margin
    scale = engine.scale(1)
    for _ in range(36):
        engine.refresh([1], sender=deployed.env.address("stranger"))
        deployed.advance(100, ETH=2_000, BTC=30_000)
    moved = engine.scale(1) - scale
    assert 0 < moved <= 500 * HOUR + 500 * 100
    with reverts():
        deployed.place("trader", account, 1, BUY, 1_900, 1_000)
    deployed.check()
