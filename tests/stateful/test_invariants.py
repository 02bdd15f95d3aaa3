# SPDX-License-Identifier: Apache-2.0
"""The whole protocol under 50,000 drawn calls, every invariant of docs/invariants.md held after each of them.

A seeded driver makes the calls (tests/stateful/regimes.py): one process does five hundred of them a second
with all checks, which hypothesis' own bookkeeping would halve. The same rules run under hypothesis, with
shrinking, in test_machine.py. Each seed goes through every regime and must see every rule succeed.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.stateful.invariants import INVARIANTS
from tests.stateful.regimes import REGIMES, RULES, begin, play

SEEDS = range(10)
CALLS = 1_000
"""Of one regime, after those that set it up."""
EXTRA = 12
"""Rounds that may be added for a rule that has been unlucky."""
NEVER = {
    "attacker calls what is not theirs",
    "attacker uses another's account",
    "attacker forges a price",
    "attacker forges a surface",
}
"""Rules that must not succeed even once."""


@pytest.mark.parametrize("seed", SEEDS)
def test_every_call_keeps_every_invariant(seed: int) -> None:
    succeeded: Counter[str] = Counter()
    attempted: Counter[str] = Counter()
    calls = 0
    for regime in REGIMES:
        driver, checker = begin(Random(f"plimsoll {seed} {regime}"), regime)
        play(driver, regime, CALLS)
        assert checker.calls == driver.rig.calls >= CALLS
        calls += checker.calls
        succeeded += driver.succeeded
        attempted += driver.attempted
    assert calls >= CALLS * len(REGIMES)
    for extra in range(EXTRA):
        if {rule for rule in RULES if not succeeded[rule]} == NEVER:
            break
        regime = ("crash", "no keepers", "poor fund")[extra % 3]
        driver, _ = begin(Random(f"plimsoll {seed} extra {extra}"), regime)
        play(driver, regime, CALLS)
        succeeded += driver.succeeded
        attempted += driver.attempted
    assert {rule for rule in RULES if not attempted[rule]} == set()
    assert {rule for rule in RULES if not succeeded[rule]} == NEVER


def test_the_suite_is_as_large_as_it_says() -> None:
    assert len(SEEDS) * CALLS * len(REGIMES) >= 50_000
    numbers = {found.id for found in INVARIANTS}
    assert len(numbers) == len(INVARIANTS) >= 30
