# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from simulation.domain.orders import MAX_ORDERS, Option, Reason
from tests.unit.exchange.world import MAKER, MARKETS, SECOND_MAKER, TRADER, World

LOT = MARKETS[1][1]


def _mixed(world: World) -> list[int]:
    world.ledger.set_position(MAKER, 2, -9 * MARKETS[2][1])
    return [
        world.bid(MAKER, 1_000, 2),
        world.bid(MAKER, 500, 3, market=2),
        world.ask(MAKER, 1_010, 4),
        world.bid(MAKER, 500, 5, Option.REDUCE_ONLY, market=2),
        world.bid(MAKER, 1_000, 6),
    ]


def test_removes_every_order_of_the_account_and_no_other(world: World) -> None:
    _mixed(world)
    other = world.bid(SECOND_MAKER, 1_000, 7)
    receipt = world.exchange.cancel_all(MAKER, sender=world.owners[MAKER])
    assert receipt.value == 5
    assert world.exchange.orders_of(MAKER) == []
    assert world.depth(True) == [(1_000, 7, 1)] and world.depth(False) == []
    assert world.depth(True, 2) == [] and world.exchange.best(2) == (0, 0)
    assert world.reserved(MAKER) == world.reserved(MAKER, 2) == (0, 0)
    assert world.lots(other) == 7


def test_says_so_for_each_order(world: World) -> None:
    ids = _mixed(world)
    receipt = world.exchange.cancel_all(MAKER, sender=world.owners[MAKER])
    removed = receipt.named("OrderRemoved")
    assert [(event["order_id"], event["lots"]) for event in removed] == list(
        zip(ids, [2, 3, 4, 5, 6], strict=True)
    )
    assert {event["reason"] for event in removed} == {Reason.CANCELLED}


def test_gives_reservations_back_once_for_each_run_of_a_market(world: World) -> None:
    for i in range(4):
        world.bid(MAKER, 1_000 - i, 1)
        world.ask(MAKER, 1_010 + i, 2)
    receipt = world.exchange.cancel_all(MAKER, sender=world.owners[MAKER])
    assert receipt.named("OrdersReleased") == [
        {"account": MAKER, "market": 1, "bids": 4 * LOT, "asks": 8 * LOT}
    ]


def test_of_nothing(world: World) -> None:
    receipt = world.exchange.cancel_all(MAKER, sender=world.owners[MAKER])
    assert receipt.value == 0 and receipt.events == ()


def test_by_the_liquidator_of_any_account(world: World) -> None:
    _mixed(world)
    receipt = world.exchange.cancel_all(MAKER, sender=world.liquidator)
    assert receipt.value == 5
    assert {event["reason"] for event in receipt.named("OrderRemoved")} == {Reason.LIQUIDATION}


def test_not_by_others(world: World) -> None:
    _mixed(world)
    for caller in (world.attacker, world.owners[TRADER], world.guardian, world.env.deployer):
        with world.reverts_unchanged("exchange: not authorised"):
            world.exchange.cancel_all(MAKER, sender=caller)


def test_nothing_stops_it(world: World) -> None:
    _mixed(world)
    for bit in (4, 8):
        world.exchange.pause(bit)
    world.ledger.set_in_liquidation(MAKER, True)
    assert world.exchange.cancel_all(MAKER, sender=world.owners[MAKER]).value == 5


def test_32_orders_in_the_middle_of_busy_levels_fit_many_times(world: World) -> None:
    for i in range(MAX_ORDERS):
        for account in (SECOND_MAKER, MAKER, TRADER):
            world.bid(account, 1_000 + 300 * i, 1)
    receipt = world.exchange.cancel_all(MAKER, sender=world.liquidator)
    assert receipt.value == MAX_ORDERS
    assert receipt.gas_used < 1_200_000
