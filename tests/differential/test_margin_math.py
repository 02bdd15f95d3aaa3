# SPDX-License-Identifier: Apache-2.0
"""math/margin_math and the engines built on it against their integer twin, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from functools import cache
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from simulation.domain import margin_math as twin
from tests.evm import Contract, Env

BPS = 10_000
SIZE = 2**79 - 1
PRICE = 2**80 - 1
MARKETS = 5
CONTINGENCY = twin.Contingency(4 * 10**7, 4_000, 980_000_000, 12_000)

sizes = st.one_of(st.integers(-SIZE, SIZE), st.integers(-(10**13), 10**13), st.just(0))
orders = st.one_of(st.just(0), st.integers(0, 10**13), st.integers(0, SIZE))
prices = st.one_of(st.integers(1, 10**15), st.integers(1, PRICE))
FULL = 10**8
confidences = st.one_of(st.just(FULL), st.integers(0, FULL))


@st.composite
def risks(draw: st.DrawFn) -> twin.MarketRisk:
    """Parameters that the setter accepts."""
    initial = draw(st.integers(1, BPS))
    highest = min(BPS * BPS // initial, 2**16 - 1)
    first = draw(st.integers(BPS, highest))
    first_bound = draw(st.integers(1, 10**6))
    return twin.MarketRisk(
        initial=initial,
        maintenance=draw(st.integers(1, initial)),
        first_multiplier=first,
        second_multiplier=draw(st.integers(first, highest)),
        first_bound=first_bound * 1_000,
        second_bound=draw(st.integers(first_bound + 1, 2**32 - 1)) * 1_000,
    )


positions = st.builds(
    twin.PositionRisk,
    market=st.integers(1, MARKETS + 1),
    size=sizes,
    mark=prices,
    spot=prices,
    confidence=confidences,
    unrealised=st.integers(-(2**159), 2**159),
    bids=orders,
    asks=orders,
)


@st.composite
def collaterals(draw: st.DrawFn) -> twin.CollateralRisk:
    maintenance = draw(st.integers(0, BPS))
    return twin.CollateralRisk(
        asset=draw(st.integers(1, 8)),
        value=draw(st.one_of(st.integers(0, 10**27), st.integers(0, 2**159))),
        confidence=draw(confidences),
        maintenance_haircut=maintenance,
        initial_haircut=draw(st.integers(maintenance, BPS)),
    )


portfolios = st.builds(
    twin.Portfolio,
    cash=st.integers(-(2**127), 2**127 - 1),
    stable_price=st.one_of(st.just(10**9), st.integers(0, 2 * 10**9)),
    positions=st.lists(positions, max_size=6).map(tuple),
    collaterals=st.lists(collaterals(), max_size=3).map(tuple),
)

RISKS = {
    1: twin.MarketRisk(650, 500, 10_000, 10_000, 1_000, 2_000),
    2: twin.MarketRisk(1_000, 650, 15_000, 20_000, 1_000_000, 5_000_000),
    3: twin.MarketRisk(10_000, 10_000, 10_000, 10_000, 1_000, 4_294_967_295_000),
    4: twin.MarketRisk(1, 1, 65_535, 65_535, 1_000, 2_000),
    5: twin.MarketRisk(2_000, 1, 20_000, 50_000, 50_000, 100_000),
}


@cache
def harness() -> Contract:
    return Env().deploy("MarginMathHarness")


@cache
def engine(name: str = "CrossMargin") -> Contract:
    deployed = Env().deploy(name, astuple(CONTINGENCY))
    deployed.set_markets(list(RISKS), [astuple(risk) for risk in RISKS.values()])
    return deployed


def row(portfolio: twin.Portfolio) -> tuple[Any, ...]:
    """A portfolio in the order of the ABI."""
    return (
        portfolio.cash,
        portfolio.stable_price,
        [astuple(position) for position in portfolio.positions],
        [astuple(collateral) for collateral in portfolio.collaterals],
    )


def expected(portfolio: twin.Portfolio, markets: Mapping[int, twin.MarketRisk] = RISKS) -> tuple[int, ...]:
    return astuple(twin.assess(portfolio, markets, CONTINGENCY))


@given(size=sizes, bids=orders, asks=orders)
def test_worst_size(size: int, bids: int, asks: int) -> None:
    worst = harness().worst_size(size, bids, asks)
    assert worst == twin.worst_size(size, bids, asks)
    assert worst >= abs(size)


@given(
    notional=st.one_of(st.integers(0, 10**27), st.integers(0, 2**162)),
    risk=risks(),
    ratio=st.integers(0, BPS),
)
def test_tiers(notional: int, risk: twin.MarketRisk, ratio: int) -> None:
    entry = harness().pack_risk(
        *astuple(risk)[:4], risk.first_bound // twin.BOUND_UNIT, risk.second_bound // twin.BOUND_UNIT
    )
    assert entry == twin.pack_risk(risk)
    weighted = harness().weighted(notional, entry)
    assert weighted == twin.weighted(notional, risk)
    assert harness().requirement_up(weighted, ratio) == twin.requirement_up(weighted, ratio)


@given(
    notional=st.integers(0, 2**162), confidence=confidences, threshold=confidences, factor=st.integers(0, BPS)
)
def test_confidence_up(notional: int, confidence: int, threshold: int, factor: int) -> None:
    assert harness().confidence_up(notional, confidence, threshold, factor) == twin.confidence_up(
        notional, confidence, threshold, factor
    )


@given(
    notional=st.integers(0, 2**162),
    stable_price=st.integers(0, 2 * 10**9),
    threshold=st.integers(0, 10**9),
    factor=st.integers(0, 5 * BPS),
)
def test_depeg_up(notional: int, stable_price: int, threshold: int, factor: int) -> None:
    assert harness().depeg_up(notional, stable_price, threshold, factor) == twin.depeg_up(
        notional, stable_price, threshold, factor
    )


@given(amount=st.integers(0, 2**199), haircut=st.integers(0, BPS))
@example(amount=1, haircut=1)
def test_haircut_up(amount: int, haircut: int) -> None:
    assert harness().haircut_up(amount, haircut) == twin.haircut_up(amount, haircut)


@given(portfolio=portfolios)
@settings(max_examples=300)
def test_assess(portfolio: twin.Portfolio) -> None:
    assessment = engine().assess(row(portfolio))
    assert tuple(assessment) == expected(portfolio)
    assert assessment.initial_margin >= assessment.maintenance_margin >= 0


@given(portfolio=portfolios)
def test_the_isolated_engine_has_the_same_margin(portfolio: twin.Portfolio) -> None:
    assert tuple(engine("IsolatedMargin").assess(row(portfolio))) == expected(portfolio)


@given(portfolio=portfolios)
def test_explained_terms_are_the_twin_s_and_sum_to_the_assessment(portfolio: twin.Portfolio) -> None:
    terms = [tuple(term) for term in engine().explain(row(portfolio))]
    assert terms == [astuple(term) for term in twin.explain(portfolio, RISKS, CONTINGENCY)]
    sums = tuple(sum(term[place] for term in terms) for place in (2, 3, 4))
    assert sums == tuple(engine().assess(row(portfolio)))[:3]


@given(position=positions, cut=st.integers(0, BPS))
def test_one_account_never_needs_less_than_two_that_share_its_position(
    position: twin.PositionRisk, cut: int
) -> None:
    """Size tiers are convex: a whole position is charged at least what its parts are."""
    part = abs(position.size) * cut // BPS
    assume(part != 0)
    sign = 1 if position.size > 0 else -1
    plain = twin.Portfolio(
        0, 10**9, (twin.PositionRisk(position.market, position.size, position.mark, 1, FULL, 0),)
    )
    pieces = [
        twin.Portfolio(
            0, 10**9, (twin.PositionRisk(position.market, sign * size, position.mark, 1, FULL, 0),)
        )
        for size in (part, abs(position.size) - part)
    ]
    whole = engine().assess(row(plain))
    split = [engine().assess(row(piece)) for piece in pieces]
    # Each requirement is rounded up by itself, which may add a wei to the pieces and never to the whole.
    assert whole.initial_margin >= sum(piece.initial_margin for piece in split) - 1
    assert whole.maintenance_margin >= sum(piece.maintenance_margin for piece in split) - 1
