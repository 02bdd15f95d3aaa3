# SPDX-License-Identifier: Apache-2.0
"""RiskBasedMargin against its integer twin, exactly, on any portfolio; and what its margin promises."""

from __future__ import annotations

import random
from dataclasses import astuple, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.domain import risk_margin as twin
from simulation.domain.margin_math import CollateralRisk, Portfolio, PositionRisk
from simulation.domain.risk_model import Model, Quantiles, Underlying, is_positive_definite
from tests.evm import Contract, Env, Reverted
from tests.risk_models import ADMITTED, GREEKS, MODEL, deploy, install, row, with_stress

BPS, NANO, WAD = 10_000, 10**9, 10**18
FULL = 10**8
MARKETS = (1, 2, 3, 4, 7, 128, 129, 256, 512, 1024, *GREEKS, 261)
OPTIONS = tuple(GREEKS)
LINEAR = (1, 2, 3, 4, 256, 512)

sizes = st.one_of(st.integers(-(10**13), 10**13), st.integers(-(10**16), 10**16), st.just(0))
prices = st.one_of(st.integers(10**11, 10**14), st.integers(1, 10**15))
orders = st.one_of(st.just(0), st.just(0), st.integers(0, 10**13))


def positions(
    markets: tuple[int, ...] = MARKETS, sizes: st.SearchStrategy[int] = sizes
) -> st.SearchStrategy[PositionRisk]:
    return st.builds(
        PositionRisk,
        market=st.sampled_from(markets),
        size=sizes,
        mark=prices,
        spot=prices,
        confidence=st.one_of(st.just(FULL), st.integers(0, FULL)),
        unrealised=st.integers(-(10**25), 10**25),
        bids=orders,
        asks=orders,
    )


collaterals = st.builds(
    CollateralRisk,
    asset=st.integers(1, 8),
    value=st.one_of(st.integers(0, 10**25), st.integers(0, 10**10)),
    confidence=st.one_of(st.just(FULL), st.integers(0, FULL)),
    maintenance_haircut=st.integers(0, 3_000),
    initial_haircut=st.integers(3_000, BPS),
)
portfolios = st.builds(
    Portfolio,
    cash=st.integers(-(2**127), 2**127 - 1),
    stable_price=st.one_of(st.just(NANO), st.integers(0, 2 * NANO)),
    positions=st.lists(positions(), max_size=8).map(tuple),
    collaterals=st.lists(collaterals, max_size=3).map(tuple),
)


def linear(*held: PositionRisk) -> Portfolio:
    return Portfolio(0, NANO, held)


@cache
def deployed() -> tuple[Contract, Contract]:
    engine, parameters, _ = deploy(Env())
    return engine, parameters


@given(portfolio=portfolios)
@settings(max_examples=300)
def test_assess(portfolio: Portfolio) -> None:
    assessment = deployed()[0].assess(row(portfolio))
    assert tuple(assessment) == astuple(twin.assess(portfolio, MODEL, GREEKS))
    assert assessment.initial_margin >= assessment.maintenance_margin >= 0


@given(portfolio=portfolios)
def test_explained_terms_are_the_twin_s_and_sum_to_the_assessment(portfolio: Portfolio) -> None:
    engine = deployed()[0]
    terms = [tuple(term) for term in engine.explain(row(portfolio))]
    assert terms == [astuple(term) for term in twin.explain(portfolio, MODEL, GREEKS)]
    sums = tuple(sum(term[place] for term in terms) for place in (2, 3, 4))
    assert sums == tuple(engine.assess(row(portfolio)))[:3]


@given(portfolio=portfolios, seed=st.integers(0, 2**32))
def test_the_order_of_positions_does_not_matter(portfolio: Portfolio, seed: int) -> None:
    shuffled = list(portfolio.positions)
    random.Random(seed).shuffle(shuffled)
    other = replace(portfolio, positions=tuple(shuffled), collaterals=tuple(reversed(portfolio.collaterals)))
    engine = deployed()[0]
    assert engine.assess(row(other)) == engine.assess(row(portfolio))


