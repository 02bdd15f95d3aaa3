# SPDX-License-Identifier: Apache-2.0
"""Lines: who may be granted one, what it costs, and the clock of a call."""

from __future__ import annotations

from typing import Any

import pytest

from simulation.domain import credit_math
from tests.credit import DAY, DEFAULTED, HALF_TIME, JUNIOR, NOTICE, QUIET, SENIOR, UNIT, CreditWorld
from tests.evm import reverts
from tests.protocol import CROSS, WAD

RATES = (8 * WAD // 100, WAD // 100)


def used(world: CreditWorld, cash: float = 1_500, line: float = 1_000, size: float = 12) -> int:
    """Long 12 ETH at 2,000: of 2,400 initial margin the line stands for what cash lacks."""
    account = world.borrower("trader", cash, line)
    world.trade(account, world.maker, 1, 2_000, size)
    return account


def margin(world: CreditWorld, account: int) -> Any:
    return world.ledger.assess(account)[0]


# -- granting


def test_grant(world: CreditWorld) -> None:
    account = world.borrower("trader", cash=1_500)
    term = world.env.timestamp + 30 * DAY
    receipt = world.grant(account, 1_000 * UNIT)
    assert receipt.named("LineGranted") == [
        {"account": account, "granted": 1_000 * UNIT, "committed": 1_000 * UNIT, "term": term}
    ]
    line = world.desk.line(account)
    assert (line.granted, line.committed, line.term, line.stage) == (1_000 * UNIT, 1_000 * UNIT, term, QUIET)
    assert world.desk.line_word(account) == 1_000 * WAD
    assert world.desk.total_committed() == 1_000 * UNIT == world.desk.capacity(account)
    world.check()


def test_grant_refuses(world: CreditWorld) -> None:
    account, other = world.borrower("trader", cash=1_000), world.account("trader", cash=10)
    desk, now = world.desk, world.env.timestamp
    with reverts("credit_desk: caller is not underwriter"):
        desk.grant(account, UNIT, now + DAY)
    with reverts("credit_desk: term out of bound"):
        world.grant(account, UNIT, 0)
    with reverts("credit_desk: term out of bound"):
        world.grant(account, UNIT, 181)
    with reverts("credit_desk: not a credit account"):
        world.grant(other, UNIT)
    strange = world.account("trader", cash=10, engine=3)
    with reverts("credit_desk: not a delegate"):
        world.grant(strange, UNIT)
    with reverts("credit_desk: not enough assets"):
        world.grant(account, 15_001 * UNIT)
    world.grant(account, 15_000 * UNIT)
    third = world.borrower("trader")
    with reverts("credit_desk: not enough assets"):
        world.grant(third, 1)
    world.desk.pause(16, sender=world.env.address("guardian"))
    with reverts("guarded: action is paused"):
        world.grant(account, UNIT)


def test_lines_need_junior_assets(world: CreditWorld) -> None:
    """5,000 of junior assets carry lines of 20,000 at a quarter."""
    world.lend("senior", SENIOR, 10_000 * UNIT)
    account = world.borrower("trader", cash=1_000, line=20_000)
    with reverts("credit_desk: not enough assets"):
        world.grant(account, 20_000 * UNIT + 1)
    world.check()


def test_a_line_stands_in_for_margin(world: CreditWorld) -> None:
    account = world.borrower("trader", cash=1_500)
    with reverts("ledger: below initial margin"):
        world.trade(account, world.maker, 1, 2_000, 12)
    world.grant(account, 1_000 * UNIT)
    world.trade(account, world.maker, 1, 2_000, 12)
    found = margin(world, account)
    assert (found.initial_margin, found.maintenance_margin) == (1_400 * WAD, 600 * WAD)
    # The line is never money: not all of the cash can leave.
    with reverts("vault: below initial margin"):
        world.vault.withdraw(
            account, 0, 100 * UNIT, world.env.address("trader"), sender=world.env.address("trader")
        )


def test_the_limit_follows_own_equity_and_margin(world: CreditWorld) -> None:
    account = used(world, cash=2_000, line=5_000)
    equity = margin(world, account).equity
    assert world.desk.preview(account) == (2_400 * WAD - equity, 1_200 * WAD, True)
    trader = world.env.address("trader")
    world.advance(60, ETH=1_870)
    equity = margin(world, account).equity
    assert 0 < equity < 560 * WAD
    cap = credit_math.cap_down(2_244 * WAD, equity, 5_000, 20_000)
    assert world.desk.preview(account) == (2_244 * WAD - equity, cap, True)
    assert trader


# -- fees


def test_fees_are_taken_from_cash(world: CreditWorld) -> None:
    account = used(world)
    world.desk.review(account)
    use = world.desk.line(account).used
    assert use == 2_400 * WAD - margin(world, account).equity
    world.advance(10 * DAY, ETH=2_000, BTC=30_000)
    fee = credit_math.fee_up(
        use, 1_000 * WAD - use, *RATES, world.env.timestamp - world.desk.line(account).accrued
    )
    assert world.desk.owed(account) == fee
    before = [world.desk.tranche_assets(t) for t in (JUNIOR, SENIOR)]
    cash = world.vault.cash(account)
    receipt = world.desk.review(account)
    units = fee // 10**12
    junior = units * 4_000 // 10_000
    assert receipt.named("IncomePaid") == [{"account": account, "junior": junior, "senior": units - junior}]
    assert [world.desk.tranche_assets(t) for t in (JUNIOR, SENIOR)] == [
        before[0] + junior,
        before[1] + units - junior,
    ]
    assert world.vault.cash(account) == cash - units * 10**12
    assert world.desk.line(account).owed == fee - units * 10**12
    assert world.desk.line(account).paid == world.env.timestamp
    world.check()


def test_unpaid_fees_call_a_line_in(world: CreditWorld) -> None:
    account = used(world)
    trader = world.env.address("trader")
    world.vault.set_delegate(account, world.desk.address, False, sender=trader)
    world.advance(29 * DAY, ETH=2_000, BTC=30_000)
    receipt = world.desk.review(account)
    assert receipt.value == QUIET and receipt.named("IncomePaid") == []
    assert world.desk.line(account).owed > 0
    world.advance(DAY, ETH=2_000, BTC=30_000)
    assert world.desk.review(account).value == NOTICE
    assert world.desk.preview(account)[1] == 0


def test_an_account_that_cannot_pay_is_reviewed_all_the_same(world: CreditWorld) -> None:
    account = used(world)
    world.advance(10 * DAY, ETH=1_960, BTC=30_000)
    receipt = world.desk.review(account)
    assert receipt.value == NOTICE and receipt.named("IncomePaid") == []
    assert receipt.named("LineReviewed")[0]["owed"] == world.desk.owed(account) > 0


# -- the clock of a call


def test_notice_half_time_default(world: CreditWorld) -> None:
    account = used(world)
    world.advance(60, ETH=1_960)
    use, limit, _ = world.desk.preview(account)
    receipt = world.desk.review(account)
    called = world.env.timestamp
    assert receipt.value == NOTICE
    assert receipt.named("LineCalled") == [
        {"account": account, "stage": NOTICE, "use": use, "limit": limit, "deadline": called + DAY}
    ]
    assert (world.desk.open_calls(), world.desk.redeemable(JUNIOR), world.desk.redeemable(SENIOR)) == (
        1,
        0,
        0,
    )
    assert world.desk.review(account).named("LineCalled") == []
    world.advance(DAY // 2, ETH=1_960)
    assert world.desk.review(account).named("LineCalled")[0]["stage"] == HALF_TIME
    with reverts("credit_desk: grace is not over"):
        world.desk.declare_default(account)
    world.advance(DAY // 2, ETH=1_960)
    before = margin(world, account)
    receipt = world.desk.declare_default(account, sender=world.env.address("stranger"))
    assert [event["stage"] for event in receipt.named("LineCalled")] == [DEFAULTED]
    after = margin(world, account)
    assert world.desk.line_word(account) == 0
    assert after.maintenance_margin - before.maintenance_margin == 588 * WAD
    assert after.equity < after.maintenance_margin
    world.liquidator.start(account)
    world.check()


def test_a_default_announces_what_nobody_did(world: CreditWorld) -> None:
    account = used(world)
    world.advance(60, ETH=1_960)
    world.desk.review(account)
    world.advance(DAY, ETH=1_960)
    receipt = world.desk.declare_default(account)
    assert [event["stage"] for event in receipt.named("LineCalled")] == [HALF_TIME, DEFAULTED]


def test_a_default_needs_a_call_a_clock_and_a_cause(world: CreditWorld) -> None:
    account = used(world)
    with reverts("credit_desk: no line"):
        world.desk.declare_default(world.maker)
    with reverts("credit_desk: no line"):
        world.desk.review(world.maker)
    with reverts("credit_desk: line is not called"):
        world.desk.declare_default(account)
    world.advance(60, ETH=1_960)
    world.desk.review(account)
    world.advance(DAY - 1, ETH=1_960)
    with reverts("credit_desk: grace is not over"):
        world.desk.declare_default(account)
    world.env.advance(7_200)
    for call in (world.desk.declare_default, world.desk.review):
        with reverts("credit_desk: stale price"):
            call(account)
    world.prices(ETH=2_000, BTC=30_000)
    with reverts("credit_desk: use is within limit"):
        world.desk.declare_default(account)
    receipt = world.desk.review(account)
    assert receipt.value == QUIET and len(receipt.named("CallCured")) == 1
    assert world.desk.open_calls() == 0 and world.desk.line(account).called == 0


def test_a_deposit_cures(world: CreditWorld) -> None:
    account = used(world)
    world.advance(60, ETH=1_960)
    world.desk.review(account)
    world.deposit("trader", account, 0, 400 * UNIT)
    assert world.desk.review(account).value == QUIET
    with reverts("credit_desk: line is not called"):
        world.desk.declare_default(account)


def test_maintenance_keeps_the_line_during_grace(world: CreditWorld) -> None:
    """Called at 1,960 and still above maintenance margin less the line: nobody can liquidate in the grace."""
    account = used(world)
    world.advance(60, ETH=1_960)
    world.desk.review(account)
    with reverts("liquidator: account is healthy"):
        world.liquidator.start(account)
    found = margin(world, account)
    assert found.equity < found.initial_margin


def test_after_its_term_a_line_is_called_in(world: CreditWorld) -> None:
    account = used(world)
    world.advance(30 * DAY - 3_600, ETH=2_000, BTC=30_000)
    world.desk.review(account)
    world.advance(3_600, ETH=2_000, BTC=30_000)
    assert world.desk.line_word(account) == 1_000 * WAD | (10_000 << 128)
    assert world.desk.review(account).value == NOTICE
    idle = world.borrower("trader", cash=100, line=500, days=1)
    world.advance(DAY, ETH=2_000, BTC=30_000)
    receipt = world.desk.review(idle)
    assert receipt.named("LineClosed") == [{"account": idle}]
    assert world.desk.total_committed() == 1_000 * UNIT
    world.check()


def test_a_lower_grant_waits_for_the_grace(world: CreditWorld) -> None:
    account = used(world)
    world.grant(account, 500 * UNIT)
    line = world.desk.line(account)
    assert (line.granted, line.committed) == (500 * UNIT, 1_000 * UNIT)
    found = margin(world, account)
    assert (found.initial_margin, found.maintenance_margin) == (2_400 * WAD, 600 * WAD)
    assert world.desk.review(account).value == NOTICE
    with reverts("credit_desk: line is called"):
        world.grant(account, 2_000 * UNIT)
    world.deposit("trader", account, 0, 500 * UNIT)
    assert world.desk.review(account).value == QUIET
    assert world.desk.line(account).committed == 500 * UNIT == world.desk.total_committed()
    assert margin(world, account).initial_margin == 1_900 * WAD
    world.grant(account, 0)
    world.deposit("trader", account, 0, 1_000 * UNIT)
    assert world.desk.review(account).named("LineClosed") == [{"account": account}]
    world.check()


def test_a_defaulted_line_ends_when_it_is_not_needed(world: CreditWorld) -> None:
    account = used(world)
    world.advance(60, ETH=1_960)
    world.desk.review(account)
    world.advance(DAY, ETH=1_960)
    world.desk.declare_default(account)
    assert world.desk.review(account).value == DEFAULTED
    assert world.desk.capacity(account) == 1_000 * UNIT
    world.deposit("trader", account, 0, 2_000 * UNIT)
    assert world.desk.review(account).named("LineClosed") == [{"account": account}]
    assert (world.desk.total_committed(), world.desk.open_calls()) == (0, 0)
    world.check()


def test_in_liquidation_a_line_gives_no_credit(world: CreditWorld) -> None:
    account = used(world)
    world.advance(60, ETH=1_890)
    before = margin(world, account)
    world.liquidator.start(account)
    after = margin(world, account)
    assert world.desk.line_word(account) == 0
    assert after.maintenance_margin - before.maintenance_margin == 567 * WAD
    for call in (world.desk.review, world.desk.declare_default):
        with reverts("credit_desk: account in liquidation"):
            call(account)


def test_an_account_that_left_the_engine_has_no_line(world: CreditWorld) -> None:
    account = used(world, cash=3_000)
    trader = world.env.address("trader")
    world.switch.request(account, CROSS, sender=trader)
    world.advance(3_600, ETH=2_000, BTC=30_000)
    world.switch.change(account, sender=trader)
    assert world.desk.capacity(account) == 0
    assert world.desk.review(account).named("LineClosed") == [{"account": account}]
    world.check()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, WAD + 1),
        (1, WAD + 1),
        (2, 10_001),
        (3, 10_001),
        (4, 599),
        (4, 7 * DAY + 1),
        (5, DAY - 1),
        (5, 91 * DAY),
        (6, 366 * DAY),
    ],
)
def test_parameters_are_bounded(world: CreditWorld, place: int, value: int) -> None:
    parameters = list(world.desk.parameters())
    world.desk.set_parameters(tuple(parameters))
    parameters[place] = value
    with reverts("credit_desk: out of bound"):
        world.desk.set_parameters(tuple(parameters))
    with reverts("ownable: caller is not the owner"):
        world.desk.set_parameters(tuple(world.desk.parameters()), sender=world.env.address("attacker"))


def test_wiring_is_for_once(world: CreditWorld) -> None:
    someone = world.env.address("someone")
    with reverts("credit_desk: already wired"):
        world.desk.wire(someone)
    with reverts("credit_margin: already wired"):
        world.credit.wire(someone)
    assert world.liquidator.credit_desk() == world.desk.address
    with reverts("vault: already wired"):
        world.vault.wire_engine_switch(someone)
    for engine in (0, 1, 9):
        with reverts(""):
            world.vault.enable_lines(engine)
