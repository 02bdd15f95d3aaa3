# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.evm import NOBODY, Contract, reverts
from tests.protocol import World


@pytest.fixture
def token(world: World) -> Contract:
    return world.env.deploy("MockToken", "Third", "THIRD", 6)


def test_effect_and_event(world: World, token: Contract) -> None:
    receipt = world.vault.list_collateral(token.address, 2, 500, 1_500, 10**12)
    assert receipt.value == 3
    assert world.vault.collateral_token(3) == token.address
    assert receipt.named("CollateralSet") == [
        {
            "asset": 3,
            "token": token.address,
            "feed": 2,
            "maintenance_haircut": 500,
            "initial_haircut": 1_500,
            "cap": 10**12,
        }
    ]
    account = world.account("trader")
    trader = world.env.address("trader")
    token.mint(trader, 10**6)
    token.approve(world.vault.address, 10**6, sender=trader)
    world.vault.deposit(account, 3, 10**6, sender=trader)
    (risk,) = world.vault.money(account)[2]
    assert tuple(risk) == (3, 30_000 * 10**18, 10**8, 500, 1_500)


def test_eight_at_most(world: World, token: Contract) -> None:
    for asset in range(3, 9):
        assert world.vault.list_collateral(token.address, 1, 0, 0, 1).value == asset
    with reverts("vault: too many assets"):
        world.vault.list_collateral(token.address, 1, 0, 0, 1)
    assert world.vault.collateral_token(9) == "0x" + "00" * 20


def test_bounds(world: World, token: Contract) -> None:
    for feed, maintenance, initial, cap in (
        (1, 2, 1, 1),
        (1, 0, 10_001, 1),
        (2**16, 0, 0, 1),
        (1, 0, 0, 2**128),
    ):
        with reverts("vault: haircut out of bound"):
            world.vault.list_collateral(token.address, feed, maintenance, initial, cap)
    strange = world.env.deploy("MockToken", "Long", "LONG", 25)
    with reverts("vault: decimals out of bound"):
        world.vault.list_collateral(strange.address, 1, 0, 0, 1)
    assert world.vault.list_collateral(token.address, 2**16 - 1, 10_000, 10_000, 2**128 - 1).value == 3


def test_cash_is_no_collateral(world: World) -> None:
    with reverts("vault: no such asset"):
        world.vault.list_collateral(world.cash.address, 1, 0, 0, 1)


def test_only_the_owner(world: World, token: Contract) -> None:
    for role in ("guardian", "attacker"):
        with reverts("ownable: caller is not the owner"):
            world.vault.list_collateral(token.address, 1, 0, 0, 1, sender=world.env.address(role))
    assert world.vault.collateral_token(3) == "0x" + "00" * 20


def test_a_vault_needs_a_cash_token_of_at_most_18_decimals(world: World) -> None:
    strange = world.env.deploy("MockToken", "Long", "LONG", 19)
    with reverts("vault: decimals out of bound"):
        world.env.deploy("Vault", strange, world.oracle, world.env.address("guardian"), NOBODY)
