# SPDX-License-Identifier: Apache-2.0
"""pause, unpause, set_guardian, transfer_ownership and accept_ownership, as Vault and Ledger export them."""

from __future__ import annotations

import pytest

from tests.evm import Contract, reverts
from tests.protocol import World

BITS = (1, 2, 4, 8, 16, 32)


@pytest.fixture(params=["Vault", "Ledger"])
def contract(request: pytest.FixtureRequest, world: World) -> Contract:
    return world.contracts[request.param]


def test_pause_and_unpause(contract: Contract, world: World) -> None:
    guardian = world.env.address("guardian")
    for place, action in enumerate(BITS):
        receipt = contract.pause(action, sender=guardian)
        assert receipt.named("PauseSet") == [{"action": action, "paused": True}]
        assert contract.paused() == 2 ** (place + 1) - 1
    contract.pause(1, sender=guardian)
    receipt = contract.unpause(1)
    assert receipt.named("PauseSet") == [{"action": 1, "paused": False}]
    assert contract.paused() == 62
    contract.pause(1)
    assert contract.paused() == 63


def test_only_single_known_bits(contract: Contract) -> None:
    for action in (0, 3, 63, 64, 65, 2**255, 2**256 - 1):
        with reverts("guarded: action not pausable"):
            contract.pause(action)
        with reverts("guarded: action not pausable"):
            contract.unpause(action)
    assert contract.paused() == 0


def test_only_the_owner_lifts_a_pause(contract: Contract, world: World) -> None:
    with reverts("guarded: caller is not guardian"):
        contract.pause(1, sender=world.env.address("attacker"))
    contract.pause(1, sender=world.env.address("guardian"))
    for role in ("guardian", "attacker"):
        with reverts("ownable: caller is not the owner"):
            contract.unpause(1, sender=world.env.address(role))
    assert contract.paused() == 1


def test_set_guardian(contract: Contract, world: World) -> None:
    deputy = world.env.address("deputy")
    receipt = contract.set_guardian(deputy)
    assert receipt.named("GuardianSet") == [{"guardian": deputy}]
    assert contract.guardian() == deputy
    with reverts("guarded: caller is not guardian"):
        contract.pause(1, sender=world.env.address("guardian"))
    contract.pause(1, sender=deputy)
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
