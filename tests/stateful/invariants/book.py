# SPDX-License-Identifier: Apache-2.0
"""The order book on the real ledger, 31 to 34."""

from __future__ import annotations

from collections import Counter

from tests.stateful.invariants.base import View, invariant
from tests.stateful.world_state import MARKETS

__all__: list[str] = []


@invariant("INV-31", "At each price the level's total is the sum of its orders, and the book is not crossed.")
def inv_31_levels(view: View) -> None:
    levels: Counter[tuple[int, bool, int]] = Counter()
    for order in view.driver.orders.values():
        levels[order.market, order.is_bid, order.tick] += order.lots
    found = 0
    for market in MARKETS:
        quoted = view.after.markets[market]
        for is_bid, side in ((True, quoted.bids), (False, quoted.asks)):
            ticks = [tick for tick, _ in side]
            assert ticks == sorted(ticks, reverse=is_bid), "levels out of order"
            for tick, lots in side:
                assert levels[market, is_bid, tick] == lots, f"market {market}, tick {tick}"
                found += 1
        if quoted.bids and quoted.asks:
            assert quoted.bids[0][0] < quoted.asks[0][0], f"market {market} is crossed"
    assert found == len(levels)


@invariant(
    "INV-32",
    "A fill is at the limit or better, at the maker's price; filled, removed and open lots are what "
    "was placed.",
)
def inv_32_fills(view: View) -> None:
    step, memory = view.step, view.memory
    open_lots = {order_id: order.lots for order_id, order in step.orders.items()}
    for event in step.outcome.events:
        args = event.args
        if event.name == "OrderFilled":
            order_id = args["order_id"]
            order = step.orders[order_id]
            memory.fills[order_id] += args["lots"]
            open_lots[order_id] -= args["lots"]
            assert args["tick"] == order.tick and args["market"] == order.market
            assert args["remaining"] == open_lots[order_id] == order.placed - memory.fills[order_id]
            if step.function == "place":
                is_bid, limit = step.args[2], step.args[3]
                assert args["tick"] <= limit if is_bid else args["tick"] >= limit
                assert bool(args["taker_buys"]) == bool(is_bid)
        elif event.name == "OrderRemoved":
            order_id = args["order_id"]
            placed = step.orders.get(order_id)
            assert placed is not None and args["lots"] == open_lots[order_id]
            assert memory.fills[order_id] + args["lots"] == placed.placed
    if step.ok and step.function in ("place", "replace") and step.contract == "Exchange":
        wanted = step.args[4] if step.function == "place" else step.args[2]
        rests = sum(event["lots"] for event in step.named("OrderPlaced"))
        filled = sum(event["lots"] for event in step.named("OrderFilled"))
        assert step.outcome.word(1) == filled and filled + rests <= wanted


@invariant(
    "INV-33",
    "What was cancelled or filled is gone for good, and only the owner, a delegate, a liquidation or an "
    "escalated margin call removes an order that could fill.",
)
def inv_33_final(view: View) -> None:
    step, gone = view.step, view.memory.gone
    for event in step.outcome.events:
        args = event.args
        if event.name == "OrderPlaced":
            assert args["order_id"] not in gone and args["order_id"] not in step.orders, (
                "an id was used again"
            )
        elif event.name == "OrderFilled":
            assert args["order_id"] not in gone
            if args["remaining"] == 0:
                gone.add(args["order_id"])
        elif event.name == "OrderRemoved":
            order_id, reason = args["order_id"], args["reason"]
            assert order_id not in gone
            gone.add(order_id)
            order = step.orders[order_id]
            if reason in (1, 2):
                assert view.driver.authorised(order.account, step.caller), "a stranger cancelled"
            elif reason == 3:
                assert order.expiry and order.expiry <= view.after.time, "removed before it expired"
            elif reason == 8:
                assert view.after.markets[order.market].expired, "removed before its market expired"
            elif reason == 6:
                account = view.after.accounts[order.account - 1]
                closed = account.liquidating or view.before.accounts[order.account - 1].liquidating
                escalated = {event["account"] for event in step.named("MarginCallEscalated")}
                assert closed or order.account in escalated
            elif reason == 5:
                assert step.function in ("place", "replace")


@invariant(
    "INV-34",
    "The best price goes first, then the oldest; no account trades with itself; what is reserved is "
    "what rests.",
)
def inv_34_priority(view: View) -> None:
    step = view.step
    met = [
        event.args["order_id"]
        for event in step.outcome.events
        if event.name == "OrderFilled"
        or (event.name == "OrderRemoved" and event.args["reason"] in (3, 4, 5, 7))
    ]
    if met and step.function in ("place", "replace"):
        met = list(dict.fromkeys(met))
        first = step.orders[met[0]]
        queue = sorted(
            (
                order
                for order in step.orders.values()
                if (order.market, order.is_bid) == (first.market, first.is_bid)
            ),
            key=lambda order: (-order.tick if order.is_bid else order.tick, order.age),
        )
        if step.function == "replace":
            queue = [order for order in queue if order.order_id != step.args[0]]
            met = [order_id for order_id in met if order_id != step.args[0]]
        assert [order.order_id for order in queue[: len(met)]] == met
    for fill in step.named("OrderFilled"):
        assert fill["maker"] != fill["taker"]

    sizes = view.driver.rig.sizes
    reserved: Counter[tuple[int, int, bool]] = Counter()
    for order in view.driver.orders.values():
        if not order.reduce_only:
            reserved[order.account, order.market, order.is_bid] += order.lots * sizes[order.market][1]
    total = 0
    for number in range(1, view.after.account_count + 1):
        for market, position in view.after.accounts[number - 1].positions.items():
            for is_bid, size in ((True, position.bids), (False, position.asks)):
                if size:
                    assert reserved[number, market, is_bid] == size, f"account {number}, market {market}"
                    total += 1
    assert total == len(reserved)
