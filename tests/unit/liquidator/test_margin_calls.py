# SPDX-License-Identifier: Apache-2.0
"""The clock of a margin call, by hand: grace and window of an hour each.

Long 100 at 100 with 1,000 of cash. At 99 equity is 900 and the requirements are 990 and 495; at 95.4 equity
is 540, maintenance margin 477 and the buffer margin 540 - 477 * 1.15 = -8.55; at 94 equity is 400 and
maintenance margin 470.
"""

from __future__ import annotations

import pytest

from tests.evm import Receipt, reverts
from tests.unit.liquidator.world import IDLE, SOLVENT, World, wad

QUIET, NOTICE, HALF_TIME, ESCALATED = 1, 2, 4, 8
HOUR = 3_600
BELOW_BUFFER = 95.4


def call(world: World) -> Receipt:
    return world.liquidator.call_margin(world.account, sender=world.keeper)  # type: ignore[no-any-return]


def escalate(world: World) -> Receipt:
    return world.liquidator.escalate(world.account, sender=world.keeper)  # type: ignore[no-any-return]


def cure(world: World) -> Receipt:
    return world.liquidator.cure(world.account, sender=world.keeper)  # type: ignore[no-any-return]


def stage(world: World) -> int:
    return int(world.liquidator.margin_call(world.account).stage)


def called(world: World, mark: float = 99) -> None:
    world.under_water(mark=mark)
    call(world)


def escalated(world: World, mark: float = BELOW_BUFFER) -> None:
    called(world, mark)
    world.env.advance(HOUR)
    escalate(world)


# -- notice


def test_notice(world: World) -> None:
    world.under_water(mark=99)
    receipt = call(world)
    now = world.env.timestamp
    assert receipt.named("MarginCalled") == [
        {
            "account": world.account,
            "stage": NOTICE,
            "deadline": now + HOUR,
            "lapses": now + 2 * HOUR,
            "equity": wad(900),
            "initial_margin": wad(990),
            "maintenance_margin": wad(495),
        }
    ]
    assert tuple(world.liquidator.margin_call(world.account)) == (NOTICE, now, now + HOUR, now + 2 * HOUR)
    assert not world.vault.in_liquidation(world.account)
    assert world.vault.orders_cancelled(world.account) == 0


def test_nobody_is_called_at_initial_margin(world: World) -> None:
    world.hold(world.account, 100)
    with reverts("liquidator: account is healthy"):
        call(world)
    world.vault.set_cash(world.account, wad(1_000) - 1)
    call(world)


@pytest.mark.parametrize("account", [0, 99], ids=["nobody's", "unknown"])
def test_an_account_that_is_not_there_is_healthy(world: World, account: int) -> None:
    with reverts("liquidator: account is healthy"):
        world.liquidator.call_margin(account)


def test_a_flat_account_is_called_for_a_loan_that_its_collateral_does_not_carry(world: World) -> None:
    flat = world.open("maker", cash=0, collateral=100)
    with reverts("liquidator: account is healthy"):
        world.liquidator.call_margin(flat)
    world.vault.set_cash(flat, -wad(100) - 1)
    world.liquidator.call_margin(flat)


