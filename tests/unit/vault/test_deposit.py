# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.protocol import WAD, World, with_decimals


def test_cash_is_credited_in_wad(world: World) -> None:
    account = world.account("trader")
    world.deposit("trader", account, 0, 1_234_567)
    assert world.vault.cash(account) == 1_234_567 * 10**12
    books = world.vault.reconcile()
    assert (books.assets, books.claims, books.total_supply) == (1_234_567 * 10**12,) * 3
    assert world.cash.balanceOf(world.vault.address) == 1_234_567
    world.check()


def test_collateral_is_credited_in_its_own_units(world: World) -> None:
    account = world.account("trader")
    world.deposit("trader", account, 1, 5 * WAD)
    world.deposit("trader", account, 2, 7)
    assert [world.vault.collateral(account, asset) for asset in (1, 2)] == [5 * WAD, 7]
    assert [world.vault.collateral_held(asset) for asset in (1, 2)] == [5 * WAD, 7]
    assert world.vault.account(account).assets == 0b11
    assert world.vault.cash(account) == 0


def test_anyone_may_deposit_into_any_account(world: World) -> None:
    account = world.account("trader")
    world.deposit("maker", account, 0, 5)
    world.deposit("maker", account, 1, 6)
    assert world.vault.cash(account) == 5 * 10**12
    assert world.vault.collateral(account, 1) == 6
    assert not world.vault.authorised(account, world.env.address("maker"))


def test_a_deposit_repays_the_loan_first(world: World) -> None:
    world.account("maker", cash=10_000)
    account = world.account("trader")
    world.deposit("trader", account, 1, 10 * WAD)
    trader = world.env.address("trader")
    world.vault.withdraw(account, 0, 1_000 * 10**6, trader, sender=trader)
    assert world.vault.cash(account) == -1_000 * WAD
    world.deposit("trader", account, 0, 400 * 10**6)
    assert world.vault.cash(account) == -600 * WAD
    assert world.vault.reconcile().total_borrow == 600 * WAD
    world.deposit("trader", account, 0, 700 * 10**6)
    assert world.vault.cash(account) == 100 * WAD
    assert world.vault.reconcile().total_borrow == 0
    world.check()


def test_event_states_what_came_and_what_results(world: World) -> None:
    account = world.account("trader", cash=1)
    sender = world.env.address("maker")
    receipt = world.deposit("maker", account, 0, 2)
    assert receipt.value == 2
    assert receipt.named("Deposited") == [
        {"account": account, "asset": 0, "sender": sender, "amount": 2, "balance": 1_000_002 * 10**12}
    ]
    world.deposit("maker", account, 2, 3)
    receipt = world.deposit("maker", account, 2, 4)
    assert receipt.named("Deposited") == [
        {"account": account, "asset": 2, "sender": sender, "amount": 4, "balance": 7}
    ]


@pytest.mark.parametrize("decimals", [6, 8, 18])
def test_decimals(decimals: int) -> None:
    """One whole token is one USD, and one whole collateral its price, whatever the decimals."""
    world = World(with_decimals(decimals, decimals))
    world.prices(ETH=2_000, BTC=30_000)
    account = world.account("trader", cash=250)
    assert world.vault.cash(account) == 250 * WAD
    world.deposit("trader", account, 1, 3 * 10**decimals)
    equity = world.ledger.assess(account)[0].equity
    assert equity == (250 + 3 * 2_000) * WAD
    trader = world.env.address("trader")
    world.vault.withdraw(account, 1, 3 * 10**decimals, trader, sender=trader)
    world.vault.withdraw(account, 0, 250 * 10**decimals, trader, sender=trader)
    assert world.cash.balanceOf(trader) == 250 * 10**decimals
    assert world.vault.reconcile().assets == 0
    world.check()


def test_zero_is_refused(world: World) -> None:
    account = world.account("trader")
    for asset in (0, 1):
        with world.refuses("vault: zero amount"):
            world.vault.deposit(account, asset, 0)


def test_an_unknown_account_is_refused(world: World) -> None:
    world.account("trader")
    for account in (0, 2, 2**256 - 1):
        with world.refuses("vault: no such account"):
            world.vault.deposit(account, 0, 1)


def test_an_unknown_asset_is_refused(world: World) -> None:
    account = world.account("trader")
    for asset in (3, 9, 2**256 - 1):
        with world.refuses("vault: no such asset"):
            world.vault.deposit(account, asset, 1)


def test_the_cap_holds_for_all_accounts_together(world: World) -> None:
    first, second = world.account("trader"), world.account("maker")
    world.vault.set_collateral(1, 1, 1_000, 2_000, 10)
    world.deposit("trader", first, 1, 6)
    sender = world.env.address("maker")
    world.token(1).mint(sender, 5)
    world.token(1).approve(world.vault.address, 5, sender=sender)
    with world.refuses("vault: collateral cap"):
        world.vault.deposit(second, 1, 5, sender=sender)
    world.vault.deposit(second, 1, 4, sender=sender)
    assert world.vault.collateral_held(1) == 10


def test_a_sender_without_tokens_or_allowance_is_refused(world: World) -> None:
    account = world.account("trader")
    with world.refuses(None):
        world.vault.deposit(account, 0, 1, sender=world.env.address("attacker"))


