# SPDX-License-Identifier: Apache-2.0
"""Margin engines beside one another, and the lenders behind one of them: 52 to 58."""

from __future__ import annotations

from simulation.domain import credit_math
from tests.stateful.driver import Driver
from tests.stateful.invariants.base import View, invariant
from tests.stateful.invariants.margin import funding_due
from tests.stateful.margins import CREDIT
from tests.stateful.world_state import Desk, State

__all__: list[str] = []

QUIET, NOTICE, HALF_TIME, DEFAULTED = 1, 2, 4, 8
WAD = 10**18
BPS, HOUR = 10_000, 3_600
LONGEST = 600
JUNIOR, SENIOR = 0, 1
EVERY = 7
"""Calls between two looks at the terms of an account, and at the scales."""


@invariant("INV-52", "Under every engine the terms of `explain` sum exactly to the assessment.")
def inv_52_terms(view: View) -> None:
    rig, after = view.driver.rig, view.after
    if rig.calls % EVERY or not after.account_count:
        return
    number = rig.calls // EVERY % after.account_count + 1
    answer = rig.view("Lens", "explain(uint256)", number)
    assert answer.ok, f"account {number} is not explained"
    # An array of terms: label, subject, initial margin, maintenance margin, equity; labels stand elsewhere.
    count = answer.word(1)
    sums = [0, 0, 0]
    for place in range(count):
        start = 2 + answer.word(2 + place) // 32
        for i in range(3):
            sums[i] += answer.signed(start + 2 + i)
    margin = view.margins(number)[1]
    assert sums == [margin.initial, margin.maintenance, margin.equity], f"account {number}"


@invariant(
    "INV-53",
    "Lines: what is committed is the sum of all lines and within what lenders have, calls are counted, "
    "shares are backed and sum to their supply, and nothing that is bound can be redeemed.",
)
def inv_53_desk(view: View) -> None:
    desk = view.after.desk
    assert desk.committed == sum(line.committed for line in desk.lines) <= sum(desk.assets)
    assert desk.open_calls == sum(line.committed > 0 and line.stage != QUIET for line in desk.lines)
    bound = credit_math.first_loss_up(desk.committed, view.driver.rig.deployed.desk[3])
    free = sum(desk.assets) - desk.committed
    for place in (JUNIOR, SENIOR):
        supply, assets = desk.supply[place], desk.assets[place]
        assert sum(desk.shares[place]) == supply
        worth = sum(credit_math.assets_down(shares, supply, assets) for shares in desk.shares[place])
        assert worth <= assets
        least = bound if place == JUNIOR else 0
        expected = 0 if desk.open_calls else min(free, max(assets - least, 0))
        assert desk.redeemable[place] == expected, f"tranche {place + 1}"
    for line in desk.lines:
        assert (line.committed == 0) == (line.accrued == 0)
        assert line.granted <= line.committed or line.stage == DEFAULTED
    old = view.before.desk
    if desk.committed > old.committed:
        assert view.step.function == "grant" and bound <= desk.assets[JUNIOR], "lines without a first loss"


@invariant(
    "INV-54",
    "A lender's share loses value only by a loss of an account with a line; losses fall on the junior "
    "tranche first, then on the senior one, up to the commitment, before the fund and before all others.",
)
def inv_54_losses(view: View) -> None:
    before, after, step = view.before.desk, view.after.desk, view.step
    losses = step.named("LossBorne")
    if not losses:
        for place in (JUNIOR, SENIOR):
            assert _no_worse(before, after, place), f"tranche {place + 1} lost value without a loss"
        assert after.wiped == before.wiped
    else:
        assert step.contract == "Liquidator" and len(losses) == 1
        (loss,) = losses
        line, paid = before.lines[loss["account"] - 1], loss["junior"] + loss["senior"]
        assert after.assets[JUNIOR] == before.assets[JUNIOR] - loss["junior"]
        assert after.assets[SENIOR] == before.assets[SENIOR] - loss["senior"]
        assert loss["senior"] == 0 or after.assets[JUNIOR] == 0, "the senior tranche lost before the junior"
        assert 0 < paid <= line.committed and loss["committed"] == line.committed - paid
        assert view.driver.engines[loss["account"]] == CREDIT
        assert view.paid_by_line() == paid * view.scale
        for place in (JUNIOR, SENIOR):
            wiped = after.assets[place] == 0 < before.assets[place]
            assert after.wiped[place] == before.wiped[place] + wiped
    for covered in (*step.named("Drawn"), *step.named("DeficitSocialised")):
        number = covered["account"]
        if view.driver.engines[number] == CREDIT:
            assert after.lines[number - 1].committed == 0, "a line was spared"


