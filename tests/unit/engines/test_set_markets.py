# SPDX-License-Identifier: Apache-2.0
"""set_markets of both engines: the owner alone, within bounds, all or none; market_risk shows the result."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.domain.margin_math import MarketRisk
from tests.differential.test_margin_math import risks
from tests.evm import Contract, Env, reverts
from tests.unit.engines.portfolios import RISK

WIDEST = (1_525, 1, 65_535, 65_535, 4_294_967_294_000, 4_294_967_295_000)


def test_a_market_gets_its_parameters_with_its_event(engine: Contract) -> None:
    receipt = engine.set_markets([255, 2], [WIDEST, RISK])
    assert tuple(engine.market_risk(255)) == WIDEST
    events = receipt.named("MarketRiskSet")
    assert [(event["market"], tuple(event["risk"])) for event in events] == [(255, WIDEST), (2, RISK)]
    assert engine.permits(1, 255, 0)


def test_the_other_entries_stay(engine: Contract) -> None:
    before = [engine.market_risk(market) for market in (3, 5, 64)], engine.contingency()
    engine.set_markets([4], [WIDEST])
    assert ([engine.market_risk(market) for market in (3, 5, 64)], engine.contingency()) == before
    assert tuple(engine.market_risk(4)) == WIDEST
    assert tuple(engine.market_risk(65)) == (0,) * 6


def test_the_last_of_two_values_for_one_market_holds(engine: Contract) -> None:
    engine.set_markets([9, 9], [RISK, WIDEST])
    assert tuple(engine.market_risk(9)) == WIDEST


def test_the_table_is_new_and_cannot_be_called(engine: Contract, env: Env) -> None:
    before = engine.table()
    engine.set_markets([4], [WIDEST])
    assert engine.table() != before
    receipt = env.send(engine.table(), b"\x12\x34\x56\x78")
    assert (receipt.value, receipt.events) == (b"", ())


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.dictionaries(st.integers(1, 255), risks(), min_size=1, max_size=8))
def test_any_valid_table_comes_back(engine: Contract, env: Env, table: dict[int, MarketRisk]) -> None:
    rows = [tuple(getattr(risk, name) for name in MarketRisk.__slots__) for risk in table.values()]
    with env.anchor():
        engine.set_markets(list(table), rows)
        assert [tuple(engine.market_risk(market)) for market in table] == rows


@pytest.mark.parametrize("role", ["attacker", "guardian"])
def test_only_the_owner(engine: Contract, env: Env, role: str) -> None:
    before = engine.table()
    with reverts("ownable: caller is not the owner"):
        engine.set_markets([1], [WIDEST], sender=env.address(role))
    assert engine.table() == before


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (0, 10_001, "tiered_margin: ratio out of range"),
        (0, 499, "tiered_margin: ratio out of range"),
        (1, 0, "tiered_margin: ratio out of range"),
        (1, 651, "tiered_margin: ratio out of range"),
        (2, 9_999, "tiered_margin: multiplier out of range"),
        (2, 20_001, "tiered_margin: multiplier out of range"),
        (3, 14_999, "tiered_margin: multiplier out of range"),
        (3, 65_536, "tiered_margin: multiplier out of range"),
        (4, 0, "tiered_margin: bound out of range"),
        (4, 1_000_001, "tiered_margin: bound out of range"),
        (4, 5_000_000, "tiered_margin: bound out of range"),
        (5, 5_000_500, "tiered_margin: bound out of range"),
        (5, 4_294_967_296_000, "tiered_margin: bound out of range"),
        (5, 2**256 - 1, "tiered_margin: bound out of range"),
    ],
)
def test_parameters_out_of_range_are_refused(engine: Contract, place: int, value: int, reason: str) -> None:
    before = engine.table()
    bad = tuple(value if i == place else kept for i, kept in enumerate(RISK))
    with reverts(reason):
        engine.set_markets([1, 2], [WIDEST, bad])
    assert engine.table() == before
    assert tuple(engine.market_risk(1)) == RISK


def test_a_ratio_that_a_multiplier_lifts_above_one_is_refused(engine: Contract) -> None:
    with reverts("tiered_margin: multiplier out of range"):
        engine.set_markets([1], [(5_001, 500, 15_000, 20_000, 1_000, 2_000)])
    assert tuple(engine.market_risk(1)) == RISK


@pytest.mark.parametrize("market", [0, 256, 2**256 - 1])
def test_markets_out_of_range_are_refused(engine: Contract, market: int) -> None:
    before = engine.table()
    with reverts("tiered_margin: market out of range"):
        engine.set_markets([market], [RISK])
    assert engine.table() == before


def test_lists_of_different_length_are_refused(engine: Contract) -> None:
    before = engine.table()
    with reverts("tiered_margin: length mismatch"):
        engine.set_markets([1, 2], [RISK])
    assert engine.table() == before


def test_a_market_that_cannot_exist_has_no_parameters(engine: Contract) -> None:
    with reverts("tiered_margin: market out of range"):
        engine.market_risk(256)
