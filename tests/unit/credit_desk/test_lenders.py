# SPDX-License-Identifier: Apache-2.0
"""Tranches: shares and their rounding, what is bound, donations, wipe-outs."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.domain import credit_math
from tests.credit import JUNIOR, SENIOR, UNIT, CreditWorld, fresh_credit_world
from tests.evm import reverts

SHARE = 10**12
fixtures = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_deposit(world: CreditWorld) -> None:
    lender = world.env.address("third")
    receipt = world.lend("third", SENIOR, 100 * UNIT)
    assert receipt.value == 100 * SHARE == world.desk.shares_of(SENIOR, lender)
    assert receipt.named("Deposited") == [
        {"tranche": SENIOR, "sender": lender, "receiver": lender, "amount": 100 * UNIT, "shares": 100 * SHARE}
    ]
    assert world.desk.tranche_assets(SENIOR) == 10_100 * UNIT
    assert world.desk.shares_of(JUNIOR, lender) == 0
    world.check()


def test_deposit_refuses(world: CreditWorld) -> None:
    lender = world.env.address("third")
    world.cash.mint(lender, UNIT)
    world.cash.approve(world.desk.address, UNIT, sender=lender)
    for tranche in (0, 3):
        with reverts("credit_desk: no such tranche"):
            world.desk.deposit(tranche, UNIT, lender, sender=lender)
    with reverts("credit_desk: zero amount"):
        world.desk.deposit(JUNIOR, 0, lender, sender=lender)
    with reverts("credit_desk: zero address"):
        world.desk.deposit(JUNIOR, UNIT, "0x" + "00" * 20, sender=lender)
    world.desk.pause(32, sender=world.env.address("guardian"))
    with reverts("guarded: action is paused"):
        world.desk.deposit(JUNIOR, UNIT, lender, sender=lender)


def test_redeem(world: CreditWorld) -> None:
    lender, receiver = world.env.address("senior"), world.env.address("third")
    receipt = world.desk.redeem(SENIOR, 4_000 * SHARE, receiver, sender=lender)
    assert receipt.value == 4_000 * UNIT == world.cash.balanceOf(receiver)
    assert receipt.named("Redeemed") == [
        {
            "tranche": SENIOR,
            "holder": lender,
            "receiver": receiver,
            "amount": 4_000 * UNIT,
            "shares": 4_000 * SHARE,
        }
    ]
    world.check()


def test_redeem_refuses(world: CreditWorld) -> None:
    lender = world.env.address("senior")
    with reverts("credit_desk: zero amount"):
        world.desk.redeem(SENIOR, 0, lender, sender=lender)
    with reverts("credit_desk: too few shares"):
        world.desk.redeem(SENIOR, 10_000 * SHARE + 1, lender, sender=lender)
    with reverts("credit_desk: too few shares"):
        world.desk.redeem(JUNIOR, 1, lender, sender=lender)
    with reverts("credit_desk: zero address"):
        world.desk.redeem(SENIOR, 1, "0x" + "00" * 20, sender=lender)


def test_what_lines_need_is_bound(world: CreditWorld) -> None:
    """Of 15,000, lines of 8,000 bind 8,000, and 2,000 of it in junior assets; first come, first served."""
    world.borrower("trader", cash=1_000, line=8_000)
    assert world.desk.redeemable(JUNIOR) == 3_000 * UNIT
    assert world.desk.redeemable(SENIOR) == 7_000 * UNIT
    assert world.desk.redeemable(3) == 0
    junior, senior = world.env.address("junior"), world.env.address("senior")
    with reverts("credit_desk: assets are bound"):
        world.desk.redeem(JUNIOR, 3_000 * SHARE + 10**6, junior, sender=junior)
    world.desk.redeem(JUNIOR, 3_000 * SHARE, junior, sender=junior)
    assert (world.desk.redeemable(JUNIOR), world.desk.redeemable(SENIOR)) == (0, 4_000 * UNIT)
    with reverts("credit_desk: assets are bound"):
        world.desk.redeem(SENIOR, 4_000 * SHARE + 10**6, senior, sender=senior)
    world.desk.redeem(SENIOR, 4_000 * SHARE, senior, sender=senior)
    assert world.desk.tranche_assets(JUNIOR) + world.desk.tranche_assets(SENIOR) == 8_000 * UNIT
    world.check()


def test_a_donation_belongs_to_nobody(world: CreditWorld) -> None:
    before = [world.desk.convert_to_assets(t, SHARE) for t in (JUNIOR, SENIOR)]
    world.cash.mint(world.desk.address, 10**15)
    assert [world.desk.convert_to_assets(t, SHARE) for t in (JUNIOR, SENIOR)] == before
    assert world.desk.tranche_assets(JUNIOR) + world.desk.tranche_assets(SENIOR) == 15_000 * UNIT
    with reverts("credit_desk: not enough assets"):
        world.borrower("trader", cash=1_000, line=15_001)


@fixtures
@given(first=st.integers(1, 10**12), second=st.integers(1, 10**12))
def test_no_round_trip_pays(first: int, second: int) -> None:
    """Rounding leaves the pool at least what each deposit and redemption moves."""
    world = fresh_credit_world()
    world.lend("senior", SENIOR, first)
    receipt = world.lend("third", SENIOR, second)
    assert receipt.value == credit_math.shares_down(second, first * 10**6, first)
    lender = world.env.address("third")
    back = world.desk.redeem(SENIOR, receipt.value, lender, sender=lender).value
    assert back <= second
    assert world.desk.tranche_assets(SENIOR) >= first
    lender = world.env.address("senior")
    everything = world.desk.shares_of(SENIOR, lender)
    assert world.desk.redeem(SENIOR, everything, lender, sender=lender).value <= first + second - back
    world.check()


def test_a_token_that_keeps_a_fee_is_refused(world: CreditWorld) -> None:
    token = world.env.deploy("MockFeeToken", "Fee", "FEE", 6, 100)
    parts = (world.vault, world.ledger, world.credit, world.env.address("guardian"))
    desk = world.env.deploy("CreditDesk", token, *parts)
    lender = world.env.address("junior")
    token.mint(lender, UNIT)
    token.approve(desk.address, UNIT, sender=lender)
    with reverts("credit_desk: not delivered"):
        desk.deposit(JUNIOR, UNIT, lender, sender=lender)


@pytest.mark.parametrize("tranche", [JUNIOR, SENIOR])
def test_inflation_does_not_pay(tranche: int) -> None:
    """Who is first with one unit and donates takes nothing from who comes next."""
    world = fresh_credit_world()
    world.lend("attacker", tranche, 1)
    world.cash.mint(world.desk.address, 10**12)
    world.lend("senior", tranche, 1_000 * UNIT)
    lender = world.env.address("senior")
    assert world.desk.redeem(tranche, world.desk.shares_of(tranche, lender), lender, sender=lender).value == (
        1_000 * UNIT
    )
