# SPDX-License-Identifier: Apache-2.0
"""Floats for decisions against the exact twins of the contracts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.domain import auction_math, margin_math
from simulation.engine.margin import auction_terms, margins
from simulation.engine.terms import MarketTerms
from simulation.messages import INSOLVENT, SOLVENT, AuctionRules

WAD, NANO = 10**18, 10**9
RISK = margin_math.MarketRisk(500, 300, 15_000, 25_000, 100_000, 400_000)
MARKET = MarketTerms("ETH", 1, 1, 1, 0.05, 0.03, ((100_000.0, 1.5), (400_000.0, 2.5)))
CONTINGENCY = margin_math.Contingency(5 * 10**7, 10_000, 990_000_000, 10_000)
SIZES = st.integers(-(10**13), 10**13)
PRICES = st.integers(10**9, 10**14)


@given(
    cash=st.integers(-(10**24), 10**24),
    size=SIZES,
    bids=st.integers(0, 10**13),
    asks=st.integers(0, 10**13),
    entry=PRICES,
    mark=PRICES,
    funding=st.integers(-(10**10), 10**10),
    value=st.integers(0, 10**24),
)
def test_margins_are_those_of_the_engine(
    cash: int, size: int, bids: int, asks: int, entry: int, mark: int, funding: int, value: int
) -> None:
    exact = margin_math.assess(
        margin_math.Portfolio(
            cash=cash,
            stable_price=NANO,
            positions=(
                margin_math.PositionRisk(
                    market=1,
                    size=size,
                    mark=mark,
                    spot=mark,
                    confidence=10**8,
                    unrealised=size * (mark - entry - funding),
                    bids=bids,
                    asks=asks,
                ),
            ),
            collaterals=(margin_math.CollateralRisk(1, value, 10**8, 1_000, 2_000),),
        ),
        {1: RISK},
        CONTINGENCY,
    )

    def matrix(number: int) -> np.ndarray:
        return np.array([[number / NANO]])

    found = margins(
        np.array([cash / WAD]),
        matrix(size),
        matrix(entry),
        matrix(-funding),
        matrix(bids),
        matrix(asks),
        np.array([[value / WAD]]),
        np.array([mark / NANO]),
        np.array([0.0]),
        (MARKET,),
        np.array([0.2]),
        np.array([0.1]),
    )
    scale = abs(cash) / WAD + abs(size) * (mark + entry) / WAD + value / WAD + 1.0
    close = {"rel": 1e-9, "abs": 1e-12 * scale}
    assert found.equity[0] == pytest.approx(exact.equity / WAD, **close)
    assert found.initial[0] == pytest.approx(exact.initial_margin / WAD, **close)
    assert found.maintenance[0] == pytest.approx(exact.maintenance_margin / WAD, **close)
    assert found.notional[0] == pytest.approx(abs(size) * mark / WAD, **close)


RULES = AuctionRules(start=0.95, cut=0.7, fast=900, slow=43_200, insolvent=3_600, buffer=0.15)
CURVE = auction_math.Curve(95 * 10**16, 7 * 10**17, 900, 43_200)


@given(
    elapsed=st.integers(0, 60_000),
    equity=st.integers(-(10**24), 10**24),
    reserved=st.integers(0, 10**23),
    maintenance=st.integers(10**14, 10**24),
    solvent=st.booleans(),
    paused=st.integers(0, 60_000),
)
def test_auctions_are_quoted_as_the_liquidator_does(
    elapsed: int, equity: int, reserved: int, maintenance: int, solvent: bool, paused: int
) -> None:
    if solvent:
        equity = abs(equity)
    else:
        reserved = 0
    price, fraction, buffer_margin, over = (
        column[0]
        for column in auction_terms(
            np.array([SOLVENT if solvent else INSOLVENT]),
            np.array([1_000]),
            np.array([paused]),
            np.array([reserved / WAD]),
            np.array([equity / WAD]),
            np.array([maintenance / WAD]),
            1_000 + elapsed,
            RULES,
        )
    )
    exact_buffer = auction_math.buffer_margin(equity, maintenance, 15 * 10**16)
    scale = (abs(equity) + reserved + maintenance) / WAD
    close = {"rel": 1e-9, "abs": 1e-9 * scale + 1e-12}
    assert buffer_margin == pytest.approx(exact_buffer / WAD, **close)
    if solvent:
        discount = auction_math.discount(elapsed, CURVE)
        assert price == pytest.approx(auction_math.bid_price_up(equity, reserved, discount) / WAD, **close)
        if exact_buffer < -maintenance // 10**6:
            exact = auction_math.max_fraction_up(exact_buffer, equity, reserved, discount) / WAD
            assert fraction == pytest.approx(exact, rel=1e-6, abs=1e-9)
        assert over == (elapsed >= 44_100)
    elif equity > 0 and paused < 44_100:
        discount = auction_math.discount(paused, CURVE)
        assert price == pytest.approx(auction_math.bid_price_up(equity, 0, discount) / WAD, **close)
        assert fraction == 0 and not over
    else:
        exact_price = auction_math.insolvent_price_up(equity, maintenance, elapsed, 3_600)
        assert price == pytest.approx(exact_price / WAD, **close)
        assert over == (elapsed >= 3_600)
        if exact_buffer < -maintenance // 10**6:
            assert fraction == 1
