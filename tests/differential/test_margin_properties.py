# SPDX-License-Identifier: Apache-2.0
"""What holds of margin under every engine, over linear, inverse and dated markets and collateral.

The twins are asked, which the contracts equal to the wei (the other tests of this folder, INV-10). What is a
matter of one engine alone stands with it: more scenarios never lower a margin, orders however they fill.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.domain import (
    credit_math,
    dynamic_margin,
    option_greeks,
    portfolio_math,
    risk_margin,
    standard_options,
)
from simulation.domain.dynamic_margin import ONE
from simulation.domain.margin_math import Assessment, MarketRisk, Portfolio, PositionRisk, Term
from simulation.domain.market_math import is_call, strike_index
from simulation.domain.risk_model import Model, Quantiles, Underlying
from tests.boards import FULL, NANO, WAD
from tests.differential.test_portfolio_math import (
    ASSETS,
    DATED,
    FEEDS,
    MARKETS,
    SPOTS,
    STRIKES,
    board_inputs,
    feed_of,
    mark_of,
    portfolios,
    setting,
    twin_boards,
)
from tests.evm import GENESIS_TIME
from tests.risk_models import CONTINGENCY

BPS = 10_000
FLAT = MarketRisk(1_000, 500, BPS, BPS, 1_000_000, 2_000_000)
"""No size tier applies, whatever the size."""
OPTION = standard_options.OptionRisk(1_500, 1_000, 750, 750, 750, 10_500, 12_000, 11_000, 4 * 10**7, 4_000)
STANDARD = standard_options.Parameters(
    dict.fromkeys(MARKETS, FLAT), CONTINGENCY, dict.fromkeys(SPOTS, OPTION), dict.fromkeys(SPOTS, FLAT)
)
UNDERLYINGS = tuple(Underlying(feed, 40_000_000, 80_000_000, 50, 500, 0, 0) for feed in SPOTS)
"""Nothing is concentrated."""
MODEL = Model(
    UNDERLYINGS,
    (800_000_000, -300_000_000, -300_000_000, -300_000_000, -300_000_000, 600_000_000),
    Quantiles(30_000, 22_000, 2_000, 500),
    CONTINGENCY,
    {market: feed - 1 for market, feed in MARKETS.items()}
    | {256 * series: feed - 1 for series, feed in FEEDS.items()},
    {asset: feed - 1 for asset, feed in ASSETS.items()},
)
SCALES = {1: ONE * 17 // 10, 2: ONE * 6 // 10}
"""By feed."""
SHARE, MULTIPLE = 5_000, 20_000
LINE = 400 * WAD
Terms = tuple[Term, ...]


def _boards() -> dict[int, standard_options.Board]:
    found = {}
    for series in FEEDS:
        inputs = board_inputs(series)
        strikes = tuple(STRIKES[series])
        found[series] = standard_options.Board(inputs.feed, inputs.fixed, inputs.variable, strikes)
    return found


def standard(portfolio: Portfolio, size: int) -> tuple[Assessment, Terms]:
    found = standard_options.assess(portfolio, _boards(), STANDARD)
    return found, standard_options.explain(portfolio, _boards(), STANDARD)


def scenarios(portfolio: Portfolio, size: int) -> tuple[Assessment, Terms]:
    return portfolio_math.assess(portfolio, setting()), portfolio_math.explain(portfolio, setting())[0]


def risk_based(portfolio: Portfolio, size: int) -> tuple[Assessment, Terms]:
    greeks = {}
    for market in (one.market for one in portfolio.positions if one.market > 255 and one.market % 256):
        series, place, call = market >> 8, strike_index(market), is_call(market)
        inputs, board = board_inputs(series), twin_boards()[series]
        found = option_greeks.greeks(inputs, board, place, call, GENESIS_TIME)
        if found is not None:
            greeks[market] = found
    return risk_margin.assess(portfolio, MODEL, greeks), risk_margin.explain(portfolio, MODEL, greeks)


def dynamic(portfolio: Portfolio, size: int) -> tuple[Assessment, Terms]:
    markets = {market: SCALES[feed] for market, feed in MARKETS.items()}
    markets |= {256 * series: SCALES[feed] for series, feed in FEEDS.items()}
    assets = {asset: SCALES[feed] for asset, feed in ASSETS.items()}
    rules = (portfolio, _boards(), STANDARD, markets, assets)
    return dynamic_margin.assess(*rules), dynamic_margin.explain(*rules)


def credit(portfolio: Portfolio, size: int) -> tuple[Assessment, Terms]:
    """With a line of a size that goes with the portfolio's."""
    base, terms = standard(portfolio, size)
    found = credit_math.assess(base, credit_math.Line(LINE * size), SHARE, MULTIPLE)
    return found, tuple(credit_math.explain(list(terms), base, found))


