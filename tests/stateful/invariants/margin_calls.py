# SPDX-License-Identifier: Apache-2.0
"""Margin calls: the clock of each, and what its steps may not do."""

from __future__ import annotations

from tests.stateful.driver import ESCALATED, HALF_TIME, NOTICE, QUIET
from tests.stateful.invariants.base import View, invariant

__all__: list[str] = []

STEPS = ("call_margin", "escalate", "cure")


@invariant(
    "INV-61",
    "An account is called below initial margin, and escalated only when the whole grace of a notice that is "
    "neither cured nor void is over, below initial margin still.",
)
def inv_61_clock(view: View) -> None:
    step, now = view.step, view.after.time
    grace, window = view.parameters.liquidation[10:12]
    for event in (*step.named("MarginCalled"), *step.named("MarginCallEscalated")):
        number = event["account"]
        margin = view.margins(number)[0]
        assert margin.valid and margin.equity < margin.initial, f"account {number}: {margin}"
        assert not view.before.accounts[number - 1].liquidating
    for event in step.named("MarginCalled"):
        known = step.calls.get(event["account"])
        live = known is not None and now < known.lapses
        if event["stage"] == NOTICE:
            assert not live
            assert (event["deadline"], event["lapses"]) == (now + grace, now + grace + window)
        else:
            assert known is not None and live and (event["stage"], known.stage) == (HALF_TIME, NOTICE)
            assert (event["deadline"], event["lapses"]) == (known.deadline, known.lapses)
            assert now >= known.called + (known.deadline - known.called) // 2
    for event in step.named("MarginCallEscalated"):
        known = step.calls[event["account"]]
        assert known.stage in (NOTICE, HALF_TIME) and known.deadline <= now < known.lapses
        assert known.deadline >= known.called + 600


@invariant(
    "INV-62", "In liquidation no margin call is in force; a call is cured only at or above initial margin."
)
def inv_62_end(view: View) -> None:
    step = view.step
    for event in step.named("MarginCallCured"):
        number = event["account"]
        margin = view.margins(number)[1]
        assert margin.valid and margin.equity >= margin.initial, f"account {number}: {margin}"
        assert number in step.calls and view.after.time < step.calls[number].lapses
    if step.contract != "Liquidator" or not step.args or not isinstance(step.args[0], int):
        return
    number = step.args[0]
    stage, _, _, lapses = view.driver.margin_call(number)
    known = view.driver.calls.get(number)
    live = known is not None and view.after.time < known.lapses
    assert stage == (known.stage if known is not None and live else QUIET)
    assert lapses == (known.lapses if known is not None and live else 0)
    if 1 <= number <= view.after.account_count and view.after.accounts[number - 1].liquidating:
        assert stage == QUIET


@invariant(
    "INV-63", "No step of a margin call moves money or positions; an escalation leaves no resting order."
)
def inv_63_effect(view: View) -> None:
    step = view.step
    if step.contract != "Liquidator" or step.function not in STEPS:
        return
    assert view.changed in ((), (step.args[0],))
    assert {event.name for event in step.outcome.events} <= {
        "MarginCalled",
        "MarginCallEscalated",
        "MarginCallCured",
        "OrderRemoved",
    }
    for number in view.changed:
        old, new = view.account(number)
        assert (old.cash, old.units, old.liquidating) == (new.cash, new.units, new.liquidating)
        sizes = [
            {market: held.size for market, held in of.positions.items() if held.size} for of in (old, new)
        ]
        assert sizes[0] == sizes[1]
    if step.function == "escalate":
        after = view.after.accounts[step.args[0] - 1]
        assert not any(held.bids or held.asks for held in after.positions.values())
        found = view.driver.calls.get(step.args[0])
        assert found is None or found.stage == ESCALATED