def random_model(draw: st.DrawFn, count: int) -> Model:
    """Correlations from random loadings, rounded to the nearest 1e-9, close to singular as often as not."""
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    rank = draw(st.integers(1, 2 * count))
    loadings = generator.normal(size=(2 * count, rank))
    loadings /= np.linalg.norm(loadings, axis=1, keepdims=True)
    matrix = loadings @ loadings.T
    lower = tuple(
        int(min(max(round(matrix[i, j] * NANO), -NANO), NANO)) for i in range(2 * count) for j in range(i)
    )
    underlyings = tuple(
        Underlying(
            feed=i + 1,
            volatility=draw(st.integers(1, 200_000_000)),
            vol_volatility=draw(st.integers(0, 10**9)),
            basis=draw(st.integers(0, 1_000)),
            short_option=draw(st.integers(0, BPS)),
            concentration_ratio=draw(st.integers(0, 1_000)),
            concentration_bound=draw(st.integers(0, 10**6)) * 1_000,
        )
        for i in range(count)
    )
    quantiles = Quantiles(
        40_000, draw(st.integers(1, 40_000)), draw(st.integers(0, BPS)), draw(st.integers(0, BPS))
    )
    places = {market: place % count for market, place in ADMITTED.items()}
    return Model(underlyings, lower, quantiles, MODEL.contingency, places, {1: 0, 3: count - 1})


@given(data=st.data(), portfolio=portfolios, count=st.sampled_from([1, 2, 3, 5, 16]))
@settings(max_examples=25)
def test_any_model(data: st.DataObject, portfolio: Portfolio, count: int) -> None:
    model = random_model(data.draw, count)
    engine, _, _ = deploy(Env(), model)
    assert tuple(engine.assess(row(portfolio))) == astuple(twin.assess(portfolio, model, GREEKS))
    terms = [tuple(term) for term in engine.explain(row(portfolio))]
    assert terms == [astuple(term) for term in twin.explain(portfolio, model, GREEKS)]


def symmetric(lower: tuple[int, ...], size: int) -> np.ndarray:
    matrix = np.eye(size)
    at = 0
    for i in range(size):
        for j in range(i):
            matrix[i, j] = matrix[j, i] = lower[at] / NANO
            at += 1
    return matrix


