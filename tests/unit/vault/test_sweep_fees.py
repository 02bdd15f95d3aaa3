# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.evm import NOBODY
from tests.protocol import WAD, World
from tests.unit.vault.test_withdraw import socialise


def charge(world: World, amount: int) -> int:
    """Leaves `amount` wad in the fees."""
    account = world.account("trader", cash=1_000)
    world.vault.move_cash(account, 0, amount, 8, sender=world.env.address("liquidator"))
    return account


def test_whole_units_go_to_the_fund(desk: World) -> None:
    charge(desk, 12 * WAD + 345)
    receipt = desk.vault.sweep_fees(sender=desk.env.address("attacker"))
    assert receipt.value == 12 * 10**6
    assert desk.fund.totalAssets() == 12 * 10**6 == desk.cash.balanceOf(desk.fund.address)
    books = desk.vault.reconcile()
    assert (books.fees, books.assets) == (345, 988 * WAD)
    assert desk.cash.balanceOf(desk.vault.address) == 988 * 10**6
    desk.check()


def test_trading_fees_end_in_the_fund(world: World) -> None:
    first, second = world.account("trader", cash=10_000), world.account("maker", cash=10_000)
    world.trade(first, second, 1, 2_000, 1)
    fees = world.vault.reconcile().fees
    maker, taker = world.exchange.fees()
    assert fees == 2_000 * WAD * (maker + taker) // 10_000
    world.vault.sweep_fees()
    assert world.fund.totalAssets() == fees // 10**12
    world.check()


def test_events(desk: World) -> None:
    charge(desk, WAD)
    receipt = desk.vault.sweep_fees()
    assert receipt.named("FeesSwept") == [{"receiver": desk.fund.address, "amount": 10**6}]
    assert receipt.named("Contributed") == [{"amount": 10**6, "left": 10**6}]


def test_nothing_to_sweep(desk: World) -> None:
    with desk.refuses("vault: zero amount"):
        desk.vault.sweep_fees()
    charge(desk, 10**12 - 1)
    with desk.refuses("vault: zero amount"):
        desk.vault.sweep_fees()


def test_fees_leave_at_the_exchange_rate_after_a_loss(desk: World) -> None:
    """Fees are a claim like any other: they do not leave in full while depositors get four fifths."""
    charge(desk, 100 * WAD)
    socialise(desk, 250)
    assert desk.vault.exchange_rate() == 8 * WAD // 10
    receipt = desk.vault.sweep_fees()
    assert receipt.value == 80 * 10**6
    books = desk.vault.reconcile()
    assert (books.fees, books.assets, books.deficit) == (0, 920 * WAD, 230 * WAD)
    assert desk.vault.exchange_rate() == 8 * WAD // 10
    desk.check()


def test_no_more_than_the_tokens_that_are_there(world: World) -> None:
    """Interest is fees long before it is paid: what is lent out cannot be swept."""
    world.vault.set_interest(4 * WAD, 4 * WAD, 4 * WAD, WAD, WAD)
    world.account("maker", cash=1_000)
    account = world.account("trader")
    world.deposit("trader", account, 1, 10 * WAD)
    trader = world.env.address("trader")
    world.vault.withdraw(account, 0, 999 * 10**6, trader, sender=trader)
    world.env.advance(86_400 * 365)
    world.vault.accrue_interest()
    assert world.vault.reconcile().fees > 100 * WAD
    assert world.vault.sweep_fees().value == 10**6
    assert world.vault.reconcile().assets == 0
    world.check()


def test_a_vault_without_a_receiver_keeps_its_fees(desk: World) -> None:
    vault = desk.env.deploy("Vault", desk.cash, desk.oracle, desk.env.address("guardian"), NOBODY)
    vault.register_engine(desk.contracts["CrossMargin"].address)
    vault.wire(desk.ledger.address, desk.env.address("liquidator"), "0x" + "00" * 20)
    trader = desk.env.address("trader")
    account = vault.create_account(1, sender=trader).value
    desk.cash.mint(trader, 100)
    desk.cash.approve(vault.address, 100, sender=trader)
    vault.deposit(account, 0, 100, sender=trader)
    vault.move_cash(account, 0, 10**12, 8, sender=desk.env.address("liquidator"))
    with desk.refuses("vault: zero address"):
        vault.sweep_fees()
    assert vault.reconcile().fees == 10**12