def _no_worse(before: Desk, after: Desk, place: int) -> bool:
    """Assets per share of a tranche, virtual ones included; no division."""
    old = before.assets[place] + 1, before.supply[place] + 10**6
    new = after.assets[place] + 1, after.supply[place] + 10**6
    return bool(new[0] * old[1] >= old[0] * new[1])


@invariant(
    "INV-55",
    "A line is called, cured and withdrawn only by a review, a default after its grace, or a loss; it is "
    "never cut under what an account uses without a call.",
)
def inv_55_calls(view: View) -> None:
    step, grace = view.step, view.driver.rig.deployed.desk[4]
    for number, (old, new) in enumerate(zip(view.before.desk.lines, view.after.desk.lines, strict=True), 1):
        if old is new or old == new:
            continue
        desk = step.contract == "CreditDesk"
        if old.stage != new.stage and new.committed:
            assert (desk and step.function in ("review", "declare_default")) or step.named("LossBorne")
        if new.stage == DEFAULTED != old.stage and not step.named("LossBorne"):
            assert step.function == "declare_default" and old.stage in (NOTICE, HALF_TIME)
            assert view.after.time >= old.called + grace, "declared in default within its grace"
            assert new.committed == old.committed, "the guarantee goes on"
        if new.stage == NOTICE != old.stage:
            assert new.called == view.after.time
        if new.committed < old.committed and not step.named("LossBorne"):
            assert desk and step.function == "review"
            if view.driver.engines.get(number) == CREDIT:
                bare, assessment = view.driver.margins.bare(view.after, number)
                use = credit_math.use(assessment.initial_margin, bare.equity)
                assert use <= max(new.committed, 0) * view.scale, "released what the account uses"
        if new.granted > old.granted:
            assert desk and step.function == "grant"


@invariant(
    "INV-56",
    "Nobody changes engine but by the owner's own request, once it is due, and with initial margin under the "
    "new one at valid prices.",
)
def inv_56_engine_change(view: View) -> None:
    step = view.step
    changed = step.named("EngineChanged")
    assert bool(changed) == (step.ok and (step.contract, step.function) == ("EngineSwitch", "change"))
    for event in changed:
        number = event["account"]
        engine, asked = view.memory.requests.pop(number)
        assert (
            event["engine_id"] == engine and view.after.time >= asked + view.driver.rig.deployed.engine_delay
        )
        assert step.caller == view.driver.owners[number]
        margin = view.margins(number)[1]
        assert margin.equity >= margin.initial and margin.valid, f"account {number}: {margin}"
        assert not view.after.account(number).liquidating
    for event in step.named("EngineRequested"):
        assert step.caller == view.driver.owners[event["account"]]
        view.memory.requests[event["account"]] = event["engine_id"], view.after.time


@invariant(
    "INV-57",
    "The scale of a feed keeps its floor and cap, and is what its rules make of the variance and the time, "
    "whoever refreshes it.",
)
def inv_57_scales(view: View) -> None:
    driver, after = view.driver, view.after
    if driver.rig.calls % EVERY and (view.step.contract, view.step.function) != ("DynamicMargin", "refresh"):
        return
    for feed, stored in driver.margins.scales.items():
        said = driver.rig.view("DynamicMargin", "scale(uint256)", feed).word()
        assert said == driver.margins.scale(after, feed), f"feed {feed}"
        highest = max(stored.scale, stored.rules.cap * HOUR)
        assert min(stored.scale, stored.rules.floor * HOUR) <= said <= highest, f"feed {feed}"
        assert said - stored.scale <= LONGEST * stored.rules.rise, f"feed {feed} rose faster than its limit"


def scales_keep_their_speed(driver: Driver, before: State, after: State) -> None:
    """INV-57 where nothing but time passes."""
    for feed, stored in driver.margins.scales.items():
        moved = driver.margins.scale(after, feed) - driver.margins.scale(before, feed)
        seconds = min(after.time - before.time, LONGEST)
        fastest = seconds * max(stored.rules.rise, stored.rules.fall)
        assert abs(moved) <= fastest, f"INV-57: feed {feed} moved by {moved}"


@invariant(
    "INV-58",
    "No account is left below its engine's initial margin by a call of its owner that it passed before.",
)
def inv_58_own_calls(view: View) -> None:
    step = view.step
    # Deleveraging is anyone's and takes a counterparty's hedge without asking for margin.
    if not step.ok or view.is_parameter_change or step.function == "deleverage":
        return
    for number in view.changed:
        if view.driver.owners.get(number) != step.caller or view.after.account(number).liquidating:
            continue
        before, after = view.margins(number)
        if before.shortfall <= 0:
            assert after.shortfall <= funding_due(view, number), f"account {number}: {before} became {after}"
