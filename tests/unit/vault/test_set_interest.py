# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.evm import reverts
from tests.protocol import WAD, World
from tests.unit.vault.test_accrue_interest import YEAR, borrow


def test_what_has_passed_is_charged_at_the_old_curve(world: World) -> None:
    borrow(world, 1_000, 500)
    world.env.advance(YEAR // 2)
    expected = world.vault.interest_indexes()
    receipt = world.vault.set_interest(0, 0, 0, WAD, WAD)
    assert world.vault.interest_indexes() == expected
    world.env.advance(YEAR)
    assert world.vault.interest_indexes() == expected
    assert receipt.named("InterestParametersSet") == [
        {"minimum": 0, "slope": 0, "high_slope": 0, "optimal": WAD, "fee": WAD}
    ]
    assert len(receipt.named("InterestAccrued")) == 1
    world.check()


def test_all_interest_to_the_protocol(world: World) -> None:
    lender, _ = borrow(world, 1_000, 500)
    world.vault.set_interest(WAD, 0, 0, WAD, WAD)
    world.env.advance(YEAR)
    world.vault.accrue_interest()
    assert world.vault.cash(lender) == 1_000 * WAD
    assert world.vault.reconcile().fees == pytest.approx(500 * WAD * 1.718281828, rel=1e-9)


@pytest.mark.parametrize("place", range(5))
def test_bounds(world: World, place: int) -> None:
    limits = [4 * WAD, 4 * WAD, 4 * WAD, WAD, WAD]
    world.vault.set_interest(*limits)
    limits[place] += 1
    with world.refuses("vault: interest out of bound"):
        world.vault.set_interest(*limits)


def test_only_the_owner(world: World) -> None:
    for role in ("guardian", "attacker"):
        with reverts("ownable: caller is not the owner"):
            world.vault.set_interest(0, 0, 0, WAD, 0, sender=world.env.address(role))
