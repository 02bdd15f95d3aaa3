# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import permutations

import pytest

from simulation.domain.orders import Option, Reason
from tests.unit.exchange.world import MAKER, MARKETS, POSITIONED, SECOND_MAKER, TRADER, World

LOT = MARKETS[1][1]


def test_removes_the_order_and_gives_its_reservation_back(world: World) -> None:
    kept = world.bid(MAKER, 1_000, 2)
    order_id = world.bid(MAKER, 1_001, 5)
    world.exchange.cancel(order_id, sender=world.owners[MAKER])
    assert world.lots(order_id) == 0
    assert world.exchange.orders_of(MAKER) == [kept]
    assert world.depth(True) == [(1_000, 2, 1)] and world.exchange.best(1) == (1_000, 0)
    assert world.reserved(MAKER) == (2 * LOT, 0)


def test_says_so(world: World) -> None:
    order_id = world.ask(MAKER, 1_000, 5)
    receipt = world.exchange.cancel(order_id, sender=world.owners[MAKER])
    assert receipt.named("OrderRemoved") == [
        {"order_id": order_id, "account": MAKER, "market": 1, "lots": 5, "reason": Reason.CANCELLED}
    ]
    assert receipt.named("OrdersReleased") == [{"account": MAKER, "market": 1, "bids": 0, "asks": 5 * LOT}]


def test_of_a_partly_filled_order_gives_back_what_is_open(world: World) -> None:
    order_id = world.ask(MAKER, 1_000, 5)
    world.place(TRADER, True, 1_000, 2)
    receipt = world.exchange.cancel(order_id, sender=world.owners[MAKER])
    assert receipt.named("OrderRemoved")[0]["lots"] == 3
    assert world.reserved(MAKER) == (0, 0)


def test_of_a_reduce_only_order_gives_back_nothing(world: World) -> None:
    world.ledger.set_position(MAKER, 1, -5 * LOT)
    world.bid(MAKER, 900, 1)
    order_id = world.bid(MAKER, 1_000, 5, Option.REDUCE_ONLY)
    receipt = world.exchange.cancel(order_id, sender=world.owners[MAKER])
    assert receipt.named("OrdersReleased") == []
    assert world.reserved(MAKER) == (LOT, 0)


@pytest.mark.parametrize("place", range(5))
def test_anywhere_in_a_level_leaves_the_others_in_line(world: World, place: int) -> None:
    ids = [world.bid(account, 1_000, 1) for account in (MAKER, SECOND_MAKER, MAKER, SECOND_MAKER, MAKER)]
    gone = ids.pop(place)
    world.exchange.cancel(gone, sender=world.owners[SECOND_MAKER if place % 2 else MAKER])
    last = world.bid(MAKER, 1_000, 1)
    assert world.depth(True) == [(1_000, 5, 5)]
    fills = world.place(TRADER, False, 1_000, 5).named("OrderFilled")
    assert [fill["order_id"] for fill in fills] == [*ids, last]


@pytest.mark.parametrize("gone", list(permutations(range(4), 3)))
def test_in_any_order_leaves_a_line_that_can_grow(world: World, gone: tuple[int, ...]) -> None:
    accounts = (MAKER, SECOND_MAKER, MAKER, SECOND_MAKER)
    ids = [world.bid(account, 1_000, 1) for account in accounts]
    line = list(ids)
    for place in gone:
        world.exchange.cancel(ids[place], sender=world.owners[accounts[place]])
        line.remove(ids[place])
        line.append(world.bid(POSITIONED, 1_000, 1))
        with world.env.anchor():
            fills = world.place(TRADER, False, 1_000, 4).named("OrderFilled")
            assert [fill["order_id"] for fill in fills] == line
    for order_id in (line[3], line[2]):
        world.exchange.cancel(order_id, sender=world.owners[POSITIONED])
    fills = world.place(TRADER, False, 1_000, 4, Option.IMMEDIATE).named("OrderFilled")
    assert [fill["order_id"] for fill in fills] == line[:2]


def test_is_final(world: World) -> None:
    order_id = world.bid(MAKER, 1_000, 5)
    world.exchange.cancel(order_id, sender=world.owners[MAKER])
    world.bid(MAKER, 1_000, 5)
    for unknown in (order_id, 0, order_id + 1, order_id + 2**37 * 7, 2**256 - 1):
        with world.reverts_unchanged("exchange: no such order"):
            world.exchange.cancel(unknown, sender=world.owners[MAKER])


def test_of_a_filled_order(world: World) -> None:
    order_id = world.bid(MAKER, 1_000, 5)
    world.place(TRADER, False, 1_000, 5)
    with world.reverts_unchanged("exchange: no such order"):
        world.exchange.cancel(order_id, sender=world.owners[MAKER])


def test_only_the_owner_or_a_delegate(world: World) -> None:
    order_id = world.bid(MAKER, 1_000, 5)
    for caller in (world.attacker, world.owners[TRADER], world.liquidator, world.guardian):
        with world.reverts_unchanged("exchange: not authorised"):
            world.exchange.cancel(order_id, sender=caller)
    delegate = world.env.address("delegate")
    world.ledger.set_delegate(MAKER, delegate, True)
    world.exchange.cancel(order_id, sender=delegate)
    assert world.lots(order_id) == 0


def test_nothing_stops_it(world: World) -> None:
    """Every pause is on, the market is inactive, the account is in liquidation, the order has expired."""
    order_id = world.bid(MAKER, 1_000, 5, expiry=world.env.timestamp + 1)
    for bit in (4, 8):
        world.exchange.pause(bit)
    world.instruments.list_market(1, *MARKETS[1], False)
    world.ledger.set_in_liquidation(MAKER, True)
    world.env.advance(10)
    world.exchange.cancel(order_id, sender=world.owners[MAKER])
    assert world.reserved(MAKER) == (0, 0)
