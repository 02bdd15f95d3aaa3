# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.protocol import BUY, SELL, WAD, World
from tests.published import published

# derivexyz/v2-core, test/assets/cashAsset/WithdrawFee.t.sol.
SOCIALISED = [
    {"deposits": 100_000, "loss": 100_000, "exchange_rate": 0.5},
    {"deposits": 100_000, "loss": 25_000, "exchange_rate": 0.8, "withdraw": 100, "cash_burnt": 125},
]
ZERO = "0x" + "00" * 20
DAY = 86_400


def trader_of(world: World) -> str:
    return world.env.address("trader")


def test_cash_leaves_to_any_receiver(world: World) -> None:
    account = world.account("trader", cash=100)
    keeper = world.env.address("keeper")
    world.vault.withdraw(account, 0, 30 * 10**6, keeper, sender=trader_of(world))
    assert world.cash.balanceOf(keeper) == 30 * 10**6
    assert world.vault.cash(account) == 70 * WAD
    assert world.vault.reconcile().assets == 70 * WAD
    world.check()


def test_collateral_leaves_and_the_last_unit_clears_its_bit(world: World) -> None:
    account = world.account("trader")
    world.deposit("trader", account, 1, 10)
    world.deposit("trader", account, 2, 20)
    world.vault.withdraw(account, 1, 4, trader_of(world), sender=trader_of(world))
    assert (world.vault.collateral(account, 1), world.vault.collateral_held(1)) == (6, 6)
    assert world.vault.account(account).assets == 0b11
    world.vault.withdraw(account, 1, 6, trader_of(world), sender=trader_of(world))
    assert world.vault.account(account).assets == 0b10
    assert world.token(1).balanceOf(trader_of(world)) == 10


def test_events(world: World) -> None:
    account = world.account("trader", cash=1)
    world.deposit("trader", account, 1, 9)
    receiver = world.env.address("maker")
    receipt = world.vault.withdraw(account, 0, 250_000, receiver, sender=trader_of(world))
    expected = {"account": account, "asset": 0, "receiver": receiver, "amount": 250_000}
    assert receipt.named("Withdrawn") == [expected | {"balance": 750_000 * 10**12}]
    receipt = world.vault.withdraw(account, 1, 2, receiver, sender=trader_of(world))
    assert receipt.named("Withdrawn") == [expected | {"asset": 1, "amount": 2, "balance": 7}]


def test_more_cash_than_there_is_becomes_a_loan(world: World) -> None:
    """10 WETH at 2,000 USD with a haircut of 20 % carry a loan of 16,000 USD and not a unit more."""
    world.account("maker", cash=50_000)
    account = world.account("trader")
    world.deposit("trader", account, 1, 10 * WAD)
    with world.refuses("vault: below initial margin"):
        world.vault.withdraw(account, 0, 16_000 * 10**6 + 1, trader_of(world), sender=trader_of(world))
    world.vault.withdraw(account, 0, 16_000 * 10**6, trader_of(world), sender=trader_of(world))
    assert world.vault.cash(account) == -16_000 * WAD
    assert world.vault.reconcile().total_borrow == 16_000 * WAD
    world.check()


