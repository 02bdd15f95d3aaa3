# SPDX-License-Identifier: Apache-2.0
"""What trades: priority, prices, fees, rounding, bounds, and each reason for which a resting order goes."""

from __future__ import annotations

import pytest

from simulation.domain.book_math import fee_up
from simulation.domain.orders import Option, Reason
from tests.unit.exchange.world import (
    MAKER,
    MAKER_FEE_BPS,
    MARKETS,
    MAX_TICK,
    POSITIONED,
    SECOND_MAKER,
    TAKER_FEE_BPS,
    TRADER,
    World,
)

TICK, LOT = MARKETS[1]


def test_a_fill_is_at_the_makers_price_and_fees_round_up(world: World) -> None:
    order_id = world.ask(MAKER, 1_001, 7)
    receipt = world.place(TRADER, True, 1_005, 3)
    assert receipt.value == (0, 3)
    notional = 3 * LOT * 1_001 * TICK
    maker_fee, taker_fee = fee_up(notional, MAKER_FEE_BPS), fee_up(notional, TAKER_FEE_BPS)
    assert receipt.named("OrderFilled") == [
        {
            "order_id": order_id,
            "maker": MAKER,
            "taker": TRADER,
            "market": 1,
            "taker_buys": True,
            "tick": 1_001,
            "lots": 3,
            "maker_fee": maker_fee,
            "taker_fee": taker_fee,
            "remaining": 4,
        }
    ]
    assert receipt.named("MakerFilled") == [
        {
            "account": MAKER,
            "market": 1,
            "size": -3 * LOT,
            "price": 1_001 * TICK,
            "fee": maker_fee,
            "reserved": True,
        }
    ]
    assert receipt.named("TakerFilled") == [
        {
            "caller": world.owners[TRADER],
            "account": TRADER,
            "market": 1,
            "size": 3 * LOT,
            "quote": notional,
            "fee": taker_fee,
            "resting": 0,
        }
    ]
    assert world.depth(False) == [(1_001, 4, 1)]
    assert world.reserved(MAKER) == (0, 4 * LOT)


def test_fee_of_a_fraction_of_a_wei_is_one_wei(world: World) -> None:
    world.instruments.list_market(3, 1, 1, True)
    world.ask(MAKER, 1, 1, market=3)
    (fill,) = world.place(TRADER, True, 1, 1, market=3).named("OrderFilled")
    assert (fill["maker_fee"], fill["taker_fee"]) == (1, 1)


def test_the_largest_trade_is_exact(world: World) -> None:
    tick_size, lot_size = MARKETS[2]
    lots = (2**79 - 1) // lot_size
    world.ask(MAKER, MAX_TICK, lots, market=2)
    (taken,) = world.place(TRADER, True, MAX_TICK, lots, market=2).named("TakerFilled")
    assert taken["quote"] == lots * lot_size * MAX_TICK * tick_size
    assert taken["fee"] == fee_up(taken["quote"], TAKER_FEE_BPS)


def test_best_price_first_then_the_oldest(world: World) -> None:
    late = world.ask(SECOND_MAKER, 1_002, 1)
    first = world.ask(MAKER, 1_001, 1)
    second = world.ask(SECOND_MAKER, 1_001, 1)
    third = world.ask(MAKER, 1_001, 1)
    receipt = world.place(TRADER, True, 1_002, 4)
    fills = receipt.named("OrderFilled")
    assert [fill["order_id"] for fill in fills] == [first, second, third, late]
    (taken,) = receipt.named("TakerFilled")
    assert taken["fee"] == sum(fill["taker_fee"] for fill in fills)
    assert taken["quote"] == (3 * 1_001 + 1_002) * TICK * LOT
    assert world.depth(False) == [] and world.exchange.best(1) == (0, 0)


def test_age_counts_from_placement_even_in_a_reused_slot(world: World) -> None:
    old = world.bid(MAKER, 1_000, 1)
    kept = world.bid(SECOND_MAKER, 1_000, 1)
    world.exchange.cancel(old, sender=world.owners[MAKER])
    renewed = world.bid(MAKER, 1_000, 1)
    receipt = world.place(TRADER, False, 1_000, 2)
    assert [fill["order_id"] for fill in receipt.named("OrderFilled")] == [kept, renewed]


