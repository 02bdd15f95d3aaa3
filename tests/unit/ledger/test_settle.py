# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol import NANO, WAD, World, fresh_world


def test_profit_becomes_cash_and_the_entry_the_mark(world: World) -> None:
    long, short = world.account("trader", cash=1_000), world.account("maker", cash=1_000)
    world.trade(long, short, 1, 2_000, 1)
    cash = world.vault.cash(long)
    equity = world.ledger.assess(long)[0].equity
    world.advance(60, ETH=2_100)
    assert world.ledger.assess(long)[0].equity == equity + 100 * WAD
    receipt = world.ledger.settle(long, sender=world.env.address("attacker"))
    assert receipt.value == cash + 100 * WAD == world.vault.cash(long)
    assert world.ledger.position(long, 1).entry_price == 2_100 * NANO
    # The other side is settled for itself: until then the profit is a claim on it.
    assert world.ledger.position(short, 1).entry_price == 2_000 * NANO
    assert world.vault.reconcile().net_settled == 2_100 * WAD - 2_000 * WAD
    world.check()
    world.ledger.settle(short)
    assert world.vault.reconcile().net_settled == 0
    world.check()


def test_event(world: World) -> None:
    long, short = world.account("trader", cash=1_000), world.account("maker", cash=1_000)
    world.trade(long, short, 1, 2_000, 1)
    cash = world.vault.cash(short)
    world.advance(60, ETH=1_900)
    receipt = world.ledger.settle(short)
    assert receipt.named("PositionModified") == [
        {
            "account": short,
            "market": 1,
            "delta": 0,
            "size": -NANO,
            "entry_price": 1_900 * NANO,
            "funding_index": 0,
            "cash": cash + 100 * WAD,
            "fee": 0,
        }
    ]


def test_funding_is_paid_by_one_side_to_the_other_to_the_wei(world: World) -> None:
    long, short = world.account("trader", cash=5_000), world.account("maker", cash=5_000)
    world.trade(long, short, 1, 2_000, 1.237)
    before = [world.ledger.assess(account)[0].equity for account in (long, short)]
    world.env.advance(10)
    # A premium of 0.5 %: the rate in force from now on, per hour, over 8 hours of convergence.
    world.price("ETH", 2_000 * NANO, 2_010 * NANO)
    world.instruments.touch(1)
    world.env.advance(1_800)
    world.price("ETH", 2_000 * NANO, 2_000 * NANO)
    for account in (long, short):
        world.ledger.settle(account)
    after = [world.ledger.assess(account)[0].equity for account in (long, short)]
    paid = before[0] - after[0]
    assert paid == after[1] - before[1]
    # size * spot * premium / 8 h * half an hour
    assert abs(paid - 1_237 * 2_000 * WAD // 1_000 * 5 // 1_000 // 16) < 2_000 * NANO
    world.check()


def test_twice_pays_once(world: World) -> None:
    long, short = world.account("trader", cash=1_000), world.account("maker", cash=1_000)
    world.trade(long, short, 1, 2_000, 1)
    world.advance(60, ETH=2_100)
    world.ledger.settle(long)
    before = world.state()
    receipt = world.ledger.settle(long)
    assert not receipt.events
    assert world.state() == before


def test_resting_orders_stay(world: World) -> None:
    long, short = world.account("trader", cash=1_000), world.account("maker", cash=1_000)
    world.trade(long, short, 1, 2_000, 1)
    world.place("trader", long, 1, True, 1_900, 0.5)
    world.place("trader", long, 1, False, 2_500, 0.25)
    world.place("trader", long, 2, True, 20_000, 0.01)
    world.advance(60, ETH=2_100, BTC=30_000)
    world.ledger.settle(long)
    position = world.ledger.position(long, 1)
    assert (position.size, position.bids, position.asks) == (NANO, NANO // 2, NANO // 4)
    assert world.ledger.markets_of(long) == [1, 2]


def test_an_account_without_positions_is_left_alone(world: World) -> None:
    account = world.account("trader", cash=7)
    receipt = world.ledger.settle(account)
    assert (receipt.value, receipt.events) == (7 * WAD, ())
    assert world.ledger.settle(99).value == 0


def test_a_stale_price_settles_nothing(world: World) -> None:
    long, short = world.account("trader", cash=1_000), world.account("maker", cash=1_000)
    world.trade(long, short, 1, 2_000, 1)
    world.env.advance(3_601)
    with world.refuses("ledger: stale price"):
        world.ledger.settle(long)


def test_not_in_liquidation(desk: World) -> None:
    account = desk.account("trader", cash=1_000)
    desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    with desk.refuses("ledger: account in liquidation"):
        desk.ledger.settle(account)


@settings(max_examples=30)
@given(
    price=st.integers(150_000, 250_000),
    size=st.integers(1, 2_000),
    later=st.lists(st.tuples(st.integers(1, 3_600), st.integers(1_000, 400_000)), min_size=1, max_size=4),
)
def test_settling_changes_no_equity(price: int, size: int, later: list[tuple[int, int]]) -> None:
    world = fresh_world()
    long, short = world.account("trader", cash=10_000), world.account("maker", cash=10_000)
    world.trade(long, short, 1, price / 100, size / 1_000)
    for seconds, cents in later:
        world.advance(seconds, ETH=cents / 100)
        for account in (long, short):
            equity = world.ledger.assess(account)[0].equity
            world.ledger.settle(account)
            assert world.ledger.assess(account)[0].equity == equity
        world.check()
