# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.evm import reverts
from tests.unit.liquidator.world import World, wad


def test_effect_and_event(world: World) -> None:
    world.under_water(mark=99)
    receipt = world.liquidator.call_margin(world.account, sender=world.keeper)
    assert receipt.named("MarginCalled") == [
        {
            "account": world.account,
            "equity": wad(900),
            "initial_margin": wad(990),
            "maintenance_margin": wad(495),
        }
    ]
    assert world.liquidator.last_call(world.account) == world.env.timestamp
    assert not world.vault.in_liquidation(world.account)


def test_once_per_interval(world: World) -> None:
    world.under_water(mark=99)
    world.liquidator.call_margin(world.account)
    world.env.advance(3_599)
    with reverts("liquidator: called too recently"):
        world.liquidator.call_margin(world.account)
    world.env.advance(1)
    assert world.liquidator.call_margin(world.account).named("MarginCalled")


def test_reverts_at_initial_margin(world: World) -> None:
    world.hold(world.account, 100)
    with reverts("liquidator: account is healthy"):
        world.liquidator.call_margin(world.account)
    assert world.liquidator.last_call(world.account) == 0


def test_reverts_on_stale_prices(world: World) -> None:
    world.under_water()
    world.vault.set_valid(False)
    with reverts("liquidator: stale price"):
        world.liquidator.call_margin(world.account)


def test_reverts_in_liquidation(world: World) -> None:
    world.solvent()
    with reverts("liquidator: wrong phase"):
        world.liquidator.call_margin(world.account)