def test_half_time_is_announced_once_and_moves_no_deadline(world: World) -> None:
    called(world)
    first = world.liquidator.margin_call(world.account)
    world.env.advance(HOUR // 2 - 1)
    with reverts("liquidator: called too recently"):
        call(world)
    world.env.advance(1)
    event = call(world).named("MarginCalled")[0]
    assert (event["stage"], event["deadline"], event["lapses"]) == (HALF_TIME, first.deadline, first.lapses)
    assert tuple(world.liquidator.margin_call(world.account)) == (HALF_TIME, *tuple(first)[1:])
    world.env.advance(HOUR)
    with reverts("liquidator: called too recently"):
        call(world)


@pytest.mark.parametrize("step", [call, escalate, cure])
def test_every_step_refuses_stale_prices(world: World, step: object) -> None:
    assert callable(step)
    called(world)
    world.env.advance(HOUR)
    world.vault.set_valid(False)
    with reverts("liquidator: stale price"):
        step(world)
    assert stage(world) == NOTICE


def test_nobody_is_called_in_liquidation(world: World) -> None:
    world.solvent()
    with reverts("liquidator: wrong phase"):
        call(world)


# -- cure


@pytest.mark.parametrize("wait", [0, HOUR // 2, HOUR, 2 * HOUR - 1])
def test_cure(world: World, wait: int) -> None:
    called(world)
    world.env.advance(wait)
    world.mark(100)
    assert cure(world).named("MarginCallCured") == [
        {"account": world.account, "equity": wad(1_000), "initial_margin": wad(1_000)}
    ]
    assert tuple(world.liquidator.margin_call(world.account)) == (QUIET, 0, 0, 0)


def test_no_cure_below_initial_margin_or_without_a_call(world: World) -> None:
    called(world)
    with reverts("liquidator: margin not restored"):
        cure(world)
    world.mark(100)
    cure(world)
    with reverts("liquidator: no call in force"):
        cure(world)


def test_after_a_cure_the_clock_begins_anew(world: World) -> None:
    called(world)
    world.env.advance(HOUR - 1)
    world.mark(100)
    cure(world)
    world.mark(99)
    with reverts("liquidator: no call in force"):
        escalate(world)
    call(world)
    world.env.advance(HOUR - 1)
    with reverts("liquidator: grace is not over"):
        escalate(world)


def test_a_call_that_nobody_cured_is_void_after_its_window(world: World) -> None:
    """Else a dip of long ago would cut the grace of this one short."""
    called(world)
    world.env.advance(2 * HOUR)
    assert stage(world) == QUIET
    for step in (escalate, cure):
        with reverts("liquidator: no call in force"):
            step(world)
    call(world)
    assert world.liquidator.margin_call(world.account).deadline == world.env.timestamp + HOUR


# -- escalation


def test_escalation(world: World) -> None:
    called(world)
    world.env.advance(HOUR)
    assert escalate(world).named("MarginCallEscalated") == [
        {
            "account": world.account,
            "equity": wad(900),
            "initial_margin": wad(990),
            "maintenance_margin": wad(495),
        }
    ]
    assert stage(world) == ESCALATED
    assert world.vault.orders_cancelled(world.account) == 1
    assert not world.vault.in_liquidation(world.account)
    with reverts("liquidator: no call in force"):
        escalate(world)
    with reverts("liquidator: called too recently"):
        call(world)


@pytest.mark.parametrize("reminded", [False, True])
def test_no_escalation_within_the_grace(world: World, reminded: bool) -> None:
    called(world)
    world.env.advance(HOUR - 1)
    if reminded:
        call(world)
    with reverts("liquidator: grace is not over"):
        escalate(world)
    world.env.advance(1)
    escalate(world)


def test_no_escalation_without_notice_or_after_recovery(world: World) -> None:
    """A price that was low once, and is not now, escalates nobody."""
    world.under_water(mark=99)
    with reverts("liquidator: no call in force"):
        escalate(world)
    call(world)
    world.env.advance(HOUR)
    world.mark(100)
    with reverts("liquidator: account is healthy"):
        escalate(world)
    assert stage(world) == NOTICE


def test_a_running_call_keeps_the_times_of_its_notice(world: World) -> None:
    called(world)
    world.parameters(grace=600, window=600)
    world.env.advance(HOUR - 1)
    with reverts("liquidator: grace is not over"):
        escalate(world)
    world.env.advance(1)
    escalate(world)
    world.env.advance(HOUR - 1)
    assert stage(world) == ESCALATED


def test_without_a_window_calls_only_inform(world: World) -> None:
    world.parameters(window=0)
    called(world)
    world.env.advance(HOUR - 1)
    with reverts("liquidator: grace is not over"):
        escalate(world)
    world.env.advance(1)
    with reverts("liquidator: no call in force"):
        escalate(world)
    call(world)


# -- early auction


def test_an_escalated_account_is_put_up_for_auction_below_its_buffer(world: World) -> None:
    escalated(world)
    receipt = world.start()
    assert receipt.named("AuctionStarted") == [
        {
            "account": world.account,
            "starter": world.keeper,
            "equity": wad(540),
            "maintenance_margin": wad(477),
            "insolvent": False,
        }
    ]
    assert world.state(world.account).phase == SOLVENT
    assert tuple(world.liquidator.margin_call(world.account)) == (QUIET, 0, 0, 0)


def test_not_above_the_buffer(world: World) -> None:
    escalated(world, mark=96)
    assert world.state(world.account).buffer_margin > 0
    with reverts("liquidator: account is healthy"):
        world.start()
    world.mark(BELOW_BUFFER)
    world.start()


@pytest.mark.parametrize("reached", [None, NOTICE, HALF_TIME])
def test_nor_before_the_escalation(world: World, reached: int | None) -> None:
    world.under_water(mark=BELOW_BUFFER)
    if reached is not None:
        call(world)
        world.env.advance(HOUR)
    if reached == HALF_TIME:
        call(world)
    with reverts("liquidator: account is healthy"):
        world.start()


def test_nor_once_the_escalation_has_lapsed(world: World) -> None:
    escalated(world)
    world.env.advance(HOUR - 1)
    assert stage(world) == ESCALATED
    world.env.advance(1)
    with reverts("liquidator: account is healthy"):
        world.start()


def test_nor_after_a_cure(world: World) -> None:
    escalated(world)
    world.mark(100)
    cure(world)
    world.mark(BELOW_BUFFER)
    with reverts("liquidator: account is healthy"):
        world.start()


def test_nor_where_parameters_do_not_say_so(world: World) -> None:
    world.parameters(early_auction=False)
    escalated(world)
    assert world.vault.orders_cancelled(world.account) == 1
    with reverts("liquidator: account is healthy"):
        world.start()


@pytest.mark.parametrize("reached", [None, NOTICE, ESCALATED])
def test_below_maintenance_margin_no_call_delays_the_start_and_the_start_ends_the_call(
    world: World, reached: int | None
) -> None:
    world.under_water(mark=99)
    if reached is not None:
        call(world)
    if reached == ESCALATED:
        world.env.advance(HOUR)
        escalate(world)
    world.mark(94)
    world.start()
    assert stage(world) == QUIET


def test_an_early_auction_ends_at_the_buffer_and_the_next_needs_a_notice_of_its_own(world: World) -> None:
    escalated(world)
    world.start()
    world.mark(96)
    world.liquidator.stop(world.account)
    assert world.state(world.account).phase == IDLE
    world.mark(BELOW_BUFFER)
    with reverts("liquidator: account is healthy"):
        world.start()
    call(world)


def test_a_bid_brings_the_account_to_its_buffer_and_no_further(world: World) -> None:
    world.parameters(fee=0)
    escalated(world)
    world.start()
    state = world.state(world.account)
    # 8.55 / (8.55 + 540 * 0.95), rounded up.
    assert state.max_fraction == -(-wad(8.55) * 10**18 // (wad(8.55) + wad(540) * 95 // 100))
    world.bid()
    after = world.state(world.account)
    # Lots of 1e-9 leave it a trifle short.
    assert after.phase == IDLE and -(10**10) < after.buffer_margin <= 0
