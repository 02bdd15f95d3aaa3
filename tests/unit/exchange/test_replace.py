# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from simulation.domain.orders import Option, Reason
from tests.unit.exchange.world import MAKER, MARKETS, SECOND_MAKER, TRADER, World

LOT = MARKETS[1][1]


def test_moves_an_order_under_a_new_id(world: World) -> None:
    old = world.bid(MAKER, 1_000, 5)
    expiry = world.env.timestamp + 9
    receipt = world.exchange.replace(old, 1_001, 3, 0, expiry, 16, sender=world.owners[MAKER])
    new, filled = receipt.value
    assert filled == 0 and new != old and world.lots(old) == 0
    view = world.exchange.order(new)
    assert (view.account, view.market, view.is_bid, view.tick, view.lots, view.expiry) == (
        MAKER,
        1,
        True,
        1_001,
        3,
        expiry,
    )
    assert world.exchange.orders_of(MAKER) == [new]
    assert world.depth(True) == [(1_001, 3, 1)]
    assert world.reserved(MAKER) == (3 * LOT, 0)


def test_says_what_went_and_what_came(world: World) -> None:
    old = world.ask(MAKER, 1_000, 5, market=2)
    receipt = world.exchange.replace(old, 1_001, 3, 1, 0, 16, sender=world.owners[MAKER])
    assert receipt.named("OrderRemoved") == [
        {"order_id": old, "account": MAKER, "market": 2, "lots": 5, "reason": Reason.REPLACED}
    ]
    assert receipt.named("OrderPlaced") == [
        {
            "order_id": receipt.value[0],
            "account": MAKER,
            "market": 2,
            "is_bid": False,
            "tick": 1_001,
            "lots": 3,
            "expiry": 0,
            "options": 1,
        }
    ]


def test_loses_priority_even_at_the_same_price(world: World) -> None:
    old = world.bid(MAKER, 1_000, 1)
    rival = world.bid(SECOND_MAKER, 1_000, 1)
    new = world.exchange.replace(old, 1_000, 1, 0, 0, 16, sender=world.owners[MAKER]).value[0]
    fills = world.place(TRADER, False, 1_000, 2).named("OrderFilled")
    assert [fill["order_id"] for fill in fills] == [rival, new]


def test_the_new_order_may_take(world: World) -> None:
    order_id = world.bid(TRADER, 990, 4)
    world.ask(MAKER, 1_000, 1)
    receipt = world.exchange.replace(order_id, 1_000, 4, 0, 0, 16, sender=world.owners[TRADER])
    assert receipt.value[1] == 1 and world.lots(receipt.value[0]) == 3
    assert world.reserved(TRADER) == (3 * LOT, 0) and world.size(TRADER) == LOT


def test_options_are_those_of_the_call(world: World) -> None:
    world.ledger.set_position(MAKER, 1, -5 * LOT)
    old = world.bid(MAKER, 1_000, 5, Option.REDUCE_ONLY)
    new = world.exchange.replace(old, 1_000, 7, 0, 0, 16, sender=world.owners[MAKER]).value[0]
    assert not world.exchange.order(new).reduce_only and world.reserved(MAKER) == (7 * LOT, 0)


@pytest.mark.parametrize(
    ("tick", "lots", "options", "reason"),
    [
        (1_010, 5, Option.POST_ONLY, "exchange: order would take"),
        (1_001, 5, Option.IMMEDIATE, "exchange: nothing to do"),
        (1_001, 5, Option.REDUCE_ONLY, "exchange: nothing to do"),
        (0, 5, 0, "exchange: order out of range"),
        (1_001, 0, 0, "exchange: order out of range"),
    ],
)
def test_both_or_neither(world: World, tick: int, lots: int, options: int, reason: str) -> None:
    order_id = world.bid(MAKER, 1_000, 5)
    world.ask(SECOND_MAKER, 1_010, 5)
    with world.reverts_unchanged(reason):
        world.exchange.replace(order_id, tick, lots, int(options), 0, 16, sender=world.owners[MAKER])


def test_paused_placing_stops_it(world: World) -> None:
    order_id = world.bid(MAKER, 1_000, 5)
    world.exchange.pause(8)
    with world.reverts_unchanged("guarded: action is paused"):
        world.exchange.replace(order_id, 1_000, 4, 0, 0, 16, sender=world.owners[MAKER])


def test_only_the_owner_or_a_delegate(world: World) -> None:
    order_id = world.bid(MAKER, 1_000, 5)
    for caller in (world.attacker, world.owners[TRADER], world.liquidator):
        with world.reverts_unchanged("ledger: caller not authorised"):
            world.exchange.replace(order_id, 1_001, 5, 0, 0, 16, sender=caller)
    delegate = world.env.address("delegate")
    world.ledger.set_delegate(MAKER, delegate, True)
    assert world.exchange.replace(order_id, 1_001, 5, 0, 0, 16, sender=delegate).value[0]


def test_an_order_that_is_gone(world: World) -> None:
    order_id = world.bid(MAKER, 1_000, 5)
    world.exchange.cancel(order_id, sender=world.owners[MAKER])
    for unknown in (order_id, 0, order_id + 1, 2**256 - 1):
        with world.reverts_unchanged("exchange: no such order"):
            world.exchange.replace(unknown, 1_001, 5, 0, 0, 16, sender=world.owners[MAKER])
