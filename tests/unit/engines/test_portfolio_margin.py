# SPDX-License-Identifier: Apache-2.0
"""PortfolioMargin alone: what it permits, refuses and says; lanes at their bound; the gas of a check."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from simulation.domain import market_math, portfolio_math, risk_board, svi
from simulation.domain.margin_math import Portfolio, PositionRisk
from tests.boards import FULL, NANO, PARAMETERS, SCENARIOS, SHOCKS, WAD, Boards
from tests.evm import GENESIS_TIME, reverts
from tests.surfaces import SurfaceUpdate

HIGH = 2_200_000 * NANO
STRIKES = [strike * NANO for strike in (1_000, 2_000_000, 9_000_000, 18_446_744)]
DAY = 86_400
SERIES = 8


@cache
def _deployed() -> Boards:
    """Series 1 at the highest prices that fit, series 11 to 18 with eight strikes each."""
    boards = Boards()
    now = boards.env.timestamp
    boards.price(HIGH, 1)
    boards.price(2_000 * NANO, 2)
    boards.list_series(1, 1, now + 30 * DAY, STRIKES)
    boards.push_surface(1, forward_difference=0, reference_forward=HIGH, reference_tau=30 * DAY)
    boards.board.refresh(1)
    for place in range(SERIES):
        number, seconds = 11 + place, 7 * DAY * (place + 1)
        boards.list_series(number, 2, now + seconds, [(1_600 + 100 * k) * NANO for k in range(8)])
        boards.push_surface(number, reference_tau=seconds)
        boards.board.refresh(number)
    boards.engine.set_market_feed(1, 1)
    return boards


@pytest.fixture
def boards() -> Iterator[Boards]:
    rig = _deployed()
    with rig.env.anchor():
        yield rig


def position(market: int, size: int, mark: int, spot: int = HIGH, **more: int) -> tuple[int, ...]:
    return (market, size, mark, spot, FULL, 0, more.get("bids", 0), more.get("asks", 0))


def portfolio(*positions: tuple[int, ...], cash: int = 0) -> tuple[Any, ...]:
    return (cash, NANO, list(positions), [])


def test_parameters_and_feeds(boards: Boards) -> None:
    assert tuple(boards.engine.parameters()) == PARAMETERS.row()
    assert boards.engine.market_feed(1) == 1 and boards.engine.market_feed(2) == 0
    boards.engine.set_asset_feed(3, 2)
    assert boards.engine.asset_feed(3) == 2
    boards.engine.set_asset_feed(3, 0)
    assert boards.engine.asset_feed(3) == 0
    with reverts("portfolio_margin: feed is set"):
        boards.engine.set_market_feed(1, 2)
    for market, feed in ((0, 1), (256, 1), (2, 0), (2, 256)):
        with reverts("portfolio_margin: out of range"):
            boards.engine.set_market_feed(market, feed)
    with reverts("portfolio_margin: out of range"):
        boards.engine.set_asset_feed(32, 1)


@pytest.mark.parametrize(
    ("place", "value"), [(0, 7_999), (1, 10_001), (2, NANO + 1), (3, 50_001), (4, FULL + 1), (6, 10_001)]
)
def test_parameters_out_of_range(boards: Boards, place: int, value: int) -> None:
    row = list(PARAMETERS.row())
    row[place] = value
    with reverts("portfolio_margin: bad parameters"):
        boards.engine.set_parameters(tuple(row))


def test_only_the_owner(boards: Boards) -> None:
    attacker = boards.env.address("attacker")
    calls = (("set_parameters", PARAMETERS.row()), ("set_market_feed", 3, 1), ("set_asset_feed", 3, 1))
    for name, *arguments in calls:
        with reverts("ownable: caller is not the owner"):
            getattr(boards.engine, name)(*arguments, sender=attacker)


def test_permits(boards: Boards) -> None:
    known = (1, 256, market_math.option(1, 3, False), market_math.option(18, 7, True))
    unknown = (0, 2, 128, market_math.option(1, 4, True), 512, market_math.option(2, 0, True), 2**16)
    assert all(boards.engine.permits(1, market, 0) for market in known)
    assert not any(boards.engine.permits(1, market, 0) for market in unknown)


def test_what_is_refused(boards: Boards) -> None:
    call = market_math.option(1, 0, True)
    refused = {
        "portfolio_margin: market without feed": [position(2, NANO, HIGH)],
        "portfolio_margin: no values": [position(market_math.option(1, 4, True), NANO, NANO)],
        "portfolio_margin: out of range": [position(call, 2**61, NANO)],
    }
    for reason, positions in refused.items():
        with reverts(reason):
            boards.engine.assess(portfolio(*positions))
    for one in (position(1, 2**80 + 1, HIGH), position(1, NANO, 2**80), position(call, NANO, 2**56)):
        with reverts("portfolio_margin: out of range"):
            boards.engine.assess(portfolio(one))
    with reverts("portfolio_margin: no values"):
        boards.engine.assess(portfolio(position(512, NANO, NANO)))


def test_seventeen_underlyings_are_refused(boards: Boards) -> None:
    for market in range(2, 18):
        boards.engine.set_market_feed(market, market)
    boards.engine.assess(portfolio(*(position(market, NANO, NANO) for market in range(1, 17))))
    with reverts("portfolio_margin: too many underlyings"):
        boards.engine.assess(portfolio(*(position(market, NANO, NANO) for market in range(1, 18))))


@pytest.mark.parametrize("signs", [(1, 1), (-1, -1), (1, -1), (-1, 1)])
def test_lanes_hold_at_their_bound(boards: Boards, signs: tuple[int, int]) -> None:
    """Gross size just below 2**61, values and strikes near 2**64: as the twin, which adds without lanes."""
    smile = SurfaceUpdate()
    series = risk_board.Series(
        1,
        0,
        HIGH,
        GENESIS_TIME,
        GENESIS_TIME + 30 * DAY,
        smile.rate,
        96_000_000,
        svi.Params(smile.a, smile.b, smile.rho, smile.m, smile.sigma),
        HIGH,
        30 * DAY,
    )
    grid = risk_board.arranged([risk_board.Scenario(*row) for row in SCENARIOS])
    board = risk_board.valued(series, STRIKES, grid, risk_board.Shocks(*SHOCKS.row()))
    assert max(max(values.calls) for values in board.strikes) > 2**63
    setting = portfolio_math.Setting(
        GENESIS_TIME, portfolio_math.Parameters(*PARAMETERS.row()), grid, {1: board}, {1: 1}, {}
    )
    each = 2**61 // (2 * len(STRIKES)) - 1
    held = []
    for place, values in enumerate(board.strikes):
        for is_call, mark, sign in ((True, values.call_mark, signs[0]), (False, values.put_mark, signs[1])):
            held.append(PositionRisk(market_math.option(1, place, is_call), sign * each, mark, HIGH, FULL, 0))
    twin = portfolio_math.assess(Portfolio(0, NANO, tuple(held)), setting)
    rows = [position(one.market, one.size, one.mark) for one in held]
    found = boards.engine.assess(portfolio(*rows))
    assert tuple(found) == (twin.initial_margin, twin.maintenance_margin, twin.equity, twin.worst_scenario)


def options(boards: Boards, series: int) -> list[tuple[int, ...]]:
    """Eight options of each of the first series, calls and puts, bought and sold in turn."""
    markets = [
        market_math.option(11 + number, k, (k + number) % 2 == 0)
        for number in range(series)
        for k in range(8)
    ]
    return [
        position(market, (NANO, -2 * NANO, 3 * NANO)[place % 3], boards.mark(market), 2_000 * NANO)
        for place, market in enumerate(markets)
    ]


@pytest.mark.parametrize(("series", "limit"), [(1, 100_000), (8, 400_000)])
def test_gas_of_a_margin_check(boards: Boards, series: int, limit: int) -> None:
    """The engine's part, everything cold: boards and grid are read here."""
    held = portfolio(*options(boards, series), cash=10**6 * WAD)
    assert boards.engine.view_gas("assess", held) < limit


