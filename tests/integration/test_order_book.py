# SPDX-License-Identifier: Apache-2.0
"""The Exchange on the real Ledger and Vault: margin at the fill, reservations, liquidation, conservation."""

from __future__ import annotations

import pytest

from simulation.domain.orders import Reason
from tests.protocol import BUY, IMMEDIATE, NANO, POST_ONLY, REDUCE_ONLY, SELL, World, fresh_world


@pytest.fixture
def world() -> World:
    return fresh_world()


@pytest.fixture
def maker(world: World) -> int:
    return world.account("maker", 10_000)


@pytest.fixture
def trader(world: World) -> int:
    return world.account("trader", 10_000)


def _reserved(world: World, account: int) -> tuple[int, int]:
    position = world.ledger.position(account, 1)
    return position.bids, position.asks


def test_a_trade_moves_both_sides_and_the_books_balance(world: World, maker: int, trader: int) -> None:
    world.place("maker", maker, 1, SELL, 2_000, 2)
    assert world.place("trader", trader, 1, BUY, 2_001, 1.5)[1] == 1_500
    assert world.ledger.position(maker, 1).size == -1_500_000_000
    assert world.ledger.position(trader, 1).entry_price == 2_000 * NANO
    assert _reserved(world, maker) == (0, 500_000_000)
    world.check()


def test_the_margin_of_a_resting_order_comes_back_in_full(world: World, maker: int) -> None:
    before = world.ledger.assess(maker)[0].initial_margin
    order_id, _ = world.place("maker", maker, 1, BUY, 1_990, 5)
    assert world.ledger.assess(maker)[0].initial_margin > before
    world.exchange.cancel(order_id, sender=world.env.address("maker"))
    assert world.ledger.assess(maker)[0].initial_margin == before
    assert _reserved(world, maker) == (0, 0)
    assert world.ledger.markets_of(maker) == []


def test_resting_orders_need_margin(world: World, maker: int) -> None:
    world.place("maker", maker, 1, BUY, 1_990, 40)
    with world.refuses("ledger: below initial margin"):
        world.place("maker", maker, 1, BUY, 1_989, 40)
    assert world.place("maker", maker, 1, SELL, 2_010, 40)[0]


def test_a_maker_that_cannot_carry_the_fill_loses_its_order_and_the_next_is_met(
    world: World, maker: int, trader: int
) -> None:
    other = world.account("second maker", 10_000)
    world.place("maker", maker, 1, SELL, 2_000, 40)
    world.place("second maker", other, 1, SELL, 2_000, 1)
    free = world.ledger.assess(maker)[0]
    world.place("maker", maker, 2, BUY, 29_990, 0.1)
    world.advance(60, ETH=2_200, BTC=30_000)
    assert free.equity == world.ledger.assess(maker)[0].equity
    receipt = world.place_receipt("trader", trader, 1, BUY, 2_000, 41, IMMEDIATE)
    removed = receipt.named("OrderRemoved")
    fills = receipt.named("OrderFilled")
    assert [event["account"] for event in removed] == [maker]
    assert removed[0]["reason"] == Reason.BELOW_MARGIN
    assert [event["maker"] for event in fills] == [other]
    assert _reserved(world, maker) == (0, 0)
    world.check()


def test_a_reduce_only_fill_leaves_the_reservation_of_other_orders(
    world: World, maker: int, trader: int
) -> None:
    world.trade(maker, trader, 1, 2_000, 3)
    world.place("maker", maker, 1, SELL, 2_010, 2)
    order_id, _ = world.place("maker", maker, 1, SELL, 2_005, 5, REDUCE_ONLY)
    assert world.exchange.order(order_id).lots == 3_000
    assert _reserved(world, maker) == (0, 2_000_000_000)
    world.place("trader", trader, 1, BUY, 2_005, 3)
    assert world.ledger.position(maker, 1).size == 0
    assert _reserved(world, maker) == (0, 2_000_000_000)
    world.place("trader", trader, 1, BUY, 2_010, 2)
    assert world.ledger.position(maker, 1).size == -2_000_000_000
    assert _reserved(world, maker) == (0, 0)
    world.check()


def test_a_stale_price_stops_what_adds_risk_and_never_a_cancel(world: World, maker: int, trader: int) -> None:
    world.trade(trader, maker, 1, 2_000, 1)
    order_id, _ = world.place("maker", maker, 1, BUY, 1_990, 1)
    deep, _ = world.place("maker", maker, 1, BUY, 1_900, 1)
    world.env.advance(10**6)
    with world.refuses("ledger: stale price"):
        world.place("trader", trader, 1, BUY, 1_980, 1, POST_ONLY)
    world.exchange.cancel(deep, sender=world.env.address("maker"))
    assert world.place("trader", trader, 1, SELL, 1_990, 1, REDUCE_ONLY)[1] == 1_000
    assert world.exchange.order(order_id).lots == 0
    world.check()


def test_starting_a_liquidation_cancels_every_order(world: World, maker: int, trader: int) -> None:
    world.trade(trader, maker, 1, 2_000, 40)
    world.place("trader", trader, 1, SELL, 2_300, 5)
    world.place("trader", trader, 1, SELL, 2_310, 5, REDUCE_ONLY)
    world.advance(60, ETH=1_830, BTC=30_000)
    receipt = world.liquidator.start(trader, sender=world.env.address("keeper"))
    assert {event["reason"] for event in receipt.named("OrderRemoved")} == {Reason.LIQUIDATION}
    assert world.exchange.orders_of(trader) == [] and _reserved(world, trader) == (0, 0)
    with world.refuses("ledger: account in liquidation"):
        world.place("trader", trader, 1, SELL, 1_830, 1)
    world.check()
