# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol import WAD, World, fresh_world

MONEY = (("Vault", ("ledger", "liquidator", "InsuranceFund")),)


def test_a_share_of_everything_moves(money: World) -> None:
    giver, taker = money.account("trader", cash=100), money.account("maker", cash=7)
    money.deposit("trader", giver, 1, 11)
    money.deposit("trader", giver, 2, 1)
    money.vault.move_slice(giver, taker, WAD // 4, 20 * WAD, sender=money.env.address("ledger"))
    assert [money.vault.collateral(giver, asset) for asset in (1, 2)] == [9, 1]
    assert [money.vault.collateral(taker, asset) for asset in (1, 2)] == [2, 0]
    assert (money.vault.cash(giver), money.vault.cash(taker)) == (80 * WAD, 27 * WAD)
    assert (money.vault.account(giver).assets, money.vault.account(taker).assets) == (0b11, 0b01)
    assert [money.vault.collateral_held(asset) for asset in (1, 2)] == [11, 1]
    money.check()


def test_the_whole_clears_the_giver(money: World) -> None:
    giver, taker = money.account("trader", cash=100), money.account("maker")
    money.deposit("trader", giver, 2, 5)
    money.vault.move_slice(giver, taker, WAD, 0, sender=money.env.address("ledger"))
    assert (money.vault.account(giver).cash, money.vault.account(giver).assets) == (0, 0)
    assert (money.vault.cash(taker), money.vault.collateral(taker, 2)) == (100 * WAD, 5)
    money.check()


def test_a_loan_moves_the_same_way_and_the_giver_keeps_the_dust(money: World) -> None:
    giver, taker = money.account("trader", cash=100), money.account("maker", cash=100)
    ledger = money.env.address("ledger")
    money.vault.apply_trade(giver, -110 * WAD - 1, 0, sender=ledger)
    money.vault.move_slice(giver, taker, WAD // 2, 0, sender=ledger)
    assert money.vault.cash(taker) == 100 * WAD - 5 * WAD - 1
    assert money.vault.cash(giver) == -5 * WAD


def test_events_of_both_sides(money: World) -> None:
    giver, taker = money.account("trader", cash=100), money.account("maker")
    money.deposit("trader", giver, 1, 10)
    receipt = money.vault.move_slice(giver, taker, WAD // 2, 0, sender=money.env.address("ledger"))
    assert receipt.named("CollateralMoved") == [
        {"account": giver, "asset": 1, "amount": -5, "balance": 5},
        {"account": taker, "asset": 1, "amount": 5, "balance": 5},
    ]
    assert receipt.named("CashMoved") == [
        {"account": giver, "reason": 3, "amount": -50 * WAD, "cash": 50 * WAD},
        {"account": taker, "reason": 3, "amount": 50 * WAD, "cash": 50 * WAD},
    ]


@given(
    cash=st.integers(-(10**22), 10**22),
    units=st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)),
    fraction=st.integers(1, WAD),
    reserved=st.integers(0, 10**21),
)
def test_nothing_is_made_or_lost(cash: int, units: tuple[int, int], fraction: int, reserved: int) -> None:
    world = fresh_world(MONEY)
    giver, taker = world.account("trader", cash=50), world.account("maker", cash=50)
    ledger = world.env.address("ledger")
    world.vault.apply_trade(giver, cash - 50 * WAD, 0, sender=ledger)
    for asset, amount in enumerate(units, 1):
        if amount:
            world.deposit("trader", giver, asset, amount)
    world.vault.move_slice(giver, taker, fraction, reserved, sender=ledger)
    share = (cash - reserved) * fraction // WAD
    assert world.vault.cash(giver) == cash - share
    assert world.vault.cash(taker) == 50 * WAD + share
    for asset, amount in enumerate(units, 1):
        assert world.vault.collateral(taker, asset) == amount * fraction // WAD
        assert world.vault.collateral(giver, asset) == amount - amount * fraction // WAD
        bit = 1 << (asset - 1)
        for account in (giver, taker):
            assert bool(world.vault.account(account).assets & bit) == (
                world.vault.collateral(account, asset) != 0
            )


def test_only_the_ledger(money: World) -> None:
    giver, taker = money.account("trader", cash=100), money.account("attacker")
    for role in ("trader", "owner", "guardian", "liquidator", "attacker"):
        with money.refuses("vault: caller is not ledger"):
            money.vault.move_slice(giver, taker, WAD, 0, sender=money.env.address(role))


@pytest.mark.parametrize("other", [0, 2])
def test_unknown_or_equal_accounts(money: World, other: int) -> None:
    giver = money.account("trader", cash=100)
    ledger = money.env.address("ledger")
    with money.refuses("vault: no such account"):
        money.vault.move_slice(giver, other, WAD, 0, sender=ledger)
    with money.refuses("vault: same account"):
        money.vault.move_slice(giver, giver, WAD, 0, sender=ledger)
