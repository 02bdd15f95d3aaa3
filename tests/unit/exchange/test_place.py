# SPDX-License-Identifier: Apache-2.0
"""What rests: the word of an order, its level, its reservation; every bound; who may."""

from __future__ import annotations

import pytest

from simulation.domain.orders import MAX_LOTS, MAX_ORDERS, Option
from tests.unit.exchange.world import MAKER, MARKETS, MAX_TICK, SECOND_MAKER, TRADER, World

LOT = MARKETS[1][1]


def test_an_order_rests_as_it_was_placed(world: World) -> None:
    expiry = world.env.timestamp + 60
    order_id, filled = world.place(MAKER, True, 1_000, 5, expiry=expiry).value
    assert filled == 0
    assert world.exchange.order(order_id)._asdict() == {
        "order_id": order_id,
        "account": MAKER,
        "market": 1,
        "is_bid": True,
        "tick": 1_000,
        "lots": 5,
        "expiry": expiry,
        "reduce_only": False,
    }
    assert world.exchange.orders_of(MAKER) == [order_id]
    assert world.depth(True) == [(1_000, 5, 1)]
    assert world.exchange.best(1) == (1_000, 0)
    assert world.reserved(MAKER) == (5 * LOT, 0)


def test_events_of_what_rests(world: World) -> None:
    receipt = world.place(MAKER, False, 1_000, 5, Option.POST_ONLY)
    assert receipt.named("OrderPlaced") == [
        {
            "order_id": receipt.value[0],
            "account": MAKER,
            "market": 1,
            "is_bid": False,
            "tick": 1_000,
            "lots": 5,
            "expiry": 0,
            "options": 1,
        }
    ]
    assert receipt.named("TakerFilled") == [
        {
            "caller": world.owners[MAKER],
            "account": MAKER,
            "market": 1,
            "size": 0,
            "quote": 0,
            "fee": 0,
            "resting": -5 * LOT,
        }
    ]
    assert receipt.named("OrderFilled") == receipt.named("OrderRemoved") == []


def test_largest_values_keep_every_field(world: World) -> None:
    order_id = world.ask(MAKER, MAX_TICK, MAX_LOTS, expiry=2**32 - 1, market=2)
    view = world.exchange.order(order_id)
    assert (view.tick, view.lots, view.expiry, view.market) == (MAX_TICK, MAX_LOTS, 2**32 - 1, 2)
    assert world.reserved(MAKER, 2) == (0, MAX_LOTS * MARKETS[2][1])


def test_orders_of_one_price_share_a_level(world: World) -> None:
    for account, lots in ((MAKER, 5), (SECOND_MAKER, 7), (MAKER, 1)):
        world.bid(account, 1_000, lots)
    assert world.depth(True) == [(1_000, 13, 3)]


def test_ids_are_unique_and_name_their_account(world: World) -> None:
    ids = []
    for _ in range(3):
        order_id = world.bid(MAKER, 1_000, 1)
        ids.append(order_id)
        world.exchange.cancel(order_id, sender=world.owners[MAKER])
    assert len(set(ids)) == 3
    assert all((order_id >> 5) & (2**32 - 1) == MAKER and order_id < 2**63 for order_id in ids)


def test_an_account_has_32_orders_at_most(world: World) -> None:
    ids = [world.bid(MAKER, 1_000 + i, 1) for i in range(MAX_ORDERS)]
    assert sorted(world.exchange.orders_of(MAKER)) == sorted(ids)
    with world.reverts_unchanged("exchange: too many open orders"):
        world.bid(MAKER, 900, 1)
    world.exchange.cancel(ids[17], sender=world.owners[MAKER])
    assert world.bid(MAKER, 900, 1) not in ids


def test_a_delegate_may_and_others_may_not(world: World) -> None:
    delegate = world.env.address("delegate")
    world.ledger.set_delegate(MAKER, delegate, True)
    assert world.bid(MAKER, 1_000, 1, sender=delegate)
    for caller in (world.attacker, world.owners[TRADER], world.env.deployer, world.liquidator):
        with world.reverts_unchanged("ledger: caller not authorised"):
            world.bid(MAKER, 1_001, 1, sender=caller)


