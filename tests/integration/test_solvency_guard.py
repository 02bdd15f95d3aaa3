# SPDX-License-Identifier: Apache-2.0
"""The guard behind the real Exchange, Vault and Liquidator, against the model, equal after every call.

Random orders in a linear and an inverse market, withdrawals, transfers and refreshes at moving prices with
funding; then by hand what must go on whatever the guard says (invariant 60).
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import pytest

from simulation.chain.deployment import CONTINGENCY
from simulation.config.scenario import SolvencyGuardSpec, WatchSpec
from simulation.domain.interest_math import RateParams
from simulation.domain.margin_math import Contingency, MarketRisk
from simulation.domain.market_math import option
from simulation.domain.model import (
    Collateral,
    Engine,
    Feed,
    Markets,
    MarketState,
    Money,
    Positions,
    ProtocolModel,
)
from simulation.domain.model.fund import Fund
from simulation.domain.model.liquidation import Liquidation
from simulation.domain.model.solvency_guard import OBSERVE, PRICE, REFUSE, SolvencyGuard, Watched
from simulation.domain.model.state import Account, AuctionRules
from simulation.domain.oracle_math import FeedConfig, Tick
from simulation.domain.order_book import OrderBook
from simulation.domain.orders import Market, NewOrder, Option, Refused
from tests.evm import Reverted
from tests.inverse import ETH_USD, inverse_protocol
from tests.option_world import LOT, TICK, OptionWorld
from tests.protocol import BUY, IMMEDIATE, NANO, REDUCE_ONLY, SELL, WAD, World

CALLS = 140
ROLES = ("trader", "maker", "keeper")
MARKETS = (1, 2, ETH_USD)
PAST = "solvency_guard: past the buffer"
STRESS, SHARE = 1_500, 5_000


def guarded_protocol() -> Any:
    spec = SolvencyGuardSpec(all_underlyings=WatchSpec(stress=STRESS))
    return replace(inverse_protocol(), solvency_guard=spec)


@cache
def _deployed() -> tuple[World, Any]:
    world = World(guarded_protocol())
    world.prices(ETH=2_000, BTC=30_000)
    return world, world.env.snapshot()


@pytest.fixture
def world() -> World:
    deployed, snapshot = _deployed()
    deployed.env.revert(snapshot)
    return deployed


def guard_of(world: World) -> Any:
    return world.contracts["SolvencyGuard"]


def into_fund(world: World, usd: int) -> None:
    world.cash.mint(world.env.address("depositor"), usd * 10**6)
    world.cash.approve(world.fund.address, usd * 10**6, sender=world.env.address("depositor"))
    if usd:
        world.fund.deposit(usd * 10**6, world.env.address("depositor"), sender=world.env.address("depositor"))


# ---------------------------------------------------------------- against the model


class Pair:
    """The contracts and the model, asked the same."""

    def __init__(self, world: World, seed: int) -> None:
        self.rng, self.world = Random(seed), world
        self.model = self._model()
        self.prices = {"ETH": 2_000 * NANO, "BTC": 30_000 * NANO}
        self.outcomes: Counter[str] = Counter()
        into_fund(world, 300)
        self.model.fund.assets = 300 * 10**6
        # The pool's account is the first.
        self.model.ledger.accounts[1] = Account("pool", 1)
        for role in ROLES:
            account = world.account(role, cash=10_000)
            self.model.ledger.accounts[account] = known = Account(role, 1)
            self._now()
            self.model.money.change(known, 10_000 * WAD, self.model.now)
            self.model.money.backing += 10_000 * WAD
            world.deposit(role, account, 1, WAD)
            known.units[1] = WAD
            self.model.ledger.collaterals[1].held += WAD
        self.accounts = dict(zip(range(2, 5), ROLES, strict=True))

    def _model(self) -> ProtocolModel:
        world, protocol = self.world, self.world.protocol
        oracle, curve = protocol.oracle, protocol.interest
        config = FeedConfig(oracle.heartbeat, oracle.max_spread, 5 * 10**7, 0, 86_400, 1, 2**72 - 1)
        now = world.env.timestamp
        feeds = {feed: Feed(config, oracle.threshold, Tick(heartbeat=oracle.heartbeat)) for feed in (1, 2)}
        states, sizes = {}, {}
        for market in MARKETS:
            spec, funding = world.instruments.spec(market), world.instruments.funding(market)
            sizes[market] = Market(spec.tick_size, spec.lot_size)
            states[market] = MarketState(
                feed=spec.feed,
                lot_size=spec.lot_size,
                cap=spec.max_open_interest,
                convergence_hours=funding.convergence_hours,
                static_rate=funding.static_rate,
                max_rate=funding.max_rate,
                accrued_until=funding.accrued_until,
            )
        rates = RateParams(curve.minimum, curve.slope, curve.high_slope, curve.optimal * 10**14)
        money = Money(rates, curve.reserve_fee * 10**14, now)
        risk = MarketRisk(*world.contracts["CrossMargin"].market_risk(1))
        collaterals = {
            asset: Collateral(asset, spec.decimals, spec.maintenance_haircut, spec.initial_haircut, 2**127)
            for asset, spec in enumerate(protocol.collaterals.values(), 1)
        }
        engines = {1: Engine(dict.fromkeys((1, 2, ETH_USD), risk), Contingency(*CONTINGENCY))}
        fund = Fund()
        guard = SolvencyGuard(
            fund,
            10**12,
            {feed: Watched(STRESS, SHARE) for feed in (1, 2)},
            {1: 1, 2: 2, ETH_USD: 1},
            {1: 1, 2: 2},
        )
        ledger = Positions(money, Markets(feeds, states), engines, collaterals, now=now, guard=guard)
        book = OrderBook(sizes, protocol.fees.maker, protocol.fees.taker)
        liquidation = Liquidation(ledger, fund, AuctionRules(*world.liquidator.parameters()), 10**12)
        return ProtocolModel(money, ledger.markets, ledger, book, liquidation, fund, 10**12)

    @property
    def guard(self) -> SolvencyGuard:
        assert self.model.ledger.guard is not None
        return self.model.ledger.guard

    def _now(self) -> None:
        self.model.advance(self.world.env.timestamp)

    def move_prices(self) -> None:
        self.world.env.advance(self.rng.choice((1, 60, 600)))
        for asset, price in self.prices.items():
            price = round(price * self.rng.uniform(0.97, 1.03))
            mark = round(price * self.rng.uniform(0.995, 1.005))
            self.prices[asset] = price
            self.world.price(asset, price, mark)
            now = self.world.env.timestamp
            self.model.markets.store((self.world.feeds[asset], price, mark, 10**8, now, now + 3_600), 3, now)

    def both(self, name: str, chain: Callable[[], Any], model: Callable[[], Any]) -> None:
        self._now()
        kept = copy.deepcopy(self.model)
        refused = ""
        try:
            model()
        except Refused as error:
            refused, self.model = str(error), kept
        try:
            receipt = chain()
        except Reverted as error:
            assert refused, (name, error.reason)
            assert (error.reason == PAST) == (refused == PAST), (name, refused, error.reason)
            self.outcomes[PAST if refused == PAST else "refused"] += 1
        else:
            assert not refused, (name, refused)
            self.outcomes["charged" if receipt.named("ExposureCharged") else name] += 1

    def place(self) -> None:
        rng, world = self.rng, self.world
        account = rng.choice(list(self.accounts))
        role, market = self.accounts[account], rng.choice(MARKETS)
        spec = world.instruments.spec(market)
        mark = self.prices["BTC" if market == 2 else "ETH"]
        tick = max(round(mark * rng.uniform(0.99, 1.01)) // spec.tick_size, 1)
        notional = rng.randrange(100, 30_000)
        lots = notional if market == ETH_USD else max(notional * 10**18 // mark // spec.lot_size, 1)
        is_bid = rng.random() < 0.5
        options = rng.choice((0, 0, 0, IMMEDIATE, REDUCE_ONLY))
        sender = world.env.address(role)
        self.both(
            "place",
            lambda: world.exchange.place(account, market, is_bid, tick, lots, options, 0, 8, sender=sender),
            lambda: self.model.place(
                role, NewOrder(account, market, is_bid, tick, lots, Option(options), 0, 8)
            ),
        )

    def step(self) -> None:
        rng, world = self.rng, self.world
        if rng.random() < 0.4:
            self.move_prices()
        if rng.random() < 0.1:
            mode, rate = rng.choice((OBSERVE, PRICE, PRICE, REFUSE)), rng.randrange(3_000)
            guard_of(world).set_mode(mode, rate)
            self.guard.mode, self.guard.rate = mode, rate
        account = rng.choice(list(self.accounts))
        role = self.accounts[account]
        sender, other = world.env.address(role), rng.choice([one for one in self.accounts if one != account])
        action = rng.choice(("place",) * 6 + ("withdraw", "coin", "transfer", "refresh", "cancel"))
        amount = rng.randrange(1, 3_000)
        if action == "place":
            self.place()
        elif action == "withdraw":
            self.both(
                action,
                lambda: world.vault.withdraw(account, 0, amount * 10**6, sender, sender=sender),
                lambda: self.model.withdraw(role, account, 0, amount * 10**6, role),
            )
        elif action == "coin":
            self.both(
                action,
                lambda: world.vault.withdraw(account, 1, amount * 10**14, sender, sender=sender),
                lambda: self.model.withdraw(role, account, 1, amount * 10**14, role),
            )
        elif action == "transfer":
            self.both(
                action,
                lambda: world.vault.transfer_cash(account, other, amount * WAD, sender=sender),
                lambda: self.model.transfer_cash(role, account, other, amount * WAD),
            )
        elif action == "cancel":
            self.both(
                action,
                lambda: world.exchange.cancel_all(account, sender=sender),
                lambda: self.model.cancel_all(role, account),
            )
        else:
            self.both(action, lambda: guard_of(world).refresh([account]), lambda: self._refresh(account))
        self.check()

    def _refresh(self, account: int) -> None:
        portfolio, valid = self.model.ledger.portfolio(self.model.ledger.accounts[account])
        if valid:
            self.guard.record(account, self.guard.measure(portfolio))

    def check(self) -> None:
        world, guard = self.world, guard_of(self.world)
        self._now()
        for account in self.accounts:
            known = self.model.ledger.accounts[account]
            assert world.vault.cash(account) == self.model.money.cash_now(known, self.model.now)
            sides, owed = guard.contribution(account)
            found = {one.feed: (one.long // NANO, one.short // NANO) for one in sides}
            recorded = self.guard.records.get(account)
            assert (found, owed // NANO) == ((recorded.sides, recorded.owed) if recorded else ({}, 0))
        for feed in (1, 2):
            total = guard.solvency_delta(feed)
            assert (total.long // NANO, total.short // NANO) == self.guard.total(feed)
            assert total.buffer // NANO == self.guard.buffer(feed)
        assert world.vault.reconcile().fees == self.model.money.fees


@pytest.mark.parametrize("seed", range(3))
def test_every_call_is_the_model_s(world: World, seed: int) -> None:
    pair = Pair(world, seed)
    for _ in range(CALLS):
        pair.step()
    world.check()
    assert pair.outcomes["place"] > 20 and pair.outcomes["charged"], pair.outcomes


# ---------------------------------------------------------------- by hand


def leveraged(world: World) -> tuple[int, int]:
    """5 ETH long with 1,100 USD, 400 of the loss at 15 % not covered; the maker has plenty."""
    trader, maker = world.account("trader", cash=1_100), world.account("maker", cash=1_000_000)
    world.trade(trader, maker, 1, 2_000, 5)
    return trader, maker


def refuse(world: World) -> None:
    guard_of(world).set_mode(REFUSE, 0)


def test_an_order_that_rests_is_refused_or_charged(world: World) -> None:
    trader, _ = leveraged(world)
    guard = guard_of(world)
    refuse(world)
    with world.refuses(PAST):
        world.place("trader", trader, 1, BUY, 1_900, 0.1)
    guard.set_mode(PRICE, 1_000)
    fees = world.vault.reconcile().fees
    charge, refused = guard.preview_trade(trader, (1, 0, 0, 0, 10**8))
    receipt = world.place_receipt("trader", trader, 1, BUY, 1_900, 0.1)
    assert charge == receipt.named("ExposureCharged")[0]["charge"] > 0 and not refused
    assert world.vault.reconcile().fees - fees == charge
    assert [event["fee"] for event in receipt.named("PositionModified")] == [charge]
    world.check()


def test_reductions_cancels_and_deposits_never_ask(world: World) -> None:
    trader, maker = leveraged(world)
    order, _ = world.place("trader", trader, 1, BUY, 1_900, 0.1)
    world.place("maker", maker, 1, BUY, 2_000, 10)
    refuse(world)
    guard = guard_of(world)
    before = guard.solvency_delta(1).long
    world.exchange.cancel(order, sender=world.env.address("trader"))
    reduced = world.place_receipt("trader", trader, 1, SELL, 2_000, 1, IMMEDIATE | REDUCE_ONLY)
    assert not reduced.named("ContributionChanged")
    reduced = world.place_receipt("trader", trader, 1, SELL, 2_000, 1, IMMEDIATE)
    assert reduced.named("ContributionChanged") and guard.solvency_delta(1).long < before
    world.deposit("trader", trader, 0, 10**6)
    # At prices that nobody may use any more, what reduces still goes through.
    world.env.advance(10**6)
    world.place_receipt("trader", trader, 1, SELL, 2_000, 1, IMMEDIATE)
    assert world.ledger.position(trader, 1).size == 2 * NANO


def test_withdrawals_are_refused_or_charged(world: World) -> None:
    trader, _ = leveraged(world)
    sender = world.env.address("trader")
    refuse(world)
    with world.refuses(PAST):
        world.vault.withdraw(trader, 0, 10**6, sender, sender=sender)
    with world.refuses(PAST):
        world.vault.transfer_cash(trader, 1, WAD, sender=sender)
    guard_of(world).refresh([trader])
    guard_of(world).set_mode(PRICE, 10_000)
    cash = world.vault.cash(trader)
    receipt = world.vault.withdraw(trader, 0, 10**6, sender, sender=sender)
    (charged,) = receipt.named("ExposureCharged")
    # The loss of 1,500 is not covered by one USD more, all of it beyond an empty buffer, at 100 %.
    assert WAD <= charged["charge"] <= WAD + 10**9
    assert cash - world.vault.cash(trader) == WAD + charged["charge"]
    moved = receipt.named("CashMoved")
    assert [(event["reason"], event["amount"]) for event in moved] == [(8, -charged["charge"])]
    world.check()


def test_a_flat_account_leaves_without_being_asked(world: World) -> None:
    flat = world.account("trader", cash=100)
    world.deposit("trader", flat, 1, WAD)
    leveraged(world)
    refuse(world)
    sender = world.env.address("trader")
    world.vault.withdraw(flat, 1, WAD, sender, sender=sender)
    world.vault.withdraw(flat, 0, 10**8, sender, sender=sender)


def test_liquidation_never_asks(world: World) -> None:
    """Past an empty buffer: the auction starts, a bidder takes position and exposure, records follow."""
    trader, _ = leveraged(world)
    refuse(world)
    keeper = world.account("keeper", cash=500)
    guard = guard_of(world)
    world.advance(60, ETH=1_850, BTC=30_000)
    world.liquidator.start(trader, sender=world.env.address("keeper"))
    world.advance(60, ETH=1_850, BTC=30_000)
    world.liquidator.bid(trader, keeper, WAD // 10, 2**200, sender=world.env.address("keeper"))
    assert world.ledger.position(keeper, 1).size > 0
    guard.refresh([trader, keeper])
    world.check()
    assert guard.solvency_delta(1).stressed > guard.solvency_delta(1).buffer


def test_the_fund_makes_room(world: World) -> None:
    trader, _ = leveraged(world)
    into_fund(world, 10_000)
    refuse(world)
    world.place("trader", trader, 1, BUY, 1_900, 0.1)
    found = guard_of(world).solvency_delta(1)
    assert found.buffer == 5_000 * WAD and 0 < found.room < 5_000 * WAD


# ---------------------------------------------------------------- options on a real board


def test_options_count_by_the_delta_of_their_board() -> None:
    """A written call in the money: short by what of its delta the capital does not cover."""
    world = OptionWorld(by_hand=False)
    world.prices(ETH=2_000, BTC=30_000)
    series = world.list_series("ETH", 7 * 86_400, [1_900 * NANO, 2_100 * NANO])
    world.refresh(series)
    writer, buyer = world.account("trader", cash=700), world.account("maker", cash=10**6)
    market = option(series, 0, True)
    mark = world.marks([market])[market]
    for role, account, is_bid in (("maker", buyer, True), ("trader", writer, False)):
        sender = world.env.address(role)
        world.exchange.place(account, market, is_bid, mark // TICK, NANO // LOT, 0, 0, 16, sender=sender)
    greeks = world.env.deploy("OptionGreeks", world.board)
    guard = world.env.deploy("SolvencyGuard", world.instruments)
    parts = (world.vault, world.ledger, world.exchange, world.fund)
    guard.wire(*(part.address for part in parts), greeks.address)
    guard.set_underlying(1, 10_000, 10_000)
    guard.admit_markets([market])
    (word,) = greeks.greeks([market])
    delta = word % 2**80
    assert 0 < delta < 2_000 * NANO
    sides, owed, valid = guard.preview(writer)
    equity = world.ledger.assess(writer)[0].equity
    uncovered = delta * 10_000 - equity // NANO * 10_000
    assert uncovered > 0
    expected = -(-delta * uncovered // (delta * 10_000))
    assert valid and owed == 0
    assert [(one.long, one.short // NANO) for one in sides] == [(0, expected)]