def test_profits_explain_the_worst_scenario(boards: Boards) -> None:
    held = portfolio(*options(boards, 2), cash=10**6 * WAD)
    profits = boards.engine.profits(held)
    found = boards.engine.assess(held)
    terms = {term.label: term for term in boards.engine.explain(held)}
    assert len(profits) == 34
    assert min(profits) == profits[found.worst_scenario - 1] == -terms["scenario"].initial_margin


def required(
    boards: Boards, *positions: tuple[int, ...], coin: int = 0, sure: int = FULL
) -> tuple[float, float]:
    """Initial and maintenance margin, USD, with this much coin of feed 2; haircuts 20 % and 10 %."""
    for market in (2, 128):
        if not boards.engine.market_feed(market):
            boards.engine.set_market_feed(market, 2)
    boards.engine.set_asset_feed(1, 2)
    collaterals = [(1, coin * WAD, sure, 1_000, 2_000)] if coin else []
    found = boards.engine.assess((0, NANO, list(positions), collaterals))
    return found.initial_margin / WAD, found.maintenance_margin / WAD


def eth(
    market: int, size: float, mark: int = 2_000 * NANO, unrealised: float = 0, **more: int
) -> tuple[int, ...]:
    held = position(market, int(size * NANO), mark, 2_000 * NANO, **more)
    return (*held[:5], int(unrealised * WAD), *held[6:])


