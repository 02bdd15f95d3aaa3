# SPDX-License-Identifier: Apache-2.0
"""The order book rebuilt from events: every resting order, and the depth that follows. Imports: messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simulation.messages import EventColumns, OrdersView

__all__ = ["BookMirror"]

Integers = NDArray[np.int64]
REDUCE_ONLY = 4
TICK_BITS = 24
TICKS = 2**TICK_BITS - 1
"""The largest tick."""
EMPTY: Integers = np.zeros(0, np.int64)
COLUMNS_SHOWN = ("order_id", "account", "market", "is_bid", "tick", "lots")
COLUMNS = ("_id", "_account", "_market", "_is_bid", "_tick", "_lots", "_reserves")


class BookMirror:
    """Resting orders, a row for each order ever placed, oldest first; their large ids are looked up.

    Args:
        numbers: of all markets, in the order of every column of markets.
    """

    def __init__(self, numbers: Sequence[int]) -> None:
        self._markets = markets = len(numbers)
        self._numbers = tuple(numbers)
        self.columns = np.full(max(numbers) + 1, -1, np.int64)
        """Place of a market by its number; -1 where there is none."""
        self.columns[list(numbers)] = np.arange(markets)
        self._rows: dict[int, int] = {}
        self._count = 0
        self._id = np.zeros(1024, np.int64)
        self._account = np.zeros(1024, np.int64)
        self._market = np.zeros(1024, np.int64)
        self._is_bid = np.zeros(1024, np.bool_)
        self._tick = np.zeros(1024, np.int64)
        self._lots = np.zeros(1024, np.int64)
        self._reserves = np.zeros(1024, np.bool_)
        self._live = EMPTY
        self._view: OrdersView | None = None
        self._levels: dict[tuple[int, bool], tuple[Integers, Integers]] = {}
        self.last_tick = np.zeros(markets, np.int64)
        """Tick of the latest fill by market; 0 before the first."""

    def apply(self, events: Mapping[str, EventColumns]) -> None:
        """Takes in the OrderPlaced, OrderFilled and OrderRemoved events of one block.

        An id is placed before it is filled and removed after its last fill, and the events state what is
        left, so the three kinds can be applied one after the other.
        """
        placed, filled, removed = (
            events.get(name) for name in ("OrderPlaced", "OrderFilled", "OrderRemoved")
        )
        if placed is None and filled is None and removed is None:
            return
        if placed is not None:
            ids = placed.small("order_id")
            rows = np.arange(self._count, self._count + len(ids))
            self._count += len(ids)
            self._grow(self._count)
            self._rows.update(zip(ids.tolist(), rows.tolist(), strict=True))
            self._id[rows] = ids
            self._account[rows] = placed.small("account")
            self._market[rows] = placed.small("market")
            self._is_bid[rows] = placed.small("is_bid") != 0
            self._tick[rows] = placed.small("tick")
            self._lots[rows] = placed.small("lots")
            self._reserves[rows] = placed.small("options") & REDUCE_ONLY == 0
            self._live = np.concatenate([self._live, rows])
        if filled is not None:
            self._lots[self._find(filled)] = filled.small("remaining")
            self.last_tick[self.columns[filled.small("market")]] = filled.small("tick")
        if removed is not None:
            self._lots[self._find(removed)] = 0
        self._live = self._live[self._lots[self._live] > 0]
        self._view = None
        self._levels.clear()
        if self._count > 4 * len(self._live) + 4096:
            self._forget()

    def view(self) -> OrdersView:
        """All resting orders, oldest first."""
        if self._view is None:
            rows = self._live
            self._view = OrdersView(
                self._id[rows],
                self._account[rows],
                self._market[rows],
                self._is_bid[rows],
                self._tick[rows],
                self._lots[rows],
            )
            for column in COLUMNS_SHOWN:
                getattr(self._view, column).flags.writeable = False
        return self._view

    def levels(self, market: int, is_bid: bool) -> tuple[Integers, Integers]:
        """Ticks, best first, and lots of one side of a market."""
        if not self._levels:
            self._sum_levels()
        return self._levels[market, is_bid]

    def _sum_levels(self) -> None:
        """Lots by market, side and tick, all in one pass; the ticks of bids are turned around."""
        orders = self.view()
        side = 2 * self.columns[orders.market] + orders.is_bid
        key = (side << TICK_BITS) + np.where(orders.is_bid, TICKS - orders.tick, orders.tick)
        order = np.argsort(key, kind="stable")
        key = key[order]
        new = np.ones(len(key), np.bool_)
        np.not_equal(key[1:], key[:-1], out=new[1:])
        first = new.nonzero()[0]
        key = key[first]
        lots = np.add.reduceat(orders.lots[order], first) if len(first) else EMPTY
        ticks, bids = key & TICKS, (key >> TICK_BITS) & 1 == 1
        ticks = np.where(bids, TICKS - ticks, ticks)
        ticks.flags.writeable = lots.flags.writeable = False
        ends = np.searchsorted(key, np.arange(2 * self._markets + 1) << TICK_BITS).tolist()
        for place in range(2 * self._markets):
            part = slice(ends[place], ends[place + 1])
            self._levels[self._numbers[place // 2], place % 2 == 1] = ticks[part], lots[part]

    def reserved(self, rows: Integers, accounts: int) -> tuple[Integers, Integers]:
        """Lots that bids and asks reserve, by row and market; reduce-only orders reserve none.

        Args:
            rows: accounts less one, rising.
            accounts: number of all accounts.
        """
        place = np.full(accounts, -1, np.int64)
        place[rows] = np.arange(len(rows))
        shape = (len(rows), self._markets)
        bids, asks = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        live = self._live
        at = place[self._account[live] - 1]
        counts = (at >= 0) & self._reserves[live]
        live, at = live[counts], at[counts]
        for total, side in ((bids, self._is_bid[live]), (asks, ~self._is_bid[live])):
            mine = live[side]
            np.add.at(total, (at[side], self.columns[self._market[mine]]), self._lots[mine])
        return bids, asks

    def _find(self, events: EventColumns) -> Integers:
        return np.array([self._rows[order] for order in events.small("order_id").tolist()], np.int64)

    def _forget(self) -> None:
        """Drops the rows of orders that are gone, so that a long run keeps the memory of a short one."""
        live = self._live
        for name in COLUMNS:
            setattr(self, name, getattr(self, name)[live])
        self._count = len(live)
        self._live = np.arange(len(live))
        self._rows = {order: row for row, order in enumerate(self._id.tolist())}

    def _grow(self, count: int) -> None:
        size = len(self._lots)
        if count <= size:
            return
        more = max(size, count - size)
        for name in COLUMNS:
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros(more, column.dtype)]))
