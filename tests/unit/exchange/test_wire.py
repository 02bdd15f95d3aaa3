# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from copy import copy

from tests.unit.exchange.world import World

ZERO = "0x" + "00" * 20


def _unwired(world: World) -> World:
    fresh = copy(world)
    fresh.exchange = world.env.deploy("Exchange", world.ledger, world.instruments, world.guardian, 0, 0, ZERO)
    return fresh


def test_names_the_liquidator_and_says_so(world: World) -> None:
    fresh = _unwired(world)
    receipt = fresh.exchange.wire(world.liquidator)
    assert fresh.exchange.liquidator() == world.liquidator
    assert receipt.named("LiquidatorWired") == [{"liquidator": world.liquidator}]


def test_only_once(world: World) -> None:
    with world.reverts_unchanged("exchange: already wired"):
        world.exchange.wire(world.attacker)


def test_not_the_zero_address(world: World) -> None:
    fresh = _unwired(world)
    with fresh.reverts_unchanged("exchange: zero address"):
        fresh.exchange.wire(ZERO)


def test_only_the_owner(world: World) -> None:
    fresh = _unwired(world)
    for caller in (world.attacker, world.guardian, world.liquidator):
        with fresh.reverts_unchanged("ownable: caller is not the owner"):
            fresh.exchange.wire(world.attacker, sender=caller)
