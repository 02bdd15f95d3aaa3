# SPDX-License-Identifier: Apache-2.0
"""pause, unpause, set_guardian and the two steps of ownership, as the Exchange exports them."""

from __future__ import annotations

import pytest

from tests.unit.exchange.world import World


def test_guardian_and_owner_pause_but_the_owner_alone_lifts_it(world: World) -> None:
    receipt = world.exchange.pause(8, sender=world.guardian)
    assert receipt.named("PauseSet") == [{"action": 8, "paused": True}]
    world.exchange.pause(4)
    assert world.exchange.paused() == 12
    with world.reverts_unchanged("ownable: caller is not the owner"):
        world.exchange.unpause(8, sender=world.guardian)
    receipt = world.exchange.unpause(8)
    assert receipt.named("PauseSet") == [{"action": 8, "paused": False}]
    assert world.exchange.paused() == 4


@pytest.mark.parametrize("action", [0, 3, 64, 2**255])
def test_only_single_known_actions(world: World, action: int) -> None:
    for change in (world.exchange.pause, world.exchange.unpause):
        with world.reverts_unchanged("guarded: action not pausable"):
            change(action)


def test_strangers_cannot_pause(world: World) -> None:
    with world.reverts_unchanged("guarded: caller is not guardian"):
        world.exchange.pause(8, sender=world.attacker)


def test_the_owner_names_the_guardian(world: World) -> None:
    new = world.env.address("new guardian")
    assert world.exchange.set_guardian(new).named("GuardianSet") == [{"guardian": new}]
    assert world.exchange.guardian() == new
    with world.reverts_unchanged("ownable: caller is not the owner"):
        world.exchange.set_guardian(world.attacker, sender=new)


def test_ownership_moves_in_two_steps(world: World) -> None:
    heir = world.env.address("heir")
    world.exchange.transfer_ownership(heir)
    assert world.exchange.owner() == world.env.deployer and world.exchange.pending_owner() == heir
    with world.reverts_unchanged("ownable_2step: caller is not the new owner"):
        world.exchange.accept_ownership(sender=world.attacker)
    world.exchange.accept_ownership(sender=heir)
    assert world.exchange.owner() == heir
