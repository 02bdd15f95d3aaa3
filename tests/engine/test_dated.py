# SPDX-License-Identifier: Apache-2.0
"""Dated markets in the mirror and in the view: settlement by halves, and what markets are worth elsewhere."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from simulation.domain import black76
from simulation.domain.market_math import future, option
from simulation.engine import Mirror
from simulation.engine.dated import WINDOW, at_prices_of, black
from simulation.messages import SeriesView
from simulation.messages.market import Smile
from tests.agents.views import market
from tests.engine.books import created, events

NANO, WAD = 10**9, 10**18
YEAR = 365 * 86_400
CALL, PUT = option(1, 0, True), option(1, 0, False)
SMILE = Smile(level=0.8, carry=0.1, wing=2.0, tilt=-0.3, width=0.1)


def mirror() -> Mirror:
    books = Mirror([1, future(1), CALL, PUT], ["CashToken"], strikes={CALL: 2_000 * NANO, PUT: 2_000 * NANO})
    books.apply([created(2)], 0)
    return books


def moved(account: int, number: int, size: int, entry: int = 0) -> dict[str, int]:
    return {
        "account": account,
        "market": number,
        "delta": 0,
        "size": size,
        "entry_price": entry,
        "funding_index": 0,
        "cash": 0,
        "fee": 0,
    }


def test_a_market_has_the_column_of_its_place() -> None:
    books = mirror()
    rows = [moved(1, CALL, 5 * NANO, 70), moved(2, CALL, -5 * NANO, 70), moved(1, 1, NANO, 9)]
    books.apply([events("Ledger", "PositionModified", rows)], 1)
    assert books.size.ints() == [NANO, 0, 5 * NANO, 0, 0, 0, -5 * NANO, 0]
    assert books.long_sum == [NANO, 0, 5 * NANO, 0]


@pytest.mark.parametrize(
    ("price", "payoffs"),
    [(2_150 * NANO, {1: 2_150, 2: 150, 3: 0}), (1_900 * NANO, {1: 1_900, 2: 0, 3: 100})],
)
def test_what_one_side_has_booked_the_other_owes(price: int, payoffs: dict[int, int]) -> None:
    books = mirror()
    rows = [moved(1, CALL, 3 * NANO, 70 * NANO), moved(2, CALL, -3 * NANO, 70 * NANO)]
    books.apply([events("Ledger", "PositionModified", rows)], 1)
    settled = {"series": 1, "price": price, "covered": 1_800}
    books.apply([events("Surface", "SettlementPriceSet", [settled])], 2)
    assert books.payoffs == {column: payoff * NANO for column, payoff in payoffs.items()}
    assert books.settlement == {1: price}
    assert books.owed == 0
    books.apply([events("Ledger", "PositionModified", [moved(1, CALL, 0)])], 3)
    # The books' net settled: entry of the short that is left, and the payoff that it still has to pay.
    assert books.net_settled == -3 * NANO * 70 * NANO
    assert books.owed == -3 * NANO * payoffs[2] * NANO
    books.apply([events("Ledger", "PositionModified", [moved(2, CALL, 0)])], 4)
    assert (books.net_settled, books.owed, books.long_sum[2]) == (0, 0, 0)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("strike", [1_500, 2_000, 2_600])
def test_black_is_that_of_the_chain(is_call: bool, strike: int) -> None:
    seconds, vol, forward = 30 * 86_400, 0.8, 2_000
    deviation = vol * math.sqrt(seconds / YEAR)
    price, delta, _ = black(is_call, forward, strike, deviation)
    found = black76.greeks(is_call, forward * NANO, strike * NANO, round(vol * WAD), seconds, 0)
    total = black76.total_vol(round(vol * WAD), black76.root_time(seconds))
    both = black76.prices(forward * NANO, strike * NANO, total, WAD)
    assert price == pytest.approx(both[0 if is_call else 1] / WAD, abs=1e-6)
    assert delta == pytest.approx(found.delta / WAD, abs=1e-6)


def series(expiry: int, spot: float = 2_000.0) -> SeriesView:
    return SeriesView(1, 1, expiry, spot, SMILE.forward(spot, expiry / YEAR), SMILE, 0, 0.0)


def test_a_smile_at_the_vertex_is_its_level_and_low_strikes_are_dearer() -> None:
    assert SMILE.volatility(2_000.0, 2_000.0, 0.1) == pytest.approx(0.8)
    assert SMILE.volatility(2_000.0, 1_600.0, 0.1) > SMILE.volatility(2_000.0, 2_400.0, 0.1) > 0.8


def test_a_future_in_its_window_moves_by_what_is_still_to_come() -> None:
    dated = replace(market(), market=future(1), series=1, spot=2_000.0, mark=2_010.0, expiry=10_000)
    near = series(10_000, spot=2_100.0)
    assert at_prices_of(dated, near, 2_010.0, 10_000 - 2 * WINDOW).reference == near.forward
    half = at_prices_of(dated, near, 2_010.0, 10_000 - WINDOW // 2)
    assert (half.reference, half.delta) == (pytest.approx(2_060.0), 0.5)
    assert at_prices_of(dated, near, 2_010.0, 10_000).reference == 2_010.0


def test_put_call_parity_elsewhere() -> None:
    now, expiry = 0, 30 * 86_400
    put = replace(market(), market=PUT, series=1, spot=2_000.0, strike=1_900.0, expiry=expiry)
    call = replace(put, market=CALL, is_call=True)
    both = [at_prices_of(one, series(expiry), 0.0, now) for one in (call, put)]
    assert both[0].reference - both[1].reference == pytest.approx(series(expiry).forward - 1_900.0)
    assert both[0].delta - both[1].delta == pytest.approx(1.0)