Engine = Callable[[Portfolio, int], tuple[Assessment, Terms]]
ENGINES: dict[str, Engine] = {
    "cross and isolated": standard,
    "portfolio": scenarios,
    "risk-based": risk_based,
    "dynamic": dynamic,
    "credit": credit,
}
FIGURES = ("initial_margin", "maintenance_margin", "equity")
every_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=list(ENGINES))


@every_engine
@given(portfolio=portfolios())
def test_terms_sum_to_the_assessment(engine: Engine, portfolio: Portfolio) -> None:
    found, terms = engine(portfolio, 1)
    for figure in FIGURES:
        assert sum(getattr(term, figure) for term in terms) == getattr(found, figure)
    assert found.initial_margin >= found.maintenance_margin >= 0


@every_engine
@given(portfolio=portfolios(), data=st.data())
def test_the_order_of_positions_and_collaterals_does_not_matter(
    engine: Engine, portfolio: Portfolio, data: st.DataObject
) -> None:
    positions = tuple(data.draw(st.permutations(portfolio.positions)))
    collaterals = tuple(data.draw(st.permutations(portfolio.collaterals)))
    shuffled = replace(portfolio, positions=positions, collaterals=collaterals)
    ours, theirs = engine(portfolio, 1)[0], engine(shuffled, 1)[0]
    assert all(getattr(ours, figure) == getattr(theirs, figure) for figure in FIGURES)


@every_engine
@settings(max_examples=150)
@given(portfolio=portfolios(), times=st.integers(2, 9))
def test_margin_is_homogeneous_where_no_size_tier_applies(
    engine: Engine, portfolio: Portfolio, times: int
) -> None:
    """Of degree one: everything `times` as large, a line too."""
    positions = tuple(
        replace(
            one,
            size=one.size * times,
            unrealised=one.unrealised * times,
            bids=one.bids * times,
            asks=one.asks * times,
        )
        for one in portfolio.positions
    )
    collaterals = tuple(replace(one, value=one.value * times) for one in portfolio.collaterals)
    larger = Portfolio(portfolio.cash * times, portfolio.stable_price, positions, collaterals)
    ours, theirs = engine(portfolio, 1)[0], engine(larger, times)[0]
    assert theirs.equity == times * ours.equity
    # Each term is rounded by itself; base of coin is floored: a nano of it at the highest strike.
    slack = times * 100 + times * 10 * 40_000 * NANO
    for figure in ("initial_margin", "maintenance_margin"):
        one, many = getattr(ours, figure), getattr(theirs, figure)
        # What a long gamma takes off is squared once.
        assert abs(many - times * one) <= slack + times * one // 10**12, figure


@every_engine
@given(
    market=st.sampled_from([1, 2, *(market for market in DATED if market % 256 == 0)]),
    size=st.integers(-(10**12), 10**12),
)
def test_initial_margin_covers_the_loss_it_is_made_for(engine: Engine, market: int, size: int) -> None:
    """Of one linear position: the ratio, the worst scenario or the quantile; with a line, both together."""
    held = PositionRisk(market, size, mark_of(market), SPOTS[feed_of(market)], FULL, 0)
    # Equity as large as the requirement, so that a line may stand for its share.
    portfolio = Portfolio(abs(size) * mark_of(market), NANO, (held,))
    found = engine(portfolio, 1)[0].initial_margin
    notional, scale = abs(size) * held.mark, SCALES[feed_of(market)]
    if engine is risk_based:
        underlying = UNDERLYINGS[feed_of(market) - 1]
        loss = notional * underlying.volatility * MODEL.quantiles.initial // (NANO * BPS)
    elif engine is scenarios:
        shocks = [one.spot_shock for one in setting().scenarios if one is not None and one.damping == WAD]
        worst, best = min(shocks), max(shocks)
        loss = notional * (WAD - worst if size > 0 else best - WAD) // WAD
    else:
        loss = notional * FLAT.initial // BPS
        loss = min(loss * scale // ONE, notional) if engine is dynamic else loss
    paid = min(LINE, loss * SHARE // BPS) if engine is credit else 0
    assert found + paid >= loss
    assert engine is not credit or found <= loss + 1
