# SPDX-License-Identifier: Apache-2.0
"""pause, unpause, set_guardian, transfer_ownership and accept_ownership, as four contracts export them."""

from __future__ import annotations

import pytest

from tests.evm import Contract, reverts
from tests.protocol import World

BITS = {"Vault": (1, 2, 16), "Ledger": (4,), "Exchange": (4, 8), "InsuranceFund": (32,)}


@pytest.fixture(params=BITS)
def contract(request: pytest.FixtureRequest, world: World) -> Contract:
    return world.contracts[request.param]


@pytest.fixture
def bits(contract: Contract) -> tuple[int, ...]:
    """What the contract's guardian may pause."""
    return BITS[contract.name]


def test_pause_and_unpause(contract: Contract, world: World, bits: tuple[int, ...]) -> None:
    guardian = world.env.address("guardian")
    for place, action in enumerate(bits):
        receipt = contract.pause(action, sender=guardian)
        assert receipt.named("PauseSet") == [{"action": action, "paused": True}]
        assert contract.paused() == sum(bits[: place + 1])
    first = bits[0]
    contract.pause(first, sender=guardian)
    receipt = contract.unpause(first)
    assert receipt.named("PauseSet") == [{"action": first, "paused": False}]
    assert contract.paused() == sum(bits) - first
    contract.pause(first)
    assert contract.paused() == sum(bits)


def test_only_single_bits_that_stop_something(contract: Contract, bits: tuple[int, ...]) -> None:
    others = [1 << place for place in range(7) if 1 << place not in bits]
    for action in (0, 3, 63, 65, 2**255, 2**256 - 1, *others):
        with reverts("guarded: action not pausable"):
            contract.pause(action)
        with reverts("guarded: action not pausable"):
            contract.unpause(action)
    assert contract.paused() == 0


def test_only_the_owner_lifts_a_pause(contract: Contract, world: World, bits: tuple[int, ...]) -> None:
    bit = bits[0]
    with reverts("guarded: caller is not guardian"):
        contract.pause(bit, sender=world.env.address("attacker"))
    contract.pause(bit, sender=world.env.address("guardian"))
    for role in ("guardian", "attacker"):
        with reverts("ownable: caller is not the owner"):
            contract.unpause(bit, sender=world.env.address(role))
    assert contract.paused() == bit


def test_set_guardian(contract: Contract, world: World, bits: tuple[int, ...]) -> None:
    bit = bits[0]
    deputy = world.env.address("deputy")
    receipt = contract.set_guardian(deputy)
    assert receipt.named("GuardianSet") == [{"guardian": deputy}]
    assert contract.guardian() == deputy
    with reverts("guarded: caller is not guardian"):
        contract.pause(bit, sender=world.env.address("guardian"))
    contract.pause(bit, sender=deputy)
    with reverts("ownable: caller is not the owner"):
        contract.set_guardian(deputy, sender=deputy)


def test_ownership_in_two_steps(contract: Contract, world: World) -> None:
    owner, heir = world.env.address("owner"), world.env.address("heir")
    receipt = contract.transfer_ownership(heir)
    assert receipt.named("OwnershipTransferStarted") == [{"previous_owner": owner, "new_owner": heir}]
    assert (contract.owner(), contract.pending_owner()) == (owner, heir)
    with reverts("ownable_2step: caller is not the new owner"):
        contract.accept_ownership(sender=world.env.address("attacker"))
    receipt = contract.accept_ownership(sender=heir)
    assert receipt.named("OwnershipTransferred") == [{"previous_owner": owner, "new_owner": heir}]
    assert (contract.owner(), contract.pending_owner()) == (heir, "0x" + "00" * 20)
    with reverts("ownable: caller is not the owner"):
        contract.transfer_ownership(owner)
