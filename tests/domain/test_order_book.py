# SPDX-License-Identifier: Apache-2.0
"""Edges of the order book's model that its stateful comparison reaches too rarely."""

from __future__ import annotations

import pytest

from simulation.domain.order_book import OrderBook
from simulation.domain.orders import MAX_ORDERS, Market, NewOrder, Reason, Refused, Removed


class AnyLedger:
    """Lets everybody do everything."""

    def authorised(self, account: int, caller: str) -> bool:
        return True

    def position(self, account: int, market: int) -> int:
        return 0

    def in_liquidation(self, account: int) -> bool:
        return False

    def fill_maker(self, account: int, market: int, size: int, price: int, fee: int, reserved: bool) -> bool:
        return True

    def observe(self, account: int, market: int, size: int, quote: int, fee: int, resting: int) -> int:
        return 0

    def fill_taker(self, account: int, market: int, size: int, quote: int, fee: int, resting: int) -> None:
        pass

    def release(self, account: int, market: int, bids: int, asks: int) -> None:
        pass


def test_an_order_may_take_the_slot_of_an_own_order_that_it_crosses() -> None:
    book = OrderBook({1: Market(1, 1)})
    for tick in range(10, 10 + MAX_ORDERS):
        book.place(NewOrder(1, 1, False, tick, 1), "trader", AnyLedger(), 0)
    with pytest.raises(Refused, match="too many open orders"):
        book.place(NewOrder(1, 1, True, 9, 1), "trader", AnyLedger(), 0)
    placement = book.place(NewOrder(1, 1, True, 10, 1), "trader", AnyLedger(), 0)
    removed = [event for event in placement.events if isinstance(event, Removed)]
    assert [event.reason for event in removed] == [Reason.SELF_TRADE]
    assert placement.order_id and len(book.orders_of(1)) == MAX_ORDERS
