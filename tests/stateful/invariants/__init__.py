# SPDX-License-Identifier: Apache-2.0
"""The invariants of docs/invariants.md that every call of a run is held against, by their numbers."""

from __future__ import annotations

from tests.stateful.driver import Driver, Step
from tests.stateful.invariants import (
    book,
    control,
    custody,
    inverse,
    liquidation,
    margin,
    margin_calls,
    settlement,
    systems,
)
from tests.stateful.invariants.base import INVARIANTS, Invariant, Memory, View
from tests.stateful.invariants.settlement import time_accrues_linearly
from tests.stateful.invariants.systems import scales_keep_their_speed

__all__ = ["INVARIANTS", "Checker", "Invariant"]

_REGISTERED = (custody, margin, settlement, liquidation, margin_calls, book, control, inverse, systems)


class Checker:
    """Observes a driver and runs every invariant after every call.

    A call that reverts must leave every slot of every contract as it was; what holds of a state then still
    does, so only the checks that ask what was refused run again.
    """

    ON_REVERT = ("INV-22", "INV-41", "INV-43", "INV-44", "INV-45")

    def __init__(self) -> None:
        self.memory = Memory()
        self.calls = 0
        self._on_revert = [found for found in INVARIANTS if found.id in self.ON_REVERT]

    def watch(self, driver: Driver) -> Checker:
        driver.observers = (*driver.observers, self)
        driver.time_observers += [time_accrues_linearly, scales_keep_their_speed]
        return self

    def __call__(self, driver: Driver, step: Step) -> None:
        self.calls += 1
        view = View(driver, step, self.memory)
        checks = INVARIANTS
        if not step.ok:
            assert step.outcome.changed_slots == 0, f"{_told(step)} reverted and left a trace"
            checks = self._on_revert
        for found in checks:
            try:
                found.check(view)
            except AssertionError as error:
                raise AssertionError(f"{found.id}: {found.sentence}\n{_told(step)}\n{error}") from error


def _told(step: Step) -> str:
    return f"{step.rule}: {step.caller} -> {step.contract}.{step.function}{step.args}"
