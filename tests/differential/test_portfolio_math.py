# SPDX-License-Identifier: Apache-2.0
"""RiskBoard and PortfolioMargin against their twins, to the wei, and what always holds of margins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from functools import cache
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulation.domain import market_math, portfolio_math, risk_board, svi
from simulation.domain.margin_math import Assessment, CollateralRisk, Portfolio, PositionRisk
from tests.boards import FULL, NANO, PARAMETERS, SCENARIOS, SHOCKS, WAD, Boards
from tests.evm import GENESIS_TIME
from tests.surfaces import SurfaceUpdate

SPOTS = {1: 2_000 * NANO, 2: 90_000 * NANO}
FEEDS = {1: 1, 2: 2, 3: 1}
"""Feed of each series."""
DAYS = {1: 7, 2: 30, 3: 200}
STRIKES = {
    1: [1_000 * NANO, 1_800 * NANO, 2_000 * NANO, 2_100 * NANO, 6_000 * NANO],
    2: [60_000 * NANO, 90_000 * NANO, 100_000 * NANO],
    3: [500 * NANO, 2_000 * NANO, 2_500 * NANO, 40_000 * NANO],
}
RATES = {1: WAD // 20, 2: -WAD // 50, 3: 3 * WAD // 10}
MARKETS = {1: 1, 2: 2, 128: 1, 129: 2}
ASSETS = {1: 1, 2: 2}
GRID = [risk_board.Scenario(*row) for row in SCENARIOS]
TWIN_SHOCKS = risk_board.Shocks(*SHOCKS.row())
TWIN_PARAMETERS = portfolio_math.Parameters(*PARAMETERS.row())
DATED = [
    number
    for series, strikes in STRIKES.items()
    for number in (
        series << 8,
        *(market_math.option(series, k, c) for k in range(len(strikes)) for c in (True, False)),
    )
]


@cache
def rig() -> Boards:
    boards = Boards()
    now = boards.env.timestamp
    for feed, spot in SPOTS.items():
        boards.price(spot, feed)
    for series, feed in FEEDS.items():
        spot = SPOTS[feed]
        boards.list_series(series, feed, now + 86_400 * DAYS[series], STRIKES[series])
        boards.push_surface(
            series,
            forward_difference=spot // 100,
            reference_forward=spot,
            rate=RATES[series],
            reference_tau=86_400 * DAYS[series],
        )
        boards.board.refresh(series)
    for market, feed in MARKETS.items():
        boards.engine.set_market_feed(market, feed)
    for asset, feed in ASSETS.items():
        boards.engine.set_asset_feed(asset, feed)
    return boards


def board_inputs(series: int) -> risk_board.Series:
    """What the twin of a series is valued with."""
    spot, smile = SPOTS[FEEDS[series]], SurfaceUpdate()
    return risk_board.Series(
        feed=FEEDS[series],
        fixed=0,
        variable=spot + spot // 100,
        timestamp=GENESIS_TIME,
        expiry=GENESIS_TIME + 86_400 * DAYS[series],
        rate=RATES[series],
        confidence=min(smile.forward_confidence, smile.vol_confidence, smile.rate_confidence),
        smile=svi.Params(smile.a, smile.b, smile.rho, smile.m, smile.sigma),
        reference_forward=spot,
        reference_seconds=86_400 * DAYS[series],
    )


@cache
def twin_boards(shocks: risk_board.Shocks = TWIN_SHOCKS) -> dict[int, risk_board.Board]:
    grid = risk_board.arranged(GRID)
    return {
        series: risk_board.valued(board_inputs(series), STRIKES[series], grid, shocks) for series in FEEDS
    }


def setting(timestamp: int = GENESIS_TIME, **changes: Any) -> portfolio_math.Setting:
    parameters = replace(TWIN_PARAMETERS, **changes)
    return portfolio_math.Setting(
        timestamp, parameters, risk_board.arranged(GRID), twin_boards(), MARKETS, ASSETS
    )


def mark_of(market: int) -> int:
    """The mark Instruments would give, nano USD."""
    if market < 256:
        return SPOTS[MARKETS[market]] * 1_001 // 1_000
    board = twin_boards()[market >> 8]
    if market & 255 == 0:
        return board.variable
    values = board.strikes[market_math.strike_index(market)]
    return values.call_mark if market_math.is_call(market) else values.put_mark


def feed_of(market: int) -> int:
    return MARKETS[market] if market < 256 else FEEDS[market >> 8]


sizes = st.one_of(st.integers(-(10**11), 10**11), st.integers(-(2**55), 2**55), st.just(0))
confidences = st.one_of(st.just(FULL), st.integers(0, FULL))
orders = st.one_of(st.just(0), st.just(0), st.integers(0, 10**11))


@st.composite
def positions(draw: st.DrawFn, markets: Sequence[int] = (*MARKETS, *DATED)) -> PositionRisk:
    market = draw(st.sampled_from(markets))
    return PositionRisk(
        market,
        draw(sizes),
        mark_of(market),
        SPOTS[feed_of(market)],
        draw(confidences),
        draw(st.one_of(st.just(0), st.integers(-(10**24), 10**24))),
        draw(orders),
        draw(orders),
    )


haircuts = st.integers(0, 10_000)
collaterals = st.lists(
    st.builds(
        CollateralRisk,
        asset=st.integers(0, 3),
        value=st.integers(0, 10**24),
        confidence=confidences,
        maintenance_haircut=haircuts,
        initial_haircut=haircuts,
    ),
    max_size=3,
    unique_by=lambda one: one.asset,
)


@st.composite
def portfolios(draw: st.DrawFn, markets: Sequence[int] = (*MARKETS, *DATED)) -> Portfolio:
    held = draw(st.lists(positions(markets), max_size=14, unique_by=lambda one: one.market))
    return Portfolio(
        draw(st.integers(-(10**24), 10**24)),
        draw(st.one_of(st.just(NANO), st.integers(0, 2 * NANO))),
        tuple(held),
        tuple(draw(collaterals)),
    )


def row(portfolio: Portfolio) -> tuple[Any, ...]:
    """A portfolio in the order of the ABI."""
    return (
        portfolio.cash,
        portfolio.stable_price,
        [astuple(position) for position in portfolio.positions],
        [astuple(collateral) for collateral in portfolio.collaterals],
    )


def test_values_are_the_twin_s() -> None:
    for series, board in twin_boards().items():
        for place, values in enumerate(board.strikes):
            found = rig().board.value(market_math.option(series, place, True))
            assert found.strike == values.strike
            assert (found.call_mark, found.put_mark) == (values.call_mark, values.put_mark)
            assert tuple(found.calls) == values.calls
            assert tuple(found.puts) == values.puts


@given(portfolio=portfolios())
@settings(max_examples=300)
def test_assessment_is_the_twin_s(portfolio: Portfolio) -> None:
    found = rig().engine.assess(row(portfolio))
    assert tuple(found) == astuple(portfolio_math.assess(portfolio, setting()))
    assert found.initial_margin >= found.maintenance_margin >= 0


@given(portfolio=portfolios())
def test_published_form_is_the_twin_s(portfolio: Portfolio) -> None:
    """Without the bound at what can be lost."""
    boards = rig()
    with boards.env.anchor():
        boards.engine.set_parameters(replace(PARAMETERS, bounded=False).row())
        found = boards.engine.assess(row(portfolio))
    assert tuple(found) == astuple(portfolio_math.assess(portfolio, setting(bounded=False)))


@given(portfolio=portfolios(), days=st.sampled_from([7, 29, 30, 200]))
def test_expired_series_are_the_twin_s(portfolio: Portfolio, days: int) -> None:
    """Their boards are older than their expiry, so nothing of them moves any more."""
    boards = rig()
    with boards.env.anchor():
        boards.env.advance(86_400 * days)
        found = boards.engine.assess(row(portfolio))
        now = boards.env.timestamp
    assert tuple(found) == astuple(portfolio_math.assess(portfolio, setting(timestamp=now)))


@given(portfolio=portfolios())
def test_explained_terms_are_the_twin_s_and_sum_to_the_assessment(portfolio: Portfolio) -> None:
    terms = [tuple(term) for term in rig().engine.explain(row(portfolio))]
    assert terms == [astuple(term) for term in portfolio_math.explain(portfolio, setting())[0]]
    sums = tuple(sum(term[place] for term in terms) for place in (2, 3, 4))
    assert sums == tuple(rig().engine.assess(row(portfolio)))[:3]


def margin(portfolio: Portfolio, **changes: Any) -> Assessment:
    return portfolio_math.assess(portfolio, setting(**changes))


@given(portfolio=portfolios(), data=st.data())
def test_order_of_positions_does_not_matter(portfolio: Portfolio, data: st.DataObject) -> None:
    shuffled = replace(portfolio, positions=tuple(data.draw(st.permutations(portfolio.positions))))
    ours, theirs = margin(portfolio), margin(shuffled)
    assert (ours.initial_margin, ours.maintenance_margin, ours.equity) == (
        theirs.initial_margin,
        theirs.maintenance_margin,
        theirs.equity,
    )


@given(portfolio=portfolios(), times=st.integers(2, 9))
def test_margin_is_homogeneous(portfolio: Portfolio, times: int) -> None:
    """Of degree one, up to a wei of rounding for each term of each part."""
    larger = replace(
        portfolio,
        positions=tuple(
            replace(
                one,
                size=one.size * times,
                unrealised=one.unrealised * times,
                bids=one.bids * times,
                asks=one.asks * times,
            )
            for one in portfolio.positions
        ),
        collaterals=tuple(replace(one, value=one.value * times) for one in portfolio.collaterals),
    )
    ours, theirs = margin(portfolio), margin(larger)
    # Base of inverse coin and collateral is floored: a nano of base at the highest strike and at mark.
    slack = times * 100 + times * 10 * 40_000 * NANO
    assert abs(theirs.initial_margin - times * ours.initial_margin) <= slack
    assert abs(theirs.maintenance_margin - times * ours.maintenance_margin) <= slack


@given(portfolio=portfolios(), dropped=st.integers(0, len(GRID) - 1))
def test_margin_never_falls_when_a_scenario_is_added(portfolio: Portfolio, dropped: int) -> None:
    portfolio = replace(
        portfolio, positions=tuple(replace(one, bids=0, asks=0) for one in portfolio.positions)
    )
    whole = setting()
    scenarios = list(whole.scenarios)
    scenarios[dropped] = None
    fewer = portfolio_math.assess(portfolio, replace(whole, scenarios=scenarios))
    more = portfolio_math.assess(portfolio, whole)
    assert fewer.initial_margin <= more.initial_margin
    assert fewer.maintenance_margin <= more.maintenance_margin


@given(portfolio=portfolios())
def test_initial_margin_covers_the_worst_scenario(portfolio: Portfolio) -> None:
    """The published form charges at least the loss; the bounded one that or all that can be lost."""
    terms, _ = portfolio_math.explain(portfolio, setting(bounded=False))
    loss = sum(term.initial_margin for term in terms if term.label == "scenario")
    published, bounded = margin(portfolio, bounded=False), margin(portfolio)
    assert published.initial_margin >= loss
    assert bounded.initial_margin <= published.initial_margin
    assert bounded.initial_margin >= loss or any(
        term.label == "maximum loss" for term in portfolio_math.explain(portfolio, setting())[0]
    )


@given(portfolio=portfolios(), data=st.data())
@settings(max_examples=150)
def test_whatever_orders_fill_initial_margin_is_there(portfolio: Portfolio, data: st.DataObject) -> None:
    """At mark a fill changes no equity; margin with orders is at least margin after any of them filled."""
    assume(all(one.market < 128 or one.market >= 256 for one in portfolio.positions))
    filled = []
    for one in portfolio.positions:
        change = data.draw(st.integers(0, one.bids)) - data.draw(st.integers(0, one.asks))
        filled.append(replace(one, size=one.size + change, bids=0, asks=0))
    after = margin(replace(portfolio, positions=tuple(filled)))
    assert margin(portfolio).initial_margin + 100 + len(filled) * 10**6 >= after.initial_margin


@given(size=st.integers(1, 10**12), market=st.sampled_from([m for m in DATED if m & 255]))
def test_who_cannot_owe_is_not_liquidated(size: int, market: int) -> None:
    """A long option whose premium is paid: equity is its value, of which nothing more can be lost."""
    value = size * mark_of(market)
    held = PositionRisk(market, size, mark_of(market), SPOTS[feed_of(market)], FULL, 0)
    found = margin(Portfolio(value, NANO, (held,)))
    assert found.maintenance_margin <= found.initial_margin <= found.equity == value


@given(portfolio=portfolios())
def test_a_perpetual_has_no_terminal_payoff(portfolio: Portfolio) -> None:
    """With one nothing bounds a loss; orders in one take the bound off initial margin alone."""
    perpetuals = [one for one in portfolio.positions if one.market < 256]
    found = [term for term in portfolio_math.explain(portfolio, setting())[0] if term.label == "maximum loss"]
    if any(one.size or one.unrealised for one in perpetuals):
        assert not found
    elif any(one.bids or one.asks for one in perpetuals):
        assert not any(term.initial_margin for term in found)


@given(portfolio=portfolios(), added=st.integers(1, 10**24), data=st.data())
@settings(max_examples=300)
def test_a_deposit_makes_no_account_worse(portfolio: Portfolio, added: int, data: st.DataObject) -> None:
    """Whatever haircut, confidence and hedge. A wei of rounding for each term."""
    asset = data.draw(st.integers(0, 3))
    held = next((one for one in portfolio.collaterals if one.asset == asset), None)
    others = tuple(one for one in portfolio.collaterals if one.asset != asset)
    if held is None:
        held = CollateralRisk(
            asset, 0, data.draw(confidences), *sorted(data.draw(st.tuples(haircuts, haircuts)))
        )
    before = margin(replace(portfolio, collaterals=(*others, held)))
    after = margin(replace(portfolio, collaterals=(*others, replace(held, value=held.value + added))))
    assert after.equity - after.initial_margin >= before.equity - before.initial_margin - 10
    assert after.equity - after.maintenance_margin >= before.equity - before.maintenance_margin - 10
