# SPDX-License-Identifier: Apache-2.0
"""math/market_math against its twin: every number there can be, and the way back from series and strike."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.domain import market_math as twin
from tests.evm import Contract, Env

markets = st.one_of(st.integers(0, 600), st.integers(0, 2**16 + 600), st.integers(0, 2**256 - 1))
options = st.integers(256, twin.MAX_MARKET).filter(lambda market: twin.kind(market) is twin.Kind.OPTION)
prices = st.integers(0, 2**72 - 1)


@cache
def harness() -> Contract:
    return Env().deploy("MarketMathHarness")


@given(market=markets)
def test_kind_and_series(market: int) -> None:
    assert harness().kind(market) == twin.kind(market)
    assert harness().series(market) == twin.series(market)


@pytest.mark.parametrize(
    ("market", "kind"),
    [
        (0, twin.Kind.NONE),
        (1, twin.Kind.LINEAR_PERPETUAL),
        (127, twin.Kind.LINEAR_PERPETUAL),
        (128, twin.Kind.INVERSE_PERPETUAL),
        (255, twin.Kind.INVERSE_PERPETUAL),
        (256, twin.Kind.DATED_FUTURE),
        (257, twin.Kind.OPTION),
        (510, twin.Kind.OPTION),
        (511, twin.Kind.NONE),
        (512, twin.Kind.DATED_FUTURE),
        (255 * 256 + 254, twin.Kind.OPTION),
        (2**16 - 1, twin.Kind.NONE),
        (2**16, twin.Kind.NONE),
    ],
)
def test_the_edges_of_the_ranges(market: int, kind: twin.Kind) -> None:
    assert harness().kind(market) == kind == twin.kind(market)


@given(market=options)
def test_strike_and_side(market: int) -> None:
    assert harness().strike_index(market) == twin.strike_index(market)
    assert harness().is_call(market) is twin.is_call(market)


@given(series=st.integers(1, 255), strike=st.integers(0, 126), call=st.booleans())
def test_there_and_back(series: int, strike: int, call: bool) -> None:
    market = harness().option(series, strike, call)
    assert market == twin.option(series, strike, call)
    assert (twin.kind(market), twin.series(market)) == (twin.Kind.OPTION, series)
    assert (twin.strike_index(market), twin.is_call(market)) == (strike, call)


@given(price=prices, strike=prices)
def test_payoff(price: int, strike: int) -> None:
    call, put = harness().payoff(price, strike, True), harness().payoff(price, strike, False)
    assert (call, put) == (twin.payoff(price, strike, True), twin.payoff(price, strike, False))
    # Put-call parity at expiry, and never both.
    assert call - put == price - strike and min(call, put) == 0


@given(market=markets)
def test_inverse_or_not(market: int) -> None:
    assert harness().is_inverse(market) == twin.is_inverse(market)
    assert twin.is_inverse(market) == (twin.kind(market) is twin.Kind.INVERSE_PERPETUAL)


@given(size=st.integers(0, 2**112 - 1), price=st.integers(1, 2**80))
def test_coins(size: int, price: int) -> None:
    coins = harness().coins_down(size, price)
    assert coins == twin.coins_down(size, price)
    assert coins * price <= size * 10**9 < (coins + 1) * price
