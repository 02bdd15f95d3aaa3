# SPDX-License-Identifier: Apache-2.0
"""DynamicMargin against its integer twin, exactly: scales over time and portfolios at any scale."""

from __future__ import annotations

import random
from dataclasses import astuple, replace
from functools import cache

from eth_utils import to_canonical_address
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.chain.artifacts import load_artifact
from simulation.domain import dynamic_margin as twin
from simulation.domain import margin_math, standard_options
from simulation.domain.dynamic_margin import HOUR, LONGEST, ONE, Scale, ScaleRules
from simulation.domain.market_math import future
from simulation.domain.oracle_math import Tick, pack_tick
from tests.differential.test_margin_math import row
from tests.differential.test_standard_options import BOARDS, PARAMETERS, engine, portfolios
from tests.evm import Contract

BPS, NANO = 10_000, 10**9
FEEDS = {1: 1, 2: 2, 6: 3, 128: 2, 129: 3, 255: 4} | {
    future(number): board.feed for number, board in BOARDS.items()
}
"""Feed by market, or by the future of a series."""
MAPPED = {1: 1, 2: 4, 5: 2}
"""Feed by collateral."""

rules = st.builds(
    ScaleRules,
    reference_variance=st.one_of(st.integers(1, 2**32 - 1), st.integers(10**5, 10**8)),
    floor=st.integers(1_000, BPS),
    cap=st.integers(BPS, 100_000),
    rise=st.one_of(st.integers(1, 100_000), st.integers(1, 2_000)),
    fall=st.one_of(st.integers(1, 100_000), st.integers(1, 2_000)),
    buffer=st.integers(0, BPS),
)
variances = st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 10**8))


@cache
def deployed() -> tuple[Contract, Contract]:
    """The engine over the CrossMargin of the standard rules, and the mock with ticks and feeds."""
    standard = engine("CrossMargin")
    env = standard.env
    source = env.deploy("MockRiskSource")
    dynamic = env.deploy("DynamicMargin", standard, source, source)
    for market, feed in FEEDS.items():
        source.set_feed(market, feed)
    for feed in sorted(set(FEEDS.values())):
        dynamic.set_scale_rules(feed, astuple(ScaleRules(10**6, BPS, BPS, 1, 1, 0)))
    dynamic.admit_markets(list(FEEDS))
    dynamic.map_collaterals(list(MAPPED), list(MAPPED.values()))
    return dynamic, source


def set_variance(source: Contract, feed: int, variance: int) -> None:
    source.set_tick(feed, pack_tick(Tick(spot=NANO, mark=NANO, variance=variance)))


def set_state(dynamic: Contract, feed: int, state: Scale) -> None:
    """Rules and a scale as if refreshed then, into the slot: any scale is reached by some path."""
    given = state.rules
    word = (
        given.reference_variance
        | given.floor << 32
        | given.cap << 64
        | given.rise << 96
        | given.fall << 128
        | given.buffer << 160
        | state.scale << 176
        | state.refreshed_at << 208
    )
    slot = load_artifact("DynamicMargin").storage_layout["dynamic_scale"]["_states"]["slot"] + feed
    dynamic.env.backend.set_storage(to_canonical_address(dynamic.address), slot, word)


@given(given_rules=rules, path=st.lists(st.tuples(st.integers(0, 4_000), variances), max_size=8))
@settings(max_examples=60)
def test_a_scale_over_time(given_rules: ScaleRules, path: list[tuple[int, int]]) -> None:
    """Times between refreshes and the variance from each on: views and stored scales are the twin's."""
    dynamic, source = deployed()
    env = dynamic.env
    with env.anchor():
        start = dynamic.scale(4)
        dynamic.set_scale_rules(4, astuple(given_rules))
        state = Scale(given_rules, start, env.timestamp)
        for seconds, variance in path:
            set_variance(source, 4, variance)
            env.advance(seconds)
            target = twin.target_up(variance, given_rules)
            expected = twin.refreshed(state, variance, env.timestamp)
            assert dynamic.target(4) == target
            assert dynamic.scale(4) == expected.scale
            [event] = dynamic.refresh([4]).named("ScaleRefreshed")
            assert (event["scale"], event["target"]) == (expected.scale, target)
            assert dynamic.scale(4) == expected.scale
            assert expected.scale - state.scale <= given_rules.rise * min(seconds, LONGEST)
            assert state.scale - expected.scale <= given_rules.fall * min(seconds, LONGEST)
            state = expected


@given(given_rules=rules, variance=variances, later=variances)
def test_targets_are_bounded_and_rise_with_the_variance(
    given_rules: ScaleRules, variance: int, later: int
) -> None:
    low, high = sorted((variance, later))
    targets = [twin.target_up(one, given_rules) for one in (low, high)]
    assert given_rules.floor * HOUR <= targets[0] <= targets[1] <= given_rules.cap * HOUR


