# SPDX-License-Identifier: Apache-2.0
"""Models of risk-based margin for tests: parameters, deployment, portfolios in the order of the ABI."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

from simulation.domain.margin_math import Contingency, Portfolio
from simulation.domain.risk_model import Greeks, Model, Quantiles, Underlying, pack_greeks
from tests.evm import Contract, Env

__all__ = [
    "ADMITTED",
    "CONTINGENCY",
    "GREEKS",
    "MODEL",
    "QUANTILES",
    "UNDERLYINGS",
    "deploy",
    "install",
    "row",
    "with_stress",
]

NANO = 10**9

CONTINGENCY = Contingency(4 * 10**7, 4_000, 980_000_000, 12_000)
UNDERLYINGS = (
    Underlying(5, 25_000_000, 40_000_000, 50, 300, 100, 10_000_000),
    Underlying(9, 40_000_000, 60_000_000, 80, 400, 200, 1_000_000),
    Underlying(2, 90_000_000, 0, 0, 0, 0, 0),
)
QUANTILES = Quantiles(initial=30_000, maintenance=22_000, together=2_000, apart=500)
CORRELATIONS = (
    850_000_000,
    600_000_000, 500_000_000,
    -300_000_000, -250_000_000, -200_000_000,
    -250_000_000, -300_000_000, -200_000_000, 700_000_000,
    0, 0, 0, 0, 0,
)  # fmt: skip
ADMITTED = {1: 0, 2: 1, 3: 2, 4: 0, 128: 0, 129: 1, 256: 0, 512: 1, 768: 0}
"""Place of the underlying by market; 256, 512 and 768 stand for their series."""
MODEL = Model(UNDERLYINGS, CORRELATIONS, QUANTILES, CONTINGENCY, ADMITTED, {1: 0, 3: 1})

DAY = 86_400
GREEKS = {
    257: Greeks(1_100 * NANO, 5_000 * NANO, 230 * NANO, 30 * DAY),
    258: Greeks(-900 * NANO, 5_000 * NANO, 230 * NANO, 30 * DAY),
    259: Greeks(120 * NANO, 900 * NANO, 60 * NANO, 30 * DAY),
    260: Greeks(-3, 1, 0, 30 * DAY),
    513: Greeks(16_000 * NANO, 90_000 * NANO, 4_000 * NANO, 200 * DAY),
    514: Greeks(-14_000 * NANO, 90_000 * NANO, 4_000 * NANO, 200 * DAY),
    769: Greeks(1_990 * NANO, 0, 0, 3_000),
    770: Greeks(0, 0, 0, 0),
}
"""Of the options of series 1 (30 days), 2 (200 days) and 3 (at its end; 770 is settled). 261 is not known."""


def deploy(env: Env, model: Model = MODEL) -> tuple[Contract, Contract, Contract]:
    """RiskBasedMargin with its RiskModel and the mock that gives feeds and GREEKS."""
    source = env.deploy("MockRiskSource")
    parameters = env.deploy("RiskModel", source, astuple(model.contingency))
    engine = env.deploy("RiskBasedMargin", parameters, source)
    for market, place in model.places.items():
        source.set_feed(market, model.underlyings[place].feed)
    source.set_greeks(list(GREEKS), [pack_greeks(greeks) for greeks in GREEKS.values()])
    install(parameters, model)
    if model.places:
        markets = list(model.places)
        for start in range(0, len(markets), 64):
            parameters.admit_markets(markets[start : start + 64])
    return engine, parameters, source


def install(parameters: Contract, model: Model) -> None:
    """Sets everything of a model but its markets."""
    parameters.set_model(
        [astuple(underlying) for underlying in model.underlyings],
        list(model.correlations),
        astuple(model.quantiles),
    )
    feeds = [model.underlyings[place].feed for place in model.mapped.values()]
    if feeds:
        parameters.map_collaterals(list(model.mapped), feeds)


def row(portfolio: Portfolio) -> tuple[Any, ...]:
    """A portfolio in the order of the ABI."""
    return (
        portfolio.cash,
        portfolio.stable_price,
        [astuple(position) for position in portfolio.positions],
        [astuple(collateral) for collateral in portfolio.collaterals],
    )


def with_stress(together: int, apart: int) -> Model:
    """MODEL under other stresses."""
    return replace(MODEL, quantiles=replace(QUANTILES, together=together, apart=apart))
