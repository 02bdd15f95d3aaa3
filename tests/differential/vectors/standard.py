# SPDX-License-Identifier: Apache-2.0
"""Standard margin cases of Derive's StandardManager, through Oracle, Surface, RiskBoard, CrossMargin and
IsolatedMargin.

Tolerance: 1e-8 relative, and two nano USD for each unit of option held, because marks are in nano USD and
a short put counts its own more than once. Where a collateral of low confidence is charged more than it is
worth, what is published is compared without that excess: here no deposit makes an account worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from simulation.domain import margin_math
from simulation.domain import standard_options as twin
from simulation.domain.market_math import option
from tests.boards import Boards
from tests.differential.standard_margin_reference import StandardCase, from_portfolio, from_test_case
from tests.evm import Contract

__all__ = [
    "NAMES",
    "PARAMS",
    "ask",
    "cases",
    "check",
    "compare",
    "contingency",
    "excess",
    "nano",
    "option_risk",
    "strikes",
    "tiers",
]

NAMES = ("srm_*.json",)
BPS = 10_000
FULL = 10**8
NANO = 10**9
WAD = 10**18
WINDOW = 1_800
GAP = 60
YEAR = 365 * 86_400
RELATIVE = Decimal("1e-8")
TWO_NANO = Decimal(2) / NANO

PARAMS = {
    "perp": {"mm": 0.05, "im": 0.065},
    "option": {
        "maxSpotReq": 0.15,
        "minSpotReq": 0.1,
        "mmCallSpotReq": 0.075,
        "mmPutSpotReq": 0.075,
        "MMPutMtMReq": 0.075,
        "unpairedIMScale": 1.2,
        "unpairedMMScale": 1.1,
        "mmOffsetScale": 1.05,
    },
    "oracle": {"perpThreshold": 0.4, "optionThreshold": 0.4, "baseThreshold": 0.4, "OCFactor": 0.4},
    "base": {"marginFactor": 0.1, "IMScale": 1.0},
    "depeg": {"threshold": 0.98, "factor": 1.2},
}
"""Of both files; the second refers to the first."""


def cases(data: Mapping[str, Any]) -> dict[str, StandardCase]:
    """The cases of a file of either format."""
    if "feeds" in data:
        return {name: from_portfolio(PARAMS, data["feeds"], case) for name, case in data["cases"].items()}
    return {name: from_test_case(data["params"], case) for name, case in data["cases"].items()}


def check(data: Mapping[str, Any]) -> None:
    """Asserts every expected number of every case of a file, with both engines."""
    for case in cases(data).values():
        for engine in ("CrossMargin", "IsolatedMargin"):
            compare(case, ask(case, engine))


def compare(case: StandardCase, assessment: Any) -> None:
    """Margins are published as equity less the requirement."""
    initial, maintenance, equity, _ = assessment
    margins = {"initial": equity - initial, "maintenance": equity - maintenance, "mark_to_market": equity}
    held = sum((abs(leg.amount) for leg in case.legs), Decimal(0))
    for kind, published in case.expected.items():
        found = Decimal(margins[kind.removesuffix("_dollars")]) / WAD
        expected = published + (excess(case) if kind.startswith("initial") else 0)
        if kind.endswith("_dollars"):
            assert int(found) == expected, kind
        else:
            slack = max(abs(expected) * RELATIVE, TWO_NANO * held)
            assert abs(found - expected) <= slack, f"{kind}: {found}, published {expected}"


def excess(case: StandardCase) -> Decimal:
    """What haircut and confidence take of collaterals beyond their value."""
    base, oracle = (
        {key: Decimal(str(value)) for key, value in case.params[group].items()}
        for group in ("base", "oracle")
    )
    beyond = Decimal(0)
    for coin in case.underlyings.values():
        if coin.spot_confidence < oracle["baseThreshold"]:
            left = base["marginFactor"] * base["IMScale"] - (1 - coin.spot_confidence) * oracle["OCFactor"]
            beyond += max(Decimal(0), -left) * coin.base * coin.spot
    return beyond


def ask(case: StandardCase, name: str) -> Any:
    """Deploys everything, signs the prices and surfaces of the case and asks an engine."""
    boards = Boards(feeds=2, max_deviation=5_000)
    engine: Contract = boards.env.deploy(name, astuple(contingency(case.params)))
    engine.wire(boards.board.address)
    engine.set_markets([1, 2], [astuple(tiers(case.params))] * 2)
    engine.set_options([1, 2], [astuple(option_risk(case.params))] * 2)
    numbers = _refreshed(boards, case)

    positions = []
    collaterals = []
    for feed, coin in enumerate(case.underlyings.values(), 1):
        if coin.perp_size:
            certain = int(min(coin.perp_confidence, coin.spot_confidence) * FULL)
            size, unrealised = nano(coin.perp_size), int(coin.unrealised * WAD)
            positions.append((feed, size, nano(coin.perp_mark), nano(coin.spot), certain, unrealised, 0, 0))
        if coin.base:
            factor, scale = (Decimal(str(case.params["base"][key])) for key in ("marginFactor", "IMScale"))
            collaterals.append(
                (
                    feed,
                    int(coin.base * coin.spot * WAD),
                    int(coin.spot_confidence * FULL),
                    BPS - int(factor * BPS),
                    BPS - int(factor * scale * BPS),
                )
            )
    sizes: dict[int, int] = {}
    for leg in case.legs:
        key = (leg.underlying, leg.seconds)
        market = option(numbers[key], strikes(case, key).index(nano(leg.strike)), leg.is_call)
        sizes[market] = sizes.get(market, 0) + nano(leg.amount)
    for market, size in sizes.items():
        [word] = boards.board.marks([market])
        mark, spot, certain = word & (2**72 - 1), (word >> 72) & (2**72 - 1), (word >> 144) & (2**28 - 1)
        # The premium was paid out of the cash of the case: all that an option is worth is unrealised.
        positions.append((market, size, mark, spot, certain, size * mark, 0, 0))
    return engine.assess((int(case.cash * WAD), nano(case.stable), positions, collaterals))


def _refreshed(boards: Boards, case: StandardCase) -> dict[tuple[str, int], int]:
    """Lists a series for each expiry and values it at the time of the case."""
    feeds = {name: feed for feed, name in enumerate(case.underlyings, 1)}
    numbers = {key: number for number, key in enumerate(case.series, 1)}
    start = boards.env.timestamp + 86_400
    for key, number in numbers.items():
        boards.list_series(number, feeds[key[0]], start + key[1], strikes(case, key))
    # Inside the window what is settled already makes up the published forward.
    settling = {key: series for key, series in case.series.items() if key[1] < WINDOW}
    if settling:
        [seconds] = {key[1] for key in settling}
        boards.env.advance(start + seconds - WINDOW - boards.env.timestamp)
        while boards.env.timestamp < start:
            for key, series in settling.items():
                variable = nano(case.underlyings[key[0]].spot) * seconds // WINDOW
                average = (nano(series.forward) - variable) * WINDOW // (WINDOW - seconds)
                boards.price(average, feed=feeds[key[0]])
            boards.surface.accumulate([numbers[key] for key in settling])
            boards.env.advance(min(GAP, start - boards.env.timestamp))
    boards.env.advance(start - boards.env.timestamp)
    for name, coin in case.underlyings.items():
        boards.price(nano(coin.spot), feed=feeds[name], confidence=int(coin.spot_confidence * FULL))
    svi = dict(zip(("a", "b", "rho", "m", "sigma"), (int(part * WAD) for part in case.surface), strict=True))
    for key, number in numbers.items():
        series, spot = case.series[key], nano(case.underlyings[key[0]].spot)
        certain = int(series.confidence * FULL)
        boards.push_surface(
            number,
            forward_difference=0 if key in settling else nano(series.forward) - spot,
            rate=0,
            **svi,
            reference_forward=nano(series.surface_forward),
            reference_tau=YEAR,
            forward_confidence=certain,
            vol_confidence=certain,
            rate_confidence=FULL,
        )
        boards.board.refresh(number)
    return numbers


def strikes(case: StandardCase, key: tuple[str, int]) -> list[int]:
    """Strikes of one series in order, nano USD."""
    return sorted({nano(leg.strike) for leg in case.legs if (leg.underlying, leg.seconds) == key})


def tiers(params: Mapping[str, Any]) -> margin_math.MarketRisk:
    """Perpetuals without size tiers."""
    perp = params["perp"]
    return margin_math.MarketRisk(_bps(perp["im"]), _bps(perp["mm"]), BPS, BPS, 1_000, 2_000)


def option_risk(params: Mapping[str, Any]) -> twin.OptionRisk:
    """Parameters of options."""
    rules, oracle = params["option"], params["oracle"]
    names = ("maxSpotReq", "minSpotReq", "mmCallSpotReq", "mmPutSpotReq", "MMPutMtMReq", "mmOffsetScale")
    return twin.OptionRisk(
        *(_bps(rules[name]) for name in names),
        _bps(rules["unpairedIMScale"]),
        _bps(rules["unpairedMMScale"]),
        int(Decimal(str(oracle["optionThreshold"])) * FULL),
        _bps(oracle["OCFactor"]),
    )


def contingency(params: Mapping[str, Any]) -> margin_math.Contingency:
    """One threshold for perpetuals and collaterals."""
    depeg, oracle = params["depeg"], params["oracle"]
    assert oracle["perpThreshold"] == oracle["baseThreshold"]
    return margin_math.Contingency(
        int(Decimal(str(oracle["perpThreshold"])) * FULL),
        _bps(oracle["OCFactor"]),
        int(Decimal(str(depeg["threshold"])) * NANO),
        _bps(depeg["factor"]),
    )


def nano(amount: Decimal) -> int:
    """To the nearest nano."""
    return int((amount * NANO).to_integral_value(ROUND_HALF_EVEN))


def _bps(share: Any) -> int:
    return int(Decimal(str(share)) * BPS)
