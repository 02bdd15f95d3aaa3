# SPDX-License-Identifier: Apache-2.0
"""Instruments.touch: funding accrues with the rate in force, then the premium of now sets the next rate."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.domain import funding_math as twin
from tests.evm import Contract, Env, reverts
from tests.markets import MARKET_TERMS
from tests.prices import DEFAULT_FEED, push
from tests.published import published
from tests.unit.instruments.words import unpack

NANO = 10**9
HOUR = 3_600
SPOT = 1_500 * NANO
PREMIUM = 1_506 * NANO
RATE = 5 * 10**14
CAP = MARKET_TERMS["max_open_interest"]

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


@pytest.fixture(autouse=True)
def _all_day(oracle: Contract) -> None:
    """A heartbeat that outlasts the hours of these tests, and a bound that lets Derive's marks through."""
    oracle.set_feed(1, DEFAULT_FEED.but(heartbeat=65_535, max_deviation=2_000).row())


def test_the_word_the_cap_and_the_event(instruments: Contract, oracle: Contract, env: Env) -> None:
    env.advance(10)
    push(oracle, 1, SPOT, PREMIUM, confidence=9 * 10**7)
    receipt = instruments.touch(1, sender=env.address("trader"))
    word, cap = receipt.value
    market = unpack(word)
    assert (market.mark, market.spot, market.funding_index) == (PREMIUM, SPOT, 0)
    assert (market.confidence, market.valid, cap) == (9 * 10**7, True, CAP)
    assert receipt.named("FundingAccrued") == [
        {"market": 1, "funding_index": 0, "funding_rate": RATE, "timestamp": env.timestamp}
    ]
    assert instruments.words([1]) == [word]


@pytest.mark.parametrize("case", PUBLISHED["cases"])
def test_published_rates(instruments: Contract, oracle: Contract, env: Env, case: dict[str, Any]) -> None:
    env.advance(1)
    push(oracle, 1, PUBLISHED["params"]["index"] * NANO, case["impact_bid"] * NANO)
    instruments.touch(1)
    assert instruments.funding(1).rate == round(case["rate"] * 10**4) * 10**14


def test_published_funding_of_one_hour(instruments: Contract, oracle: Contract, env: Env) -> None:
    env.advance(1)
    push(oracle, 1, SPOT, PREMIUM)
    instruments.touch(1)
    env.advance(HOUR)
    hour = PUBLISHED["one_hour"]
    index = unpack(instruments.touch(1).value[0]).funding_index
    assert -hour["long_size"] * index * 100 == round(hour["long_funding"] * 100) * NANO
    assert hour["long_size"] * index * 100 == round(hour["short_funding"] * 100) * NANO


def test_a_negative_rate_pays_longs(instruments: Contract, oracle: Contract, env: Env) -> None:
    env.advance(1)
    push(oracle, 1, SPOT, 1_494 * NANO)
    instruments.touch(1)
    assert instruments.funding(1).rate == -RATE
    env.advance(HOUR + 1)
    instruments.touch(1)
    exact = -RATE * (HOUR + 1) * SPOT
    assert instruments.funding(1).index == exact // (HOUR * NANO)
    assert unpack(instruments.words([1])[0]).funding_index == exact // (HOUR * NANO) // NANO < 0


def test_two_calls_in_one_block_accrue_nothing(instruments: Contract, oracle: Contract, env: Env) -> None:
    env.advance(60)
    push(oracle, 1, SPOT, PREMIUM)
    first = instruments.touch(1)
    before = instruments.funding(1)
    second = instruments.touch(1)
    assert second.value == first.value
    assert second.events == ()
    assert instruments.funding(1) == before


def test_the_new_premium_holds_from_now_on_only(instruments: Contract, oracle: Contract, env: Env) -> None:
    env.advance(1)
    push(oracle, 1, SPOT, PREMIUM)
    instruments.touch(1)
    env.advance(100)
    push(oracle, 1, SPOT, SPOT)
    instruments.touch(1)
    assert instruments.funding(1).index == RATE * 100 * SPOT // (HOUR * NANO)
    assert instruments.funding(1).rate == 0
    env.advance(1_000)
    instruments.touch(1)
    assert instruments.funding(1).index == RATE * 100 * SPOT // (HOUR * NANO)


def test_the_rate_in_force_stays_while_the_price_is_not_valid(
    instruments: Contract, oracle: Contract, env: Env
) -> None:
    env.advance(1)
    push(oracle, 1, SPOT, PREMIUM)
    instruments.touch(1)
    env.advance(1)
    push(oracle, 1, SPOT, 3 * SPOT)
    assert not oracle.tick(1).valid
    word, _ = instruments.touch(1).value
    assert not unpack(word).valid
    assert instruments.funding(1).rate == RATE


