# SPDX-License-Identifier: Apache-2.0
"""DynamicMargin: rules, admission, refresh by anyone, ranges, gas. Scales over time: tests/differential."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, replace
from functools import cache
from typing import Any

import pytest

from simulation.domain.dynamic_margin import ONE, ScaleRules
from simulation.domain.oracle_math import Tick, pack_tick
from tests.evm import Contract, Env, reverts
from tests.unit.engines.portfolios import CONTINGENCY, RISK, collateral, portfolio, position

NANO, WAD = 10**9, 10**18
RULES = ScaleRules(3_600_000, 5_000, 40_000, 500, 100, 2_500)
"""Ratios for a volatility of 60 %; half to four times of them, 5 % an hour up and 1 % down, 25 % held."""


@cache
def _deployed() -> tuple[Contract, Contract]:
    env = Env()
    standard = env.deploy("CrossMargin", CONTINGENCY)
    standard.set_markets(list(range(1, 65)), [RISK] * 64)
    source = env.deploy("MockRiskSource")
    engine = env.deploy("DynamicMargin", standard, source, source)
    for market in range(1, 66):
        source.set_feed(market, 1 + market % 8)
    source.set_feed(128, 1)
    source.set_feed(1_025, 2)
    source.set_feed(70, 99)
    for feed in range(1, 9):
        source.set_tick(feed, pack_tick(Tick(spot=NANO, mark=NANO, variance=3_600_000)))
        engine.set_scale_rules(feed, astuple(RULES))
    engine.admit_markets(list(range(1, 65)))
    return engine, source


@pytest.fixture
def source() -> Contract:
    return _deployed()[1]


@pytest.fixture
def engine(source: Contract) -> Iterator[Contract]:
    contract = _deployed()[0]
    with contract.env.anchor():
        yield contract


def test_the_rules_come_back_and_a_scale_starts_at_one_and_the_buffer(engine: Contract) -> None:
    [event] = engine.set_scale_rules(50, astuple(RULES)).named("ScaleRulesSet")
    assert (
        (event["feed"], tuple(event["rules"])) == (50, astuple(RULES)) == (50, tuple(engine.scale_rules(50)))
    )
    assert engine.scale(50) == ONE * 5 // 4 == engine.target(1)
    assert engine.scale(51) == 0
    assert tuple(engine.scale_rules(51)) == (0,) * 6
    capped = replace(RULES, cap=11_000)
    engine.set_scale_rules(52, astuple(capped))
    assert engine.scale(52) == ONE * 11 // 10


def test_new_rules_move_a_scale_within_the_limit_only(engine: Contract) -> None:
    tight = replace(RULES, floor=10_000, cap=10_000, rise=1, fall=7)
    engine.set_scale_rules(1, astuple(tight))
    assert (engine.scale(1), engine.target(1)) == (ONE * 5 // 4, ONE)
    engine.env.advance(100)
    assert engine.scale(1) == ONE * 5 // 4 - 700


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(0.25, 0.5), (0.5, 0.625), (1.0, 1.25), (1.2, 1.25), (1.25, 1.25), (2.0, 2.0), (5.0, 4.0)],
)
def test_the_buffer_is_used_up_before_margin_rises(
    engine: Contract, source: Contract, ratio: float, expected: float
) -> None:
    """Volatility over the reference, and where the scale goes: floor, with buffer, buffer, itself, cap."""
    source.set_tick(1, pack_tick(Tick(spot=NANO, mark=NANO, variance=round(3_600_000 * ratio**2))))
    assert engine.target(1) == pytest.approx(ONE * expected, abs=2)


def test_a_feed_without_a_price_keeps_its_scale(engine: Contract, source: Contract) -> None:
    source.set_tick(1, pack_tick(Tick(variance=2**32 - 1)))
    engine.env.advance(10_000)
    assert engine.scale(1) == engine.target(1) == ONE * 5 // 4


def test_anyone_refreshes(engine: Contract, source: Contract) -> None:
    source.set_tick(2, pack_tick(Tick(spot=NANO, mark=NANO, variance=4 * 3_600_000)))
    engine.env.advance(60)
    before = engine.scale(2)
    receipt = engine.refresh([2, 1, 2], sender=engine.env.address("stranger"))
    found = [(event["feed"], event["scale"], event["target"]) for event in receipt.named("ScaleRefreshed")]
    assert found == [(2, before, 2 * ONE), (1, ONE * 5 // 4, ONE * 5 // 4), (2, before, 2 * ONE)]
    assert before == ONE * 5 // 4 + 60 * 500


def test_markets_and_collaterals_have_the_feeds_they_were_given(engine: Contract) -> None:
    [event] = engine.admit_markets([1_025]).named("MarketAdmitted")
    assert (event["market"], event["feed"]) == (1_025, 2)
    assert [engine.market_feed(market) for market in (0, 1, 8, 65, 1_025, 1_024, 2**16)] == [
        0,
        2,
        1,
        0,
        2,
        2,
        0,
    ]
    assert engine.permits(1, 64, 0)
    # Not admitted here; admitted here but without parameters in CrossMargin.
    assert not engine.permits(1, 65, 0)
    engine.admit_markets([65])
    assert not engine.permits(1, 65, 0)
    engine.map_collaterals([31, 2], [8, 1])
    [event] = engine.map_collaterals([2], [0]).named("CollateralMapped")
    assert (event["asset"], event["feed"]) == (2, 0)
    assert [engine.mapped_feed(asset) for asset in (31, 2, 1)] == [8, 0, 0]


def test_a_haircut_is_scaled_and_never_above_the_value(engine: Contract, source: Contract) -> None:
    engine.map_collaterals([1, 2], [1, 1])
    found = engine.assess(portfolio(collaterals=[collateral(1_000 * WAD, asset=1), collateral(WAD, asset=3)]))
    assert (found.initial_margin, found.maintenance_margin) == (
        125 * WAD + WAD // 10,
        625 * WAD // 10 + WAD // 20,
    )
    much = engine.assess(portfolio(collaterals=[collateral(WAD, asset=2, initial=9_000, confidence=0)]))
    assert much.initial_margin == WAD


def test_margin_is_never_above_the_notional(engine: Contract, source: Contract) -> None:
    source.set_tick(2, pack_tick(Tick(spot=NANO, mark=NANO, variance=2**32 - 1)))
    for _ in range(600):
        engine.env.advance(600)
        engine.refresh([2])
    assert engine.scale(2) == 4 * ONE
    small = engine.assess(portfolio(position(NANO, market=1)))
    assert small.initial_margin == 4 * 2_000 * WAD * RISK[0] // 10_000
    size = 10**8 * NANO
    large = engine.assess(portfolio(position(size, market=1)))
    charged = (size * 2_000 * NANO - 5_000_000 * WAD) * 2 + 1_000_000 * WAD + 4_000_000 * WAD * 3 // 2
    assert large.initial_margin == 4 * charged * RISK[0] // 10_000 < size * 2_000 * NANO


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"reference_variance": 0}, "reference"),
        ({"reference_variance": 2**32}, "reference"),
        ({"floor": 999}, "bound"),
        ({"floor": 10_001}, "bound"),
        ({"cap": 9_999}, "bound"),
        ({"cap": 100_001}, "bound"),
        ({"rise": 0}, "speed"),
        ({"rise": 100_001}, "speed"),
        ({"fall": 0}, "speed"),
        ({"fall": 2**256 - 1}, "speed"),
        ({"buffer": 10_001}, "buffer"),
    ],
)
def test_rules_out_of_range(engine: Contract, changes: dict[str, int], reason: str) -> None:
    with reverts(f"dynamic_scale: {reason} out of range"):
        engine.set_scale_rules(1, astuple(replace(RULES, **changes)))


@pytest.mark.parametrize(
    ("function", "args", "reason"),
    [
        ("set_scale_rules", (0, astuple(RULES)), "feed out of range"),
        ("set_scale_rules", (256, astuple(RULES)), "feed out of range"),
        ("refresh", ([256],), "feed out of range"),
        ("refresh", ([99],), "unknown feed"),
        ("scale", (256,), "feed out of range"),
        ("scale_rules", (256,), "feed out of range"),
        ("target", (99,), "unknown feed"),
        ("target", (256,), "unknown feed"),
        ("admit_markets", ([0],), "market out of range"),
        ("admit_markets", ([2**16],), "market out of range"),
        ("admit_markets", ([70],), "unknown feed"),
        ("admit_markets", ([71],), "unknown feed"),
        ("map_collaterals", ([32], [1]), "asset out of range"),
        ("map_collaterals", ([1], [99]), "unknown feed"),
        ("map_collaterals", ([1], [2**200]), "unknown feed"),
        ("map_collaterals", ([1], []), "length mismatch"),
        ("mapped_feed", (32,), "asset out of range"),
    ],
)
def test_arguments_out_of_range(engine: Contract, function: str, args: tuple[Any, ...], reason: str) -> None:
    with reverts(f"dynamic_scale: {reason}"):
        getattr(engine, function)(*args)


@pytest.mark.parametrize("role", ["attacker", "guardian"])
@pytest.mark.parametrize(
    ("function", "args"),
    [("set_scale_rules", (1, astuple(RULES))), ("admit_markets", ([1],)), ("map_collaterals", ([1], [1]))],
)
def test_only_the_owner(engine: Contract, role: str, function: str, args: tuple[Any, ...]) -> None:
    with reverts("ownable: caller is not the owner"):
        getattr(engine, function)(*args, sender=engine.env.address(role))


@pytest.mark.parametrize(
    "bad",
    [
        portfolio(position(2**80)),
        portfolio(position(-(2**255))),
        portfolio(position(1, bids=2**256 - 1)),
        portfolio(position(0, 2**80)),
        portfolio(position(0, 1, spot=2**80)),
        portfolio(position(0, unrealised=2**199)),
        portfolio(cash=-(2**255)),
        portfolio(collaterals=[collateral(2**199)]),
        portfolio(collaterals=[collateral(1, initial=10_001)]),
    ],
)
@pytest.mark.parametrize("name", ["assess", "explain"])
def test_portfolios_out_of_range_are_refused(engine: Contract, name: str, bad: Any) -> None:
    with reverts("dynamic_margin: portfolio out of range"):
        getattr(engine, name)(bad)


@pytest.mark.parametrize("name", ["assess", "explain"])
def test_no_market_is_refused(engine: Contract, name: str) -> None:
    with reverts("dynamic_margin: market out of range"):
        getattr(engine, name)(portfolio(position(NANO, market=0)))


def test_the_largest_portfolio_does_not_overflow(engine: Contract) -> None:
    largest = position(
        -(2**79), 2**80 - 1, confidence=0, unrealised=-(2**198), bids=2**80 - 1, asks=2**80 - 1
    )
    held = [collateral(2**198, confidence=0)] * 8
    found = engine.assess(portfolio(*[largest] * 64, cash=-(2**127), stable=0, collaterals=held))
    charged = 2**79 * (2**80 - 1) * 20_000 - 5_000 * (1_000_000 + 5_000_000) * WAD
    each = -(-charged * RISK[1] * 5 // (4 * 10**8))
    assert found.maintenance_margin == 64 * each + 8 * -(-(2**198) // 20)


@pytest.mark.parametrize(("count", "limit"), [(8, 110_000), (64, 285_000)])
def test_gas_of_the_answer(engine: Contract, count: int, limit: int) -> None:
    """Perpetuals with orders over eight feeds."""
    held = [
        position((-1) ** market * NANO, market=market, unrealised=-WAD, bids=NANO, asks=2 * NANO)
        for market in range(1, count + 1)
    ]
    question = portfolio(*held, cash=5 * WAD, collaterals=[collateral(1_000 * WAD)])
    assert engine.view_gas("assess", question) <= limit
