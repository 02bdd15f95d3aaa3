# SPDX-License-Identifier: Apache-2.0
"""assess of both engines: published cases of Derive's standard margin, tiers, orders, contingencies, gas."""

from __future__ import annotations

from typing import Any

import pytest

from tests.evm import Contract, Env, reverts
from tests.published import published
from tests.unit.engines.portfolios import BPS, NANO, RISK, WAD, collateral, portfolio, position

ETH = 10**9
USD = WAD

# derivexyz/v2-core test/risk-managers/unit-tests/StandardManager/test-cases.json, the case of perpetuals only
TEST_17 = published(
    "srm_28_cases",
    {
        "params": {
            "perp": {"mm": 0.05, "im": 0.065},
            "oracle": {"perpThreshold": 0.4, "OCFactor": 0.4},
            "depeg": {"threshold": 0.98, "factor": 1.2},
        },
        "cases": {
            "Test17": {
                "inputs": {
                    "Perps_ETH": 10**18,
                    "Perps_BTC": 0,
                    "Cash": 0,
                    "LastEntryETH": 1535 * 10**18,
                    "ETHGlobalFundingIndex": 0,
                    "AccountETHFundingIndex": 10 * 10**18,
                    "ETHSpotPrice": 1500 * 10**18,
                    "PerpPrice": [1505 * 10**18, 27990 * 10**18],
                    "USDCValue": 10**18,
                },
                "expected": {
                    "IM": -117825 * 10**15,
                    "MM": -95250 * 10**15,
                    "MtM": -20 * 10**18,
                },
            }
        },
    },
)["cases"]["Test17"]

# derivexyz/v2-core StandardManager/test-cases-portfolio.json; amounts and entry prices 1e8 fixed point
PORTFOLIOS = published(
    "srm_portfolio_integer_cases",
    {
        "feeds": {"eth_spot": 2000, "eth_perp": 2001, "all_conf": 1, "stable": 1},
        "cases": {
            "test_long_ATM_perp": {
                "feeds_override": {},
                "expected_integer_part": {"mm": -104, "im": -134},
                "reference_value": {"IM": -134.065, "MM": -104.05000000000001},
                "inputs": {"cash": 0, "perps": [{"amount": 100000000, "entryPrice": 200500000000}]},
            },
            "test_long_ITM_perp": {
                "feeds_override": {},
                "expected_integer_part": {"mm": 500, "im": 470},
                "reference_value": {"IM": 470.935, "MM": 500.95},
                "inputs": {"cash": 0, "perps": [{"amount": 100000000, "entryPrice": 140000000000}]},
            },
            "test_short_OTM_perp": {
                "feeds_override": {},
                "expected_integer_part": {"mm": -601, "im": -631},
                "reference_value": {"IM": -631.065, "MM": -601.05},
                "inputs": {"cash": 0, "perps": [{"amount": -100000000, "entryPrice": 150000000000}]},
            },
            "test_long_perp_and_USDC_depeg": {
                "feeds_override": {"stable": 0.1},
                "expected_integer_part": {"mm": -104, "im": -2246},
                "reference_value": {"IM": -2246.065, "MM": -104.05000000000001},
                "inputs": {"cash": 0, "perps": [{"amount": 100000000, "entryPrice": 200500000000}]},
            },
        },
    },
)


