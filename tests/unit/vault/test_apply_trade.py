# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol import WAD, World, fresh_world


def test_profit_less_fee_is_booked_on_both_sides(money: World) -> None:
    account = money.account("trader", cash=100)
    ledger = money.env.address("ledger")
    receipt = money.vault.apply_trade(account, 30 * WAD - 7, 7, sender=ledger)
    assert receipt.value == 130 * WAD - 7 == money.vault.cash(account)
    books = money.vault.reconcile()
    assert (books.net_settled, books.fees) == (30 * WAD, 7)
    assert (books.assets, books.claims) == (100 * WAD, 100 * WAD)


def test_a_loss_beyond_cash_becomes_a_loan(money: World) -> None:
    account = money.account("trader", cash=100)
    money.vault.apply_trade(account, -150 * WAD, 0, sender=money.env.address("ledger"))
    books = money.vault.reconcile()
    assert money.vault.cash(account) == -50 * WAD
    assert (books.net_settled, books.total_borrow, books.total_supply) == (-150 * WAD, 50 * WAD, 0)


def test_interest_is_booked_first(money: World) -> None:
    account, other = money.account("trader", cash=100), money.account("maker", cash=200)
    ledger = money.env.address("ledger")
    money.vault.apply_trade(account, -200 * WAD, 0, sender=ledger)
    money.env.advance(86_400 * 365)
    owed = money.vault.cash(account)
    assert owed < -100 * WAD
    money.vault.apply_trade(account, 5, 0, sender=ledger)
    assert money.vault.account(account).cash == owed + 5
    assert money.vault.cash(other) > 200 * WAD


@given(deltas=st.lists(st.tuples(st.integers(-(10**24), 10**24), st.integers(0, 10**20)), max_size=10))
def test_the_identity_holds_for_any_trades(deltas: list[tuple[int, int]]) -> None:
    """Nobody here has positions: what settled is what the trades said, fees included."""
    world = fresh_world((("Vault", ("ledger", "liquidator", "InsuranceFund")),))
    accounts = [world.account("trader", cash=1_000), world.account("maker", cash=1_000)]
    ledger = world.env.address("ledger")
    for place, (delta, fee) in enumerate(deltas):
        world.env.advance(1_000)
        world.vault.apply_trade(accounts[place % 2], delta, fee, sender=ledger)
    books = world.vault.reconcile()
    assert books.net_settled == sum(delta + fee for delta, fee in deltas)
    cash = sum(world.vault.account(account).cash for account in accounts)
    assert cash + books.fees + books.interest_reserve == books.assets + books.net_settled + books.deficit


def test_only_the_ledger(money: World) -> None:
    account = money.account("trader", cash=100)
    for role in ("trader", "owner", "guardian", "liquidator", "attacker"):
        with money.refuses("vault: caller is not ledger"):
            money.vault.apply_trade(account, 1, 0, sender=money.env.address(role))


@pytest.mark.parametrize("delta", [2**127, -(2**127), 2**255 - 1, -(2**255)])
def test_amounts_out_of_range_change_nothing(money: World, delta: int) -> None:
    account = money.account("trader", cash=100)
    with money.refuses(None):
        money.vault.apply_trade(account, delta, 0, sender=money.env.address("ledger"))
    with money.refuses(None):
        money.vault.apply_trade(account, 0, 2**255, sender=money.env.address("ledger"))


def test_what_settled_stays_within_its_field(money: World) -> None:
    ledger = money.env.address("ledger")
    accounts = [money.account("trader") for _ in range(3)]
    huge = 2**127 - 1
    money.vault.apply_trade(accounts[0], huge, 0, sender=ledger)
    with money.refuses("vault: book out of range"):
        money.vault.apply_trade(accounts[1], huge, 0, sender=ledger)
    with money.refuses("ledger: cash out of range"):
        money.vault.apply_trade(accounts[0], 1, 0, sender=ledger)
    with money.refuses("vault: book out of range"):
        money.vault.apply_trade(accounts[2], -1, 2**128 - 1, sender=ledger)