def test_a_cancelled_order_in_the_middle_is_passed_over(world: World) -> None:
    ids = [world.bid(account, 1_000, 1) for account in (MAKER, SECOND_MAKER, MAKER, SECOND_MAKER, MAKER)]
    for place in (2, 0, 4):
        world.exchange.cancel(ids[place], sender=world.owners[MAKER])
    receipt = world.place(TRADER, False, 1_000, 5, Option.IMMEDIATE)
    assert [fill["order_id"] for fill in receipt.named("OrderFilled")] == [ids[1], ids[3]]


def test_what_is_left_rests_and_reserves(world: World) -> None:
    world.ask(MAKER, 1_000, 2)
    receipt = world.place(TRADER, True, 1_000, 5)
    order_id, filled = receipt.value
    assert filled == 2 and world.lots(order_id) == 3
    assert world.exchange.best(1) == (1_000, 0)
    (taken,) = receipt.named("TakerFilled")
    assert (taken["size"], taken["resting"]) == (2 * LOT, 3 * LOT)
    assert world.reserved(TRADER) == (3 * LOT, 0)


def test_a_seller_pays_in_negative_quote(world: World) -> None:
    world.bid(MAKER, 1_000, 2)
    (taken,) = world.place(TRADER, False, 990, 2).named("TakerFilled")
    assert (taken["size"], taken["quote"]) == (-2 * LOT, -2 * LOT * 1_000 * TICK)


@pytest.mark.parametrize("is_bid", [True, False])
def test_a_limit_is_kept(world: World, is_bid: bool) -> None:
    world.place(MAKER, not is_bid, 1_000, 5)
    away = 999 if is_bid else 1_001
    assert world.place(TRADER, is_bid, away, 5).value[1] == 0
    assert world.size(TRADER) == 0


def test_immediate_drops_the_rest(world: World) -> None:
    world.ask(MAKER, 1_000, 2)
    assert world.place(TRADER, True, MAX_TICK, 5, Option.IMMEDIATE).value == (0, 2)
    assert world.exchange.orders_of(TRADER) == [] and world.reserved(TRADER) == (0, 0)


def test_immediate_without_a_counterparty_does_nothing(world: World) -> None:
    with world.reverts_unchanged("exchange: nothing to do"):
        world.bid(TRADER, MAX_TICK, 5, Option.IMMEDIATE)


def test_post_only_never_takes(world: World) -> None:
    world.ask(MAKER, 1_000, 2)
    with world.reverts_unchanged("exchange: order would take"):
        world.bid(TRADER, 1_000, 1, Option.POST_ONLY)
    assert world.bid(TRADER, 999, 1, Option.POST_ONLY)


def test_post_only_removes_the_expired_orders_in_its_way(world: World) -> None:
    dead = world.ask(MAKER, 1_000, 2, expiry=world.env.timestamp + 10)
    world.env.advance(10)
    receipt = world.place(TRADER, True, 1_000, 1, Option.POST_ONLY)
    assert receipt.value[0] != 0
    assert [event["order_id"] for event in receipt.named("OrderRemoved")] == [dead]


def test_post_only_and_immediate_exclude_each_other(world: World) -> None:
    with world.reverts_unchanged("exchange: options exclude"):
        world.bid(TRADER, 1_000, 1, Option.POST_ONLY | Option.IMMEDIATE)


def test_touches_are_bounded_and_the_rest_is_dropped_while_it_crosses(world: World) -> None:
    for tick in (1_000, 1_000, 1_001):
        world.ask(MAKER, tick, 1)
    assert world.place(TRADER, True, 1_001, 9, max_fills=2).value == (0, 2)
    assert world.exchange.best(1) == (0, 1_001)
    order_id, filled = world.place(TRADER, True, 1_001, 9, max_fills=1).value
    assert filled == 1 and world.lots(order_id) == 8


def test_no_touches_means_no_trade(world: World) -> None:
    world.ask(MAKER, 1_000, 1)
    with world.reverts_unchanged("exchange: nothing to do"):
        world.bid(TRADER, 1_000, 1, max_fills=0)
    assert world.bid(TRADER, 999, 1, max_fills=0)


