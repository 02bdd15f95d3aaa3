# SPDX-License-Identifier: Apache-2.0
"""OptionGreeks on boards of a real RiskBoard: its twin exactly, Black's formulas within what is wide."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import pytest

from simulation.domain import market_math, option_greeks, risk_board, svi
from simulation.domain.risk_model import pack_greeks
from tests.differential.test_portfolio_math import (
    DAYS,
    FEEDS,
    RATES,
    SPOTS,
    STRIKES,
    TWIN_SHOCKS,
    rig,
    twin_boards,
)
from tests.evm import GENESIS_TIME, Contract, reverts
from tests.surfaces import SurfaceUpdate

NANO, WAD, DAY = 10**9, 10**18, 86_400


@cache
def contract() -> Contract:
    return rig().env.deploy("OptionGreeks", rig().board)


def series_of(number: int) -> risk_board.Series:
    spot, smile = SPOTS[FEEDS[number]], SurfaceUpdate()
    return risk_board.Series(
        feed=FEEDS[number],
        fixed=0,
        variable=spot + spot // 100,
        timestamp=GENESIS_TIME,
        expiry=GENESIS_TIME + DAY * DAYS[number],
        rate=RATES[number],
        confidence=0,
        smile=svi.Params(smile.a, smile.b, smile.rho, smile.m, smile.sigma),
        reference_forward=spot,
        reference_seconds=DAY * DAYS[number],
    )


OPTIONS = [
    market_math.option(number, place, call)
    for number, strikes in STRIKES.items()
    for place in range(len(strikes))
    for call in (True, False)
]


def of(market: int) -> tuple[int, int, bool]:
    return market_math.series(market), market_math.strike_index(market), market_math.is_call(market)


def test_words_are_the_twin_s_in_any_order() -> None:
    env = rig().env
    for order in (OPTIONS, OPTIONS[::-1], OPTIONS[::3] + OPTIONS[1::3]):
        words = contract().greeks(order)
        for market, word in zip(order, words, strict=True):
            number, place, call = of(market)
            found = option_greeks.greeks(series_of(number), twin_boards()[number], place, call, env.timestamp)
            assert found is not None
            assert word == pack_greeks(found)


def test_the_volatility_beside_the_marks_stays_out_of_mark_words() -> None:
    for market, word in zip(OPTIONS, rig().board.marks(OPTIONS), strict=True):
        number, place, call = of(market)
        values = twin_boards()[number].strikes[place]
        assert word & (2**72 - 1) == (values.call_mark if call else values.put_mark)
        assert (word >> 72) & (2**72 - 1) == SPOTS[FEEDS[number]]


def normal(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


@pytest.mark.parametrize("market", OPTIONS)
def test_they_are_near_those_of_black(market: int) -> None:
    """Within what moves of 4.5 % average out: a fifth of the largest there is at this expiry."""
    number, place, call = of(market)
    series, board = series_of(number), twin_boards()[number]
    found = option_greeks.greeks(series, board, place, call, GENESIS_TIME)
    assert found is not None
    strike = board.strikes[place].strike
    forward, tau = series.variable / NANO, DAYS[number] / 365
    vol = svi.vol(series.smile, series.reference_forward, series.reference_seconds, strike) / WAD
    width, discount = vol * math.sqrt(tau), board.discount / WAD
    d1 = math.log(series.variable / strike) / width + width / 2
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    highest = discount * forward / math.sqrt(2 * math.pi)
    delta = discount * forward * (normal(d1) if call else normal(d1) - 1)
    assert found.delta / NANO == pytest.approx(delta, abs=0.05 * discount * forward)
    assert found.gamma / NANO == pytest.approx(
        discount * forward * density / width, abs=0.2 * highest / width
    )
    vega = discount * forward * density * math.sqrt(tau)
    assert found.vega / NANO == pytest.approx(vega, abs=0.2 * highest * math.sqrt(tau))
    assert found.seconds == DAYS[number] * DAY


def test_a_call_less_its_put_is_the_forward() -> None:
    for number, strikes in STRIKES.items():
        series, board = series_of(number), twin_boards()[number]
        for place in range(len(strikes)):
            call, put = (
                option_greeks.greeks(series, board, place, is_call, GENESIS_TIME) for is_call in (True, False)
            )
            assert call is not None and put is not None
            forward = series.variable * board.discount // WAD
            assert call.delta - put.delta == pytest.approx(forward, abs=20)
            assert abs(call.gamma - put.gamma) <= 2_000


def test_what_is_not_known_is_zero_and_what_is_over_has_no_risk() -> None:
    unknown = [market_math.option(9, 0, True), market_math.option(1, len(STRIKES[1]), False)]
    assert contract().greeks(unknown) == [0, 0] or tuple(contract().greeks(unknown)) == (0, 0)
    env = rig().env
    with env.anchor():
        env.advance(DAY * DAYS[1] + 1)
        ended, living = contract().greeks([market_math.option(1, 2, True), market_math.option(2, 1, True)])
        assert ended == 1 << 255
        assert living >> 224 == (DAY * (DAYS[2] - DAYS[1]) - 1) | 1 << 31


@pytest.mark.parametrize("market", [0, 1, 256, 511, 2**16])
def test_other_markets_are_refused(market: int) -> None:
    with reverts("option_greeks: not an option"):
        contract().greeks([market])


@pytest.mark.parametrize(("change", "known"), [(0, False), (9 * 10**14, False), (11 * 10**14, True)])
def test_a_grid_without_basis_shocks_tells_nothing(change: int, known: bool) -> None:
    for flat in (
        replace(TWIN_SHOCKS, basis_up=WAD + change),
        replace(TWIN_SHOCKS, basis_down=WAD - change),
    ):
        found = option_greeks.greeks(series_of(1), twin_boards(flat)[1], 0, True, GENESIS_TIME)
        assert (found is not None) is known


def test_gas_of_64_options_of_one_series_and_more() -> None:
    several = [market for market in OPTIONS for _ in range(3)][:64]
    assert contract().view_gas("greeks", several) <= 260_000
