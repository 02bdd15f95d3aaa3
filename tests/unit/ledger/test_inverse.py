# SPDX-License-Identifier: Apache-2.0
"""Inverse perpetuals in the Ledger: nano contracts of one USD against a coin balance in nano coin."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evm import reverts
from tests.inverse import BTC_USD, ETH_USD, InverseWorld, fresh_inverse_world
from tests.protocol import BUY, IMMEDIATE, NANO, REDUCE_ONLY, SELL, WAD

USD = NANO
PRICE = 2_000 * NANO


@pytest.fixture
def desk() -> InverseWorld:
    return fresh_inverse_world()


@pytest.fixture
def world() -> InverseWorld:
    return fresh_inverse_world(by_hand=False)


def pair(desk: InverseWorld, contracts: int = 10_000 * USD, price: int = PRICE) -> tuple[int, int]:
    """A long and a short of so many nano contracts."""
    long, short = desk.account("trader", cash=10_000), desk.account("maker", cash=10_000)
    desk.fill(long, short, ETH_USD, price, contracts)
    return long, short


def test_a_trade_changes_contracts_and_coin_and_no_cash(desk: InverseWorld) -> None:
    long, short = pair(desk)
    assert desk.held(long, ETH_USD) == (10_000 * USD, 5 * NANO)
    assert desk.held(short, ETH_USD) == (-10_000 * USD, -5 * NANO)
    assert desk.vault.cash(long) == desk.vault.cash(short) == 10_000 * WAD
    assert desk.ledger.open_interest(ETH_USD) == 10_000 * USD
    desk.check()


def test_profit_is_the_coin_at_mark_less_the_contracts(desk: InverseWorld) -> None:
    long, short = pair(desk)
    desk.advance(60, ETH=2_500, BTC=30_000)
    # 5 ETH at 2,500 less 10,000 USD; in coin 5 - 4 = 1 ETH.
    assert desk.equity(long) == 12_500 * WAD and desk.equity(short) == 7_500 * WAD
    found = desk.pool.view(long, ETH_USD)
    assert (found.contracts, found.coin) == (10_000 * USD, 5 * NANO)
    assert (found.profit_coin, found.profit_usd) == (NANO, 2_500 * WAD)
    assert desk.pool.view(short, ETH_USD).profit_coin == -NANO


def test_convexity(desk: InverseWorld) -> None:
    """In coin a long loses more on the way down than it gains on the same way up; in USD it is linear."""
    long, _ = pair(desk)
    profits = []
    for price in (1_600, 2_000, 2_400):
        desk.advance(60, ETH=price, BTC=30_000)
        view = desk.pool.view(long, ETH_USD)
        profits.append((view.profit_coin, view.profit_usd))
    down, flat, up = profits
    assert flat == (0, 0)
    assert -down[1] == up[1] == 2_000 * WAD
    assert -down[0] == 1_250_000_000 and up[0] == 833_333_333


def test_both_sides_drop_the_same_fraction_of_a_coin(desk: InverseWorld) -> None:
    long, short = pair(desk, contracts=USD, price=3_000 * NANO)
    assert desk.held(long, ETH_USD) == (USD, 333_333)
    assert desk.held(short, ETH_USD) == (-USD, -333_333)
    desk.check()


def test_a_taker_must_take_the_coin_of_its_makers(desk: InverseWorld) -> None:
    long, short = desk.account("trader", cash=10_000), desk.account("maker", cash=10_000)
    caller = desk.vault.account(long).owner
    with desk.refuses("ledger: trade is not zero-sum"):
        desk.as_exchange(
            ("fill_maker", short, ETH_USD, -USD, 3_000 * NANO, 0, False),
            ("fill_taker", caller, long, ETH_USD, USD, 333_334, 0, 0),
        )


def test_closing_leaves_the_profit_in_coin_and_the_market_listed(desk: InverseWorld) -> None:
    long, short = pair(desk)
    desk.fill(long, short, ETH_USD, 2_500 * NANO, -10_000 * USD)
    assert desk.held(long, ETH_USD) == (0, NANO) and desk.held(short, ETH_USD) == (0, -NANO)
    assert desk.ledger.markets_of(long) == desk.ledger.markets_of(short) == [ETH_USD]
    assert desk.ledger.open_interest(ETH_USD) == 0
    # What is due is valued at mark.
    assert desk.equity(long) == 12_000 * WAD and desk.equity(short) == 8_000 * WAD
    desk.check()


def test_a_position_that_closes_without_profit_is_gone(desk: InverseWorld) -> None:
    long, short = pair(desk)
    desk.fill(long, short, ETH_USD, PRICE, -10_000 * USD)
    assert desk.ledger.markets_of(long) == [] == desk.ledger.markets_of(short)
    desk.check()


def test_sides_can_be_changed(desk: InverseWorld) -> None:
    long, short = pair(desk)
    desk.fill(long, short, ETH_USD, 2_500 * NANO, -15_000 * USD)
    assert desk.held(long, ETH_USD) == (-5_000 * USD, -NANO)
    assert desk.held(short, ETH_USD) == (5_000 * USD, NANO)
    desk.check()


def test_initial_margin_counts_contracts(desk: InverseWorld) -> None:
    """10 % of a USD for each contract, whatever the coin costs."""
    poor, rich = desk.account("trader", cash=1_000), desk.account("maker", cash=10_000)
    with desk.refuses("ledger: below initial margin"):
        desk.fill(poor, rich, ETH_USD, PRICE, 10_001 * USD)
    desk.fill(poor, rich, ETH_USD, PRICE, 10_000 * USD)
    assert desk.ledger.assess(poor)[0].initial_margin == 1_000 * WAD


def test_what_is_due_in_coin_bears_margin(desk: InverseWorld) -> None:
    long, short = pair(desk)
    desk.fill(long, short, ETH_USD, 2_500 * NANO, -10_000 * USD)
    # One ETH at 2,000.
    assert desk.ledger.assess(long)[0].initial_margin == 200 * WAD
    assert desk.ledger.assess(short)[0].maintenance_margin == 100 * WAD


def test_an_order_that_goes_leaves_the_coin_listed(desk: InverseWorld) -> None:
    long, short = pair(desk)
    desk.fill(long, short, ETH_USD, 2_500 * NANO, -10_000 * USD)
    caller = desk.vault.account(long).owner
    desk.as_exchange(("fill_taker", caller, long, ETH_USD, 0, 0, 0, 5 * USD))
    assert desk.ledger.position(long, ETH_USD).bids == 5 * USD
    desk.as_exchange(("release_orders", long, ETH_USD, 5 * USD, 0))
    assert desk.ledger.markets_of(long) == [ETH_USD] and desk.held(long, ETH_USD) == (0, NANO)


def test_settling_realises_funding_alone(desk: InverseWorld) -> None:
    long, short = pair(desk)
    desk.instruments.set_funding(ETH_USD, 8, 10**14, 10**15)
    desk.instruments.touch(ETH_USD)
    desk.advance(3_600, ETH=2_500, BTC=30_000)
    before = [desk.equity(account) for account in (long, short)]
    desk.ledger.settle(long)
    desk.ledger.settle(short)
    # 0.01 % of one USD for each contract in an hour: longs pay shorts, whatever the coin costs.
    assert desk.vault.cash(long) == 9_999 * WAD and desk.vault.cash(short) == 10_001 * WAD
    assert [desk.equity(account) for account in (long, short)] == before
    assert desk.held(long, ETH_USD) == (10_000 * USD, 5 * NANO)
    desk.check()


def test_coin_alone_is_settled_without_a_price(desk: InverseWorld) -> None:
    long, short = pair(desk)
    desk.fill(long, short, ETH_USD, 2_500 * NANO, -10_000 * USD)
    desk.env.advance(10**6)
    desk.ledger.settle(long)
    assert desk.held(long, ETH_USD) == (0, NANO)


def liquidated(desk: InverseWorld) -> tuple[int, int, int]:
    long, short = pair(desk)
    bidder = desk.account("keeper", cash=50_000)
    desk.advance(60, ETH=1_900, BTC=30_000)
    desk.ledger.begin_liquidation(long, sender=desk.env.address("liquidator"))
    return long, short, bidder


@given(fraction=st.integers(1, WAD), price=st.integers(1_001, 4_000))
@settings(max_examples=20, deadline=None)
def test_a_slice_moves_contracts_and_coin_at_mark(fraction: int, price: int) -> None:
    desk = fresh_inverse_world()
    long, _, bidder = liquidated(desk)
    desk.advance(60, ETH=price, BTC=30_000)
    before = [desk.equity(account) for account in (long, bidder)]
    desk.ledger.transfer_slice(long, bidder, fraction, 0, sender=desk.env.address("liquidator"))
    contracts = 10_000 * fraction // WAD * USD if fraction != WAD else 10_000 * USD
    coin = 5 * NANO * fraction // WAD
    assert desk.held(bidder, ETH_USD) == (contracts, coin)
    assert desk.held(long, ETH_USD) == (10_000 * USD - contracts, 5 * NANO - coin)
    # Contracts and coin are paid for at mark, so what changed hands is the fraction of all the account was
    # worth, whole lots or not, also where it was worth less than nothing.
    after = [desk.equity(account) for account in (long, bidder)]
    assert sum(after) == sum(before)
    assert before[0] - after[0] == before[0] * fraction // WAD
    desk.check()


def test_a_slice_of_all_takes_what_is_due_in_coin(desk: InverseWorld) -> None:
    long, short = pair(desk)
    desk.fill(long, short, ETH_USD, 1_900 * NANO, -10_000 * USD)
    coin = desk.held(long, ETH_USD)[1]
    assert coin < 0
    bidder = desk.account("keeper", cash=50_000)
    desk.ledger.begin_liquidation(long, sender=desk.env.address("liquidator"))
    desk.ledger.transfer_slice(long, bidder, WAD, 0, sender=desk.env.address("liquidator"))
    assert desk.ledger.markets_of(long) == [] and desk.held(bidder, ETH_USD) == (0, coin)
    assert desk.vault.cash(long) == 0
    desk.check()


def test_deleveraging_closes_coin_and_contracts_for_cash(desk: InverseWorld) -> None:
    long, short, _ = liquidated(desk)
    price, liquidator = 1_900 * NANO, desk.env.address("liquidator")
    desk.ledger.deleverage(long, short, ETH_USD, -4_000 * USD, price, sender=liquidator)
    assert desk.held(long, ETH_USD) == (6_000 * USD, 3 * NANO)
    assert desk.held(short, ETH_USD) == (-6_000 * USD, -3 * NANO)
    assert desk.vault.cash(long) == 10_000 * WAD + 2 * NANO * price - 4_000 * WAD
    desk.ledger.deleverage(long, short, ETH_USD, -6_000 * USD, price, sender=liquidator)
    assert desk.ledger.markets_of(long) == [] == desk.ledger.markets_of(short)
    assert desk.vault.cash(long) + desk.vault.cash(short) == 20_000 * WAD
    desk.check()


def test_only_the_pool_settles_coin(desk: InverseWorld) -> None:
    long, _ = pair(desk)
    for role in ("attacker", "owner", "liquidator", "trader"):
        with reverts("ledger: not the coin pool"):
            desk.ledger.settle_coin(long, ETH_USD, 1, 0, sender=desk.env.address(role))
    with reverts("vault: caller is not coin pool"):
        desk.vault.move_collateral(long, 1, 1, 1, sender=desk.env.address("owner"))


def test_through_the_exchange(world: InverseWorld) -> None:
    """Ticks in USD per coin, lots in contracts, fees of the contracts; reduce-only by contracts."""
    long, short = world.account("trader", cash=10_000), world.account("maker", cash=10_000)
    maker_bps, taker_bps = world.exchange.fees()
    world.place("maker", short, ETH_USD, SELL, 2_000, 3_000)
    world.place("maker", short, ETH_USD, SELL, 3_000, 7_000)
    assert world.place("trader", long, ETH_USD, BUY, 3_000, 10_000, IMMEDIATE)[1] == 10_000
    coin = 3_000 * NANO * NANO // (2_000 * NANO) + 7_000 * NANO * NANO // (3_000 * NANO)
    assert world.held(long, ETH_USD) == (10_000 * USD, coin)
    assert world.vault.cash(long) == 10_000 * WAD - 10_000 * WAD * taker_bps // 10_000
    assert world.vault.cash(short) == 10_000 * WAD - 10_000 * WAD * maker_bps // 10_000
    world.check()
    world.place("trader", long, ETH_USD, SELL, 2_000, 50_000, REDUCE_ONLY)
    assert world.place("maker", short, ETH_USD, BUY, 2_000, 50_000, IMMEDIATE)[1] == 10_000
    assert world.held(long, ETH_USD)[0] == 0
    world.check()


def test_the_open_interest_cap_counts_contracts(world: InverseWorld) -> None:
    long, short = world.account("trader", cash=100_000), world.account("maker", cash=100_000)
    world.instruments.set_open_interest_cap(BTC_USD, 1_000 * USD)
    world.place("maker", short, BTC_USD, SELL, 30_000, 2_000)
    with world.refuses("ledger: open interest cap"):
        world.place("trader", long, BTC_USD, BUY, 30_000, 1_001, IMMEDIATE)
    world.place("trader", long, BTC_USD, BUY, 30_000, 1_000, IMMEDIATE)
    world.check()