def test_a_loan_pays_interest_to_the_lender_and_the_protocol(world: World) -> None:
    lender = world.account("maker", cash=20_000)
    account = world.account("trader")
    world.deposit("trader", account, 1, 10 * WAD)
    world.vault.withdraw(account, 0, 10_000 * 10**6, trader_of(world), sender=trader_of(world))
    world.env.advance(365 * DAY)
    # Utilisation 1/2: 2 % + 8 % / 2 a year, compounded: e**0.06 - 1 = 6.1836547 %, a fifth to the protocol.
    paid = -world.vault.cash(account) - 10_000 * WAD
    earned = world.vault.cash(lender) - 20_000 * WAD
    assert paid == pytest.approx(618.36547 * WAD, rel=1e-7)
    assert earned == pytest.approx(0.8 * 618.36547 * WAD, rel=1e-7)
    assert paid >= earned
    world.vault.accrue_interest()
    assert world.vault.reconcile().fees == pytest.approx(0.2 * 618.36547 * WAD, rel=1e-7)
    world.check()
    # Repaid to the wei and with what the lender has earned, nothing is left but fees and rounding.
    owed = -world.vault.cash(account)
    world.deposit("trader", account, 0, -(-owed // 10**12))
    assert 0 <= world.vault.cash(account) < 10**12
    world.check()


def test_positions_keep_initial_margin_in_the_account(world: World) -> None:
    account, other = world.account("trader", cash=1_000), world.account("maker", cash=10_000)
    world.trade(account, other, 1, 2_000, 1)
    margin = world.ledger.assess(account)[0]
    free = (margin.equity - margin.initial_margin) // 10**12
    assert 0 < free < 800 * 10**6
    with world.refuses("vault: below initial margin"):
        world.vault.withdraw(account, 0, free + 1, trader_of(world), sender=trader_of(world))
    world.vault.withdraw(account, 0, free, trader_of(world), sender=trader_of(world))
    world.check()


def test_resting_orders_keep_initial_margin_in_the_account(world: World) -> None:
    account = world.account("trader", cash=500)
    world.place("trader", account, 1, BUY, 1_900, 2)
    with world.refuses("vault: below initial margin"):
        world.vault.withdraw(account, 0, 101 * 10**6, trader_of(world), sender=trader_of(world))
    world.vault.withdraw(account, 0, 100 * 10**6, trader_of(world), sender=trader_of(world))


def test_a_flat_account_leaves_while_all_is_paused_and_the_oracle_is_silent(world: World) -> None:
    account = world.account("trader", cash=100)
    world.deposit("trader", account, 1, WAD)
    guardian = world.env.address("guardian")
    for contract, actions in (
        (world.vault, (1, 2, 16)),
        (world.ledger, (4,)),
        (world.exchange, (4, 8)),
        (world.fund, (32,)),
    ):
        for action in actions:
            contract.pause(action, sender=guardian)
    world.env.advance(30 * DAY)
    assert not world.oracle.tick(1).valid
    world.vault.withdraw(account, 1, WAD, trader_of(world), sender=trader_of(world))
    world.vault.withdraw(account, 0, 100 * 10**6, trader_of(world), sender=trader_of(world))
    assert world.vault.cash(account) == 0 == world.vault.account(account).assets


def test_a_pause_holds_accounts_with_positions_or_loans(world: World) -> None:
    account, other = world.account("trader", cash=1_000), world.account("maker", cash=10_000)
    borrower = world.account("trader")
    world.deposit("trader", borrower, 1, WAD)
    world.vault.withdraw(borrower, 0, 10, trader_of(world), sender=trader_of(world))
    world.trade(account, other, 1, 2_000, 1)
    world.vault.pause(2, sender=world.env.address("guardian"))
    for held in (account, borrower):
        with world.refuses("guarded: action is paused"):
            world.vault.withdraw(held, 0, 1, trader_of(world), sender=trader_of(world))
    with world.refuses("guarded: action is paused"):
        world.vault.withdraw(borrower, 1, 1, trader_of(world), sender=trader_of(world))


def test_stale_prices_refuse_withdrawals_that_need_them(world: World) -> None:
    account, other = world.account("trader", cash=1_000), world.account("maker", cash=10_000)
    borrower = world.account("trader")
    world.deposit("trader", borrower, 1, WAD)
    world.vault.withdraw(borrower, 0, 10, trader_of(world), sender=trader_of(world))
    world.trade(account, other, 1, 2_000, 1)
    world.env.advance(2 * 3_600)
    for held in (account, borrower):
        with world.refuses("ledger: stale price"):
            world.vault.withdraw(held, 0, 1, trader_of(world), sender=trader_of(world))
    world.prices(ETH=2_000, BTC=30_000)
    for held in (account, borrower):
        world.vault.withdraw(held, 0, 1, trader_of(world), sender=trader_of(world))


def test_vector_of_a_socialised_loss(desk: World) -> None:
    """Derive's cash asset: the exchange rate after a loss, and what a withdrawal burns."""
    for case in published("settlement_twap", {"socialised": SOCIALISED})["socialised"]:
        with desk.env.anchor():
            account = desk.account("trader", cash=case["deposits"])
            socialise(desk, case["loss"])
            assert desk.vault.exchange_rate() == round(case["exchange_rate"] * 100) * 10**16
            if "withdraw" not in case:
                continue
            units = case["withdraw"] * 10**6
            desk.vault.withdraw(account, 0, units, trader_of(desk), sender=trader_of(desk))
            assert desk.vault.cash(account) == (case["deposits"] - case["cash_burnt"]) * WAD
            # The burnt excess has repaid the deficit: the rate is the same for who comes next.
            assert desk.vault.exchange_rate() == round(case["exchange_rate"] * 100) * 10**16
            desk.check()


def socialise(desk: World, loss: int) -> None:
    """A loan without anything behind it is written off, its money still claimed by another account."""
    liquidator = desk.env.address("liquidator")
    debtor, creditor = desk.account("attacker"), desk.account("keeper")
    desk.vault.move_cash(debtor, creditor, loss * WAD, 4, sender=liquidator)
    desk.vault.write_off(debtor, sender=liquidator)


def test_everyone_can_leave_at_the_rate_after_a_loss(desk: World) -> None:
    account = desk.account("trader", cash=100)
    socialise(desk, 33)
    assert desk.vault.exchange_rate() == 100 * WAD * WAD // (133 * WAD)
    keeper = desk.env.address("keeper")
    for owner, number in ((trader_of(desk), account), (keeper, 3)):
        units = desk.vault.cash(number) * desk.vault.exchange_rate() // WAD // 10**12
        desk.vault.withdraw(number, 0, units, owner, sender=owner)
        desk.check()
    books = desk.vault.reconcile()
    left = desk.vault.cash(account) + desk.vault.cash(3)
    assert 0 <= left < 4 * 10**12
    assert books.claims == books.assets + books.deficit


def test_the_burnt_cash_is_rounded_up(desk: World) -> None:
    """Eight claims on seven tokens: a unit burns 8/7 of itself, and the fraction of a wei is the caller's."""
    account = desk.account("trader", cash=7)
    socialise(desk, 1)
    desk.vault.withdraw(account, 0, 1, trader_of(desk), sender=trader_of(desk))
    assert desk.vault.cash(account) == 7 * WAD - (8 * 10**12 // 7 + 1)
    desk.check()


def test_cash_tokens_that_are_lent_out_cannot_leave(world: World) -> None:
    lender = world.account("maker", cash=1_000)
    account = world.account("trader")
    world.deposit("trader", account, 1, 10 * WAD)
    world.vault.withdraw(account, 0, 900 * 10**6, trader_of(world), sender=trader_of(world))
    maker = world.env.address("maker")
    with world.refuses("vault: not enough cash tokens"):
        world.vault.withdraw(lender, 0, 101 * 10**6, maker, sender=maker)
    world.vault.withdraw(lender, 0, 100 * 10**6, maker, sender=maker)
    world.check()


def test_nothing_can_be_withdrawn_against_a_deficit_alone(desk: World) -> None:
    desk.account("trader")
    socialise(desk, 50)
    assert desk.vault.exchange_rate() == 0
    with desk.refuses("vault: not enough cash tokens"):
        desk.vault.withdraw(3, 0, 1, desk.env.address("keeper"), sender=desk.env.address("keeper"))


def test_an_account_in_liquidation_is_shut(desk: World) -> None:
    account = desk.account("trader", cash=100)
    desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    with desk.refuses("vault: account in liquidation"):
        desk.vault.withdraw(account, 0, 1, trader_of(desk), sender=trader_of(desk))
    desk.ledger.end_liquidation(account, sender=desk.env.address("liquidator"))
    desk.vault.withdraw(account, 0, 1, trader_of(desk), sender=trader_of(desk))


def test_bad_arguments_are_refused_by_name(world: World) -> None:
    account = world.account("trader", cash=100)
    world.deposit("trader", account, 1, 5)
    trader = trader_of(world)
    for args, reason in (
        ((account, 0, 0, trader), "vault: zero amount"),
        ((account, 0, 1, ZERO), "vault: zero address"),
        ((account, 3, 1, trader), "vault: no such asset"),
        ((account, 1, 6, trader), "vault: insufficient collateral"),
        ((account + 1, 0, 1, trader), "vault: caller not authorised"),
        ((0, 0, 1, trader), "vault: caller not authorised"),
    ):
        with world.refuses(reason):
            world.vault.withdraw(*args, sender=trader)


def test_only_owner_and_delegate(world: World) -> None:
    account = world.account("trader", cash=100)
    for role in ("attacker", "guardian", "owner", "relayer"):
        with world.refuses("vault: caller not authorised"):
            world.vault.withdraw(account, 0, 1, world.env.address(role), sender=world.env.address(role))


def test_a_token_that_answers_false_is_not_paid(world: World) -> None:
    """A transfer that fails without a revert must not count as a payment."""
    token = world.env.deploy("ReentrantToken", "Refusing", "NO", 18)
    asset = world.vault.list_collateral(token.address, 1, 0, 0, 10**30).value
    account = world.account("trader")
    trader = trader_of(world)
    token.mint(trader, 100)
    token.approve(world.vault.address, 100, sender=trader)
    world.vault.deposit(account, asset, 60, sender=trader)
    token.refuse(True)
    with world.refuses("vault: token refused"):
        world.vault.withdraw(account, asset, 10, trader, sender=trader)
    with world.refuses("vault: token refused"):
        world.vault.deposit(account, asset, 10, sender=trader)
    assert world.vault.collateral(account, asset) == 60
    token.refuse(False)
    world.vault.withdraw(account, asset, 60, trader, sender=trader)
    assert token.balanceOf(trader) == 100


def test_deposit_and_withdrawal_in_one_block_return_no_more(world: World) -> None:
    account = world.account("trader", cash=100)
    world.vault.withdraw(account, 0, 100 * 10**6, trader_of(world), sender=trader_of(world))
    assert world.cash.balanceOf(trader_of(world)) == 100 * 10**6
    assert world.vault.cash(account) == 0


def test_an_isolated_account_borrows_against_its_own_collateral_alone(world: World) -> None:
    world.account("maker", cash=10_000)
    rich = world.account("trader", cash=5_000)
    siloed = world.account("trader", engine=2)
    world.deposit("trader", siloed, 1, WAD)
    world.place("trader", siloed, 1, SELL, 2_100, 0.5)
    with world.refuses("vault: below initial margin"):
        world.vault.withdraw(siloed, 0, 1_600 * 10**6, trader_of(world), sender=trader_of(world))
    world.vault.withdraw(siloed, 0, 1_000 * 10**6, trader_of(world), sender=trader_of(world))
    assert world.vault.cash(rich) == 5_000 * WAD
    world.check()
