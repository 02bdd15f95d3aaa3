# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.agents import MarketMaker, MarketMakerSettings
from simulation.config import stream
from simulation.messages import (
    POST_ONLY,
    CancelOrder,
    Intent,
    PlaceOrder,
    Receipt,
    ReplaceOrder,
    Status,
    View,
)
from tests.agents import views

ACCOUNT = np.array([2], dtype=np.int64)


def maker(**settings: object) -> MarketMaker:
    return MarketMaker("maker", ACCOUNT, MarketMakerSettings(**settings), stream(1, "m"))  # type: ignore[arg-type]


def one_market(**changes: object) -> View:
    world = views.view(markets=(views.market(1),))
    return replace(world, **changes)  # type: ignore[arg-type]


def settle(agent: MarketMaker, intents: list[Intent]) -> None:
    for intent in intents:
        agent.on_receipt(Receipt(intent, Status.SUCCESS, 10, 1, 1, ""), stream(1, "r"))


def test_it_quotes_levels_on_both_sides_around_the_reference() -> None:
    agent = maker(levels=3, step=0.001)
    intents = list(agent.decide(one_market(), stream(1, "d")))
    bids = [i.tick for i in intents if isinstance(i, PlaceOrder) and i.is_bid]
    asks = [i.tick for i in intents if isinstance(i, PlaceOrder) and not i.is_bid]
    assert bids == [9_995, 9_985, 9_975] and asks == [10_005, 10_015, 10_025]
    assert all(isinstance(i, PlaceOrder) and i.options == POST_ONLY for i in intents)


def test_it_measures_what_a_hedge_elsewhere_would_have_earned() -> None:
    agent = maker()
    size = np.zeros((6, 1))
    size[1, 0] = -20.0
    held = replace(one_market(), accounts=views.accounts(size=size))
    for price in (100.0, 100.0, 90.0, 95.0):
        world = replace(held, markets=(views.market(1, price),))
        agent.decide(world, stream(1, "d"))
    # Long 20 elsewhere against its short: from 100 to 95.
    assert np.isclose(agent.measure()["hedge_pnl_usd"], -100.0)


def test_the_more_prices_move_the_further_a_quote_may_drift() -> None:
    resting = views.orders((1, 2, 1, True, 9_990, 5_000), (2, 2, 1, False, 10_010, 5_000))
    still, moved = maker(levels=1, tolerance=0.0, drift=5.0), maker(levels=1, tolerance=0.0, drift=5.0)
    still.decide(one_market(), stream(1, "d"))
    still.in_flight = 0
    assert len(still.decide(one_market(orders=resting), stream(1, "d"))) == 2
    for price in (100.0, 101.0, 100.0):
        moved.in_flight = 0
        moved.decide(one_market(markets=(views.market(1, price),), orders=resting), stream(1, "d"))
    moved.in_flight = 0
    assert moved.decide(one_market(orders=resting), stream(1, "d")) == []


def test_it_waits_until_its_orders_have_arrived() -> None:
    agent = maker(levels=1)
    intents = list(agent.decide(one_market(), stream(1, "d")))
    assert agent.decide(one_market(), stream(1, "d")) == []
    settle(agent, intents)
    assert len(agent.decide(one_market(), stream(1, "d"))) == len(intents)


def test_quotes_near_their_place_stay_and_others_move() -> None:
    lots = 5_000
    resting = views.orders(
        (1, 2, 1, True, 9_993, lots), (2, 2, 1, False, 10_020, lots), (3, 5, 1, True, 1, 1)
    )
    intents = list(maker(levels=1).decide(one_market(orders=resting), stream(1, "d")))
    assert [type(intent) for intent in intents] == [ReplaceOrder]
    assert isinstance(intents[0], ReplaceOrder)
    assert (intents[0].order_id, intents[0].tick) == (2, 10_005)


def test_surplus_quotes_are_cancelled_and_a_half_eaten_one_is_renewed() -> None:
    resting = views.orders(
        (1, 2, 1, True, 9_995, 2_000), (4, 2, 1, True, 9_000, 5_000), (2, 2, 1, False, 10_005, 5_000)
    )
    intents = list(maker(levels=1).decide(one_market(orders=resting), stream(1, "d")))
    assert {type(intent) for intent in intents} == {ReplaceOrder, CancelOrder}
    cancelled = [intent.order_id for intent in intents if isinstance(intent, CancelOrder)]
    replaced = [intent.order_id for intent in intents if isinstance(intent, ReplaceOrder)]
    assert cancelled == [4] and replaced == [1]


def test_inventory_shifts_the_quotes_and_at_its_limit_leaves_one_side() -> None:
    size = np.zeros((6, 1))
    size[1, 0] = 200.0  # half of the limit of four times 10,000 USD
    full = size.copy()
    full[1, 0] = 400.0
    base = maker(levels=1).decide(one_market(), stream(1, "d"))
    shifted = maker(levels=1, skew=0.01).decide(
        one_market(accounts=views.accounts(size=size)), stream(1, "d")
    )
    assert all(
        isinstance(a, PlaceOrder) and isinstance(b, PlaceOrder) and a.tick < b.tick
        for a, b in zip(shifted, base, strict=True)
    )
    limited = maker(levels=1).decide(one_market(accounts=views.accounts(size=full)), stream(1, "d"))
    assert [intent.is_bid for intent in limited if isinstance(intent, PlaceOrder)] == [False]


def test_moves_widen_the_spread_and_shrink_the_size() -> None:
    agent = maker(levels=1, horizon=12)
    calm = agent.decide(one_market(), stream(1, "d"))
    settle(agent, list(calm))
    moved = one_market(markets=(views.market(1, 103.0),))
    wild = agent.decide(moved, stream(1, "d"))

    def width(intents: object) -> tuple[int, int]:
        ticks = {i.is_bid: i.tick for i in intents if isinstance(i, PlaceOrder)}  # type: ignore[attr-defined]
        lots = next(i.lots for i in intents if isinstance(i, PlaceOrder))  # type: ignore[attr-defined]
        return ticks[False] - ticks[True], lots

    assert width(wild)[0] > 10 * width(calm)[0]
    assert width(wild)[1] < 0.6 * width(calm)[1]


def test_an_invalid_price_withdraws_every_quote() -> None:
    resting = views.orders((1, 2, 1, True, 9_995, 5_000), (2, 2, 1, False, 10_005, 5_000))
    stale = one_market(markets=(views.market(1, valid=False),), orders=resting)
    intents = maker(levels=1).decide(stale, stream(1, "d"))
    assert sorted(intent.order_id for intent in intents if isinstance(intent, CancelOrder)) == [1, 2]
