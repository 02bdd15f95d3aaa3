# SPDX-License-Identifier: Apache-2.0
"""math/interest_math against its integer twin, exactly, and against Derive's published interest figures."""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.domain import interest_math as twin
from tests.evm import Contract, Env
from tests.published import published

WAD = 10**18
DAY = 86_400

money = st.integers(0, 2**127 - 1)
share = st.integers(0, WAD)
rate = st.integers(0, 10 * WAD)
index = st.integers(WAD // 1_000, 2**96 - 1)
seconds = st.one_of(st.integers(0, 3_600), st.integers(0, 100 * 365 * DAY))


@cache
def harness() -> Contract:
    return Env().deploy("InterestMathHarness")


@given(supply=money, borrow=money, net_settled=st.integers(-(2**127) + 1, 2**127 - 1))
def test_utilisation(supply: int, borrow: int, net_settled: int) -> None:
    result = harness().utilisation(supply, borrow, net_settled)
    assert result == twin.utilisation(supply, borrow, net_settled)
    assert 0 <= result <= WAD


@given(utilisation=share, minimum=rate, slope=rate, high_slope=rate, optimal=share)
def test_borrow_rate(utilisation: int, minimum: int, slope: int, high_slope: int, optimal: int) -> None:
    params = twin.RateParams(minimum, slope, high_slope, optimal)
    result = harness().borrow_rate(utilisation, (minimum, slope, high_slope, optimal))
    assert result == twin.borrow_rate(utilisation, params) >= minimum


@given(rate=rate, seconds=seconds)
def test_growth(rate: int, seconds: int) -> None:
    result = harness().growth(rate, seconds)
    assert result == twin.growth(rate, seconds)
    exponent = min(rate * seconds // twin.SECONDS_PER_YEAR, twin.MAX_EXPONENT)
    with localcontext() as context:
        context.prec = 60
        exact = (Decimal(exponent).scaleb(-18).exp() - 1).scaleb(18)
    # snekmate's exponential is good to about one unit in 1e18 of its result, floored.
    assert exact - 2 - (exact / WAD) <= result <= exact + 1 + exact / WAD


@given(growth=st.integers(0, 22_026 * WAD), supply=money, borrow=money, fee=share)
def test_supply_growth(growth: int, supply: int, borrow: int, fee: int) -> None:
    result = harness().supply_growth(growth, supply, borrow, fee)
    assert result == twin.supply_growth(growth, supply, borrow, fee)
    assert result * supply <= borrow * growth


@given(index=index, growth=st.integers(0, 22_026 * WAD))
def test_indexes(index: int, growth: int) -> None:
    up = harness().accrue_index_up(index, growth)
    down = harness().accrue_index_down(index, growth)
    assert up == twin.accrue_index_up(index, growth)
    assert down == twin.accrue_index_down(index, growth)
    assert index <= down <= up <= down + 1


@given(cash=st.integers(-(2**127) + 1, 2**127 - 1), index_then=index, index_now=index)
def test_with_interest(cash: int, index_then: int, index_now: int) -> None:
    result = harness().with_interest(cash, index_then, index_now)
    assert result == twin.with_interest(cash, index_then, index_now)
    assert result * index_then <= cash * index_now < (result + 1) * index_then


@settings(max_examples=300)
@given(rate=st.integers(0, 2 * WAD), parts=st.lists(st.integers(0, 30 * DAY), min_size=2, max_size=6))
def test_growth_in_steps_equals_growth_at_once(rate: int, parts: list[int]) -> None:
    """Invariant 20 for interest: splitting the time changes an index by no more than its roundings."""
    stepwise = WAD
    for part in parts:
        stepwise = twin.accrue_index_up(stepwise, twin.growth(rate, part))
    at_once = twin.accrue_index_up(WAD, twin.growth(rate, sum(parts)))
    # Each step floors an exponent (one part in 1e18 of the index) and an exponential, and rounds up once.
    assert abs(stepwise - at_once) <= 8 * len(parts) * (stepwise // WAD + 1)


def test_published_rates_and_growth() -> None:
    """derivexyz/v2-core test/assets/cashAsset/unit-tests/InterestRateModel.t.sol."""
    figures = published(
        "interest_rate",
        {
            "params": {"min_rate": 0.06, "slope": 0.2, "high_slope": 0.4, "optimal": 0.6},
            "cases": [
                {"supply": 10000, "borrow": 5000, "rate": 0.16},
                {"supply": 10000, "borrow": 8000, "rate": 0.26},
                {"supply": 10000, "borrow": 0, "rate": 0.06},
            ],
            "factor": {"rate": 0.16, "seconds": 604800, "exp_minus_1": 0.003073205794798734},
        },
    )
    curve = figures["params"]
    params = tuple(_wad(curve[key]) for key in ("min_rate", "slope", "high_slope", "optimal"))
    for case in figures["cases"]:
        u = harness().utilisation(case["supply"] * WAD, case["borrow"] * WAD, 0)
        assert harness().borrow_rate(u, params) == _wad(case["rate"])
        assert twin.borrow_rate(u, twin.RateParams(*params)) == _wad(case["rate"])
    factor = figures["factor"]
    assert harness().growth(_wad(factor["rate"]), factor["seconds"]) == _wad(factor["exp_minus_1"])


def test_published_sequence() -> None:
    """Ten events of derivexyz/v2-core's cash model: totals, utilisation, rates and the fund at each.

    `SMFeeShare` is an input: all interest goes to the fund while debt is socialised.
    """
    figures = published("cash_interest_sequence", SEQUENCE)
    curve = (_wad(0.05), _wad(0.3), _wad(0.4), _wad(0.6))  # the kink is not reached
    math = harness()
    names = ("Alice", "Bob", "Charlie", "David", "Eric", "SM")
    balances = dict(zip(names, figures["StartingBalances"], strict=True))
    net_settled = 0
    for step, event in enumerate(figures["EventsVec"]):
        amount = event["key4"]
        supply, borrow = _totals(balances)
        if step:
            rate = math.borrow_rate(math.utilisation(supply, borrow, net_settled), curve)
            growth = math.growth(rate, event["key5"] * DAY // WAD)
            fee_share = figures["SMFeeShare"][step]
            # The model credits the fund with its fee first, so that the fee earns within the step.
            fund_fee = borrow * growth // WAD * fee_share // WAD
            balances["SM"] += fund_fee
            lent = math.supply_growth(growth, supply + fund_fee, borrow, fee_share)
            indexes = {False: math.accrue_index_down(WAD, lent), True: math.accrue_index_up(WAD, growth)}
            for name, cash in balances.items():
                balances[name] = math.with_interest(cash, WAD, indexes[cash < 0])
        match event["key1"]:
            case "TRADE":
                balances[event["key2"]] += amount
                balances[event["key3"]] -= amount
            case "SETTLEMENT":
                balances[event["key2"]] += amount
                net_settled += amount
            case "BORROW":
                balances[event["key2"]] += amount
            case "INSOLVENCY":
                balances["SM"] -= min(amount, balances["SM"])
                balances[event["key2"]] += amount
            case kind:
                assert kind == "START" and step == 0
        supply, borrow = _totals(balances)
        u = math.utilisation(supply, borrow, net_settled)
        assert abs(net_settled - figures["netPrints"][step]) <= 10
        _near(supply, figures["totalSupplys"][step], 1e-11)
        _near(borrow, figures["totalBorrows"][step], 1e-11)
        _near(u, figures["utilizations"][step], 1e-11)
        _near(math.borrow_rate(u, curve), figures["borrowRates"][step], 1e-11)
        _near(balances["SM"], figures["SMBalances"][step], 1e-11)


def _wad(number: float) -> int:
    return int(Decimal(str(number)).scaleb(18))


def _totals(balances: dict[str, int]) -> tuple[int, int]:
    values = balances.values()
    return sum(cash for cash in values if cash > 0), -sum(cash for cash in values if cash < 0)


def _near(found: int, expected: int, relative: float) -> None:
    assert abs(found - expected) <= relative * abs(expected), f"{found} is not {expected}"


SEQUENCE: dict[str, Any] = {
    "StartingBalances": [
        -10000000000000000000000,
        -20000000000000000000000,
        30000000000000000000000,
        40000000000000000000000,
        0,
        100000000000000000000000,
    ],
    "SMFeeShare": [
        200000000000000000,
        200000000000000000,
        200000000000000000,
        200000000000000000,
        200000000000000000,
        1000000000000000000,
        1000000000000000000,
        1000000000000000000,
        200000000000000000,
        1000000000000000000,
    ],
    "netPrints": [
        0,
        0,
        0,
        30000000000000000000000,
        30000000000000000000000,
        0,
        30000000000000000000000,
        -10000000000000000000000,
        -10000000000000000000000,
        -10000000000000000000000,
    ],
    "totalSupplys": [
        170000000000000000000000,
        180022575181027822534656,
        185070563910577769414656,
        215207531234176951910400,
        195333690424201035382784,
        195482510668509954965504,
        225516814467621218942976,
        185579098409048075141120,
        180581403187821051641856,
        520086177869060697489408,
    ],
    "totalBorrows": [
        30000000000000000000000,
        40022575181027805757440,
        45070563910577769414656,
        45207531234176947716096,
        45333690424200989245440,
        75482510668509929799680,
        75516814467621181194240,
        75579098409048070946816,
        70581403187821022281728,
        70643737383822187036672,
    ],
    "utilizations": [
        176470588235294144,
        222319757068144064,
        243531780301674144,
        210064819641393536,
        232083315099156800,
        386134342199592576,
        334861126190941248,
        386437502902158592,
        370347798931157632,
        133268401126415056,
    ],
    "borrowRates": [
        102941176470588224,
        116695927120443216,
        123059534090502240,
        113019445892418064,
        119624994529747040,
        165840302659877760,
        150458337857282368,
        165931250870647584,
        161104339679347296,
        89980520337924512,
    ],
    "SMBalances": [
        100000000000000000000000,
        100022708420583547207680,
        100047461176603966439424,
        100134096721330156077056,
        100206295460039253557248,
        100355115704348206694400,
        100389419503459449700352,
        100451703444886322675712,
        60495225318760287043584,
        0,
    ],
    "EventsVec": [
        {"key1": "START", "key2": "", "key3": "", "key4": 0, "key5": 0},
        {
            "key1": "TRADE",
            "key2": "Alice",
            "key3": "Bob",
            "key4": 20000000000000000000001,
            "key5": 4000000000000000000,
        },
        {
            "key1": "TRADE",
            "key2": "Alice",
            "key3": "Charlie",
            "key4": -15000000000000000000001,
            "key5": 3000000000000000000,
        },
        {
            "key1": "SETTLEMENT",
            "key2": "David",
            "key3": "",
            "key4": 30000000000000000000001,
            "key5": 9000000000000000000,
        },
        {
            "key1": "BORROW",
            "key2": "David",
            "key3": "",
            "key4": -20000000000000000000001,
            "key5": 9000000000000000000,
        },
        {
            "key1": "SETTLEMENT",
            "key2": "Eric",
            "key3": "",
            "key4": -30000000000000000000001,
            "key5": 10000000000000000000,
        },
        {
            "key1": "SETTLEMENT",
            "key2": "David",
            "key3": "",
            "key4": 30000000000000000000001,
            "key5": 1000000000000000000,
        },
        {
            "key1": "SETTLEMENT",
            "key2": "Charlie",
            "key3": "",
            "key4": -40000000000000000000001,
            "key5": 2000000000000000000,
        },
        {
            "key1": "INSOLVENCY",
            "key2": "Alice",
            "key3": "",
            "key4": 40000000000000000000001,
            "key5": 2000000000000000000,
        },
        {
            "key1": "INSOLVENCY",
            "key2": "Alice",
            "key3": "",
            "key4": 400000000000000000000001,
            "key5": 2000000000000000000,
        },
    ],
}