def test_64_touches_at_most_and_they_fit_in_a_transaction(world: World) -> None:
    for account in (MAKER, SECOND_MAKER, POSITIONED):
        for i in range(30):
            world.ask(account, 1_000 + i, 1)
    receipt = world.place(TRADER, True, 2_000, 90, max_fills=2**256 - 1)
    assert receipt.value == (0, 64)
    assert receipt.gas_used < 16_777_216


def test_an_expired_order_is_removed_when_met(world: World) -> None:
    expiry = world.env.timestamp + 10
    dead = world.ask(MAKER, 1_000, 2, expiry=expiry)
    alive = world.ask(SECOND_MAKER, 1_000, 2, expiry=expiry + 100)
    world.env.timestamp = expiry - 1
    with world.env.anchor():
        (fill,) = world.place(TRADER, True, 1_000, 1).named("OrderFilled")
        assert fill["order_id"] == dead
    world.env.timestamp = expiry
    receipt = world.place(TRADER, True, 1_000, 1)
    assert receipt.named("OrderRemoved") == [
        {"order_id": dead, "account": MAKER, "market": 1, "lots": 2, "reason": Reason.EXPIRED}
    ]
    assert [fill["order_id"] for fill in receipt.named("OrderFilled")] == [alive]
    assert world.reserved(MAKER) == (0, 0)


def test_removals_count_as_touches_and_are_kept(world: World) -> None:
    dead = [world.ask(MAKER, 1_000, 1, expiry=world.env.timestamp + 1) for _ in range(3)]
    world.env.advance(1)
    with world.reverts_unchanged("exchange: not authorised"):
        world.bid(TRADER, 1_000, 1, max_fills=2, sender=world.attacker)
    receipt = world.place(TRADER, True, 1_000, 1, max_fills=2)
    assert receipt.value == (0, 0)
    assert [event["order_id"] for event in receipt.named("OrderRemoved")] == dead[:2]
    assert world.lots(dead[2]) == 1


def test_a_maker_below_margin_loses_the_order_and_matching_goes_on(world: World) -> None:
    weak = world.ask(MAKER, 1_000, 3)
    other = world.ask(MAKER, 1_005, 1)
    strong = world.ask(SECOND_MAKER, 1_001, 3)
    world.ledger.set_refused(MAKER, True)
    receipt = world.place(TRADER, True, 1_001, 3)
    assert receipt.named("OrderRemoved") == [
        {"order_id": weak, "account": MAKER, "market": 1, "lots": 3, "reason": Reason.BELOW_MARGIN}
    ]
    assert receipt.named("OrdersReleased") == [{"account": MAKER, "market": 1, "bids": 0, "asks": 3 * LOT}]
    assert [fill["order_id"] for fill in receipt.named("OrderFilled")] == [strong]
    assert world.lots(other) == 1


def test_a_maker_in_liquidation_loses_the_order(world: World) -> None:
    order_id = world.bid(MAKER, 1_000, 3)
    world.ledger.set_in_liquidation(MAKER, True)
    receipt = world.place(TRADER, False, 1_000, 3)
    assert receipt.named("OrderRemoved") == [
        {"order_id": order_id, "account": MAKER, "market": 1, "lots": 3, "reason": Reason.LIQUIDATION}
    ]
    assert world.lots(receipt.value[0]) == 3


def test_an_account_never_trades_with_itself(world: World) -> None:
    mine = world.ask(TRADER, 1_000, 2)
    theirs = world.ask(MAKER, 1_000, 2)
    receipt = world.place(TRADER, True, 1_000, 2)
    assert receipt.named("OrderRemoved") == [
        {"order_id": mine, "account": TRADER, "market": 1, "lots": 2, "reason": Reason.SELF_TRADE}
    ]
    assert [fill["order_id"] for fill in receipt.named("OrderFilled")] == [theirs]
    assert world.reserved(TRADER) == (0, 0)


@pytest.mark.parametrize(
    ("size", "is_bid", "kept"), [(-3, True, 3), (3, False, 3), (-9, True, 5), (9, False, 5)]
)
def test_reduce_only_is_cut_to_the_position_and_reserves_nothing(
    world: World, size: int, is_bid: bool, kept: int
) -> None:
    world.ledger.set_position(TRADER, 1, size * LOT)
    receipt = world.place(TRADER, is_bid, 1_000, 5, Option.REDUCE_ONLY)
    assert world.lots(receipt.value[0]) == kept
    assert receipt.named("TakerFilled")[0]["resting"] == 0
    assert world.reserved(TRADER) == (0, 0)


