# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.unit.exchange.world import World


@pytest.mark.parametrize(("maker", "taker"), [(0, 0), (0, 100), (100, 0), (3, 7)])
def test_stores_both_and_says_so(world: World, maker: int, taker: int) -> None:
    receipt = world.exchange.set_fees(maker, taker)
    assert world.exchange.fees() == (maker, taker)
    assert receipt.named("FeesSet") == [{"maker_bps": maker, "taker_bps": taker}]


@pytest.mark.parametrize(("maker", "taker"), [(101, 0), (0, 101), (2**256 - 1, 0), (0, 2**256 - 1)])
def test_bounded(world: World, maker: int, taker: int) -> None:
    with world.reverts_unchanged("exchange: fee out of range"):
        world.exchange.set_fees(maker, taker)


def test_only_the_owner(world: World) -> None:
    for caller in (world.attacker, world.guardian):
        with world.reverts_unchanged("ownable: caller is not the owner"):
            world.exchange.set_fees(1, 1, sender=caller)
