# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.engine.book import BookMirror
from tests.engine.books import events


@dataclass
class Order:
    account: int
    market: int
    is_bid: bool
    tick: int
    lots: int
    reduce_only: bool


def placed(rows: list[tuple[int, Order]]) -> dict[str, object]:
    return {
        "OrderPlaced": events(
            "Exchange",
            "OrderPlaced",
            [
                {
                    "order_id": number,
                    "account": order.account,
                    "market": order.market,
                    "is_bid": order.is_bid,
                    "tick": order.tick,
                    "lots": order.lots,
                    "options": 4 if order.reduce_only else 1,
                }
                for number, order in rows
            ],
        )
    }


def filled(rows: list[tuple[int, Order, int]]) -> dict[str, object]:
    names = [
        {
            "order_id": number,
            "maker": order.account,
            "market": order.market,
            "tick": order.tick,
            "remaining": left,
        }
        for number, order, left in rows
    ]
    return {"OrderFilled": events("Exchange", "OrderFilled", names)}


def removed(rows: list[tuple[int, Order]]) -> dict[str, object]:
    names = [{"order_id": number, "account": order.account, "lots": order.lots} for number, order in rows]
    return {"OrderRemoved": events("Exchange", "OrderRemoved", names)}


ORDERS = st.builds(
    Order,
    account=st.integers(1, 4),
    market=st.integers(1, 2),
    is_bid=st.booleans(),
    tick=st.integers(1, 6),
    lots=st.integers(1, 2**40),
    reduce_only=st.booleans(),
)
BLOCKS = st.lists(
    st.tuples(st.lists(ORDERS, max_size=5), st.lists(st.integers(0, 2**41), max_size=4)), max_size=8
)


@settings(deadline=None)
@given(BLOCKS)
def test_the_mirror_is_the_book(blocks: list[tuple[list[Order], list[int]]]) -> None:
    mirror = BookMirror([1, 2])
    model: dict[int, Order] = {}
    number = 2**37
    for new, choices in blocks:
        step: dict[str, object] = {}
        if new:
            rows = [(number + place, order) for place, order in enumerate(new)]
            number += len(new)
            model.update(rows)
            step |= placed(rows)
        fills, gone = {}, {}
        for choice in choices:
            live = sorted(key for key, order in model.items() if order.lots)
            if live:
                key = live[choice % len(live)]
                left = choice % (model[key].lots + 1)
                if choice % 3 and key not in gone:
                    fills[key] = left
                elif key not in fills:
                    gone[key] = 0
        for key, left in fills.items():
            model[key].lots = left
        for key in gone:
            model[key].lots = 0
        if fills:
            step |= filled([(key, model[key], left) for key, left in fills.items()])
        if gone:
            step |= removed([(key, model[key]) for key in gone])
        mirror.apply(step)  # type: ignore[arg-type]
    live = {key: order for key, order in sorted(model.items()) if order.lots}
    view = mirror.view()
    assert view.order_id.tolist() == list(live)
    assert view.lots.tolist() == [order.lots for order in live.values()]
    for market in (1, 2):
        for is_bid in (True, False):
            depth: dict[int, int] = {}
            for order in live.values():
                if (order.market, order.is_bid) == (market, is_bid):
                    depth[order.tick] = depth.get(order.tick, 0) + order.lots
            ticks, lots = mirror.levels(market, is_bid)
            assert list(zip(ticks.tolist(), lots.tolist(), strict=True)) == sorted(
                depth.items(), reverse=is_bid
            )
    rows_wanted = np.array([0, 2, 3])
    bids, asks = mirror.reserved(rows_wanted, 4)
    for place, row in enumerate(rows_wanted.tolist()):
        for market in (1, 2):
            mine = [
                o for o in live.values() if (o.account, o.market, o.reduce_only) == (row + 1, market, False)
            ]
            assert bids[place, market - 1] == sum(order.lots for order in mine if order.is_bid)
            assert asks[place, market - 1] == sum(order.lots for order in mine if not order.is_bid)


def test_orders_that_are_gone_are_forgotten() -> None:
    mirror = BookMirror([1])
    stays = Order(1, 1, True, 5, 9, False)
    mirror.apply(placed([(1, stays)]))  # type: ignore[arg-type]
    for start in range(2, 12_000, 1_000):
        rows = [(number, Order(2, 1, False, 7, 3, False)) for number in range(start, start + 1_000)]
        mirror.apply({**placed(rows), **removed(rows)})  # type: ignore[arg-type]
    assert len(mirror._rows) < 6_000
    assert mirror.view().order_id.tolist() == [1]
    mirror.apply(filled([(1, stays, 4)]))  # type: ignore[arg-type]
    assert mirror.view().lots.tolist() == [4] and mirror.last_tick.tolist() == [5]
