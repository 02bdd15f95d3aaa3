# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.protocol import WAD, World


def test_cash_moves_to_the_wei(world: World) -> None:
    first, second = world.account("trader", cash=10), world.account("maker", cash=5)
    trader = world.env.address("trader")
    world.vault.transfer_cash(first, second, 3 * WAD + 1, sender=trader)
    assert world.vault.cash(first) == 7 * WAD - 1
    assert world.vault.cash(second) == 8 * WAD + 1
    assert world.vault.reconcile().total_supply == 15 * WAD
    world.check()


def test_events_of_both_sides(world: World) -> None:
    first, second = world.account("trader", cash=10), world.account("maker")
    receipt = world.vault.transfer_cash(first, second, WAD, sender=world.env.address("trader"))
    assert receipt.named("CashMoved") == [
        {"account": first, "reason": 1, "amount": -WAD, "cash": 9 * WAD},
        {"account": second, "reason": 1, "amount": WAD, "cash": WAD},
    ]


def test_it_repays_the_receiver_s_loan(world: World) -> None:
    lender, borrower = world.account("maker", cash=1_000), world.account("trader")
    world.deposit("trader", borrower, 1, WAD)
    trader = world.env.address("trader")
    world.vault.withdraw(borrower, 0, 100 * 10**6, trader, sender=trader)
    world.vault.transfer_cash(lender, borrower, 40 * WAD, sender=world.env.address("maker"))
    books = world.vault.reconcile()
    assert world.vault.cash(borrower) == -60 * WAD
    assert (books.total_borrow, books.total_supply) == (60 * WAD, 960 * WAD)
    world.check()


def test_the_sender_may_borrow_what_it_sends(world: World) -> None:
    world.account("maker", cash=10_000)
    borrower, other = world.account("trader"), world.account("trader")
    world.deposit("trader", borrower, 1, WAD)
    trader = world.env.address("trader")
    with world.refuses("vault: below initial margin"):
        world.vault.transfer_cash(borrower, other, 1_600 * WAD + 1, sender=trader)
    world.vault.transfer_cash(borrower, other, 1_600 * WAD, sender=trader)
    assert (world.vault.cash(borrower), world.vault.cash(other)) == (-1_600 * WAD, 1_600 * WAD)
    world.check()


def test_a_flat_account_sends_while_all_is_paused(world: World) -> None:
    first, second = world.account("trader", cash=10), world.account("maker")
    world.vault.pause(2, sender=world.env.address("guardian"))
    world.env.advance(10**6)
    world.vault.transfer_cash(first, second, WAD, sender=world.env.address("trader"))
    assert world.vault.cash(second) == WAD


def test_an_account_with_positions_does_not(world: World) -> None:
    first, second = world.account("trader", cash=1_000), world.account("maker", cash=1_000)
    world.trade(first, second, 1, 2_000, 1)
    world.vault.pause(2, sender=world.env.address("guardian"))
    with world.refuses("guarded: action is paused"):
        world.vault.transfer_cash(first, second, 1, sender=world.env.address("trader"))
    world.vault.unpause(2)
    world.env.advance(10**6)
    with world.refuses("ledger: stale price"):
        world.vault.transfer_cash(first, second, 1, sender=world.env.address("trader"))


def test_a_delegate_may_send(world: World) -> None:
    first, second = world.account("trader", cash=10), world.account("maker")
    delegate = world.env.address("delegate")
    world.vault.set_delegate(first, delegate, True, sender=world.env.address("trader"))
    world.vault.transfer_cash(first, second, 1, sender=delegate)
    assert world.vault.cash(second) == 1


def test_refusals(world: World) -> None:
    first, second = world.account("trader", cash=10), world.account("maker")
    trader = world.env.address("trader")
    for args, reason in (
        ((first, second, 0), "vault: zero amount"),
        ((first, first, 1), "vault: same account"),
        ((first, 3, 1), "vault: no such account"),
        ((first, 0, 1), "vault: no such account"),
        ((second, first, 1), "vault: caller not authorised"),
        ((3, first, 1), "vault: caller not authorised"),
        ((first, second, 11 * WAD), "vault: below initial margin"),
    ):
        with world.refuses(reason):
            world.vault.transfer_cash(*args, sender=trader)
    for amount in (2**127, 2**255 - 1, 2**255, 2**256 - 1):
        with world.refuses(None):
            world.vault.transfer_cash(first, second, amount, sender=trader)


def test_an_account_in_liquidation_receives_and_does_not_send(desk: World) -> None:
    first, second = desk.account("trader", cash=10), desk.account("maker", cash=10)
    desk.ledger.begin_liquidation(first, sender=desk.env.address("liquidator"))
    with desk.refuses("vault: account in liquidation"):
        desk.vault.transfer_cash(first, second, 1, sender=desk.env.address("trader"))
    desk.vault.transfer_cash(second, first, 1, sender=desk.env.address("maker"))
    assert desk.vault.cash(first) == 10 * WAD + 1