@pytest.mark.parametrize("count", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("side", [-1, 1])
def test_matrices_at_the_boundary(count: int, side: int) -> None:
    """Least eigenvalues a little above and below -1e-7, by numpy: the line is where it is said to be."""
    generator = np.random.default_rng(7 * count + side)
    size = 2 * count
    tested = 0
    for _ in range(40):
        loadings = generator.normal(size=(size, max(1, size // 2)))
        loadings /= np.linalg.norm(loadings, axis=1, keepdims=True)
        noise = generator.normal(size=(size, size))
        noise = (noise + noise.T) / 2
        np.fill_diagonal(noise, 0)
        base = loadings @ loadings.T
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            if np.linalg.eigvalsh(base + middle * noise)[0] < -1e-7 * (1 - side * 0.2):
                high = middle
            else:
                low = middle
        matrix = base + low * noise
        lower = tuple(round(float(matrix[i, j]) * NANO) for i in range(size) for j in range(i))
        if any(abs(entry) > NANO for entry in lower):
            continue
        least = np.linalg.eigvalsh(symmetric(lower, size))[0]
        expected = bool(least > -1e-7)
        if abs(least + 1e-7) < 1e-12:
            continue
        assert is_positive_definite(lower, size) is expected
        if tested < (2 if count < 16 else 1):
            assert accepts(lower, count) is expected
        tested += 1
    assert tested >= 10


@given(data=st.data(), size=st.sampled_from([2, 4, 6]))
def test_any_matrix_is_judged_as_numpy_does(data: st.DataObject, size: int) -> None:
    entries = st.one_of(st.integers(-NANO, NANO), st.sampled_from([-NANO, NANO, 0]))
    lower = tuple(
        data.draw(st.lists(entries, min_size=size * (size - 1) // 2, max_size=size * (size - 1) // 2))
    )
    least = np.linalg.eigvalsh(symmetric(lower, size))[0]
    if abs(least + 1e-7) > 1e-12:
        expected = bool(least > -1e-7)
        assert is_positive_definite(lower, size) is expected
        assert accepts(lower, size // 2) is expected


def accepts(lower: tuple[int, ...], count: int) -> bool:
    underlyings = tuple(Underlying(i + 1, 10**7, 0, 0, 0, 0, 0) for i in range(count))
    parameters = fresh()
    with parameters.env.anchor():
        try:
            install(parameters, replace(MODEL, underlyings=underlyings, correlations=lower, mapped={}))
        except Reverted as error:
            assert error.reason == "risk_model: matrix not positive semi-definite"
            return False
        return True


@cache
def fresh() -> Contract:
    env = Env()
    return env.deploy("RiskModel", env.deploy("MockRiskSource"), astuple(MODEL.contingency))


held_linear = st.lists(positions(LINEAR), max_size=5).map(
    lambda held: tuple(replace(one, bids=0, asks=0, confidence=FULL) for one in held)
)


def price_risk(model: Model, held: tuple[PositionRisk, ...]) -> int:
    """The VaR part of initial margin."""
    terms = twin.explain(linear(*held), model, GREEKS)
    return sum(term.initial_margin for term in terms if term.label in ("price", "volatility"))


@given(first=held_linear, second=held_linear)
def test_value_at_risk_is_subadditive(
    first: tuple[PositionRisk, ...], second: tuple[PositionRisk, ...]
) -> None:
    """Two accounts need at least what one with everything needs, to the roundings of four factors."""
    together = price_risk(MODEL, first + second)
    assert together <= price_risk(MODEL, first) + price_risk(MODEL, second) + 8


@given(held=st.lists(positions(), max_size=6).map(tuple), factor=st.integers(2, 50))
def test_margin_is_homogeneous_where_nothing_is_concentrated(
    held: tuple[PositionRisk, ...], factor: int
) -> None:
    flat = tuple(replace(one, concentration_ratio=0) for one in MODEL.underlyings)
    model = replace(MODEL, underlyings=flat)
    scaled = tuple(
        replace(
            one,
            size=one.size * factor,
            unrealised=one.unrealised * factor,
            bids=one.bids * factor,
            asks=one.asks * factor,
        )
        for one in held
    )
    small = twin.assess(linear(*held), model, GREEKS)
    large = twin.assess(linear(*scaled), model, GREEKS)
    assert large.equity == factor * small.equity
    for one, many in (
        (small.initial_margin, large.initial_margin),
        (small.maintenance_margin, large.maintenance_margin),
    ):
        # Each rounding up of the smaller is worth up to `factor` wei; a relief is squared once.
        slack = 60 * factor + one * factor // 10**12
        assert -slack <= many - factor * one <= 60


@given(held=st.lists(positions(), max_size=6).map(tuple), data=st.data())
def test_margin_rises_with_the_stress_of_correlations(
    held: tuple[PositionRisk, ...], data: st.DataObject
) -> None:
    portfolio = linear(*held)
    low, high = sorted((data.draw(st.integers(0, BPS)), data.draw(st.integers(0, BPS))))
    other = data.draw(st.integers(0, BPS))
    for mild, harsh in (
        (with_stress(low, other), with_stress(high, other)),
        (with_stress(other, low), with_stress(other, high)),
    ):
        before, after = (twin.assess(portfolio, model, GREEKS) for model in (mild, harsh))
        assert after.maintenance_margin >= before.maintenance_margin
        assert after.initial_margin >= before.initial_margin


@given(held=held_linear, extra=st.integers(0, 30_000_000))
def test_one_position_needs_more_in_a_wilder_market(held: tuple[PositionRisk, ...], extra: int) -> None:
    wilder = tuple(replace(one, volatility=one.volatility + extra) for one in MODEL.underlyings)
    for one in held:
        calm = twin.assess(linear(one), MODEL, GREEKS)
        wild = twin.assess(linear(one), replace(MODEL, underlyings=wilder), GREEKS)
        assert wild.initial_margin >= calm.initial_margin
        assert wild.maintenance_margin >= calm.maintenance_margin


@given(held=st.lists(positions(OPTIONS, st.integers(0, 10**13)), max_size=6).map(tuple))
def test_long_options_never_need_more_than_their_value(held: tuple[PositionRisk, ...]) -> None:
    held = tuple(replace(one, bids=0, asks=0) for one in held)
    value = sum(one.size * one.mark for one in held)
    assessment = deployed()[0].assess(row(Portfolio(0, NANO // 2, held)))
    assert assessment.maintenance_margin <= assessment.initial_margin <= value


@given(size=st.integers(1, 10**13), mark=prices, spot=prices)
def test_a_short_option_far_out_of_the_money_is_not_free(size: int, mark: int, spot: int) -> None:
    held = PositionRisk(260, -size, mark, spot, FULL, 0)
    assessment = deployed()[0].assess(row(linear(held)))
    assert assessment.initial_margin >= size * spot * MODEL.underlyings[0].short_option // BPS
    assert assessment.maintenance_margin > 0


@given(portfolio=portfolios, added=collaterals)
def test_no_deposit_makes_an_account_worse(portfolio: Portfolio, added: CollateralRisk) -> None:
    more = replace(portfolio, collaterals=(*portfolio.collaterals, added))
    before, after = (twin.assess(one, MODEL, GREEKS) for one in (portfolio, more))
    rounding = 12
    assert after.equity - after.initial_margin >= before.equity - before.initial_margin - rounding
    assert after.equity - after.maintenance_margin >= before.equity - before.maintenance_margin - rounding


@given(portfolio=portfolios, data=st.data())
def test_no_fill_needs_more_than_the_orders_were_charged(portfolio: Portfolio, data: st.DataObject) -> None:
    """Any part of any orders fills at mark: margin after it is at most the margin with the orders resting."""
    held = tuple(one for one in portfolio.positions if one.market not in (128, 129))
    filled = tuple(
        replace(one, size=one.size + data.draw(st.integers(-one.asks, one.bids)), bids=0, asks=0)
        for one in held
    )
    model = replace(MODEL, contingency=replace(MODEL.contingency, confidence_threshold=0, depeg_threshold=0))
    known = tuple(one for one in zip(held, filled, strict=True) if one[0].market not in (7, 261, 1024))
    before = twin.assess(replace(portfolio, positions=tuple(one for one, _ in known)), model, GREEKS)
    after = twin.assess(replace(portfolio, positions=tuple(one for _, one in known)), model, GREEKS)
    bought = sum(max(new.size - max(old.size, 0), 0) * new.mark for old, new in known if old.market in GREEKS)
    assert after.initial_margin <= before.initial_margin + bought + 60


def test_a_short_inverse_perpetual_on_its_own_coin_is_hedged() -> None:
    """A thousand contracts short at 2,000 against half a coin: the value in USD does not move."""
    contracts, mark = 1_000 * NANO, 2_000 * NANO
    short = PositionRisk(128, -contracts, mark, mark, FULL, 0)
    coin = CollateralRisk(1, 1_000 * WAD, FULL, 1_000, 2_000)
    hedged = twin.assess(Portfolio(0, NANO, (short,), (coin,)), MODEL, GREEKS)
    alone = twin.assess(Portfolio(0, NANO, (short,)), MODEL, GREEKS)
    assert hedged.initial_margin == 1_000 * WAD * 50 // BPS
    assert alone.initial_margin > 7 * hedged.initial_margin
    assert tuple(deployed()[0].assess(row(Portfolio(0, NANO, (short,), (coin,))))) == astuple(hedged)