def test_a_token_that_takes_a_fee_is_refused(world: World) -> None:
    """What arrives is measured: cash or collateral, the caller is credited all of it or nothing."""
    token = world.env.deploy("MockFeeToken", "Fee", "FEE", 18, 10)
    asset = world.vault.list_collateral(token.address, 1, 0, 0, 10**30).value
    account = world.account("trader")
    trader = world.env.address("trader")
    token.mint(trader, 10**6)
    token.approve(world.vault.address, 10**6, sender=trader)
    with world.refuses("vault: token delivered less"):
        world.vault.deposit(account, asset, 10_000, sender=trader)
    assert world.vault.collateral(account, asset) == 0 == token.balanceOf(world.vault.address)


def test_unsolicited_tokens_credit_nothing(world: World) -> None:
    account = world.account("trader", cash=100)
    world.deposit("trader", account, 1, WAD)
    before = world.state()
    stranger = world.env.address("attacker")
    for asset in (0, 1):
        world.token(asset).mint(stranger, 777)
        world.token(asset).transfer(world.vault.address, 777, sender=stranger)
    # The last but one entry is the Vault's token balances: nothing else has moved.
    after = world.state()
    assert after[:7] + after[8:] == before[:7] + before[8:]
    assert world.vault.exchange_rate() == WAD
    assert world.lens.solvency().token_surplus == 777


def test_the_next_depositor_does_not_get_unsolicited_tokens(world: World) -> None:
    account = world.account("trader")
    world.cash.mint(world.vault.address, 1_000)
    world.deposit("trader", account, 0, 5)
    assert world.vault.cash(account) == 5 * 10**12


def test_paused_deposits_and_repayments(world: World) -> None:
    world.account("maker", cash=10_000)
    account = world.account("trader")
    trader = world.env.address("trader")
    world.deposit("trader", account, 1, 10 * WAD)
    world.vault.withdraw(account, 0, 1_000 * 10**6, trader, sender=trader)
    world.vault.pause(1, sender=world.env.address("guardian"))
    world.cash.approve(world.vault.address, 2**255, sender=trader)
    world.cash.mint(trader, 1)
    with world.refuses("guarded: action is paused"):
        world.vault.deposit(account, 0, 1_000 * 10**6 + 1, sender=trader)
    world.vault.deposit(account, 0, 400 * 10**6, sender=trader)
    world.vault.deposit(account, 0, 600 * 10**6, sender=trader)
    assert world.vault.cash(account) == 0
    with world.refuses("guarded: action is paused"):
        world.vault.deposit(account, 0, 1, sender=trader)
    world.token(1).mint(trader, 1)
    world.token(1).approve(world.vault.address, 1, sender=trader)
    with world.refuses("guarded: action is paused"):
        world.vault.deposit(account, 1, 1, sender=trader)


def test_a_loan_with_interest_is_repaid_to_the_last_wei_while_paused(world: World) -> None:
    """The loan stands between two token units; its last payment rounds up, and the collateral is free."""
    world.account("maker", cash=10_000)
    account = world.account("trader")
    trader = world.env.address("trader")
    world.deposit("trader", account, 1, WAD)
    world.vault.withdraw(account, 0, 1_000 * 10**6, trader, sender=trader)
    for action in (1, 2):
        world.vault.pause(action, sender=world.env.address("guardian"))
    world.env.advance(12_345)
    owed = -world.vault.cash(account)
    assert owed % 10**12 != 0
    units = -(-owed // 10**12)
    world.cash.mint(trader, units + 1)
    world.cash.approve(world.vault.address, units + 1, sender=trader)
    with world.refuses("guarded: action is paused"):
        world.vault.deposit(account, 0, units + 1, sender=trader)
    world.vault.deposit(account, 0, units, sender=trader)
    assert 0 < world.vault.cash(account) < 10**12
    world.vault.withdraw(account, 1, WAD, trader, sender=trader)
    world.check()


def test_amounts_beyond_the_account_word_are_refused(world: World) -> None:
    """Cash has 128 bits with its sign; more is refused by name and nothing wraps."""
    account = world.account("trader")
    trader = world.env.address("trader")
    huge = 2**127 // 10**12 + 1
    world.cash.mint(trader, 2 * huge)
    world.cash.approve(world.vault.address, 2**256 - 1, sender=trader)
    with world.refuses("ledger: cash out of range"):
        world.vault.deposit(account, 0, huge, sender=trader)
    world.vault.deposit(account, 0, huge - 1, sender=trader)
    with world.refuses("ledger: cash out of range"):
        world.vault.deposit(account, 0, 1, sender=trader)
    world.check()


def test_the_sum_of_all_cash_stays_within_its_field(world: World) -> None:
    trader = world.env.address("trader")
    huge = 2**127 // 10**12
    world.cash.mint(trader, 3 * huge)
    world.cash.approve(world.vault.address, 2**256 - 1, sender=trader)
    accounts = [world.account("trader") for _ in range(3)]
    world.vault.deposit(accounts[0], 0, huge, sender=trader)
    world.vault.deposit(accounts[1], 0, huge, sender=trader)
    with world.refuses("vault: book out of range"):
        world.vault.deposit(accounts[2], 0, huge, sender=trader)
    assert world.vault.reconcile().total_borrow == 0
    world.check()
