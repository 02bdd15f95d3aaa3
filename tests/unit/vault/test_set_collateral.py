# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.evm import reverts
from tests.protocol import WAD, World


def test_effect_and_event(world: World) -> None:
    account = world.account("trader")
    world.deposit("trader", account, 1, WAD)
    receipt = world.vault.set_collateral(1, 2, 100, 300, 5)
    assert receipt.named("CollateralSet") == [
        {
            "asset": 1,
            "token": world.token(1).address,
            "feed": 2,
            "maintenance_haircut": 100,
            "initial_haircut": 300,
            "cap": 5,
        }
    ]
    (risk,) = world.vault.money(account)[2]
    assert tuple(risk) == (1, 30_000 * WAD, 10**8, 100, 300)
    margin = world.ledger.assess(account)[0]
    assert (margin.initial_margin, margin.maintenance_margin) == (900 * WAD, 300 * WAD)


def test_a_cap_below_what_is_held_stops_deposits_and_no_withdrawal(world: World) -> None:
    account = world.account("trader")
    world.deposit("trader", account, 1, 10)
    world.vault.set_collateral(1, 1, 1_000, 2_000, 5)
    trader = world.env.address("trader")
    world.token(1).mint(trader, 5)
    with world.refuses("vault: collateral cap"):
        world.vault.deposit(account, 1, 1, sender=trader)
    world.vault.withdraw(account, 1, 10, trader, sender=trader)
    world.vault.deposit(account, 1, 5, sender=trader)


def test_refusals(world: World) -> None:
    for args, reason in (
        ((0, 1, 0, 0, 1), "vault: no such asset"),
        ((3, 1, 0, 0, 1), "vault: no such asset"),
        ((1, 1, 2, 1, 1), "vault: haircut out of bound"),
        ((1, 1, 0, 10_001, 1), "vault: haircut out of bound"),
        ((1, 2**16, 0, 0, 1), "vault: haircut out of bound"),
        ((1, 1, 0, 0, 2**128), "vault: haircut out of bound"),
    ):
        with reverts(reason):
            world.vault.set_collateral(*args)
    for role in ("guardian", "attacker"):
        with reverts("ownable: caller is not the owner"):
            world.vault.set_collateral(1, 1, 0, 0, 1, sender=world.env.address(role))
