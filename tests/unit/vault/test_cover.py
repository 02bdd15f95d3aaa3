# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.protocol import WAD, World


def test_delivered_tokens_become_cash(money: World) -> None:
    account = money.account("trader", cash=10)
    money.cash.mint(money.vault.address, 5)
    receipt = money.vault.cover(account, 5, sender=money.env.address("liquidator"))
    assert receipt.value == 5 * 10**12
    assert money.vault.cash(account) == 10 * WAD + 5 * 10**12
    assert money.vault.reconcile().assets == 10 * WAD + 5 * 10**12
    assert receipt.named("CashMoved") == [
        {"account": account, "reason": 5, "amount": 5 * 10**12, "cash": 10 * WAD + 5 * 10**12}
    ]
    money.check()


def test_a_loan_shrinks(money: World) -> None:
    account = money.account("trader", cash=10)
    liquidator = money.env.address("liquidator")
    money.vault.move_cash(account, 0, 12 * WAD, 8, sender=liquidator)
    money.cash.mint(money.vault.address, 10**6)
    money.vault.cover(account, 10**6, sender=liquidator)
    assert money.vault.cash(account) == -WAD
    assert money.vault.reconcile().total_borrow == WAD
    money.check()


def test_what_was_not_delivered_is_not_credited(money: World) -> None:
    account = money.account("trader", cash=10)
    liquidator = money.env.address("liquidator")
    with money.refuses("vault: cover not delivered"):
        money.vault.cover(account, 1, sender=liquidator)
    money.cash.mint(money.vault.address, 5)
    with money.refuses("vault: cover not delivered"):
        money.vault.cover(account, 6, sender=liquidator)
    money.vault.cover(account, 5, sender=liquidator)
    with money.refuses("vault: cover not delivered"):
        money.vault.cover(account, 1, sender=liquidator)


def test_refusals(money: World) -> None:
    account = money.account("trader", cash=10)
    money.cash.mint(money.vault.address, 5)
    for role in ("trader", "owner", "guardian", "ledger", "attacker"):
        with money.refuses("vault: caller is not liquidator"):
            money.vault.cover(account, 5, sender=money.env.address(role))
    with money.refuses("vault: no such account"):
        money.vault.cover(2, 5, sender=money.env.address("liquidator"))
    with money.refuses(None):
        money.vault.cover(account, 2**255, sender=money.env.address("liquidator"))
