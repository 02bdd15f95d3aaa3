# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.protocol import WAD, World


def test_a_payment_between_accounts_may_leave_a_loan(money: World) -> None:
    payer, payee = money.account("keeper", cash=10), money.account("trader")
    money.vault.move_cash(payer, payee, 25 * WAD, 4, sender=money.env.address("liquidator"))
    assert (money.vault.cash(payer), money.vault.cash(payee)) == (-15 * WAD, 25 * WAD)
    books = money.vault.reconcile()
    assert (books.total_supply, books.total_borrow) == (25 * WAD, 15 * WAD)
    money.check()


def test_receiver_zero_is_the_fees(money: World) -> None:
    account = money.account("trader", cash=10)
    receipt = money.vault.move_cash(account, 0, 3 * WAD, 8, sender=money.env.address("liquidator"))
    assert money.vault.cash(account) == 7 * WAD
    assert money.vault.reconcile().fees == 3 * WAD
    assert receipt.named("CashMoved") == [
        {"account": account, "reason": 8, "amount": -3 * WAD, "cash": 7 * WAD}
    ]
    money.check()


def test_events_carry_the_reason(money: World) -> None:
    payer, payee = money.account("keeper", cash=10), money.account("trader")
    for reason in (4, 7):
        receipt = money.vault.move_cash(payer, payee, 1, reason, sender=money.env.address("liquidator"))
        assert [event["reason"] for event in receipt.named("CashMoved")] == [reason, reason]


def test_only_the_liquidator(money: World) -> None:
    payer, payee = money.account("trader", cash=10), money.account("attacker")
    for role in ("trader", "owner", "guardian", "ledger", "attacker"):
        with money.refuses("vault: caller is not liquidator"):
            money.vault.move_cash(payer, payee, 1, 4, sender=money.env.address(role))


def test_unknown_or_equal_accounts(money: World) -> None:
    account = money.account("trader", cash=10)
    liquidator = money.env.address("liquidator")
    for args, reason in (
        ((account, account), "vault: same account"),
        ((account, 2), "vault: no such account"),
        ((2, account), "vault: no such account"),
        ((2, 0), "vault: no such account"),
    ):
        with money.refuses(reason):
            money.vault.move_cash(*args, 1, 4, sender=liquidator)


@pytest.mark.parametrize("amount", [2**127 + 10 * WAD, 2**128, 2**255 - 1, 2**255, 2**256 - 1])
def test_amounts_out_of_range(money: World, amount: int) -> None:
    payer, payee = money.account("trader", cash=10), money.account("keeper")
    for receiver in (payee, 0):
        with money.refuses(None):
            money.vault.move_cash(payer, receiver, amount, 4, sender=money.env.address("liquidator"))
