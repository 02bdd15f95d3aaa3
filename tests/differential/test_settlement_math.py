# SPDX-License-Identifier: Apache-2.0
"""math/settlement_math against the model, and the model against a sum second by second."""

from __future__ import annotations

from dataclasses import astuple
from functools import cache

from hypothesis import assume, example, given
from hypothesis import strategies as st

from simulation.domain import settlement_math as model
from simulation.domain.settlement_math import WINDOW, Observation, Rules
from tests.evm import Contract, Env

EXPIRY = 1_700_086_400
SETTLED = 2**240
price = st.one_of(st.integers(1, 2**72 - 1), st.integers(10**12, 3 * 10**12))
rules = st.builds(Rules, st.integers(1, 900), st.integers(900, 1_800), st.integers(3_600, 604_800))
second = st.one_of(
    st.integers(-3_000, 3_000),
    st.integers(-3_000, 10_000),
    st.sampled_from([-WINDOW - 1, -WINDOW, -1, 0, 1, 3_599, 3_600, 86_400, 604_800]),
)


@st.composite
def paths(draw: st.DrawFn, longest: int = 40) -> list[Observation]:
    """Observations around the window, in order, dense or with holes."""
    times = draw(st.lists(second, max_size=longest, unique=True))
    if draw(st.booleans()):
        # As a feed brings them: every so many seconds, with some missing.
        step = draw(st.integers(30, 300))
        missing = draw(st.sets(st.integers(0, 60), max_size=20))
        start = draw(st.integers(-2_400, -1_500))
        times = [start + i * step for i in range(min(longest, 5_000 // step)) if i not in missing]
    return [Observation(draw(price), EXPIRY + time) for time in sorted(times)]


@cache
def harness() -> Contract:
    return Env().deploy("SettlementMathHarness")


def by_the_second(observations: list[Observation], until: int, rule: Rules) -> tuple[int, int]:
    """The definition, read aloud."""
    total = count = 0
    last = min(until, EXPIRY + rule.patience)
    current = -1
    for now in range(EXPIRY - WINDOW, last):
        while current + 1 < len(observations) and observations[current + 1].timestamp <= now:
            current += 1
        if current < 0 or now >= observations[current].timestamp + rule.max_gap:
            continue
        if now < EXPIRY or count < rule.required:
            total += observations[current].spot
            count += 1
    return total, count


@given(observations=paths(), rule=rules, until=st.integers(-2_000, 5_000))
def test_the_model_is_the_definition(observations: list[Observation], rule: Rules, until: int) -> None:
    known = [seen for seen in observations if seen.timestamp <= EXPIRY + until]
    assert model.totals(known, EXPIRY + until, EXPIRY, rule) == by_the_second(known, EXPIRY + until, rule)


@given(observations=paths(), rule=rules, after=st.integers(0, 1_000))
@example(
    observations=[Observation(2**72 - 1, EXPIRY - WINDOW + 900 * i) for i in range(3)],
    rule=Rules(900, 1_800, 3_600),
    after=0,
)
def test_the_running_sum_is_the_model(observations: list[Observation], rule: Rules, after: int) -> None:
    word = 3 << 200 | EXPIRY << 208
    for place, seen in enumerate(observations):
        following = harness().observed(word, seen.spot, seen.timestamp, astuple(rule))
        assert following >> 200 == word >> 200
        if following != word:
            assert (following >> 96) % 2**72 == seen.spot and (following >> 168) % 2**32 == seen.timestamp
            known = observations[: place + 1]
            expected = model.totals(known, seen.timestamp, EXPIRY, rule)
            assert (following % 2**84, (following >> 84) % 2**12) == expected
        # The same again does nothing; a settled series records nothing.
        assert harness().observed(following, seen.spot, seen.timestamp, astuple(rule)) == following
        assert harness().observed(word | SETTLED, seen.spot, seen.timestamp, astuple(rule)) == word | SETTLED
        word = following
    until = max([seen.timestamp for seen in observations] + [EXPIRY]) + after
    assert harness().totals(word, until, astuple(rule)) == model.totals(observations, until, EXPIRY, rule)


@given(
    seconds=st.tuples(st.integers(0, 1_800), st.integers(0, 1_800)).filter(lambda pair: sum(pair) <= 1_800),
    required=st.integers(900, 1_800),
    mean=price,
    forward=price,
)
@example(seconds=(1_200, 600), required=1_620, mean=1_050 * 10**9, forward=1_000 * 10**9)
def test_split(seconds: tuple[int, int], required: int, mean: int, forward: int) -> None:
    covered, remaining = seconds
    fixed, variable = harness().split(mean * covered, covered, remaining, required, forward)
    assert (fixed, variable) == model.split(mean * covered, covered, remaining, required, forward)
    assert min(mean, forward) - 1 <= fixed + variable + 1 and fixed + variable <= max(mean, forward)
    if covered + remaining == WINDOW:
        # Nothing missing: the published formula.
        assert fixed == mean * covered // WINDOW and variable == forward * remaining // WINDOW
    if remaining == 0 and covered >= required:
        assert (fixed, variable) == (mean, 0)


@given(
    observations=paths(),
    rule=rules,
    chosen=st.sets(st.integers(0, 39)),
)
def test_what_choosing_the_records_can_gain(
    observations: list[Observation], rule: Rules, chosen: set[int]
) -> None:
    """Whoever alone decides what is recorded moves the mean by no more than the largest move within one gap,
    and by the share of the window left out times the range of prices."""
    published = [seen for seen in observations if seen.timestamp < EXPIRY]
    recorded = [seen for place, seen in enumerate(published) if place in chosen]
    full, covered = model.totals(published, EXPIRY, EXPIRY, rule)
    part, counted = model.totals(recorded, EXPIRY, EXPIRY, rule)
    assume(counted > 0)
    assert counted <= covered
    step = max(
        abs(later.spot - sooner.spot)
        for sooner in published
        for later in published
        if 0 <= later.timestamp - sooner.timestamp < rule.max_gap
    )
    spots = [seen.spot for seen in published]
    allowed = step * covered + (covered - counted) * (max(spots) - min(spots))
    assert abs(part * covered - full * counted) <= allowed * counted
