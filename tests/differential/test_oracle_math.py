# SPDX-License-Identifier: Apache-2.0
"""math/oracle_math against its integer twin, exactly, over the whole range of each field."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from hypothesis import example, given
from hypothesis import strategies as st

from simulation.domain import oracle_math as twin
from tests.evm import Contract, Env

price = st.one_of(st.integers(1, 2**72 - 1), st.integers(10**9, 10**14))
time = st.integers(0, 2**32 - 1)
window = st.integers(60, 2**24 - 1)
deviation = st.integers(1, 5_000)
ticks = st.builds(
    twin.Tick,
    spot=st.one_of(st.just(0), price),
    mark=price,
    confidence=st.integers(0, 2**28 - 1),
    timestamp=time,
    variance=st.integers(0, 2**32 - 1),
    heartbeat=st.integers(1, 2**16 - 1),
    flags=st.sampled_from([0, 0, 1, 2, 4, 8, 15]),
)


@cache
def harness() -> Contract:
    return Env().deploy("OracleMathHarness")


@given(tick=ticks)
def test_pack_tick(tick: twin.Tick) -> None:
    word = harness().pack_tick(
        tick.spot, tick.mark, tick.confidence, tick.timestamp, tick.variance, tick.heartbeat, tick.flags
    )
    assert word == twin.pack_tick(tick)
    assert twin.unpack_tick(word) == tick


@given(tick=ticks, after=st.integers(-3, 3))
def test_validity_ends_with_the_heartbeat(tick: twin.Tick, after: int) -> None:
    now = max(twin.fresh_until(tick) + after, 0)
    word = twin.pack_tick(tick)
    assert harness().fresh_until(word) == twin.fresh_until(tick)
    assert harness().is_valid(word, now) == twin.is_valid(tick, now)
    if after > 0:
        assert not harness().is_valid(word, now)


@given(spot=price, mark=price, max_deviation=deviation)
@example(spot=1, mark=2**72 - 1, max_deviation=1)
@example(spot=2**72 - 1, mark=1, max_deviation=5_000)
@example(spot=10_000, mark=10_500, max_deviation=500)
@example(spot=10_000, mark=10_501, max_deviation=500)
@example(spot=10_000, mark=9_500, max_deviation=500)
@example(spot=10_000, mark=9_499, max_deviation=500)
def test_bounded_mark(spot: int, mark: int, max_deviation: int) -> None:
    bounded = harness().bounded_mark(spot, mark, max_deviation)
    assert bounded == twin.bounded_mark(spot, mark, max_deviation)
    assert abs(bounded - spot) * 10_000 <= spot * max_deviation
    if abs(mark - spot) * 10_000 <= spot * max_deviation:
        assert bounded == mark


@given(spot=price, last_spot=st.one_of(st.just(0), price), max_jump=st.integers(0, 10_000))
@example(spot=1_100, last_spot=1_000, max_jump=1_000)
@example(spot=1_101, last_spot=1_000, max_jump=1_000)
@example(spot=899, last_spot=1_000, max_jump=1_000)
def test_jumped(spot: int, last_spot: int, max_jump: int) -> None:
    assert harness().jumped(spot, last_spot, max_jump) == twin.jumped(spot, last_spot, max_jump)


@given(
    stored=st.integers(0, 2**32 - 1),
    last_spot=price,
    spot=price,
    elapsed=st.integers(1, 2**32 - 1),
    window=window,
)
@example(stored=2**32 - 1, last_spot=1, spot=2**72 - 1, elapsed=1, window=60)
def test_variance(stored: int, last_spot: int, spot: int, elapsed: int, window: int) -> None:
    assert harness().variance(stored, last_spot, spot, elapsed, window) == twin.variance(
        stored, last_spot, spot, elapsed, window
    )


@given(spot=st.integers(10**9, 10**14), move=st.integers(-300, 300), elapsed=st.integers(1, 86_400))
def test_variance_is_the_weighted_mean_of_old_and_annualised_new(spot: int, move: int, elapsed: int) -> None:
    moved = spot + spot * move // 10_000
    old, window = 6_400_000, 86_400
    annualised = Fraction(moved - spot, spot) ** 2 * twin.YEAR / elapsed * twin.VARIANCE_ONE
    weight = Fraction(elapsed, elapsed + window)
    exact = (1 - weight) * old + weight * annualised
    assert exact - 2 < twin.variance(old, spot, moved, elapsed, window) <= exact
