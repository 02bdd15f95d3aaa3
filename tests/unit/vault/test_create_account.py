# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.evm import reverts
from tests.protocol import CROSS, ISOLATED, World


def test_accounts_are_numbered_from_one_and_subaccounts_from_zero(world: World) -> None:
    trader, maker = world.env.address("trader"), world.env.address("maker")
    made = [world.vault.create_account(CROSS, sender=owner).value for owner in (trader, maker, trader)]
    assert made == [1, 2, 3]
    assert world.vault.account_count() == 3
    assert [world.vault.account(i).subaccount for i in made] == [0, 0, 1]
    assert [world.vault.account(i).owner for i in made] == [trader, maker, trader]


def test_the_engine_is_chosen_for_good(world: World) -> None:
    for engine_id, name in ((CROSS, "CrossMargin"), (ISOLATED, "IsolatedMargin")):
        account = world.vault.create_account(engine_id, sender=world.env.address("trader")).value
        state = world.vault.account(account)
        assert (state.engine_id, state.engine) == (engine_id, world.contracts[name].address)
        assert (state.cash, state.assets) == (0, 0)


def test_event(world: World) -> None:
    trader = world.env.address("trader")
    receipt = world.vault.create_account(ISOLATED, sender=trader)
    assert receipt.named("AccountCreated") == [
        {
            "account": 1,
            "owner": trader,
            "engine": world.contracts["IsolatedMargin"].address,
            "subaccount": 0,
        }
    ]


def test_an_unknown_engine_is_refused(world: World) -> None:
    for engine_id in (0, 3, 2**256 - 1):
        with world.refuses("vault: no such engine"):
            world.vault.create_account(engine_id)


def test_paused(world: World) -> None:
    world.vault.pause(16, sender=world.env.address("guardian"))
    with world.refuses("guarded: action is paused"):
        world.vault.create_account(CROSS)


def test_account_numbers_fit_in_an_order(world: World) -> None:
    """Orders carry the account in 32 bits."""
    world.env.set_variable(world.vault, "accounts.account_count", 2**32 - 2)
    assert world.vault.create_account(CROSS).value == 2**32 - 1
    with reverts("vault: too many accounts"):
        world.vault.create_account(CROSS)
    assert world.vault.account_count() == 2**32 - 1
