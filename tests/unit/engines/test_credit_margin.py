# SPDX-License-Identifier: Apache-2.0
"""CreditMargin against its integer twin on random portfolios, and what holds of it at any parameters."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.domain import credit_math
from simulation.domain.margin_math import Assessment, Term
from tests.evm import Contract, Env, reverts
from tests.unit.engines.portfolios import CONTINGENCY, NANO, RISK, WAD, collateral, portfolio, position

LINE = 9
SHARE, MULTIPLE = 5_000, 20_000


@cache
def _deployed() -> tuple[Contract, Contract]:
    env = Env()
    base = env.deploy("CrossMargin", CONTINGENCY)
    base.set_markets([1, 2, 3], [RISK] * 3)
    return base, env.deploy("CreditMargin", base, SHARE, MULTIPLE)


@pytest.fixture
def base() -> Contract:
    return _deployed()[0]


@pytest.fixture
def engine() -> Any:
    contract = _deployed()[1]
    with contract.env.anchor():
        yield contract


def line(value: int, haircut: int = 0) -> tuple[int, ...]:
    return (LINE, value, 10**8, 0, haircut)


positions = st.builds(
    position,
    st.integers(-(10**13), 10**13),
    st.integers(1, 10**14),
    market=st.integers(1, 3),
    confidence=st.integers(0, 10**8),
    unrealised=st.integers(-(10**24), 10**24),
    bids=st.integers(0, 10**12),
    asks=st.integers(0, 10**12),
)
held = st.lists(st.builds(collateral, st.integers(0, 10**24), asset=st.integers(1, 7)), max_size=3)
amounts = st.integers(0, 10**24) | st.integers(2**128 - 3, 2**128 - 1)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cash=st.integers(-(10**24), 10**24),
    rows=st.lists(positions, max_size=4),
    collaterals=held,
    value=amounts,
    haircut=st.integers(0, 10_000),
    share=st.integers(0, 8_000),
    multiple=st.integers(0, 100_000),
)
def test_the_twin(
    base: Contract,
    engine: Contract,
    cash: int,
    rows: list[Any],
    collaterals: list[Any],
    value: int,
    haircut: int,
    share: int,
    multiple: int,
) -> None:
    engine.set_credit(share, multiple)
    bare = portfolio(*rows, cash=cash, collaterals=collaterals)
    whole = portfolio(*rows, cash=cash, collaterals=[*collaterals, line(value, haircut)])
    plain = Assessment(*base.assess(bare))
    expected = credit_math.assess(plain, credit_math.Line(value, haircut), share, multiple)
    assert Assessment(*engine.assess(whole)) == expected
    assert Assessment(*engine.assess(bare)) == plain
    assert plain.initial_margin >= expected.initial_margin >= expected.maintenance_margin
    assert engine.credit(whole) == (
        plain.initial_margin - expected.initial_margin,
        plain.maintenance_margin - expected.maintenance_margin,
    )
    cap = credit_math.cap_down(plain.initial_margin, plain.equity, share, multiple)
    assert engine.measure(whole) == (plain.equity, plain.initial_margin, cap) == engine.measure(bare)
    terms = [Term(*term) for term in engine.explain(whole)]
    assert terms == credit_math.explain([Term(*term) for term in base.explain(bare)], plain, expected)
    assert sum(term.initial_margin for term in terms) == expected.initial_margin
    assert sum(term.maintenance_margin for term in terms) == expected.maintenance_margin
    assert sum(term.equity for term in terms) == expected.equity


def test_more_credit_never_asks_for_more(engine: Contract) -> None:
    """Both requirements fall with the line, and stop at the share of what the base engine asks for."""
    last = None
    for value in (0, 1, 10**18, 50 * WAD, 65 * WAD, 10**24):
        found = engine.assess(portfolio(position(NANO), cash=200 * WAD, collaterals=[line(value)]))
        if last is not None:
            assert found.initial_margin <= last.initial_margin
            assert found.maintenance_margin <= last.maintenance_margin
        last = found
    assert last is not None
    assert (last.initial_margin, last.maintenance_margin) == (65 * WAD, 50 * WAD)


def test_without_equity_no_credit_for_new_risk(engine: Contract) -> None:
    for cash in (0, -1, -(10**20)):
        found = engine.assess(portfolio(position(NANO), cash=cash, collaterals=[line(1_000 * WAD)]))
        assert (found.initial_margin, found.maintenance_margin) == (130 * WAD, 50 * WAD)


def test_a_line_elsewhere_or_out_of_range_is_refused(engine: Contract) -> None:
    held = [line(WAD), collateral(WAD)]
    for function in (engine.assess, engine.explain, engine.measure):
        with reverts("credit_margin: line must come last"):
            function(portfolio(position(NANO), collaterals=held))
    for bad in (line(2**128), line(WAD, 10_001)):
        with reverts("credit_margin: out of bound"):
            engine.assess(portfolio(position(NANO), collaterals=[bad]))


def test_what_may_be_listed_is_what_the_base_permits(base: Contract, engine: Contract) -> None:
    for market, listed in ((1, 0), (3, 63), (4, 0), (300, 1)):
        assert engine.permits(1, market, listed) == base.permits(1, market, listed)
    assert engine.base() == base.address


def test_without_a_desk_no_line(engine: Contract) -> None:
    assert tuple(engine.line(1)) == (LINE, 0, 10**8, 0, 0)


def test_set_credit(engine: Contract) -> None:
    receipt = engine.set_credit(8_000, 100_000)
    assert receipt.named("CreditSet") == [{"share": 8_000, "multiple": 100_000}]
    assert (engine.share(), engine.multiple()) == (8_000, 100_000)
    for bad in ((8_001, 0), (0, 100_001)):
        with reverts("credit_margin: out of bound"):
            engine.set_credit(*bad)
        with reverts("credit_margin: out of bound"):
            engine.env.deploy("CreditMargin", engine.base(), *bad)
    with reverts("ownable: caller is not the owner"):
        engine.set_credit(1, 1, sender=engine.env.address("attacker"))
    with reverts("credit_margin: zero address"):
        engine.wire("0x" + "00" * 20)