def test_accrual_stops_with_freshness_and_catches_up(
    instruments: Contract, oracle: Contract, env: Env
) -> None:
    """Invariant 20: however often a market is touched while its price is stale, the sum is the same."""
    oracle.set_feed(1, DEFAULT_FEED.but(heartbeat=180).row())
    env.advance(1)
    push(oracle, 1, SPOT, PREMIUM)
    instruments.touch(1)
    start = env.timestamp
    env.advance(200)
    receipt = instruments.touch(1)
    assert instruments.funding(1).accrued_until == start + 180
    assert instruments.funding(1).index == RATE * 180 * SPOT // (HOUR * NANO)
    assert not unpack(receipt.value[0]).valid
    assert receipt.named("FundingAccrued")[0]["timestamp"] == start + 180
    env.advance(50)
    assert instruments.touch(1).events == ()
    env.advance(50)
    push(oracle, 1, SPOT, PREMIUM)
    instruments.touch(1)
    assert instruments.funding(1).accrued_until == env.timestamp == start + 300
    assert 0 <= RATE * 300 * SPOT // (HOUR * NANO) - instruments.funding(1).index <= 1


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mark=st.integers(SPOT * 85 // 100, SPOT * 115 // 100),
    steps=st.lists(st.integers(0, 6 * HOUR), min_size=1, max_size=6),
)
def test_accrual_is_additive(
    instruments: Contract, oracle: Contract, env: Env, mark: int, steps: list[int]
) -> None:
    """Invariant 20: over any subdivision of a stretch, within one wei a step, never above the whole."""
    with env.anchor():
        env.advance(1)
        push(oracle, 1, SPOT, mark)
        instruments.touch(1)
        with env.anchor():
            env.advance(sum(steps))
            instruments.touch(1)
            whole = instruments.funding(1).index
        for seconds in steps:
            env.advance(seconds)
            instruments.touch(1)
        assert 0 <= whole - instruments.funding(1).index <= len(steps)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 40_000),
            st.one_of(st.none(), st.tuples(st.integers(1, 2**62), st.integers(1, 2**62))),
        ),
        max_size=8,
    )
)
def test_any_sequence_is_the_twin_s_and_words_agree(
    instruments: Contract, oracle: Contract, env: Env, steps: list[tuple[int, tuple[int, int] | None]]
) -> None:
    """`words`, written in one piece for gas, says what `touch` then stores."""
    terms = MARKET_TERMS
    with env.anchor():
        index, rate, until = 0, 0, instruments.funding(1).accrued_until
        for seconds, price in steps:
            env.advance(seconds)
            if price is not None:
                push(oracle, 1, *price)
            tick = oracle.tick(1)
            now = max(min(env.timestamp, tick.timestamp + tick.heartbeat), until)
            index, until = twin.accrue(index, rate, now - until, tick.spot), now
            if tick.valid:
                premium = twin.premium(tick.mark, tick.mark, tick.spot)
                rate = twin.rate(premium, terms["convergence_hours"], terms["static_rate"], terms["max_rate"])
            [virtual] = instruments.words([1])
            word, _ = instruments.touch(1).value
            assert virtual == word
            assert unpack(word).funding_index == twin.index_nano(index)
            stored = instruments.funding(1)
            assert (stored.index, stored.rate, stored.accrued_until) == (index, rate, until)


@pytest.mark.parametrize("premium", [-1, 1])
def test_the_index_stays_at_its_limit_rather_than_wrap(
    instruments: Contract, oracle: Contract, env: Env, premium: int
) -> None:
    """Invariant 43: a century at the maximum rate of the largest price neither wraps nor reverts."""
    env.advance(1)
    spot = 2**71
    push(oracle, 1, spot, spot + premium * spot // 10)
    instruments.touch(1)
    env.advance(60 * 365 * 86_400)
    push(oracle, 1, spot, spot + premium * spot // 10)
    limit = premium * twin.INDEX_LIMIT
    [virtual] = instruments.words([1])
    word, _ = instruments.touch(1).value
    assert instruments.funding(1).index == limit
    assert virtual == word
    assert unpack(word).funding_index == limit // NANO


@pytest.mark.parametrize("market", [0, 4, 255, 256, 2**256 - 1])
def test_an_unknown_market_is_refused(instruments: Contract, market: int) -> None:
    before = instruments.words([1, 2, 3])
    with reverts("instruments: unknown market"):
        instruments.touch(market)
    assert instruments.words([1, 2, 3]) == before


def test_a_market_without_price_accrues_nothing(instruments: Contract, oracle: Contract, env: Env) -> None:
    oracle.set_feed(9, DEFAULT_FEED.row())
    market = instruments.list_market(1, 9, *MARKET_TERMS.values()).value
    env.advance(100)
    word, cap = instruments.touch(market).value
    assert (unpack(word).valid, unpack(word).mark, cap) == (False, 0, CAP)
    assert instruments.funding(market).index == 0
