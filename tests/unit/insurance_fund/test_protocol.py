# SPDX-License-Identifier: Apache-2.0
"""What the protocol does with the fund: wiring, contributions, draws, the lock."""

from __future__ import annotations

import pytest

from tests.evm import reverts
from tests.unit.insurance_fund.world import UNIT, WAD, World


def test_contribute(world: World) -> None:
    world.deposit(10 * UNIT)
    receipt = world.contribute(5 * UNIT)
    assert receipt.named("Contributed") == [{"amount": 5 * UNIT, "left": 15 * UNIT}]
    assert world.fund.totalAssets() == 15 * UNIT


def test_contribute_needs_delivery(world: World) -> None:
    world.token.mint(world.vault.address, 5 * UNIT)
    with reverts("insurance_fund: not delivered"):
        world.vault.pay_and_contribute(world.fund, 4 * UNIT, 5 * UNIT)
    assert world.fund.totalAssets() == 0


@pytest.mark.parametrize("role", ["attacker", "owner", "guardian"])
def test_contribute_is_for_the_vault(world: World, role: str) -> None:
    with reverts("insurance_fund: caller is not vault"):
        world.fund.contribute(0, sender=world.env.address(role))


def test_draw(world: World) -> None:
    world.deposit(10 * UNIT)
    receipt = world.draw(4 * UNIT)
    assert receipt.value == 4 * UNIT == world.token.balanceOf(world.vault.address)
    assert receipt.named("Drawn") == [{"account": 1, "amount": 4 * UNIT, "left": 6 * UNIT}]
    assert world.fund.totalAssets() == world.fund.capacity() == 6 * UNIT


def test_draw_pays_what_there_is(world: World) -> None:
    """Invariant 29: never below zero, never with tokens that are not counted."""
    world.deposit(10 * UNIT)
    world.token.mint(world.fund.address, 100 * UNIT)
    assert world.draw(50 * UNIT).value == 10 * UNIT
    assert world.draw(1).value == 0
    assert world.fund.capacity() == 0
    assert world.token.balanceOf(world.fund.address) == 100 * UNIT


@pytest.mark.parametrize("role", ["attacker", "owner", "guardian"])
def test_draw_is_for_the_liquidator(world: World, role: str) -> None:
    world.deposit(10 * UNIT)
    with reverts("insurance_fund: caller is not liquidator"):
        world.fund.draw(1, 1, sender=world.env.address(role))
    assert world.fund.totalAssets() == 10 * UNIT


def test_the_lock(world: World) -> None:
    """Nobody leaves while insolvent auctions lack more than the fund has; deposits stay welcome."""
    shares = world.deposit(10 * UNIT)
    world.liquidator.set_total_insolvent(10 * WAD + 1)
    assert world.fund.locked()
    assert world.fund.maxWithdraw(world.depositor) == world.fund.maxRedeem(world.depositor) == 0
    with reverts("insurance_fund: above maximum"):
        world.fund.withdraw(1, world.depositor, world.depositor, sender=world.depositor)
    with reverts("insurance_fund: above maximum"):
        world.fund.redeem(1, world.depositor, world.depositor, sender=world.depositor)
    world.deposit(UNIT, world.attacker)
    assert not world.fund.locked()
    world.fund.redeem(shares, world.depositor, world.depositor, sender=world.depositor)


def test_unwired_it_is_open_and_cannot_be_drawn(world: World) -> None:
    fund = world.env.deploy("InsuranceFund", world.token, world.guardian)
    assert not fund.locked()
    with reverts("insurance_fund: caller is not liquidator"):
        fund.draw(1, 1)


def test_wire_once_and_by_the_owner(world: World) -> None:
    with reverts("insurance_fund: already wired"):
        world.fund.wire(world.attacker, world.attacker)
    fund = world.env.deploy("InsuranceFund", world.token, world.guardian)
    with reverts("ownable: caller is not the owner"):
        fund.wire(world.attacker, world.attacker, sender=world.attacker)
    with reverts("insurance_fund: zero address"):
        fund.wire(world.vault, "0x" + "00" * 20)
    receipt = fund.wire(world.vault, world.liquidator)
    assert receipt.named("Wired") == [{"vault": world.vault.address, "liquidator": world.liquidator.address}]
    assert (fund.vault(), fund.liquidator()) == (world.vault.address, world.liquidator.address)


def test_ownership_moves_in_two_steps(world: World) -> None:
    heir = world.env.address("heir")
    world.fund.transfer_ownership(heir)
    assert (world.fund.owner(), world.fund.pending_owner()) == (world.env.deployer, heir)
    world.fund.accept_ownership(sender=heir)
    assert world.fund.owner() == heir