@pytest.mark.parametrize(
    ("size", "is_bid"), [(0, True), (0, False), (3 * LOT, True), (-3 * LOT, False), (LOT - 1, False)]
)
def test_reduce_only_without_anything_to_reduce(world: World, size: int, is_bid: bool) -> None:
    world.place(MAKER, not is_bid, 1_000, 5)
    world.ledger.set_position(TRADER, 1, size)
    with world.reverts_unchanged("exchange: nothing to do"):
        world.place(TRADER, is_bid, 1_000, 5, Option.REDUCE_ONLY)


def test_a_reduce_only_taker_does_not_flip(world: World) -> None:
    world.ledger.set_position(TRADER, 1, -3 * LOT)
    world.ask(MAKER, 1_000, 9)
    assert world.place(TRADER, True, 1_000, 9, Option.REDUCE_ONLY).value == (0, 3)
    assert world.size(TRADER) == 0


def test_a_reduce_only_maker_is_cut_to_its_position_at_the_fill(world: World) -> None:
    world.ledger.set_position(MAKER, 1, 5 * LOT)
    order_id = world.ask(MAKER, 1_000, 5, Option.REDUCE_ONLY)
    normal = world.ask(MAKER, 1_000, 2)
    world.ledger.set_position(MAKER, 1, 3 * LOT + 1)
    receipt = world.place(TRADER, True, 1_000, 4)
    fills = receipt.named("OrderFilled")
    assert [(fill["order_id"], fill["lots"], fill["remaining"]) for fill in fills] == [
        (order_id, 3, 2),
        (normal, 1, 1),
    ]
    assert receipt.named("OrderRemoved") == [
        {
            "order_id": order_id,
            "account": MAKER,
            "market": 1,
            "lots": 2,
            "reason": Reason.NOTHING_TO_REDUCE,
        }
    ]
    assert [fill["reserved"] for fill in receipt.named("MakerFilled")] == [False, True]
    assert receipt.named("OrdersReleased") == []
    assert world.reserved(MAKER) == (0, LOT)
    assert world.depth(False) == [(1_000, 1, 1)]


def test_a_reduce_only_maker_without_a_position_is_removed(world: World) -> None:
    world.ledger.set_position(MAKER, 1, 5 * LOT)
    order_id = world.ask(MAKER, 1_000, 5, Option.REDUCE_ONLY)
    world.ledger.set_position(MAKER, 1, -LOT)
    receipt = world.place(TRADER, True, 1_000, 4)
    assert receipt.named("OrderRemoved")[0]["reason"] == Reason.NOTHING_TO_REDUCE
    assert receipt.named("OrderFilled") == receipt.named("MakerFilled") == []
    assert world.lots(order_id) == 0 and receipt.value[1] == 0


def test_a_reduce_only_maker_goes_with_the_fill_that_closes_its_position(world: World) -> None:
    """Not at the next touch: the taker has got all it wanted and nothing else is met."""
    world.ledger.set_position(MAKER, 1, 5 * LOT)
    order_id = world.ask(MAKER, 1_000, 5, Option.REDUCE_ONLY)
    world.ask(SECOND_MAKER, 1_000, 7)
    world.ledger.set_position(MAKER, 1, 3 * LOT)
    receipt = world.place(TRADER, True, 1_000, 3, max_fills=1)
    assert receipt.value == (0, 3)
    (removed,) = receipt.named("OrderRemoved")
    assert (removed["order_id"], removed["lots"]) == (order_id, 2)
    assert world.depth(False) == [(1_000, 7, 1)]


def test_fees_set_later_apply_to_orders_that_rest(world: World) -> None:
    world.ask(MAKER, 1_000, 1)
    world.exchange.set_fees(0, 100)
    (fill,) = world.place(TRADER, True, 1_000, 1).named("OrderFilled")
    assert fill["maker_fee"] == 0 and fill["taker_fee"] == fee_up(LOT * 1_000 * TICK, 100)