def test_a_perpetual_does_not_converge_to_what_it_hedges(boards: Boards) -> None:
    """No scenario loses anything, and the share of notional (4 %, 3 %) and the haircut of the coin stay."""
    forward = 2_000 * NANO + SurfaceUpdate().forward_difference
    future = eth(11 << 8, 1, forward)
    assert required(boards, future, eth(2, -1, forward)) == pytest.approx((160, 120), abs=1e-9)
    assert required(boards, eth(2, -1), coin=2_000) == pytest.approx((480, 260), abs=1e-9)
    assert required(boards, eth(128, -2_000), coin=2_000) == pytest.approx((480, 260), abs=1e-9)
    # Without a perpetual coin and short future are worth the same at expiry, whatever the price.
    assert required(boards, eth(11 << 8, -1, forward), coin=2_000) == (0, 0)


def test_orders_in_a_perpetual_take_the_bound_off_initial_margin(boards: Boards) -> None:
    future = eth(11 << 8, -1, 2_000 * NANO + SurfaceUpdate().forward_difference)
    resting = eth(2, 0, asks=NANO)
    initial, maintenance = required(boards, future, resting, coin=2_000)
    filled = required(boards, future, eth(2, -1), coin=2_000)
    assert maintenance == 0 and initial >= filled[0] > filled[1] > 0


def test_an_inverse_perpetual_is_its_coin_at_mark(boards: Boards) -> None:
    """2,000 contracts bought at 2,000 hold one coin; the notional is the larger of both."""
    fallen = eth(128, 2_000, 1_000 * NANO, -1_000)
    assert required(boards, fallen) == pytest.approx((0.04 * 2_000 + 180, 0.03 * 2_000 + 0.8 * 180), abs=1e-9)
    risen = eth(128, 2_000, 4_000 * NANO, 2_000)
    assert required(boards, risen) == pytest.approx((0.04 * 4_000 + 720, 0.03 * 4_000 + 0.8 * 720), abs=1e-9)
    # Closed, a quarter of a coin still to be settled.
    waiting = eth(128, 0, 2_000 * NANO, 500)
    assert required(boards, waiting) == pytest.approx((0.04 * 500 + 90, 0.03 * 500 + 0.8 * 90), abs=1e-9)


def test_doubtful_coin_is_charged_at_most_its_value(boards: Boards) -> None:
    """2,000 USD at a confidence of 30 %: haircut 400, charge 1,400, so 200 are left for a fall."""
    short = eth(2, -1)
    nothing, held = required(boards, eth(2, 1)), required(boards, eth(2, 1), coin=2_000, sure=30 * 10**6)
    assert nothing == pytest.approx((80 + 360, 60 + 288), abs=1e-9)
    assert held == pytest.approx((80 + 360 + 2_000, 60 + 0.8 * (360 + 200) + 200), abs=1e-9)
    # What it hedges it hedges in full.
    assert required(boards, short, coin=2_000, sure=30 * 10**6)[0] == pytest.approx(80 + 1_800, abs=1e-9)
