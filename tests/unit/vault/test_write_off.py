# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.protocol import WAD, World


def indebted(desk: World, loan: int) -> int:
    """An account that owes `loan` USD to another and has nothing else."""
    debtor, creditor = desk.account("trader"), desk.account("maker")
    desk.vault.move_cash(debtor, creditor, loan * WAD, 4, sender=desk.env.address("liquidator"))
    return debtor


def test_the_loan_becomes_a_deficit_that_all_claims_share(desk: World) -> None:
    depositor = desk.account("depositor", cash=100)
    account = indebted(desk, 25)
    receipt = desk.vault.write_off(account, sender=desk.env.address("liquidator"))
    assert receipt.value == 25 * WAD
    books = desk.vault.reconcile()
    assert (books.deficit, books.assets, books.claims) == (25 * WAD, 100 * WAD, 125 * WAD)
    assert (books.total_borrow, desk.vault.cash(account)) == (0, 0)
    assert desk.vault.exchange_rate() == 8 * WAD // 10
    assert desk.vault.cash(depositor) == 100 * WAD
    desk.check()


def test_events(desk: World) -> None:
    desk.vault.write_off(indebted(desk, 1), sender=desk.env.address("liquidator"))
    account = indebted(desk, 2)
    receipt = desk.vault.write_off(account, sender=desk.env.address("liquidator"))
    assert receipt.named("CashMoved") == [{"account": account, "reason": 6, "amount": 2 * WAD, "cash": 0}]
    assert receipt.named("DeficitSocialised") == [{"account": account, "amount": 2 * WAD, "deficit": 3 * WAD}]


def test_interest_is_part_of_the_loss(desk: World) -> None:
    account = indebted(desk, 100)
    desk.env.advance(86_400 * 365)
    owed = -desk.vault.cash(account)
    assert owed > 100 * WAD
    assert desk.vault.write_off(account, sender=desk.env.address("liquidator")).value == owed
    assert desk.vault.reconcile().deficit == owed
    desk.check()


def test_an_account_without_a_loan_loses_nothing(desk: World) -> None:
    account = desk.account("trader", cash=5)
    receipt = desk.vault.write_off(account, sender=desk.env.address("liquidator"))
    assert receipt.value == 0 and not receipt.events
    assert desk.vault.cash(account) == 5 * WAD


def test_collateral_or_positions_come_first(desk: World) -> None:
    liquidator = desk.env.address("liquidator")
    account = indebted(desk, 10)
    desk.deposit("trader", account, 1, 1)
    with desk.refuses("vault: account not flat"):
        desk.vault.write_off(account, sender=liquidator)
    holder = desk.account("keeper", cash=1_000)
    keeper = desk.env.address("keeper")
    desk.as_exchange(("fill_taker", keeper, holder, 1, 0, 0, 0, 10**9 // 10))
    with desk.refuses("vault: account not flat"):
        desk.vault.write_off(holder, sender=liquidator)


def test_only_the_liquidator(desk: World) -> None:
    account = indebted(desk, 10)
    for role in ("trader", "owner", "guardian", "exchange", "attacker"):
        with desk.refuses("vault: caller is not liquidator"):
            desk.vault.write_off(account, sender=desk.env.address(role))
