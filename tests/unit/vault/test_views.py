# SPDX-License-Identifier: Apache-2.0
"""The Vault's views against what was done."""

from __future__ import annotations

import pytest

from tests.evm import reverts
from tests.protocol import BUY, CROSS, NANO, WAD, World

MASK_96 = 2**96 - 1


def test_account(world: World) -> None:
    account = world.account("trader", cash=3)
    world.deposit("trader", account, 2, 1)
    assert tuple(world.vault.account(account)) == (
        world.env.address("trader"),
        world.contracts["CrossMargin"].address,
        CROSS,
        0,
        3 * WAD,
        0b10,
    )
    nobody = "0x" + "00" * 20
    assert tuple(world.vault.account(2)) == (nobody, nobody, 0, 0, 0, 0)


def test_small_ones(world: World) -> None:
    vault = world.vault
    assert vault.cash_token() == world.cash.address
    assert [vault.collateral_token(i) for i in (1, 2)] == [world.token(i).address for i in (1, 2)]
    assert (vault.ledger(), vault.liquidator()) == (world.ledger.address, world.liquidator.address)
    assert vault.fee_receiver() == world.fund.address
    assert (vault.engine_count(), vault.account_count(), vault.stable_feed()) == (2, 0, 0)
    assert vault.engines(2) == world.contracts["IsolatedMargin"].address
    assert (vault.exchange_rate(), vault.interest_indexes()) == (WAD, (WAD, WAD))
    assert (vault.cash(7), vault.collateral(7, 1), vault.collateral_held(1)) == (0, 0, 0)


def test_authorised(world: World) -> None:
    account = world.account("trader")
    trader, attacker = world.env.address("trader"), world.env.address("attacker")
    assert world.vault.authorised(account, trader)
    assert not world.vault.authorised(account, attacker)
    assert not world.vault.authorised(account + 1, trader)
    assert not world.vault.authorised(0, "0x" + "00" * 20)


def test_money_is_the_money_side_of_a_portfolio(world: World) -> None:
    account = world.account("trader", cash=5)
    world.deposit("trader", account, 1, WAD // 2)
    world.deposit("trader", account, 2, 3)
    cash, stable, collaterals, valid, engine = world.vault.money(account)
    assert (cash, stable, valid) == (5 * WAD, NANO, True)
    assert engine == world.contracts["CrossMargin"].address
    assert [tuple(risk) for risk in collaterals] == [
        (1, 1_000 * WAD, 10**8, 1_000, 2_000),
        # Three units of 1e-8 BTC at 30,000 USD.
        (2, 900_000_000_000_000, 10**8, 1_000, 2_000),
    ]


def test_collateral_values_are_rounded_down(world: World) -> None:
    account = world.account("trader")
    world.deposit("trader", account, 1, 1)
    world.env.advance(1)
    world.price("ETH", 1_999_999_999_999, 1_999_999_999_999)
    assert world.vault.money(account)[2][0].value == 1_999
    world.env.advance(1)
    world.price("ETH", 1, 1)
    assert world.vault.money(account)[2][0].value == 0


@pytest.mark.parametrize("asset", [1, 2])
def test_money_says_when_a_price_is_not_valid(world: World, asset: int) -> None:
    account = world.account("trader")
    world.deposit("trader", account, asset, 1)
    assert world.vault.money(account)[3]
    world.env.advance(3_601)
    world.prices(**{("BTC", "ETH")[asset - 1]: 100.0})
    assert not world.vault.money(account)[3]
    world.env.advance(1)
    world.price(("ETH", "BTC")[asset - 1], 100 * NANO, 200 * NANO)
    # The mark is out of bound: a doubtful price is no price for risk.
    assert not world.vault.money(account)[3]
    world.env.advance(1)
    world.price(("ETH", "BTC")[asset - 1], 100 * NANO, 100 * NANO)
    assert world.vault.money(account)[3]


def test_words_of(world: World) -> None:
    first, second = world.account("trader", cash=1), world.account("maker", cash=2)
    world.deposit("maker", second, 2, 77)
    one, two = WAD | (WAD << 128), 2 * WAD | (WAD << 128) | (0b10 << 224)
    assert world.vault.words_of(first, 2, 2) == [one, 0, 0, two, 0, 77]
    assert world.vault.words_of(second, 1, 0) == [two]
    assert world.vault.words_of(second, 0, 2) == []
    assert world.vault.words_of(3, 1, 2) == [0, 0, 0]


def test_words_of_negative_cash(desk: World) -> None:
    first, second = desk.account("trader"), desk.account("maker")
    desk.vault.move_cash(first, second, 5, 4, sender=desk.env.address("liquidator"))
    (word,) = desk.vault.words_of(first, 1, 0)
    assert word & (2**128 - 1) == 2**128 - 5
    assert (word >> 128) & MASK_96 == WAD


def test_words_of_in_bulk_and_no_more(world: World) -> None:
    assert len(world.vault.words_of(1, 8192, 0)) == 8192
    for args in ((1, 8193, 0), (1, 911, 8), (1, 1, 9)):
        with reverts():
            world.vault.words_of(*args)


def test_reconcile_after_trades_loans_and_interest(world: World) -> None:
    first, second = world.account("trader"), world.account("maker", cash=10_000)
    world.deposit("trader", first, 1, 10 * WAD)
    world.trade(first, second, 1, 2_000, 2)
    world.place("maker", second, 2, BUY, 29_000, 0.1)
    trader = world.env.address("trader")
    world.vault.withdraw(first, 0, 100 * 10**6, trader, sender=trader)
    for price in (2_050, 1_990, 2_010):
        world.advance(3_000, ETH=price, BTC=30_000)
        world.ledger.settle(first)
        world.ledger.settle(second)
        books = world.vault.reconcile()
        assert books.claims == books.assets + books.deficit
        world.check()
