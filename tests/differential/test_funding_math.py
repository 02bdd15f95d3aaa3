# SPDX-License-Identifier: Apache-2.0
"""math/funding_math against its integer twin, exactly, and against Derive's published funding rates."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulation.domain import funding_math as twin
from tests.evm import Contract, Env
from tests.published import published

NANO = 10**9
WAD = 10**18
HOUR = 3_600
MAX_RATE = 2 * 10**16

# derivexyz/v2-core test/assets/perpAsset/unit-tests/Funding.sol
PUBLISHED = published(
    "perp_funding_premium",
    {
        "params": {"index": 1500, "convergence_hours": 8, "static_rate": 0, "max_rate_per_hour": 0.0075},
        "cases": [
            {"impact_bid": 1506, "impact_ask": 1506, "rate": 0.0005},
            {"impact_bid": 1700, "impact_ask": 1700, "rate": 0.0075},
            {"impact_bid": 1494, "impact_ask": 1494, "rate": -0.0005},
            {"impact_bid": 1300, "impact_ask": 1300, "rate": -0.0075},
        ],
        "one_hour": {"rate": 0.0005, "long_size": 1, "long_funding": -0.75, "short_funding": 0.75},
    },
)

price = st.one_of(st.integers(1, 2**72 - 1), st.integers(10**9, 10**14))
rate = st.integers(-MAX_RATE, MAX_RATE)
seconds = st.one_of(st.integers(0, 2 * HOUR), st.integers(0, 2**32 - 1))
index = st.one_of(st.integers(-(10**24), 10**24), st.integers(-twin.INDEX_LIMIT, twin.INDEX_LIMIT))


@cache
def harness() -> Contract:
    return Env().deploy("FundingMathHarness")


@given(bid=price, ask=price, spot=price)
def test_premium(bid: int, ask: int, spot: int) -> None:
    assert harness().premium(bid, ask, spot) == twin.premium(bid, ask, spot)


@given(mark=price, spot=price)
def test_one_price_for_both_sides_gives_its_distance_from_spot(mark: int, spot: int) -> None:
    assert harness().premium(mark, mark, spot) == (mark - spot) * WAD // spot


@given(premium=st.integers(-WAD, 2**72 * WAD), hours=st.integers(1, 168), static_rate=rate, data=st.data())
def test_rate(premium: int, hours: int, static_rate: int, data: st.DataObject) -> None:
    maximum = data.draw(st.integers(abs(static_rate), MAX_RATE))
    result = harness().rate(premium, hours, static_rate, maximum)
    assert result == twin.rate(premium, hours, static_rate, maximum)
    assert abs(result) <= maximum


@given(index=index, rate=rate, seconds=seconds, spot=price)
@example(index=twin.INDEX_LIMIT, rate=MAX_RATE, seconds=2**32 - 1, spot=2**72 - 1)
@example(index=-twin.INDEX_LIMIT, rate=-MAX_RATE, seconds=2**32 - 1, spot=2**72 - 1)
@example(index=0, rate=-1, seconds=1, spot=1)
@example(index=0, rate=-(2**63), seconds=2**32 - 1, spot=2**72 - 1)
def test_accrue(index: int, rate: int, seconds: int, spot: int) -> None:
    assert harness().accrue(index, rate, seconds, spot) == twin.accrue(index, rate, seconds, spot)


@given(index=index)
@example(index=-1)
@example(index=-twin.INDEX_LIMIT)
def test_index_nano(index: int) -> None:
    result = harness().index_nano(index)
    assert result == twin.index_nano(index)
    assert -(2**79) <= result < 2**79


@given(
    rate=rate,
    spot=st.integers(1, 10**16),
    first=st.integers(0, 10**6),
    second=st.integers(0, 10**6),
)
def test_accrual_in_two_steps_is_that_in_one_within_a_wei(
    rate: int, spot: int, first: int, second: int
) -> None:
    whole = harness().accrue(0, rate, first + second, spot)
    parts = harness().accrue(harness().accrue(0, rate, first, spot), rate, second, spot)
    assert 0 <= whole - parts <= 1


@pytest.mark.parametrize("case", PUBLISHED["cases"])
def test_published_rates(case: dict[str, Any]) -> None:
    params = PUBLISHED["params"]
    spot = params["index"] * NANO
    maximum = round(params["max_rate_per_hour"] * 10**4) * 10**14
    expected = round(case["rate"] * 10**4) * 10**14
    premium = harness().premium(case["impact_bid"] * NANO, case["impact_ask"] * NANO, spot)
    assert harness().rate(premium, params["convergence_hours"], params["static_rate"], maximum) == expected


def test_published_funding_of_one_hour() -> None:
    hour = PUBLISHED["one_hour"]
    rate_wad = round(hour["rate"] * 10**4) * 10**14
    accrued = harness().accrue(0, rate_wad, HOUR, PUBLISHED["params"]["index"] * NANO)
    size = hour["long_size"]
    assert -size * accrued * 100 == round(hour["long_funding"] * 100) * WAD
    assert size * accrued * 100 == round(hour["short_funding"] * 100) * WAD
