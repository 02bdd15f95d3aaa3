# SPDX-License-Identifier: Apache-2.0
"""RiskBasedMargin over OptionGreeks over a RiskBoard: from prices to the margin of the twin."""

from __future__ import annotations

from dataclasses import astuple, replace
from functools import cache

from simulation.domain import market_math, option_greeks, risk_margin
from simulation.domain.margin_math import Portfolio, PositionRisk
from simulation.domain.risk_model import Greeks
from tests.differential.test_option_greeks import OPTIONS, of, series_of
from tests.differential.test_portfolio_math import FEEDS, NANO, SPOTS, mark_of, rig, twin_boards
from tests.evm import GENESIS_TIME, Contract
from tests.risk_models import MODEL, install, row

FULL = 10**8
PLACES = {1: 0, 2: 1} | {market_math.future(series): feed - 1 for series, feed in FEEDS.items()}
UNDERLYINGS = tuple(replace(one, feed=feed) for feed, one in enumerate(MODEL.underlyings[:2], 1))
MODEL_OF_BOARDS = replace(
    MODEL,
    underlyings=UNDERLYINGS,
    correlations=(850_000_000, -300_000_000, -250_000_000, -250_000_000, -300_000_000, 700_000_000),
    places=PLACES,
    mapped={},
)


@cache
def engine() -> Contract:
    env = rig().env
    source = env.deploy("MockRiskSource")
    for market, place in PLACES.items():
        source.set_feed(market, place + 1)
    parameters = env.deploy("RiskModel", source, astuple(MODEL.contingency))
    install(parameters, MODEL_OF_BOARDS)
    parameters.admit_markets(list(PLACES))
    return env.deploy("RiskBasedMargin", parameters, env.deploy("OptionGreeks", rig().board))


@cache
def greeks() -> dict[int, Greeks]:
    found = {}
    for market in OPTIONS:
        number, place, call = of(market)
        one = option_greeks.greeks(series_of(number), twin_boards()[number], place, call, GENESIS_TIME)
        assert one is not None
        found[market] = one
    return found


def held(market: int, size: int) -> PositionRisk:
    feed = PLACES[market] + 1 if market < 256 else FEEDS[market_math.series(market)]
    mark = SPOTS[feed] if market < 256 else mark_of(market)
    return PositionRisk(market, size, mark, SPOTS[feed], FULL, 0)


def answer(*positions: PositionRisk) -> tuple[int, ...]:
    portfolio = Portfolio(0, NANO, positions)
    found = tuple(engine().assess(row(portfolio)))
    assert found == astuple(risk_margin.assess(portfolio, MODEL_OF_BOARDS, greeks()))
    return found


def test_every_option_at_once() -> None:
    answer(*(held(market, (-1) ** place * NANO * (1 + place)) for place, market in enumerate(OPTIONS)))


def test_a_short_call_hedged_with_its_delta_keeps_its_curvature_and_basis_only() -> None:
    """The call of 2,000 in 30 weeks, and the perpetual against it."""
    call = market_math.option(3, 1, True)
    short = held(call, -NANO)
    naked = answer(short)
    hedge = greeks()[call].delta * NANO // SPOTS[1]
    hedged = answer(short, held(1, hedge))
    assert hedged[0] < naked[0]
    terms = risk_margin.explain(Portfolio(0, NANO, (short, held(1, hedge))), MODEL_OF_BOARDS, greeks())
    price = sum(term.initial_margin for term in terms if term.label == "price")
    curvature = sum(term.initial_margin for term in terms if term.label == "curvature")
    assert price < curvature // 1_000
    assert curvature >= 2_000 * 10**18 * UNDERLYINGS[0].short_option // 10_000


def test_a_long_strangle_needs_no_more_than_its_value() -> None:
    legs = [held(market_math.option(1, 3, True), NANO), held(market_math.option(1, 1, False), NANO)]
    initial, maintenance, *_ = answer(*legs)
    assert maintenance <= initial <= sum(one.size * one.mark for one in legs)
