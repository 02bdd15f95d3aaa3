# SPDX-License-Identifier: Apache-2.0
"""RiskBasedMargin on small portfolios, worked out by hand; ranges; gas. Any portfolio: tests/differential."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from simulation.domain.margin_math import CollateralRisk, Portfolio, PositionRisk
from simulation.domain.risk_model import Greeks, pack_greeks
from tests.evm import Contract, Env, reverts
from tests.risk_models import MODEL, deploy, row
from tests.unit.engines.portfolios import collateral, portfolio, position

NANO, WAD, BPS, FULL = 10**9, 10**18, 10_000, 10**8
DAY = 86_400


@cache
def engine() -> Contract:
    return deploy(Env())[0]


def risk(*held: tuple[int, ...], **changes: Any) -> Any:
    return engine().assess(portfolio(*held, **changes))


def usd(amount: float) -> Any:
    return pytest.approx(amount * WAD, rel=1e-6)


def test_one_position_pays_its_quantile_move() -> None:
    """Three and 2.2 times 2.5 % of 2,000 USD."""
    for sign in (1, -1):
        found = risk(position(sign * NANO))
        assert found.initial_margin == usd(150)
        assert found.maintenance_margin == usd(110)
        assert found.worst_scenario == 0


def test_correlated_positions_hedge_each_other_less_under_stress() -> None:
    """Long and short of the same risk, correlation 0.85; apart by 5 % of the way it counts 0.7575."""
    long, short = position(NANO, market=1), position(-NANO, 1_250 * NANO, market=2)
    found = risk(long, short)
    assert found.initial_margin == usd(150 * (2 - 2 * (0.95 * 0.85 - 0.05)) ** 0.5)
    assert found.worst_scenario == 2
    both = risk(long, position(NANO, 1_250 * NANO, market=2))
    assert both.initial_margin == usd(150 * (2 + 2 * (0.8 * 0.85 + 0.2)) ** 0.5)
    assert both.worst_scenario == 1


def test_instruments_of_one_underlying_net_but_for_the_basis() -> None:
    found = risk(position(NANO, market=1), position(-NANO, market=256))
    assert found.initial_margin == found.maintenance_margin == usd(2_000 * 0.005)


def test_a_straddle_sold_pays_for_its_gamma_and_its_vega() -> None:
    """Deltas 200, gammas 10,000, vegas 460 USD; moves of 7.5 % and 0.12. Two short at 2,000: 3 % at least."""
    found = risk(
        position(-NANO, 100 * NANO, market=257, spot=2_000 * NANO),
        position(-NANO, 90 * NANO, market=258, spot=2_000 * NANO),
    )
    delta, vega, curvature = 200 * 0.075, 460 * 0.12, 10_000 * 0.075**2 / 2
    basis = 900 * 0.005
    # The delta is short, the vega is short, their correlation -0.3; apart moves it to +1 by 5 %.
    cross = max(-0.3, 0.95 * -0.3 + 0.05 * 1)
    var = (delta**2 + vega**2 + 2 * cross * delta * vega) ** 0.5
    assert found.initial_margin == usd(var + max(curvature, 120) + basis)


def test_a_long_gamma_takes_off_what_it_gains() -> None:
    """The same straddle bought: its largest loss comes before the quantile, and its value bounds it."""
    bought = [
        position(NANO, 100 * NANO, market=257, spot=2_000 * NANO),
        position(NANO, 90 * NANO, market=258, spot=2_000 * NANO),
    ]
    delta, gain, vega = 200 * 0.075, 10_000 * 0.075**2, 460 * 0.12
    assert delta < gain
    loss = delta**2 / (2 * gain)
    cross = max(-0.3, 0.95 * -0.3 + 0.05)
    var = (loss**2 + vega**2 + 2 * cross * loss * vega) ** 0.5
    assert risk(*bought).initial_margin == usd(var + 900 * 0.005)
    cheap = [(*one[:2], NANO, *one[3:]) for one in bought]
    assert risk(*cheap).initial_margin == 2 * WAD


def test_what_is_not_known_is_charged_in_full() -> None:
    spot = 2_000 * NANO
    assert risk(position(-NANO, 10 * NANO, market=261, spot=spot)).maintenance_margin == 2_000 * WAD
    assert risk(position(NANO, 10 * NANO, market=261, spot=spot)).maintenance_margin == 10 * WAD
    assert risk(position(-NANO, spot, market=7, bids=3 * NANO)).maintenance_margin == 2_000 * WAD
    assert risk(position(-NANO, spot, market=7, bids=3 * NANO)).initial_margin == 4_000 * WAD
    assert not engine().permits(1, 7, 0)
    assert engine().permits(1, 257, 63) and engine().permits(1, 128, 0)


def test_a_settled_option_has_no_risk() -> None:
    found = risk(position(-NANO, 500 * NANO, market=770, unrealised=-7, bids=5, asks=5, confidence=0))
    assert tuple(found) == (0, 0, -7, 0)


def test_concentration_above_the_bound() -> None:
    """Ten million USD are free; 1 % of what is above."""
    size = 6_000 * NANO
    found = risk(position(size, market=1), position(-size, market=4))
    assert found.maintenance_margin == 12_000_000 * WAD * 50 // BPS + 14_000_000 * WAD // 100


def test_mapped_collateral_hedges_and_pays_no_haircut() -> None:
    coin = collateral(2_000 * WAD, asset=1)
    alone = risk(collaterals=[coin])
    assert alone.initial_margin == usd(150)
    hedged = risk(position(-NANO), collaterals=[coin])
    assert hedged.initial_margin == usd(10)
    other = risk(collaterals=[collateral(2_000 * WAD, asset=2)])
    assert (other.initial_margin, other.maintenance_margin) == (200 * WAD, 100 * WAD)


def test_orders_are_charged_by_the_larger_side() -> None:
    found = risk(position(NANO, bids=2 * NANO, asks=3 * NANO))
    # Three units at 7.5 %, 0.5 % of basis and 1 % of concentration each could add.
    assert found.initial_margin == usd(150 + 3 * 2_000 * (0.075 + 0.005 + 0.01))
    assert found.maintenance_margin == usd(110)


def test_asks_of_an_option_without_sensitivities_keep_the_minimum() -> None:
    """Worth nothing and far out of the money: 3 % of spot for each of two that could be sold."""
    asked, _, source = deploy(Env())
    source.set_greeks([263], [pack_greeks(Greeks(0, 0, 0, 30 * DAY))])
    held = Portfolio(0, NANO, (PositionRisk(263, 0, 0, 2_000 * NANO, FULL, 0, asks=2 * NANO),))
    found = asked.assess(row(held))
    assert found.initial_margin == 2 * 2_000 * WAD * 3 // 100
    assert found.initial_margin == sum(term.initial_margin for term in asked.explain(row(held)))


@pytest.mark.parametrize("market", [0, 511, 65_536, 2**256 - 1])
def test_a_market_that_cannot_exist_is_refused(market: int) -> None:
    for name in ("assess", "explain"):
        with reverts("exposures: market out of range"):
            getattr(engine(), name)(portfolio(position(NANO, market=market)))


@pytest.mark.parametrize(
    "bad",
    [
        portfolio(position(2**80)),
        portfolio(position(-(2**80) - 1)),
        portfolio(position(1, bids=2**256 - 1)),
        portfolio(position(0, 2**80)),
        portfolio(position(0, 1, spot=2**256 - 1)),
        portfolio(position(0, asks=2**81)),
        portfolio(position(0, unrealised=2**199)),
        portfolio(position(0, unrealised=-(2**255))),
        portfolio(cash=2**199),
        portfolio(cash=-(2**255)),
        portfolio(collaterals=[collateral(2**199)]),
        portfolio(collaterals=[collateral(1, initial=10_001)]),
    ],
)
@pytest.mark.parametrize("name", ["assess", "explain"])
def test_portfolios_out_of_range_are_refused(name: str, bad: Any) -> None:
    with reverts("exposures: portfolio out of range"):
        getattr(engine(), name)(bad)


@pytest.mark.parametrize(
    "beyond",
    [position(-(2**79), 2**80 - 1), position(2**79, 2**80 - 1), position(1, market=128, unrealised=2**198)],
)
def test_losses_beyond_all_reason_are_refused(beyond: tuple[int, ...]) -> None:
    with reverts("parametric_risk: loss out of range"):
        engine().assess(portfolio(beyond))


def test_the_largest_portfolio_is_explained_in_full() -> None:
    env = Env()
    count = 16
    underlyings = tuple(replace(MODEL.underlyings[0], feed=i + 1) for i in range(count))
    places = {market: market % count for market in range(1, 33)} | {256: 0}
    model = replace(
        MODEL,
        underlyings=underlyings,
        correlations=(500_000_000,) * (count * (2 * count - 1)),
        places=places,
        mapped={},
    )
    deployed, _, source = deploy(env, model)
    source.set_greeks(list(range(257, 289)), [pack_greeks(Greeks(NANO * NANO, 10**13, 10**11, DAY))] * 32)
    held = [
        PositionRisk(market, (-1) ** market * 10**12, 10**12, 10**12, 1, 1, 10**11, 10**12)
        for market in (*range(1, 33), *range(257, 289))
    ]
    pledged = tuple(CollateralRisk(asset, 10**24 + asset, 1, 500, 1_000) for asset in range(1, 9))
    question = row(Portfolio(-1, NANO // 2, tuple(held), pledged))
    terms = deployed.explain(question)
    assessment = deployed.assess(question)
    assert sum(term.initial_margin for term in terms) == assessment.initial_margin
    assert sum(term.maintenance_margin for term in terms) == assessment.maintenance_margin
    assert sum(term.equity for term in terms) == assessment.equity


@pytest.mark.parametrize(("count", "limit"), [(8, 90_000), (64, 270_000)])
def test_gas_of_the_answer(count: int, limit: int) -> None:
    """Perpetuals with orders on three underlyings."""
    held = [position((-1) ** i * NANO, market=1 + i % 4, bids=NANO, asks=2 * NANO) for i in range(count)]
    question = portfolio(*held, cash=5 * WAD, collaterals=[collateral(1_000 * WAD)])
    assert engine().view_gas("assess", question) <= limit