@given(given_rules=rules, variance=variances, parts=st.lists(st.integers(0, LONGEST), max_size=6))
def test_however_often_it_is_refreshed_a_scale_comes_to_the_same(
    given_rules: ScaleRules, variance: int, parts: list[int]
) -> None:
    start = Scale(given_rules, ONE, 0)
    often, now = start, 0
    for seconds in parts:
        now += seconds
        often = twin.refreshed(often, variance, now)
    if now <= LONGEST:
        assert often.scale == twin.refreshed(start, variance, now).scale


@st.composite
def scales(draw: st.DrawFn) -> dict[int, int]:
    return {
        feed: draw(st.one_of(st.integers(ONE // 10, 10 * ONE), st.just(ONE))) for feed in set(FEEDS.values())
    }


def at(by_feed: dict[int, int]) -> tuple[dict[int, int], dict[int, int]]:
    """Scales by market and by collateral."""
    markets = {market: by_feed[feed] for market, feed in FEEDS.items()}
    return markets, {asset: by_feed[feed] for asset, feed in MAPPED.items()}


def install(by_feed: dict[int, int]) -> None:
    """Every feed at a scale of its own that does not move: its target is where it stands."""
    dynamic, source = deployed()
    for feed, scale in by_feed.items():
        source.set_tick(feed, 0)
        set_state(dynamic, feed, Scale(ScaleRules(1, 1_000, 100_000, 1, 1, 0), scale, dynamic.env.timestamp))


@given(portfolio=portfolios(), by_feed=scales())
@settings(max_examples=150)
def test_assess(portfolio: margin_math.Portfolio, by_feed: dict[int, int]) -> None:
    dynamic, _ = deployed()
    with dynamic.env.anchor():
        install(by_feed)
        assessment = dynamic.assess(row(portfolio))
        assert tuple(assessment) == astuple(twin.assess(portfolio, BOARDS, PARAMETERS, *at(by_feed)))
        assert assessment.initial_margin >= assessment.maintenance_margin >= 0
        terms = [tuple(term) for term in dynamic.explain(row(portfolio))]
        assert terms == [astuple(term) for term in twin.explain(portfolio, BOARDS, PARAMETERS, *at(by_feed))]


@given(portfolio=portfolios())
def test_at_a_scale_of_one_it_is_cross_margin(portfolio: margin_math.Portfolio) -> None:
    assert twin.assess(portfolio, BOARDS, PARAMETERS, {}, {}) == standard_options.assess(
        portfolio, BOARDS, PARAMETERS
    )


@given(portfolio=portfolios(), by_feed=scales(), feed=st.sampled_from([1, 2, 3, 4]), more=st.integers(0, ONE))
def test_margin_rises_with_the_scale(
    portfolio: margin_math.Portfolio, by_feed: dict[int, int], feed: int, more: int
) -> None:
    before = twin.assess(portfolio, BOARDS, PARAMETERS, *at(by_feed))
    wilder = by_feed | {feed: by_feed[feed] + more}
    after = twin.assess(portfolio, BOARDS, PARAMETERS, *at(wilder))
    assert after.maintenance_margin >= before.maintenance_margin
    assert after.equity == before.equity
    # A larger haircut leaves less of a value for the charge of its confidence: together never less.
    assert after.initial_margin >= before.initial_margin


@given(portfolio=portfolios(), by_feed=scales(), seed=st.integers(0, 2**32))
def test_the_order_of_positions_does_not_matter(
    portfolio: margin_math.Portfolio, by_feed: dict[int, int], seed: int
) -> None:
    shuffled = list(portfolio.positions)
    random.Random(seed).shuffle(shuffled)
    other = replace(portfolio, positions=tuple(shuffled))
    assert twin.assess(other, BOARDS, PARAMETERS, *at(by_feed)) == twin.assess(
        portfolio, BOARDS, PARAMETERS, *at(by_feed)
    )


def test_a_jump_of_the_variance_moves_margin_by_ten_minutes_at_once() -> None:
    """Volatility of 1,000 % after a silent week, 500 bps an hour: margin rises by 5 / 6 of a percent."""
    dynamic, source = deployed()
    with dynamic.env.anchor():
        set_variance(source, 2, 10**6)
        dynamic.set_scale_rules(2, astuple(ScaleRules(10**6, 5_000, 50_000, 500, 100, 0)))
        dynamic.env.advance(10**6)
        dynamic.refresh([2])
        held = margin_math.Portfolio(
            0, NANO, (margin_math.PositionRisk(2, NANO, 1_000 * NANO, 1_000 * NANO, 10**8, 0),)
        )
        assert dynamic.scale(2) == ONE
        calm = dynamic.assess(row(held)).maintenance_margin
        dynamic.env.advance(7 * 86_400)
        set_variance(source, 2, 10**9)
        wild = dynamic.assess(row(held)).maintenance_margin
        assert dynamic.scale(2) == ONE + 600 * 500
        assert wild == -(-calm * (ONE + 600 * 500) // ONE)
        dynamic.refresh([2])
        dynamic.env.advance(600)
        assert dynamic.scale(2) == ONE + 1_200 * 500
