# SPDX-License-Identifier: Apache-2.0
"""The same rules and invariants under hypothesis, which chooses and shrinks what the long runs only draw.

What a failure prints is the shortest list of rules that still fails. Every rule takes its own source of
random numbers from hypothesis, so that arguments shrink as well.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.stateful.driver import Driver
from tests.stateful.regimes import REGIMES, RULES, begin, wait

RANDOM = st.randoms(use_true_random=False, note_method_calls=False)
STEPS = 40
EXAMPLES = 15


class ProtocolMachine(RuleBasedStateMachine):
    """One rule of the registry is one rule of the machine."""

    driver: Driver

    @initialize(seed=st.integers(0, 2**16), regime=st.sampled_from(sorted(REGIMES)))
    def open(self, seed: int, regime: str) -> None:
        self.driver, self.checker = begin(Random(seed), regime)

    def teardown(self) -> None:
        if hasattr(self, "driver"):
            assert self.checker.calls == self.driver.rig.calls


def _as_rule(name: str) -> Any:
    def step(self: ProtocolMachine, random: Random) -> None:
        self.driver.rng = random
        wait(self.driver)
        self.driver.rule = name
        RULES[name](self.driver)

    step.__name__ = name.replace(" ", "_").replace("'", "")
    return rule(random=RANDOM)(step)


for _name in RULES:
    setattr(ProtocolMachine, _name.replace(" ", "_").replace("'", ""), _as_rule(_name))

TestProtocolMachine = ProtocolMachine.TestCase
TestProtocolMachine.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
