# SPDX-License-Identifier: Apache-2.0
"""An order book in exact integers, written from the specification of the Exchange, not from its code.

Priority is price, then age: orders are kept in the order of their arrival and sorted by price alone.
Nothing is linked, packed or cached: what the contract keeps up to date, this model computes when asked.
A book also follows a chain from its events alone: `rest`, `fill` and `remove` take OrderPlaced, OrderFilled
and OrderRemoved. May import nothing but domain modules.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

from simulation.domain.book_math import fee_up
from simulation.domain.market_math import coins_down, is_inverse
from simulation.domain.orders import (
    MAX_EXPIRY,
    MAX_LEVEL_LOTS,
    MAX_LOTS,
    MAX_MARKET,
    MAX_ORDERS,
    MAX_TICK,
    MAX_TOUCHES,
    Filled,
    Ledger,
    Level,
    Market,
    NewOrder,
    Option,
    Order,
    Placed,
    Placement,
    Reason,
    Refused,
    Removed,
)

__all__ = ["OrderBook"]

NANO = 10**9
SLOTS = 2**37
"""Locators: 32 slots for each of 2**32 accounts."""


@dataclass(slots=True)
class OrderBook:
    """All markets' resting orders and the rules by which they trade."""

    markets: dict[int, Market]
    maker_fee_bps: int = 0
    taker_fee_bps: int = 0
    trade_paused: bool = False
    """Only reduce-only orders take."""
    place_paused: bool = False
    """Only reduce-only orders rest."""
    orders: dict[int, Order] = field(default_factory=dict)
    """By id, oldest first."""
    serials: dict[int, int] = field(default_factory=dict)
    """How many orders each slot has held, by locator."""

    # --- what a chain's events say

    def rest(self, placed: Placed) -> None:
        """Add an order that rests."""
        self.serials[placed.order_id % SLOTS] = placed.order_id // SLOTS
        self.orders[placed.order_id] = Order(
            order_id=placed.order_id,
            account=placed.account,
            market=placed.market,
            is_bid=placed.is_bid,
            tick=placed.tick,
            lots=placed.lots,
            expiry=placed.expiry,
            reduce_only=bool(placed.options & Option.REDUCE_ONLY),
        )

    def fill(self, filled: Filled) -> None:
        """Take a fill off its resting order. Raises Refused when it is more than the order has."""
        order = self._existing(filled.order_id)
        left = order.lots - filled.lots
        if left < 0 or left != filled.remaining:
            raise Refused(
                f"order {order.order_id} has {order.lots} lots: {filled.lots} filled left {filled.remaining}"
            )
        if left:
            self.orders[order.order_id] = dataclasses.replace(order, lots=left)
        else:
            del self.orders[order.order_id]

    def remove(self, removed: Removed) -> None:
        """Take an order out of the book."""
        self._existing(removed.order_id)
        del self.orders[removed.order_id]

    # --- what people do

    def place(self, new: NewOrder, caller: str, ledger: Ledger, timestamp: int) -> Placement:
        """Take what crosses, oldest first at the best price, and rest what is left. Raises Refused."""
        market = self._check(new, timestamp)
        wanted = new.lots
        if new.options & Option.REDUCE_ONLY:
            wanted = min(wanted, _reducible(ledger, new.account, new.market, new.is_bid, market.lot_size))
        events, open_lots, crosses = self._match(new, wanted, market, ledger, timestamp)
        filled = wanted - open_lots
        if new.options & Option.IMMEDIATE or crosses:
            open_lots = 0
        self._check_allowed(new, filled, open_lots, events, authorised=ledger.authorised(new.account, caller))

        sign = 1 if new.is_bid else -1
        fills = [event for event in events if isinstance(event, Filled)]
        for event in events:
            self._apply(event)
        order_id = 0
        if open_lots:
            order_id = self.next_order_id(new.account)
            placed = Placed(
                order_id,
                new.account,
                new.market,
                new.is_bid,
                new.tick,
                open_lots,
                new.expiry,
                int(new.options),
            )
            self.rest(placed)
            events.append(placed)
        if filled or open_lots:
            resting = 0 if new.options & Option.REDUCE_ONLY else open_lots * market.lot_size
            lot, tick = market.lot_size, market.tick_size
            quote = sum(_quote(new.market, fill.lots * lot, fill.tick * tick) for fill in fills)
            fee = sum(fill.taker_fee for fill in fills)
            size, quote, resting = sign * filled * lot, sign * quote, sign * resting
            if not new.options & Option.REDUCE_ONLY:
                fee += ledger.observe(new.account, new.market, size, quote, fee, resting)
            ledger.fill_taker(new.account, new.market, size, quote, fee, resting)
        return Placement(order_id, filled, tuple(events))

    def replace(
        self,
        order_id: int,
        tick: int,
        lots: int,
        options: Option,
        expiry: int,
        max_fills: int,
        caller: str,
        ledger: Ledger,
        timestamp: int,
    ) -> Placement:
        """Cancel an order and place another of its account, market and side, or neither. Raises Refused."""
        old = self._existing(order_id)
        before = dict(self.orders)
        removed = self._drop(old, Reason.REPLACED, ledger)
        new = NewOrder(old.account, old.market, old.is_bid, tick, lots, options, expiry, max_fills)
        try:
            placement = self.place(new, caller, ledger, timestamp)
        except Refused:
            self.orders = before
            raise
        return dataclasses.replace(placement, events=(removed, *placement.events))

    def cancel(self, order_id: int, caller: str, ledger: Ledger) -> Removed:
        """Remove one order for its owner or a delegate. Raises Refused."""
        order = self._existing(order_id)
        if not ledger.authorised(order.account, caller):
            raise Refused("exchange: not authorised")
        return self._drop(order, Reason.CANCELLED, ledger)

    def cancel_all(
        self, account: int, caller: str, ledger: Ledger, *, liquidator: str | None = None
    ) -> list[Removed]:
        """Remove an account's orders, for its owner, a delegate or the Liquidator. Raises Refused."""
        if caller != liquidator and not ledger.authorised(account, caller):
            raise Refused("exchange: not authorised")
        reason = Reason.LIQUIDATION if caller == liquidator else Reason.CANCELLED
        return [self._drop(order, reason, ledger) for order in self.orders_of(account)]

    def purge(self, order_ids: Iterable[int], ledger: Ledger, timestamp: int) -> list[Removed]:
        """Remove those that have expired, whose market has, or whose account is in liquidation."""
        removed = []
        for order_id in order_ids:
            order = self.orders.get(order_id)
            if order is None:
                continue
            if _is_expired(order, timestamp):
                removed.append(self._drop(order, Reason.EXPIRED, ledger))
            elif _has_expired(self.markets[order.market], timestamp):
                removed.append(self._drop(order, Reason.MARKET_EXPIRED, ledger))
            elif ledger.in_liquidation(order.account):
                removed.append(self._drop(order, Reason.LIQUIDATION, ledger))
        return removed

    # --- what people see

    def queue(self, market: int, is_bid: bool) -> list[Order]:
        """One side's orders by priority: best price first, oldest first."""
        side = [order for order in self.orders.values() if (order.market, order.is_bid) == (market, is_bid)]
        return sorted(side, key=lambda order: -order.tick if is_bid else order.tick)

    def orders_of(self, account: int) -> list[Order]:
        """An account's open orders, oldest first."""
        return [order for order in self.orders.values() if order.account == account]

    def next_order_id(self, account: int) -> int:
        """Id of the account's next order: serial << 37 | account << 5 | the lowest free of 32 slots."""
        taken = {order.order_id % MAX_ORDERS for order in self.orders_of(account)}
        if len(taken) == MAX_ORDERS:
            raise Refused("exchange: too many open orders")
        locator = account * MAX_ORDERS + min(set(range(MAX_ORDERS)) - taken)
        return (self.serials.get(locator, 0) + 1) * SLOTS + locator

    def depth(self, market: int, is_bid: bool) -> list[Level]:
        """One side's levels from the best outward."""
        levels: dict[int, Level] = {}
        for order in self.queue(market, is_bid):
            level = levels.get(order.tick, Level(order.tick, 0, 0))
            levels[order.tick] = Level(order.tick, level.lots + order.lots, level.orders + 1)
        return list(levels.values())

    def best(self, market: int) -> tuple[int, int]:
        """Ticks of best bid and best ask; 0 for an empty side."""
        bids, asks = self.queue(market, True), self.queue(market, False)
        return (bids[0].tick if bids else 0, asks[0].tick if asks else 0)

    # --- rules

    def _check(self, new: NewOrder, timestamp: int) -> Market:
        in_range = 0 < new.lots <= MAX_LOTS and 0 < new.tick <= MAX_TICK and 0 <= new.market <= MAX_MARKET
        if not in_range or (new.expiry and not timestamp < new.expiry <= MAX_EXPIRY):
            raise Refused("exchange: order out of range")
        if new.options & Option.POST_ONLY and new.options & Option.IMMEDIATE:
            raise Refused("exchange: options exclude")
        market = self.markets.get(new.market)
        if market is None:
            raise Refused("exchange: no such market")
        if _has_expired(market, timestamp):
            raise Refused("exchange: market has expired")
        if not new.options & Option.REDUCE_ONLY and not market.active:
            raise Refused("exchange: market only reduces")
        return market

    def _check_allowed(
        self,
        new: NewOrder,
        filled: int,
        open_lots: int,
        events: list[Placed | Filled | Removed],
        *,
        authorised: bool,
    ) -> None:
        if not new.options & Option.REDUCE_ONLY:
            if (filled and self.trade_paused) or (open_lots and self.place_paused):
                raise Refused("guarded: action is paused")
        if not filled and not open_lots:
            if not events:
                raise Refused("exchange: nothing to do")
            if not authorised:
                raise Refused("exchange: not authorised")
        if open_lots:
            level = [order for order in self.queue(new.market, new.is_bid) if order.tick == new.tick]
            # Its own orders that it met have left before it comes to rest.
            freed = sum(isinstance(event, Removed) and event.account == new.account for event in events)
            if len(self.orders_of(new.account)) - freed == MAX_ORDERS:
                raise Refused("exchange: too many open orders")
            if sum(order.lots for order in level) + open_lots > MAX_LEVEL_LOTS:
                raise Refused("exchange: level is full")
        if not authorised:
            raise Refused("ledger: caller not authorised")

    def _match(
        self, new: NewOrder, wanted: int, market: Market, ledger: Ledger, timestamp: int
    ) -> tuple[list[Placed | Filled | Removed], int, bool]:
        """What happens to each order met, lots left, whether these still cross. Leaves the book alone."""
        events: list[Placed | Filled | Removed] = []
        left = wanted
        touches = 0
        for order in self.queue(new.market, not new.is_bid):
            if left == 0 or (order.tick > new.tick if new.is_bid else order.tick < new.tick):
                break
            if touches == min(new.max_fills, MAX_TOUCHES):
                return events, left, True
            touches += 1
            reason = self._unfit(order, new, ledger, timestamp)
            if reason is None:
                fill, reason = self._trade(order, new, left, market, ledger)
                if fill is not None:
                    events.append(fill)
                    left -= fill.lots
                    order = dataclasses.replace(order, lots=fill.remaining)
            if reason is not None:
                events.append(self._leave(order, reason, ledger))
        return events, left, False

    def _unfit(self, order: Order, new: NewOrder, ledger: Ledger, timestamp: int) -> Reason | None:
        if _is_expired(order, timestamp):
            return Reason.EXPIRED
        if new.options & Option.POST_ONLY:
            raise Refused("exchange: order would take")
        return Reason.SELF_TRADE if order.account == new.account else None

    def _trade(
        self, order: Order, new: NewOrder, left: int, market: Market, ledger: Ledger
    ) -> tuple[Filled | None, Reason | None]:
        lots = min(left, order.lots)
        reducible = None
        if order.reduce_only:
            reducible = _reducible(ledger, order.account, order.market, order.is_bid, market.lot_size)
            if reducible == 0:
                return None, Reason.NOTHING_TO_REDUCE
            lots = min(lots, reducible)
        size, price = lots * market.lot_size, order.tick * market.tick_size
        notional = size * NANO if is_inverse(order.market) else size * price
        maker_fee = fee_up(notional, self.maker_fee_bps)
        signed = size if order.is_bid else -size
        if not ledger.fill_maker(
            order.account, order.market, signed, price, maker_fee, not order.reduce_only
        ):
            liquidated = ledger.in_liquidation(order.account)
            return None, Reason.LIQUIDATION if liquidated else Reason.BELOW_MARGIN
        fill = Filled(
            order_id=order.order_id,
            maker=order.account,
            taker=new.account,
            market=order.market,
            taker_buys=new.is_bid,
            tick=order.tick,
            lots=lots,
            maker_fee=maker_fee,
            taker_fee=fee_up(notional, self.taker_fee_bps),
            remaining=order.lots - lots,
        )
        exhausted = lots == reducible and fill.remaining > 0
        return fill, Reason.NOTHING_TO_REDUCE if exhausted else None

    def _leave(self, order: Order, reason: Reason, ledger: Ledger) -> Removed:
        """Give back an order's reservation and say that it goes."""
        if not order.reduce_only:
            size = order.lots * self.markets[order.market].lot_size
            ledger.release(
                order.account, order.market, size if order.is_bid else 0, 0 if order.is_bid else size
            )
        return Removed(order.order_id, order.account, order.market, order.lots, int(reason))

    def _drop(self, order: Order, reason: Reason, ledger: Ledger) -> Removed:
        removed = self._leave(order, reason, ledger)
        self.remove(removed)
        return removed

    def _apply(self, event: Placed | Filled | Removed) -> None:
        if isinstance(event, Filled):
            self.fill(event)
        elif isinstance(event, Removed):
            self.remove(event)
        else:
            self.rest(event)

    def _existing(self, order_id: int) -> Order:
        order = self.orders.get(order_id)
        if order is None:
            raise Refused("exchange: no such order")
        return order


def _has_expired(market: Market, timestamp: int) -> bool:
    return 0 < market.expiry <= timestamp


def _is_expired(order: Order, timestamp: int) -> bool:
    return order.expiry != 0 and order.expiry <= timestamp


def _quote(market: int, size: int, price: int) -> int:
    """What a fill is worth: wad, or nano coin of an inverse perpetual."""
    return coins_down(size, price) if is_inverse(market) else size * price


def _reducible(ledger: Ledger, account: int, market: int, is_bid: bool, lot_size: int) -> int:
    """Whole lots by which an order on this side can shrink the position."""
    position = ledger.position(account, market)
    return max(-position if is_bid else position, 0) // lot_size
