# SPDX-License-Identifier: Apache-2.0
"""order, orders_of, best, depth, next_order_id, fees."""

from __future__ import annotations

from tests.unit.exchange.world import MAKER, MAX_TICK, SECOND_MAKER, TRADER, World


def test_order_of_an_unknown_id_is_empty(world: World) -> None:
    order_id = world.bid(MAKER, 1_000, 1)
    for unknown in (0, order_id + 1, order_id - 1, order_id + 2**37, 2**63, 2**256 - 1):
        assert not any(world.exchange.order(unknown))


def test_order_of_a_reused_slot_is_the_new_one_alone(world: World) -> None:
    old = world.bid(MAKER, 1_000, 1)
    world.exchange.cancel(old, sender=world.owners[MAKER])
    assert not any(world.exchange.order(old))
    new = world.ask(MAKER, 1_001, 2)
    assert not any(world.exchange.order(old)) and world.lots(new) == 2


def test_orders_of_accounts_side_by_side(world: World) -> None:
    mine = {world.bid(MAKER, 1_000 + i, 1) for i in range(7)}
    theirs = {world.bid(SECOND_MAKER, 1_000 + i, 1) for i in range(3)}
    assert set(world.exchange.orders_of(MAKER)) == mine
    assert set(world.exchange.orders_of(SECOND_MAKER)) == theirs
    assert world.exchange.orders_of(TRADER) == world.exchange.orders_of(2**256 - 1) == []


def test_best_follows_both_sides(world: World) -> None:
    assert world.exchange.best(1) == (0, 0)
    low = world.bid(MAKER, 1_000, 1)
    high = world.bid(MAKER, 1_003, 1)
    world.ask(MAKER, 1_010, 1)
    near = world.ask(MAKER, 1_004, 1)
    assert world.exchange.best(1) == (1_003, 1_004)
    for order_id, expected in ((high, (1_000, 1_004)), (near, (1_000, 1_010)), (low, (0, 1_010))):
        world.exchange.cancel(order_id, sender=world.owners[MAKER])
        assert world.exchange.best(1) == expected
    assert world.exchange.best(2) == world.exchange.best(2**256 - 1) == (0, 0)


def test_best_skips_wide_gaps(world: World) -> None:
    ticks = [1, 255, 256, 65_535, 65_536, 2**24 - 257, MAX_TICK]
    ids = [world.bid(MAKER, tick, 1) for tick in ticks]
    for place in range(len(ids) - 1, -1, -1):
        assert world.exchange.best(1) == (ticks[place], 0)
        world.exchange.cancel(ids[place], sender=world.owners[MAKER])
    ids = [world.ask(MAKER, tick, 1) for tick in ticks]
    for place in range(len(ids)):
        assert world.exchange.best(1) == (0, ticks[place])
        world.exchange.cancel(ids[place], sender=world.owners[MAKER])
    assert world.exchange.best(1) == (0, 0)


def test_depth_from_the_best_outward(world: World) -> None:
    for tick, lots in ((1_000, 1), (700, 2), (1_000, 3), (70_000, 4)):
        world.bid(MAKER, tick, lots)
        world.ask(SECOND_MAKER, tick + 100_000, lots)
    assert world.depth(True) == [(70_000, 4, 1), (1_000, 4, 2), (700, 2, 1)]
    assert world.depth(False) == [(100_700, 2, 1), (101_000, 4, 2), (170_000, 4, 1)]


def test_depth_is_cut_to_what_is_asked_and_to_64(world: World) -> None:
    for account in (MAKER, SECOND_MAKER, TRADER):
        for i in range(25):
            world.bid(account, 1_000 * account + i, 1)
    assert len(world.exchange.depth(1, True, 2**256 - 1)) == 64
    assert [level.tick for level in world.exchange.depth(1, True, 2)] == [3_024, 3_023]
    assert world.exchange.depth(1, True, 0) == [] == world.exchange.depth(1, False, 64)


def test_next_order_id_is_the_id_that_comes(world: World) -> None:
    for _ in range(3):
        expected = world.exchange.next_order_id(MAKER)
        assert world.bid(MAKER, 1_000, 1) == expected
    world.exchange.cancel(expected - 1, sender=world.owners[MAKER])
    again = world.exchange.next_order_id(MAKER)
    assert again & 31 == 1 and world.bid(MAKER, 1_000, 1) == again


def test_fees_are_those_of_the_constructor(world: World) -> None:
    assert world.exchange.fees() == (2, 5)
