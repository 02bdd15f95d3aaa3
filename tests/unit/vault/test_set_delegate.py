# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.protocol import World


def test_a_delegate_acts_until_it_is_dismissed(world: World) -> None:
    account = world.account("trader", cash=10)
    owner, delegate = world.env.address("trader"), world.env.address("delegate")
    assert not world.vault.authorised(account, delegate)
    world.vault.set_delegate(account, delegate, True, sender=owner)
    assert world.vault.authorised(account, delegate) and world.ledger.authorised(account, delegate)
    world.vault.withdraw(account, 0, 1, delegate, sender=delegate)
    world.vault.set_delegate(account, delegate, False, sender=owner)
    assert not world.vault.authorised(account, delegate)
    with world.refuses("vault: caller not authorised"):
        world.vault.withdraw(account, 0, 1, delegate, sender=delegate)


def test_a_delegate_of_one_account_is_none_of_another(world: World) -> None:
    first, second = world.account("trader"), world.account("trader")
    delegate = world.env.address("delegate")
    world.vault.set_delegate(first, delegate, True, sender=world.env.address("trader"))
    assert world.vault.authorised(first, delegate)
    assert not world.vault.authorised(second, delegate)


def test_event(world: World) -> None:
    account = world.account("trader")
    delegate = world.env.address("delegate")
    for allowed in (True, False):
        receipt = world.vault.set_delegate(account, delegate, allowed, sender=world.env.address("trader"))
        assert receipt.named("DelegateSet") == [
            {"account": account, "delegate": delegate, "allowed": allowed}
        ]


def test_only_the_owner_appoints(world: World) -> None:
    account = world.account("trader")
    delegate = world.env.address("delegate")
    world.vault.set_delegate(account, delegate, True, sender=world.env.address("trader"))
    for role in ("delegate", "attacker", "guardian", "owner"):
        with world.refuses("vault: caller not authorised"):
            world.vault.set_delegate(
                account, world.env.address("attacker"), True, sender=world.env.address(role)
            )


def test_nobody_owns_an_account_that_does_not_exist(world: World) -> None:
    for account in (0, 1, 2**256 - 1):
        with world.refuses("vault: caller not authorised"):
            world.vault.set_delegate(account, world.env.address("attacker"), True)
    assert not world.vault.authorised(0, "0x" + "00" * 20)
