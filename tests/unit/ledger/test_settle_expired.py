# SPDX-License-Identifier: Apache-2.0
"""Ledger.settle_expired: payoffs to the wei, once, by anyone, in liquidation too, orders or not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from simulation.domain import market_math
from tests.dated import FUTURE, STRIKES, DatedWorld, fresh_dated_world
from tests.evm import reverts
from tests.protocol import BUY, NANO, SELL, WAD

CALL, PUT = market_math.option(1, 10, True), market_math.option(1, 10, False)
SETTLEMENT = 2_250 * NANO + 123_456_789
MARKETS = [FUTURE, *(market_math.option(1, place, call) for place in range(32) for call in (True, False))]


@pytest.fixture
def desk() -> DatedWorld:
    return fresh_dated_world()


@pytest.fixture
def venue() -> DatedWorld:
    """The real Exchange and Liquidator."""
    return fresh_dated_world(by_hand=False)


def books(world: DatedWorld) -> tuple[Any, ...]:
    """All of the ledger and the vault that a call about dated markets could change."""
    count = world.vault.account_count()
    return (
        world.state(),
        [world.ledger.words_of(1, count, MARKETS[at : at + 64]) for at in (0, 64)],
        [world.ledger.open_interest(market) for market in MARKETS],
    )


@contextmanager
def refused(world: DatedWorld, reason: str) -> Iterator[None]:
    before = books(world)
    with reverts(reason):
        yield
    assert books(world) == before


def payoff(market: int, price: int = SETTLEMENT) -> int:
    if market == FUTURE:
        return price
    strike = STRIKES[market_math.strike_index(market)]
    return market_math.payoff(price, strike, market_math.is_call(market))


def pair(desk: DatedWorld) -> tuple[int, int]:
    return desk.member("trader"), desk.member("maker")


def test_a_long_call_is_paid_by_the_short_one(desk: DatedWorld) -> None:
    long, short = pair(desk)
    desk.mark({CALL: 150 * NANO})
    desk.match(long, short, CALL, 160 * NANO, 3 * NANO)
    cash = [desk.vault.cash(account) for account in (long, short)]
    desk.expire(settlement=SETTLEMENT)
    gain = 3 * NANO * (SETTLEMENT - 2_000 * NANO - 160 * NANO)
    equity = desk.equity(long)
    assert equity == cash[0] + gain
    receipt = desk.ledger.settle_expired(long, 1, sender=desk.env.address("anyone"))
    assert receipt.value == 1
    assert receipt.named("PositionModified") == [
        {
            "account": long,
            "market": CALL,
            "delta": -3 * NANO,
            "size": 0,
            "entry_price": 0,
            "funding_index": 0,
            "cash": cash[0] + gain,
            "fee": 0,
        }
    ]
    assert desk.vault.cash(long) == desk.equity(long) == equity
    assert (desk.ledger.markets_of(long), desk.ledger.markets_of(short)) == ([], [CALL])
    assert desk.ledger.open_interest(CALL) == 0
    desk.check()
    desk.ledger.settle_expired(short, 1)
    assert desk.vault.cash(short) == cash[1] - gain
    assert desk.ledger.listed(short) == 0 and desk.vault.reconcile().net_settled == 0
    desk.check()


def test_a_second_time_changes_nothing(desk: DatedWorld) -> None:
    long, short = pair(desk)
    desk.match(long, short, FUTURE, 2_000 * NANO, NANO)
    desk.expire(settlement=SETTLEMENT)
    assert desk.ledger.settle_expired(long, 1).value == 1
    before = books(desk)
    for account in (long, 999):
        receipt = desk.ledger.settle_expired(account, 1)
        assert (receipt.value, receipt.events) == (0, ())
    assert desk.ledger.settle_expired(long, 0).value == 0
    assert books(desk) == before


def test_a_series_that_is_not_settled_is_refused(desk: DatedWorld) -> None:
    long, short = pair(desk)
    desk.match(long, short, FUTURE, 2_000 * NANO, NANO)
    desk.match(long, short, 1, 2_000 * NANO, NANO)
    with refused(desk, "ledger: market is not settled"):
        desk.ledger.settle_expired(long, 1)
    desk.expire()
    with refused(desk, "ledger: market is not settled"):
        desk.ledger.settle_expired(long, 1)
    # Perpetuals are no series.
    with refused(desk, "ledger: market is not settled"):
        desk.ledger.settle_expired(long, 0)


@pytest.mark.parametrize("series", [7, 255, 256, 2**200])
def test_a_series_without_a_position_is_passed_over(desk: DatedWorld, series: int) -> None:
    long, short = pair(desk)
    desk.match(long, short, FUTURE, 2_000 * NANO, NANO)
    desk.expire(settlement=SETTLEMENT)
    before = books(desk)
    assert desk.ledger.settle_expired(long, series).value == 0
    assert books(desk) == before


def test_resting_orders_do_not_block_it(venue: DatedWorld) -> None:
    long, short = pair(venue)
    venue.order("maker", short, FUTURE, SELL, 2_000 * NANO, NANO)
    venue.order("trader", long, FUTURE, BUY, 2_000 * NANO, NANO)
    order, _ = venue.order("trader", long, FUTURE, BUY, 1_900 * NANO, 5 * NANO).value
    venue.expire(settlement=SETTLEMENT)
    cash = venue.vault.cash(long)
    venue.ledger.settle_expired(long, 1)
    assert venue.vault.cash(long) == cash + NANO * (SETTLEMENT - 2_000 * NANO)
    assert tuple(venue.ledger.position(long, FUTURE)) == (0, 0, 0, 5 * NANO, 0)
    receipt = venue.exchange.purge([order], sender=venue.env.address("anyone"))
    assert receipt.value == 1
    (event,) = receipt.named("OrderRemoved")
    assert (event["order_id"], event["account"], event["market"], event["reason"]) == (order, long, FUTURE, 8)
    assert venue.ledger.listed(long) == 0 and venue.exchange.orders_of(long) == []
    venue.check()


def test_an_expired_market_takes_neither_order_nor_fill(venue: DatedWorld) -> None:
    long, short = pair(venue)
    venue.order("maker", short, FUTURE, SELL, 2_000 * NANO, NANO)
    order, _ = venue.order("maker", short, FUTURE, SELL, 2_010 * NANO, NANO).value
    venue.order("trader", long, FUTURE, BUY, 2_000 * NANO, NANO)
    venue.env.advance(venue.expiry - 1 - venue.env.timestamp)
    venue.prices(ETH=2_000)
    assert venue.exchange.purge([order]).value == 0
    venue.order("trader", long, FUTURE, BUY, 1_900 * NANO, NANO)
    venue.env.advance(1)
    venue.prices(ETH=2_000)
    for side, price, options in ((BUY, 2_010, 0), (BUY, 1_000, 1), (SELL, 1_000, 2), (SELL, 3_000, 4)):
        with refused(venue, "exchange: market has expired"):
            venue.order("trader", long, FUTURE, side, price * NANO, NANO, options)
    with refused(venue, "exchange: market has expired"):
        venue.exchange.replace(order, 2_100_000, 1, 0, 0, 1, sender=venue.env.address("maker"))
    assert venue.exchange.cancel(order, sender=venue.env.address("maker"))


def test_the_ledger_itself_refuses_a_fill_after_expiry(desk: DatedWorld) -> None:
    long, short = pair(desk)
    desk.match(long, short, FUTURE, 2_000 * NANO, NANO)
    desk.expire()
    with refused(desk, "ledger: market has expired"):
        desk.match(long, short, FUTURE, 2_000 * NANO, -NANO)
    trader = desk.env.address("trader")
    with refused(desk, "ledger: market has expired"):
        desk.as_exchange(("fill_taker", trader, long, FUTURE, 0, 0, 0, NANO))


def test_an_account_in_liquidation_is_settled_and_a_slice_is_worth_the_same(desk: DatedWorld) -> None:
    liquidator = desk.env.address("liquidator")
    long, short = pair(desk)
    bidder = desk.member("keeper")
    desk.mark({CALL: 150 * NANO, PUT: 100 * NANO})
    for market, price, size in ((FUTURE, 2_011, 7 * NANO), (CALL, 160, 3 * NANO), (PUT, 99, -2 * NANO)):
        desk.match(short, long, market, price * NANO + 7, size)
    desk.ledger.begin_liquidation(short, sender=liquidator)
    desk.expire(settlement=SETTLEMENT)
    equity, share = desk.equity(short), WAD // 3
    found = []
    for settle_first in (False, True):
        with desk.env.anchor():
            if settle_first:
                assert desk.ledger.settle_expired(short, 1).value == 3
                assert desk.equity(short) == equity and desk.ledger.in_liquidation(short)
            desk.ledger.transfer_slice(short, bidder, share, 11 * WAD, sender=liquidator)
            desk.check()
            found.append((desk.equity(short), desk.equity(bidder)))
    # The same cash goes with a slice, and positions at their payoff carry no value.
    assert found[0] == found[1]


def test_a_payoff_cannot_be_deleveraged_away(desk: DatedWorld) -> None:
    liquidator = desk.env.address("liquidator")
    long, short = pair(desk)
    desk.match(long, short, FUTURE, 2_000 * NANO, NANO)
    desk.ledger.begin_liquidation(short, sender=liquidator)
    desk.expire()
    with desk.env.anchor():
        desk.ledger.deleverage(short, long, FUTURE, NANO, 2_001 * NANO, sender=liquidator)
        assert desk.ledger.position(long, FUTURE).size == 0
    desk.pricing.set_settlement(1, SETTLEMENT)
    with refused(desk, "ledger: market is settled"):
        desk.ledger.deleverage(short, long, FUTURE, NANO, 2_001 * NANO, sender=liquidator)


@pytest.mark.parametrize("seed", range(4))
def test_payoffs_of_a_series_sum_to_nothing_in_any_order(desk: DatedWorld, seed: int) -> None:
    rng = random.Random(seed)
    accounts = [desk.member(role) for role in ("trader", "maker", "keeper", "attacker", "debtor")]
    markets = rng.sample(MARKETS, 9)
    desk.mark({market: rng.randrange(2_500 * NANO) for market in markets})
    for _ in range(25):
        taker, maker = rng.sample(accounts, 2)
        size = rng.choice([-1, 1]) * rng.randrange(1, 20 * NANO)
        desk.match(taker, maker, rng.choice(markets), rng.randrange(1, 2_500 * NANO), size)
    price = rng.choice([1, rng.randrange(1, 5_000 * NANO), 2**62])
    cash = sum(desk.vault.cash(account) for account in accounts)
    settled = desk.vault.reconcile().net_settled
    desk.expire(settlement=price)
    expected = {account: desk.equity(account) for account in accounts}
    model = {
        account: desk.vault.cash(account)
        + sum(
            held.size * (payoff(market, price) - held.entry_price)
            for market in desk.ledger.markets_of(account)
            for held in [desk.ledger.position(account, market)]
        )
        for account in accounts
    }
    assert model == expected
    rng.shuffle(accounts)
    for account in accounts:
        desk.ledger.settle_expired(account, 1)
        desk.check()
        assert desk.equity(account) == expected[account]
    assert {account: desk.vault.cash(account) for account in accounts} == expected
    assert all(desk.ledger.open_interest(market) == 0 for market in markets)
    assert all(desk.ledger.listed(account) == 0 for account in accounts)
    assert desk.vault.reconcile().net_settled == 0
    # What realised profits had taken in before expiry is what settlement brings back: nothing else moved.
    assert sum(expected.values()) == cash - settled
    desk.instruments.delist_series(1)


def test_the_legs_of_a_spread_go_together(desk: DatedWorld) -> None:
    """One that is left would need margin by itself, and its owner could be liquidated for it."""
    long, short = pair(desk)
    near, far = market_math.option(1, 10, True), market_math.option(1, 11, True)
    desk.mark({near: 100 * NANO, far: 60 * NANO})
    desk.match(short, long, near, 100 * NANO, -NANO)
    desk.match(short, long, far, 60 * NANO, NANO)
    desk.match(short, long, 1, 2_000 * NANO, NANO)
    desk.expire(settlement=1_900 * NANO)
    assert desk.ledger.settle_expired(short, 1).value == 2
    assert desk.ledger.markets_of(short) == [1]
    assert desk.ledger.settle_expired(long, 1).value == 2
    desk.check()


def test_64_options_of_one_expiry_settle_in_at_most_925_000_gas(desk: DatedWorld) -> None:
    long, short = pair(desk)
    options = MARKETS[1:]
    desk.mark({market: 100 * NANO for market in options})
    for place, market in enumerate(options):
        desk.match(long, short, market, 101 * NANO + place, NANO if place % 2 else -NANO)
    desk.expire(settlement=SETTLEMENT)
    receipt = desk.ledger.settle_expired(long, 1)
    assert receipt.value == 64 and desk.ledger.listed(long) == 0
    # The mock answers from a cold slot for each option, which is no part of the protocol.
    limit = 925_000 + desk.pricing.view_gas("marks", options)
    assert receipt.gas_used <= limit
    assert desk.ledger.settle_expired(short, 1).gas_used <= limit
    assert desk.vault.reconcile().net_settled == 0