@pytest.mark.parametrize("lots", [0, 2**48, 2**256 - 1])
def test_lots_out_of_range(world: World, lots: int) -> None:
    with world.reverts_unchanged("exchange: order out of range"):
        world.bid(MAKER, 1_000, lots)


@pytest.mark.parametrize("tick", [0, 2**24, 2**256 - 1])
def test_tick_out_of_range(world: World, tick: int) -> None:
    with world.reverts_unchanged("exchange: order out of range"):
        world.bid(MAKER, tick, 1)


@pytest.mark.parametrize("account", [2**32, 2**32 + MAKER, 2**256 - 1])
def test_account_out_of_range(world: World, account: int) -> None:
    with world.reverts_unchanged("exchange: order out of range"):
        world.bid(account, 1_000, 1, sender=world.owners[MAKER])


@pytest.mark.parametrize("market", [2**16, 2**16 + 1, 2**256 - 1])
def test_market_out_of_range(world: World, market: int) -> None:
    with world.reverts_unchanged("exchange: order out of range"):
        world.bid(MAKER, 1_000, 1, market=market)


def test_expiry_must_lie_ahead_and_fit(world: World) -> None:
    for expiry in (1, world.env.timestamp, 2**32, 2**256 - 1):
        with world.reverts_unchanged("exchange: order out of range"):
            world.bid(MAKER, 1_000, 1, expiry=expiry)
    assert world.bid(MAKER, 1_000, 1, expiry=world.env.timestamp + 1)


@pytest.mark.parametrize("options", [0, int(Option.REDUCE_ONLY)])
def test_unlisted_market(world: World, options: int) -> None:
    with world.reverts_unchanged("exchange: no such market"):
        world.bid(MAKER, 1_000, 1, options, market=3)


@pytest.mark.parametrize(("tick_size", "lot_size"), [(2**56, 1), (1, 2**64), (0, 1), (1, 0)])
def test_market_whose_units_do_not_fit(world: World, tick_size: int, lot_size: int) -> None:
    world.instruments.list_market(3, tick_size, lot_size, True)
    with world.reverts_unchanged("exchange: no such market"):
        world.bid(MAKER, 1_000, 1, market=3)


def test_inactive_market_takes_reduce_only_orders_alone(world: World) -> None:
    world.instruments.list_market(1, *MARKETS[1], False)
    with world.reverts_unchanged("exchange: market only reduces"):
        world.bid(MAKER, 1_000, 1)
    world.ledger.set_position(MAKER, 1, -LOT)
    assert world.bid(MAKER, 1_000, 1, Option.REDUCE_ONLY)


def test_a_level_holds_more_than_one_order_can(world: World) -> None:
    for i in range(3):
        world.bid(MAKER, 1_000, MAX_LOTS)
        assert world.depth(True) == [(1_000, (i + 1) * MAX_LOTS, i + 1)]


def test_paused_placing_stops_only_what_would_rest(world: World) -> None:
    world.ask(MAKER, 1_000, 5)
    world.exchange.pause(8, sender=world.guardian)
    with world.reverts_unchanged("guarded: action is paused"):
        world.bid(TRADER, 999, 1)
    with world.reverts_unchanged("guarded: action is paused"):
        world.bid(TRADER, 1_000, 6)
    assert world.place(TRADER, True, 1_000, 5).value == (0, 5)
    assert world.ask(TRADER, 1_001, 2, Option.REDUCE_ONLY)


def test_paused_trading_stops_only_takers_that_may_add_risk(world: World) -> None:
    world.ask(MAKER, 1_000, 5)
    world.exchange.pause(4, sender=world.guardian)
    with world.reverts_unchanged("guarded: action is paused"):
        world.bid(TRADER, 1_000, 1)
    assert world.bid(TRADER, 999, 1)
    world.ledger.set_position(SECOND_MAKER, 1, -2 * LOT)
    assert world.place(SECOND_MAKER, True, 1_000, 5, Option.REDUCE_ONLY).value == (0, 2)
