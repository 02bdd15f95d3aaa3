# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from simulation.domain.orders import Option, Reason
from tests.unit.exchange.world import MAKER, MARKETS, SECOND_MAKER, World

LOT = MARKETS[1][1]


def test_anyone_removes_what_has_expired(world: World) -> None:
    expiry = world.env.timestamp + 10
    dead = world.bid(MAKER, 1_000, 5, expiry=expiry)
    alive = world.bid(MAKER, 1_000, 3, expiry=expiry + 100)
    world.env.timestamp = expiry
    receipt = world.exchange.purge([dead, alive], sender=world.attacker)
    assert receipt.value == 1
    assert receipt.named("OrderRemoved") == [
        {"order_id": dead, "account": MAKER, "market": 1, "lots": 5, "reason": Reason.EXPIRED}
    ]
    assert world.lots(alive) == 3 and world.reserved(MAKER) == (3 * LOT, 0)


def test_not_a_second_too_early(world: World) -> None:
    expiry = world.env.timestamp + 10
    order_id = world.bid(MAKER, 1_000, 5, expiry=expiry)
    world.env.timestamp = expiry - 1
    assert world.exchange.purge([order_id], sender=world.attacker).value == 0
    assert world.lots(order_id) == 5


def test_anyone_removes_orders_of_accounts_in_liquidation(world: World) -> None:
    world.ledger.set_position(MAKER, 1, 5 * LOT)
    ids = [world.bid(MAKER, 1_000, 5), world.ask(MAKER, 1_010, 5, Option.REDUCE_ONLY)]
    other = world.bid(SECOND_MAKER, 1_000, 1)
    world.ledger.set_in_liquidation(MAKER, True)
    receipt = world.exchange.purge([*ids, other], sender=world.attacker)
    assert receipt.value == 2
    assert [event["reason"] for event in receipt.named("OrderRemoved")] == [Reason.LIQUIDATION] * 2
    assert len(receipt.named("OrdersReleased")) == 1
    assert world.lots(other) == 1


def test_skips_what_it_may_not_remove(world: World) -> None:
    order_id = world.bid(MAKER, 1_000, 5)
    before = world.state()
    receipt = world.exchange.purge([order_id, 0, order_id + 1, 2**256 - 1], sender=world.owners[MAKER])
    assert receipt.value == 0 and receipt.events == ()
    assert world.state() == before


def test_a_repeated_id_counts_once(world: World) -> None:
    order_id = world.bid(MAKER, 1_000, 5, expiry=world.env.timestamp + 1)
    world.env.advance(1)
    receipt = world.exchange.purge([order_id] * 32, sender=world.attacker)
    assert receipt.value == 1 and len(receipt.named("OrderRemoved")) == 1


def test_nothing_to_do_is_no_error(world: World) -> None:
    assert world.exchange.purge([], sender=world.attacker).value == 0