def test_published_standard_margin_of_a_perpetual(engine: Contract) -> None:
    given = TEST_17["inputs"]
    size = given["Perps_ETH"] // 10**9
    mark = given["PerpPrice"][0] // 10**9
    funding = size * (given["AccountETHFundingIndex"] - given["ETHGlobalFundingIndex"]) // 10**9
    unrealised = size * (mark - given["LastEntryETH"] // 10**9) + funding
    assessment = engine.assess(
        portfolio(
            position(size, mark, spot=given["ETHSpotPrice"] // 10**9, unrealised=unrealised),
            cash=given["Cash"],
            stable=given["USDCValue"] // 10**9,
        )
    )
    expected = TEST_17["expected"]
    assert assessment.equity == expected["MtM"]
    assert assessment.equity - assessment.initial_margin == expected["IM"]
    assert assessment.equity - assessment.maintenance_margin == expected["MM"]


@pytest.mark.parametrize("name", PORTFOLIOS["cases"])
def test_published_portfolios_of_perpetuals(engine: Contract, name: str) -> None:
    case: Any = PORTFOLIOS["cases"][name]
    feeds = PORTFOLIOS["feeds"] | case["feeds_override"]
    [perp] = case["inputs"]["perps"]
    size, mark = perp["amount"] * 10, feeds["eth_perp"] * NANO
    unrealised = size * (mark - perp["entryPrice"] * 10)
    assessment = engine.assess(
        portfolio(
            position(size, mark, spot=feeds["eth_spot"] * NANO, unrealised=unrealised),
            stable=round(feeds["stable"] * 10) * NANO // 10,
        )
    )
    initial = assessment.equity - assessment.initial_margin
    maintenance = assessment.equity - assessment.maintenance_margin
    assert int(initial / WAD) == case["expected_integer_part"]["im"]
    assert int(maintenance / WAD) == case["expected_integer_part"]["mm"]
    assert initial == round(case["reference_value"]["IM"] * 10**3) * 10**15
    assert maintenance == round(case["reference_value"]["MM"] * 10**3) * 10**15


def test_an_empty_portfolio_needs_nothing(engine: Contract) -> None:
    assert tuple(engine.assess(portfolio(cash=-5))) == (0, 0, -5, 0)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("notional", "charged"),
    [
        (1_000_000, 1_000_000),
        (1_000_002, 1_000_003),
        (5_000_000, 1_000_000 + 6_000_000),
        (6_000_000, 1_000_000 + 6_000_000 + 2_000_000),
    ],
)
def test_larger_positions_pay_more_on_what_is_above(
    engine: Contract, sign: int, notional: int, charged: int
) -> None:
    assessment = engine.assess(portfolio(position(sign * notional * ETH // 2_000)))
    assert assessment.initial_margin == charged * USD * RISK[0] // BPS
    assert assessment.maintenance_margin == charged * USD * RISK[1] // BPS


@pytest.mark.parametrize(
    ("size", "bids", "asks", "worst"),
    [(0, 3, 2, 3), (0, 2, 3, 3), (5, 1, 4, 6), (5, 0, 12, 7), (-5, 12, 1, 7), (-5, 1, 4, 9), (5, 0, 0, 5)],
)
def test_resting_orders_count_at_their_worst_for_initial_margin_only(
    engine: Contract, size: int, bids: int, asks: int, worst: int
) -> None:
    assessment = engine.assess(portfolio(position(size * ETH, bids=bids * ETH, asks=asks * ETH)))
    assert assessment.initial_margin == worst * 2_000 * USD * RISK[0] // BPS
    assert assessment.maintenance_margin == abs(size) * 2_000 * USD * RISK[1] // BPS


@pytest.mark.parametrize(
    ("confidence", "charge"), [(4 * 10**7, 0), (4 * 10**7 - 1, (6 * 10**7 + 1) * 4_000), (0, 10**8 * 4_000)]
)
def test_low_confidence_adds_to_initial_margin(engine: Contract, confidence: int, charge: int) -> None:
    sure = engine.assess(portfolio(position(ETH, bids=ETH)))
    unsure = engine.assess(portfolio(position(ETH, bids=ETH, spot=1_990 * NANO, confidence=confidence)))
    assert unsure.initial_margin - sure.initial_margin == 2 * 1_990 * USD * charge // (10**8 * BPS)
    assert unsure.maintenance_margin == sure.maintenance_margin


def test_the_haircut_of_collateral_is_part_of_the_requirement(engine: Contract) -> None:
    held = [collateral(1_000 * USD), collateral(1, asset=2)]
    assert tuple(engine.assess(portfolio(cash=7, collaterals=held))) == (
        100 * USD + 1,
        50 * USD + 1,
        1_000 * USD + 8,
        0,
    )


@pytest.mark.parametrize(("confidence", "charge"), [(4 * 10**7, 0), (3 * 10**7, 280), (0, 400)])
def test_collateral_of_low_confidence_counts_less(engine: Contract, confidence: int, charge: int) -> None:
    assessment = engine.assess(portfolio(collaterals=[collateral(1_000 * USD, confidence=confidence)]))
    assert assessment.initial_margin == (100 + charge) * USD
    assert assessment.maintenance_margin == 50 * USD


def test_collateral_never_counts_less_than_nothing(engine: Contract) -> None:
    assessment = engine.assess(portfolio(collaterals=[collateral(1_000 * USD, confidence=0, initial=9_000)]))
    assert assessment.initial_margin == assessment.equity == 1_000 * USD


def test_the_larger_haircut_is_the_initial_one(engine: Contract) -> None:
    """Invariant 10 holds whatever the Vault says: initial margin is never below maintenance margin."""
    assessment = engine.assess(
        portfolio(collaterals=[collateral(1_000 * USD, maintenance=2_000, initial=1_000)])
    )
    assert assessment.initial_margin == assessment.maintenance_margin == 200 * USD


def test_a_market_without_parameters_is_charged_in_full(engine: Contract) -> None:
    assessment = engine.assess(portfolio(position(3 * ETH, market=65, bids=ETH)))
    assert assessment.initial_margin == 8_000 * USD
    assert assessment.maintenance_margin == 6_000 * USD


@pytest.mark.parametrize(
    ("market", "reason"),
    [
        (0, "tiered_margin: market out of range"),
        (511, "standard_options: market out of range"),
        (2**16, "standard_options: market out of range"),
        (2**255, "standard_options: market out of range"),
        (2**256 - 1, "standard_options: market out of range"),
    ],
)
@pytest.mark.parametrize("name", ["assess", "explain"])
def test_a_market_that_cannot_exist_is_refused(engine: Contract, name: str, market: int, reason: str) -> None:
    with reverts(reason):
        getattr(engine, name)(portfolio(position(ETH, market=market)))


LARGEST = position(-(2**79), 2**80 - 1, confidence=0, unrealised=-(2**198), bids=2**80 - 1, asks=2**80 - 1)


def test_the_largest_portfolio_does_not_overflow(engine: Contract) -> None:
    """Invariant 43: exact at the edge of the range, with every position and collateral there."""
    positions = [LARGEST] * 64
    held = [collateral(2**198, confidence=0)] * 8
    assessment = engine.assess(portfolio(*positions, cash=-(2**127), stable=0, collaterals=held))
    notional = 2**79 * (2**80 - 1)
    charged = notional * 20_000 - 5_000 * (1_000_000 + 5_000_000) * WAD
    assert assessment.maintenance_margin == 64 * -(-charged * RISK[1] // BPS**2) + 8 * -(-(2**198) // 20)
    assert assessment.equity == -(2**127) - 64 * 2**198 + 8 * 2**198


@pytest.mark.parametrize(
    "bad",
    [
        portfolio(position(2**80)),
        portfolio(position(-(2**80) - 1)),
        portfolio(position(2**255 - 1)),
        portfolio(position(-(2**255))),
        portfolio(position(1, bids=2**256 - 1)),
        portfolio(position(-1, asks=2**256 - 1)),
        portfolio(position(0, 2**80)),
        portfolio(position(0, 1, spot=2**80)),
        portfolio(position(0, 2**256 - 1)),
        portfolio(position(0, bids=2**81)),
        portfolio(position(0, asks=2**81)),
        portfolio(position(0, unrealised=2**199)),
        portfolio(position(0, unrealised=-(2**199) - 1)),
        portfolio(position(0, unrealised=-(2**255))),
        portfolio(cash=2**199),
        portfolio(cash=-(2**255)),
        portfolio(collaterals=[collateral(2**199)]),
        portfolio(collaterals=[collateral(2**256 - 1)]),
        portfolio(collaterals=[collateral(1, initial=10_001)]),
        portfolio(collaterals=[collateral(1, maintenance=2**256 - 1)]),
    ],
)
@pytest.mark.parametrize("name", ["assess", "explain"])
def test_portfolios_out_of_range_are_refused(engine: Contract, name: str, bad: Any) -> None:
    with reverts("tiered_margin: portfolio out of range"):
        getattr(engine, name)(bad)


@pytest.mark.parametrize(("count", "limit"), [(8, 25_000), (64, 130_000)])
def test_gas_of_the_answer(engine: Contract, env: Env, count: int, limit: int) -> None:
    held = [
        position((-1) ** market * ETH, market=market, unrealised=-USD, bids=ETH, asks=2 * ETH)
        for market in range(1, count + 1)
    ]
    question = portfolio(*held, cash=5 * USD, collaterals=[collateral(1_000 * USD)])
    assert engine.view_gas("assess", question) <= limit
