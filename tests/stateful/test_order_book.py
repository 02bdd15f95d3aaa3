# SPDX-License-Identifier: Apache-2.0
"""The Exchange against the independent model of simulation/domain/order_book.py, call by call.

After every call (ids of the canonical invariants):
    31  the sum of resting orders at each price is the level's total; the book is not crossed
    32  filled + removed + open == placed for every order; a fill is at the limit or better
    33  what was cancelled or filled is gone for good; a stranger cancels nothing
    34  fills follow price, then age (the model sorts); no account trades with itself; what the ledger holds
        reserved is exactly what rests, so a cancel gives back all of it
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from simulation.domain.order_book import OrderBook
from simulation.domain.orders import (
    MAX_ORDERS,
    Filled,
    Market,
    NewOrder,
    Option,
    Placed,
    Placement,
    Refused,
    Removed,
)
from tests.evm import Receipt, Reverted
from tests.unit.exchange.world import (
    ACCOUNTS,
    MAKER_FEE_BPS,
    MARKETS,
    MAX_TICK,
    TAKER_FEE_BPS,
    World,
)

TRADE, PLACE = 4, 8
EVENTS = {"OrderPlaced": Placed, "OrderFilled": Filled, "OrderRemoved": Removed}

# A busy middle, so that orders meet, with the edges of bitmap words and of the range around it.
TICKS = st.one_of(
    st.integers(252, 260),
    st.integers(254, 258),
    st.sampled_from([1, 2, 65_535, 65_536, 65_537, MAX_TICK - 1, MAX_TICK]),
)
LOTS = st.one_of(st.integers(1, 12), st.sampled_from([1_000, 2**48 - 1]))
OPTIONS = st.sampled_from([0, 0, 0, 1, 2, 4, 4, 4, 5, 6]).map(Option)
MAX_FILLS = st.one_of(st.just(64), st.integers(0, 5))
EXPIRIES = st.one_of(st.just(0), st.just(0), st.integers(1, 300))
"""Seconds from now; 0 never."""
ACCOUNT_IDS = st.sampled_from(sorted(ACCOUNTS))
MARKET_IDS = st.sampled_from([1, 1, 1, 2])


@dataclass(frozen=True, slots=True)
class Ask:
    """A placement as drawn: NewOrder with a lifetime instead of a time."""

    account: int
    market: int
    is_bid: bool
    tick: int
    lots: int
    options: Option
    lifetime: int
    max_fills: int

    def at(self, now: int) -> NewOrder:
        expiry = self.lifetime and now + self.lifetime
        return NewOrder(
            self.account,
            self.market,
            self.is_bid,
            self.tick,
            self.lots,
            self.options,
            expiry,
            self.max_fills,
        )


PLACEMENTS = st.builds(
    Ask,
    account=ACCOUNT_IDS,
    market=MARKET_IDS,
    is_bid=st.booleans(),
    tick=TICKS,
    lots=LOTS,
    options=OPTIONS,
    lifetime=EXPIRIES,
    max_fills=MAX_FILLS,
)
BAD_PLACEMENTS = st.one_of(
    PLACEMENTS.flatmap(lambda ask: st.sampled_from([0, 2**48]).map(lambda lots: replace(ask, lots=lots))),
    PLACEMENTS.flatmap(lambda ask: st.sampled_from([0, 2**24]).map(lambda tick: replace(ask, tick=tick))),
    PLACEMENTS.flatmap(lambda ask: st.sampled_from([-1, 2**32]).map(lambda t: replace(ask, lifetime=t))),
    PLACEMENTS.flatmap(lambda ask: st.sampled_from([0, 3, 2**16]).map(lambda m: replace(ask, market=m))),
    PLACEMENTS.map(lambda ask: replace(ask, options=Option.POST_ONLY | Option.IMMEDIATE)),
)


class RecordingLedger:
    """What contracts/mocks/MockLedger.vy answers, for the model; records what it is asked."""

    def __init__(self, owners: dict[int, str]) -> None:
        self.owners = owners
        self.sizes: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.bids: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.asks: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.refused: set[int] = set()
        self.liquidated: set[int] = set()
        self.calls: list[tuple[Any, ...]] = []

    def authorised(self, account: int, caller: str) -> bool:
        return self.owners.get(account) == caller

    def position(self, account: int, market: int) -> int:
        return self.sizes[account, market]

    def in_liquidation(self, account: int) -> bool:
        return account in self.liquidated

    def fill_maker(self, account: int, market: int, size: int, price: int, fee: int, reserved: bool) -> bool:
        if account in self.refused | self.liquidated:
            return False
        self.sizes[account, market] += size
        if reserved:
            self.bids[account, market] -= max(size, 0)
            self.asks[account, market] -= max(-size, 0)
        self.calls.append(("MakerFilled", account, market, size, price, fee, reserved))
        return True

    def observe(self, account: int, market: int, size: int, quote: int, fee: int, resting: int) -> int:
        return 0

    def fill_taker(self, account: int, market: int, size: int, quote: int, fee: int, resting: int) -> None:
        self.sizes[account, market] += size
        self.bids[account, market] += max(resting, 0)
        self.asks[account, market] += max(-resting, 0)
        self.calls.append(("TakerFilled", self.owners[account], account, market, size, quote, fee, resting))

    def release(self, account: int, market: int, bids: int, asks: int) -> None:
        self.bids[account, market] -= bids
        self.asks[account, market] -= asks
        self.calls.append(("OrdersReleased", account, market, bids, asks))


@cache
def _deployed() -> World:
    return World()


class OrderBookMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.placed: dict[int, Placed] = {}
        self.gone: dict[int, int] = {}
        """Lots of an order that were filled or removed; latest changes last."""
        self.world = _deployed()
        self.world.reset()
        self.env, self.exchange = self.world.env, self.world.exchange
        markets = {market: Market(*sizes) for market, sizes in MARKETS.items()}
        self.book = OrderBook(markets, MAKER_FEE_BPS, TAKER_FEE_BPS)
        self.ledger = RecordingLedger(self.world.owners)
        for account, lots in zip(sorted(ACCOUNTS), (3, -3, 9, -9), strict=True):
            self.hold(account, lots, odd=False)

    # --- one call on both sides

    def both(
        self,
        act: Callable[[], Receipt],
        model: Callable[[RecordingLedger], Sequence[Placed | Filled | Removed]],
        *,
        in_order: bool = True,
    ) -> Receipt | None:
        """Does the same to contract and model; both refuse with the same reason, or both do the same."""
        ledger = copy.deepcopy(self.ledger)
        ledger.calls.clear()
        refusal = ""
        expected: Sequence[Placed | Filled | Removed] = ()
        try:
            expected = model(ledger)
        except Refused as error:
            refusal = str(error)
        try:
            receipt = act()
        except Reverted as error:
            assert error.reason == refusal
            self.check()
            return None
        assert not refusal, f"the contract did what the model refuses: {refusal}"
        self.ledger = ledger
        events = [EVENTS[event.name](**event.args) for event in receipt.events if event.name in EVENTS]
        if in_order:
            assert events == list(expected)
            calls = [
                (event.name, *event.args.values()) for event in receipt.events if event.name not in EVENTS
            ]
            assert calls == ledger.calls
        else:
            assert sorted(map(str, events)) == sorted(map(str, expected))
        self.account_for(events)
        self.check()
        return receipt

    def account_for(self, events: Sequence[Placed | Filled | Removed]) -> None:
        """32: every lot that was placed is filled, removed or open."""
        for event in events:
            if isinstance(event, Placed):
                assert event.order_id not in self.placed
                self.placed[event.order_id] = event
                continue
            placed = self.placed[event.order_id]
            self.gone[event.order_id] = self.gone.pop(event.order_id, 0) + event.lots
            if isinstance(event, Filled):
                assert event.tick == placed.tick
                assert event.remaining == placed.lots - self.gone[event.order_id]
                assert event.maker != event.taker
            else:
                assert self.gone[event.order_id] == placed.lots

    @property
    def now(self) -> int:
        return self.env.timestamp

    # --- what people do

    @rule(asks=st.lists(PLACEMENTS, min_size=1, max_size=8))
    def place(self, asks: list[Ask]) -> None:
        for ask in asks:
            self.place_one(ask.at(self.now), self.world.owners[ask.account])

    @rule(asks=st.lists(PLACEMENTS, min_size=1, max_size=8))
    def trade(self, asks: list[Ask]) -> None:
        """As `place`: a second rule, so that half of all steps make and take orders."""
        self.place(asks)

    @rule(ask=BAD_PLACEMENTS)
    def place_badly(self, ask: Ask) -> None:
        self.place_one(ask.at(self.now), self.world.owners[ask.account])

    @rule(ask=PLACEMENTS)
    def place_for_another(self, ask: Ask) -> None:
        self.place_one(ask.at(self.now), self.world.attacker)

    def place_one(self, new: NewOrder, caller: str) -> None:
        placement: list[Placement] = []

        def model(ledger: RecordingLedger) -> Sequence[Placed | Filled | Removed]:
            placement.append(self.book.place(new, caller, ledger, self.now))
            return placement[0].events

        receipt = self.both(
            lambda: self.world.place(
                new.account,
                new.is_bid,
                new.tick,
                new.lots,
                new.options,
                expiry=new.expiry,
                max_fills=new.max_fills,
                market=new.market,
                sender=caller,
            ),
            model,
        )
        if receipt is not None:
            assert receipt.value == (placement[0].order_id, placement[0].filled)
            for fill in placement[0].events:
                if isinstance(fill, Filled):
                    assert fill.tick <= new.tick if new.is_bid else fill.tick >= new.tick

    @precondition(lambda self: self.placed)
    @rule(data=st.data(), ask=PLACEMENTS, by_owner=st.integers(0, 9).map(bool))
    def replace(self, data: st.DataObject, ask: Ask, by_owner: bool) -> None:
        order_id = self.any_order(data)
        new = ask.at(self.now)
        caller = self.owner_of(order_id) if by_owner else self.world.attacker
        self.both(
            lambda: self.exchange.replace(
                order_id, new.tick, new.lots, int(new.options), new.expiry, new.max_fills, sender=caller
            ),
            lambda ledger: (
                self.book.replace(
                    order_id,
                    new.tick,
                    new.lots,
                    new.options,
                    new.expiry,
                    new.max_fills,
                    caller,
                    ledger,
                    self.now,
                ).events
            ),
        )

    @precondition(lambda self: self.placed)
    @rule(data=st.data(), count=st.integers(1, 5), by_owner=st.integers(0, 4).map(bool))
    def cancel(self, data: st.DataObject, count: int, by_owner: bool) -> None:
        for _ in range(count):
            order_id = self.any_order(data)
            caller = self.owner_of(order_id) if by_owner else self.world.attacker
            self.cancel_one(order_id, caller)

    def cancel_one(self, order_id: int, caller: str) -> None:
        self.both(
            lambda: self.exchange.cancel(order_id, sender=caller),
            lambda ledger: [self.book.cancel(order_id, caller, ledger)],
        )

    @rule(account=ACCOUNT_IDS, role=st.sampled_from(["owner", "liquidator", "attacker"]))
    def cancel_all(self, account: int, role: str) -> None:
        caller = self.world.owners[account] if role == "owner" else self.env.address(role)
        self.both(
            lambda: self.exchange.cancel_all(account, sender=caller),
            lambda ledger: self.book.cancel_all(account, caller, ledger, liquidator=self.world.liquidator),
            in_order=False,
        )

    @precondition(lambda self: self.placed)
    @rule(data=st.data())
    def purge(self, data: st.DataObject) -> None:
        ids = st.one_of(st.sampled_from(sorted(self.placed)), st.integers(0, 2**64))
        order_ids = data.draw(st.lists(ids, max_size=6), "ids")
        self.both(
            lambda: self.exchange.purge(order_ids, sender=self.world.attacker),
            lambda ledger: self.book.purge(order_ids, ledger, self.now),
        )

    # --- what happens around the book

    @rule(seconds=st.integers(1, 200))
    def wait(self, seconds: int) -> None:
        self.env.advance(seconds)

    @rule(account=ACCOUNT_IDS, lots=st.integers(-9, 9), odd=st.booleans())
    def move_position(self, account: int, lots: int, odd: bool) -> None:
        self.hold(account, lots, odd)

    def hold(self, account: int, lots: int, odd: bool) -> None:
        for market, (_, lot_size) in MARKETS.items():
            size = lots * lot_size + odd
            self.world.ledger.set_position(account, market, size)
            self.ledger.sizes[account, market] = size

    @rule(account=ACCOUNT_IDS, state=st.sampled_from(["sound", "sound", "refused", "liquidated"]))
    def move_account(self, account: int, state: str) -> None:
        self.world.ledger.set_refused(account, state == "refused")
        self.world.ledger.set_in_liquidation(account, state == "liquidated")
        self.ledger.refused -= {account}
        self.ledger.liquidated -= {account}
        if state == "refused":
            self.ledger.refused.add(account)
        elif state == "liquidated":
            self.ledger.liquidated.add(account)

    @rule(
        paused=st.sampled_from([0, 0, 0, TRADE, PLACE]),
        active=st.integers(0, 3).map(bool),
        fees=st.tuples(st.integers(0, 100), st.integers(0, 100)),
    )
    def govern(self, paused: int, active: bool, fees: tuple[int, int]) -> None:
        for action in (TRADE, PLACE):
            (self.exchange.pause if paused == action else self.exchange.unpause)(action)
        self.book.trade_paused, self.book.place_paused = paused == TRADE, paused == PLACE
        tick_size, lot_size = MARKETS[1]
        self.world.instruments.list_market(1, tick_size, lot_size, active)
        self.book.markets[1] = Market(tick_size, lot_size, active)
        self.exchange.set_fees(*fees)
        self.book.maker_fee_bps, self.book.taker_fee_bps = fees

    # --- what must hold after every call

    def check(self) -> None:
        self.levels_are_the_sums_of_their_orders()
        self.orders_are_open_or_gone()
        self.reservations_are_what_rests()

    def levels_are_the_sums_of_their_orders(self) -> None:
        """31, both halves."""
        for market in MARKETS:
            best_bid, best_ask = self.exchange.best(market)
            assert (best_bid, best_ask) == self.book.best(market)
            assert best_bid < best_ask or best_bid == 0 or best_ask == 0
            for is_bid in (True, False):
                levels = self.exchange.depth(market, is_bid, 64)
                assert [tuple(level) for level in levels] == [
                    (level.tick, level.lots, level.orders) for level in self.book.depth(market, is_bid)
                ]

    def orders_are_open_or_gone(self) -> None:
        """32 and 33. Orders long gone are looked at again when the sequence ends."""
        for order_id in {*self.book.orders, *list(self.gone)[-3:]}:
            self.check_order(order_id)
        for account in ACCOUNTS:
            listed = self.exchange.orders_of(account)
            assert sorted(listed) == sorted(order.order_id for order in self.book.orders_of(account))
            if len(listed) < MAX_ORDERS:
                assert self.exchange.next_order_id(account) == self.book.next_order_id(account)

    def check_order(self, order_id: int) -> None:
        view = self.exchange.order(order_id)
        order = self.book.orders.get(order_id)
        assert view.lots + self.gone.get(order_id, 0) == self.placed[order_id].lots
        if order is None:
            assert set(view) == {0}
        else:
            assert view._asdict() == asdict(order)

    def teardown(self) -> None:
        for order_id in self.placed:
            self.check_order(order_id)

    def reservations_are_what_rests(self) -> None:
        """34, last half."""
        for account in ACCOUNTS:
            for market, (_, lot_size) in MARKETS.items():
                position = self.world.ledger.position(account, market)
                assert position.size == self.ledger.sizes[account, market]
                resting = [
                    order
                    for order in self.book.orders_of(account)
                    if order.market == market and not order.reduce_only
                ]
                assert position.bids == lot_size * sum(order.lots for order in resting if order.is_bid)
                assert position.asks == lot_size * sum(order.lots for order in resting if not order.is_bid)

    # --- draws

    def any_order(self, data: st.DataObject) -> int:
        """Mostly an open order; now and then one that is gone."""
        pool = sorted(self.book.orders) or sorted(self.placed)
        return data.draw(st.one_of(st.sampled_from(pool), st.sampled_from(sorted(self.placed))), "order")

    def owner_of(self, order_id: int) -> str:
        return self.world.owners[self.placed[order_id].account]


OrderBookMachine.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestOrderBook = OrderBookMachine.TestCase
