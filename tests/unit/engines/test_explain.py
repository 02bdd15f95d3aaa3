# SPDX-License-Identifier: Apache-2.0
"""explain of both engines: the terms by name, and their sum. Any portfolio: tests/differential."""

from __future__ import annotations

from tests.evm import Contract
from tests.unit.engines.portfolios import NANO, WAD, collateral, portfolio, position

ETH = 10**9
USD = WAD


def test_the_terms_of_a_portfolio_in_order(engine: Contract) -> None:
    question = portfolio(
        position(ETH, market=3, confidence=0, unrealised=-7 * USD),
        position(-2 * ETH, market=5),
        cash=11 * USD,
        stable=880_000_000,
        collaterals=[collateral(1_000 * USD, asset=2, confidence=3 * 10**7), collateral(0, asset=4)],
    )
    assert [tuple(term) for term in engine.explain(question)] == [
        ("cash", 0, 0, 0, 11 * USD),
        ("position", 3, 130 * USD, 100 * USD, -7 * USD),
        ("confidence", 3, 800 * USD, 0, 0),
        ("depeg", 3, 240 * USD, 0, 0),
        ("position", 5, 260 * USD, 200 * USD, 0),
        ("depeg", 5, 480 * USD, 0, 0),
        ("haircut", 2, 100 * USD, 50 * USD, 1_000 * USD),
        ("collateral confidence", 2, 280 * USD, 0, 0),
        ("haircut", 4, 0, 0, 0),
    ]


def test_the_largest_portfolio_is_explained_in_full(engine: Contract) -> None:
    held = [
        position(market * ETH + market, market=market, confidence=1, bids=3 * market)
        for market in range(1, 65)
    ]
    pledged = [collateral(asset * USD + asset, asset=asset, confidence=1) for asset in range(1, 9)]
    question = portfolio(*held, cash=-1, stable=NANO // 2, collaterals=pledged)
    terms = engine.explain(question)
    assert len(terms) == 1 + 3 * 64 + 2 * 8
    assessment = engine.assess(question)
    assert sum(term.initial_margin for term in terms) == assessment.initial_margin
    assert sum(term.maintenance_margin for term in terms) == assessment.maintenance_margin
    assert sum(term.equity for term in terms) == assessment.equity
