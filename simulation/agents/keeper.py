# SPDX-License-Identifier: Apache-2.0
"""Keepers: firms with finite capital that start auctions, bid, and sell on the book what they took over.

`Keeper` is made to be subclassed: override `choose` to bid differently, or `decide` for anything else; the
helpers (`in_danger`, `quotes`, `start`, `bid`, `unwind`, `housekeeping`) do the rest. Imports: agents.base,
agents.margin_calls, agents.slices, agents.waterfall, messages, config.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.agents.attempts import Attempts
from simulation.agents.base import Agent, Endowment
from simulation.agents.margin_calls import admissible, admitted, call_steps
from simulation.agents.slices import SliceQuote, expected_equity, expected_marks, later_slice, live_slices
from simulation.agents.waterfall import next_step
from simulation.config import Distribution, knob, varies
from simulation.config.kinds import FLAG, INTEGER, NUMBER, SECONDS, SHARE, USD, choice
from simulation.messages import (
    IMMEDIATE,
    REDUCE_ONLY,
    Bid,
    EscalateCall,
    Fees,
    Intent,
    PlaceOrder,
    Receipt,
    Reprice,
    StartAuction,
    Status,
    View,
)
from simulation.messages.view import Floats

__all__ = ["Keeper", "KeeperSettings", "SliceQuote"]

GWEI = 1_000_000_000
SLICES = (1.0, 0.5, 0.25, 0.1)
"""Parts of what may be taken that a keeper weighs."""
LEAST_PRICE = 1e-9


@dataclass(frozen=True, slots=True)
class KeeperSettings:
    """What a keeper has, wants and pays."""

    capital: Distribution | float = knob(varies(USD), "250_000 USD")
    """In its account at the start."""
    min_profit: Distribution | float = knob(varies(USD), "25 USD")
    """Least expected profit of a bid after gas and exit slippage."""
    slippage: float = knob(SHARE, "2 %", low="0 %", high="50 %")
    """Worst price, from mark, at which it sells inventory."""
    deviation: float = knob(SHARE, "0.3 %", low="0 %", high="50 %")
    """Move of the outside price that makes it count on a fresh mark when its transaction is executed."""
    risk: float = knob(NUMBER, 0.4, low=0.0, high=20.0)
    """Charge on what it takes over until it is sold, in standard deviations of one block's return."""
    horizon: int = knob(SECONDS, "15 min", low="1 s")
    """Time constant of its volatility."""
    exit_risk: float = knob(SHARE, "10 %", low="0 %", high="100 %")
    """Loss it expects on the part of a slice that the book cannot take now."""
    taker_fee: float = knob(SHARE, "0.05 %", low="0 %", high="10 %")
    """Fee of closing on the book."""
    collateral_discount: float = knob(SHARE, "1 %", low="0 %", high="100 %")
    """Loss it expects on collateral that comes with a slice."""
    rivals: int = knob(INTEGER, 2, low=0, high=1000)
    """Others that it reckons with: it joins fewer races where losing costs more than winning brings."""
    inventory: float = knob(NUMBER, 5.0, low=0.0, high=50.0)
    """Most notional it holds, over its equity."""
    latency: int = knob(INTEGER, 0, low=0, high=1000)
    """Blocks between a decision and its arrival in the pool."""
    policy: str = knob(choice("static", "adaptive"), "adaptive")
    """Gas: always the same bid, or one that follows base fee and profit and is raised while it waits."""
    tip: Distribution | float = knob(varies(NUMBER), 0.02)
    """Priority fee, gwei; of an adaptive keeper the least."""
    max_fee: Distribution | float = knob(varies(NUMBER), 5.0)
    """Maximal fee of a static keeper, gwei."""
    profit_share: float = knob(SHARE, "5 %", low="0 %", high="100 %")
    """Part of the expected profit that an adaptive keeper tips; a fifth more after each race it has lost."""
    most_share: float = knob(SHARE, "15 %", low="0 %", high="100 %")
    """Where that ends."""
    patience: int = knob(INTEGER, 2, low=1, high=1000)
    """Blocks an adaptive keeper waits before it raises the bid of a pending transaction by a quarter."""
    lifetime: int = knob(INTEGER, 30, low=1, high=10_000)
    """Blocks after which a transaction is given up."""
    caution: int = knob(INTEGER, 64, low=1, high=10_000)
    """Most blocks that it keeps from repeating what reverted: 1 after the first time, then 2, 4, ..."""
    calls: bool = knob(FLAG, False)
    """Whether it makes and escalates margin calls, which earns nothing by itself."""
    housekeeping: bool = knob(FLAG, False)
    """Whether it moves auctions along the waterfall when that earns nothing."""
    start_gas: int = knob(INTEGER, 250_000, low=21_000)
    """Gas it expects to spend on starting an auction."""
    bid_gas: int = knob(INTEGER, 300_000, low=21_000)
    """Gas it expects to spend on a bid."""
    sale_gas: int = knob(INTEGER, 350_000, low=21_000)
    """Gas it expects to spend on selling what it took over."""


class Keeper(Agent):
    """One firm with one account."""

    role = "keeper"
    individual = True
    settings_class: ClassVar[type[KeeperSettings]] = KeeperSettings
    settings: KeeperSettings

    def __init__(
        self,
        name: str,
        accounts: NDArray[np.int64],
        settings: KeeperSettings | None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        plan = self.settings
        self.latency = plan.latency
        self.capital = max(_one(plan.capital, rng), 1.0)
        self.min_profit = _one(plan.min_profit, rng)
        self.least_tip = int(max(_one(plan.tip, rng), 0.0) * GWEI)
        self.max_fee = int(max(_one(plan.max_fee, rng), 0.0) * GWEI)
        self.account = int(accounts[0])
        self.row = int(self.rows[0])
        self.pending: dict[int, tuple[Intent, int]] = {}
        self.attempts = Attempts(plan.caution)
        self.share = plan.profit_share
        self.last = self.variance = np.zeros(0)
        self.sent = self.started = self.won = self.failed = self.tags = self.gas = 0

    def endowments(self) -> Sequence[Endowment]:
        """All capital in the account."""
        return [Endowment(cash=self.capital) for _ in self.accounts]

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """Raises stuck bids, sells inventory, starts auctions, bids, and moves the waterfall on."""
        self.observe(view)
        intents = [*self.raise_bids(view), *self.unwind(view), *self.starts(view, rng)]
        if len(view.auctions.account):
            intents += [*self.choose(view, rng), *self.housekeeping(view, rng)]
        return [done for intent in intents if (done := self._track(intent, view)) is not None]

    def choose(self, view: View, rng: np.random.Generator) -> Iterator[Intent]:
        """The bids of this block: the best slices first, within capital and inventory."""
        equity = float(view.accounts.equity[self.row])
        free = 0.9 * (equity - float(view.accounts.initial_margin[self.row]))
        room = self.settings.inventory * equity - float(view.accounts.notional[self.row])
        # What is still in the pool may all be executed in one block.
        waiting = [intent for intent, _ in self.pending.values() if isinstance(intent, Bid)]
        for bid in waiting:
            free -= bid.fraction * 1e-18 * float(view.accounts.initial_margin[bid.target - 1])
            room -= bid.fraction * 1e-18 * float(view.accounts.notional[bid.target - 1])
        taken = {bid.target for bid in waiting}
        for quote in [quote for quote in self.quotes(view) if quote.target not in taken][:3]:
            if free <= 0 or room <= 0:
                return
            target = quote.target - 1
            need = float(view.accounts.initial_margin[target]) + max(-quote.discount, 0.0)
            notional = float(view.accounts.notional[target])
            limit = min(
                quote.max_fraction, free / need if need > 0 else 1.0, room / notional if notional > 0 else 1.0
            )
            profits = [self.profit(view, quote, part * limit) for part in SLICES]
            profit = max(profits)
            best = SLICES[profits.index(profit)]
            if limit > 0 and profit >= self.min_profit:
                if self.joins(view, profit, self.settings.bid_gas, rng):
                    yield self.bid(view, quote, best * limit, profit)
                free -= need * best * limit
                room -= notional * best * limit

    def observe(self, view: View) -> None:
        """Takes note of prices; called once a block."""
        # An option may be worth nothing.
        prices = np.array([max(market.reference, LEAST_PRICE) for market in view.markets])
        if len(self.last) != len(prices):
            self.last, self.variance = prices, np.zeros(len(prices))
        weight = -np.expm1(-view.block_time / self.settings.horizon)
        self.variance = (1.0 - weight) * self.variance + weight * np.log(prices / self.last) ** 2
        self.last = prices

    def in_danger(self, view: View) -> NDArray[np.int64]:
        """Accounts that may be put up for auction once this block's prices are in."""
        accounts = view.accounts
        equity = expected_equity(view, self.marks(view))
        low = (equity < accounts.maintenance_margin) | admitted(view, equity)
        low &= ~accounts.liquidating
        low[self.row] = False
        return np.flatnonzero(low) + 1

    def marks(self, view: View) -> Floats:
        """Marks by market that it counts on when its transactions of this block are executed."""
        return expected_marks(view, self.settings.deviation)

    def quotes(self, view: View) -> list[SliceQuote]:
        """Live auctions in which a bid may be made, the largest gain at mark first."""
        return live_slices(view, self.account, self.marks(view))

    def profit(self, view: View, quote: SliceQuote, fraction: float) -> float:
        """Expected gain of a slice in USD: discount less exit on the book, fees, risk, collateral and gas."""
        if fraction <= 0:
            return -np.inf
        row, plan, accounts = quote.target - 1, self.settings, view.accounts
        cost = self.gas_cost(view, plan.bid_gas)
        cost += accounts.collateral_value.item(row) * fraction * plan.collateral_discount
        positions = zip(view.markets, self.marks(view).tolist(), accounts.size[row].tolist(), strict=True)
        for column, (market, mark, position) in enumerate(positions):
            size = position * fraction
            if size:
                exit_price = market.exit_price(size, plan.exit_risk)
                sold = market.base(size, exit_price)
                cost += sold * (mark - exit_price) + abs(size) * market.worth * plan.taker_fee
                cost += self.gas_cost(view, plan.sale_gas)
                if len(self.variance):
                    held_usd = market.notional(abs(size), mark)
                    cost += plan.risk * float(self.variance[column]) ** 0.5 * held_usd
        return quote.discount * fraction - cost

    def bid(self, view: View, quote: SliceQuote, fraction: float, profit: float = 0.0) -> Bid:
        """A bid for a fraction of the portfolio, at no more than it costs now and a hair."""
        slack = 0.002 * abs(quote.price) * fraction + 0.01
        return Bid(
            account=self.account,
            target=quote.target,
            fraction=max(1, int(min(fraction, 1.0) * 1e18)),
            max_price=int((quote.price * fraction + slack) * 1e18),
            fees=self.fees(view, profit, self.settings.bid_gas),
        )

    def start(self, view: View, target: int) -> StartAuction:
        """Puts an account up for auction; only the reward is sure, so only that is bid for in gas."""
        reward = view.rules.reward(float(view.accounts.equity[target - 1]))
        return StartAuction(
            account=self.account, target=target, fees=self.fees(view, reward, self.settings.start_gas)
        )

    def prize(self, view: View, target: int) -> float:
        """Worth of starting an auction, USD: the reward, and one chance among rivals to win it later."""
        equity = float(expected_equity(view, self.marks(view))[target - 1])
        reward = view.rules.reward(equity)
        quote = later_slice(view, target, equity)
        hope = self.profit(view, quote, quote.max_fraction) if quote is not None else 0.0
        return reward + max(hope, 0.0) / (1.0 + self.settings.rivals)

    def joins(self, view: View, gain: float, gas: int, rng: np.random.Generator) -> bool:
        """Whether it races for `gain` now: always if that pays for losing to every rival, else at times.

        Keepers see the same view and only one of them can win; who loses pays for a revert.
        """
        others = 1.0 + self.settings.rivals
        risk = self.gas_cost(view, gas)
        return bool(rng.random() < max(gain / (risk * others) if risk > 0 else 1.0, 1.0 / others))

    def gas_cost(self, view: View, gas: int) -> float:
        """USD that a transaction of `gas` would cost it now."""
        if self.settings.policy == "static":
            return gas * min(self.max_fee, view.base_fee + self.least_tip) * 1e-18 * view.eth_price
        return view.gas_cost(gas, self.least_tip)

    def starts(self, view: View, rng: np.random.Generator) -> Iterator[Intent]:
        """Starts, or first escalates, what is worth most if it pays for its gas; calls margin if it is to."""
        plan = self.settings
        cost = self.gas_cost(view, plan.start_gas)
        late = admissible(view, expected_equity(view, self.marks(view)))
        targets = np.union1d(self.in_danger(view), np.flatnonzero(late) + 1).tolist()
        prizes = [(self.prize(view, target), target) for target in targets]
        for gain, target in sorted((-gain, target) for gain, target in prizes if gain >= cost)[:8]:
            if self.joins(view, -gain, plan.start_gas, rng):
                start, fees = self.start(view, target), self.fees(view, 0.0, plan.start_gas)
                first = EscalateCall(account=self.account, target=target, fees=fees)
                yield first if late[target - 1] else start
        if plan.calls:
            for step in islice(call_steps(view, self.account, self.fees(view, 0.0, 100_000)), 4):
                # Keepers who do not know of each other's transactions take turns by chance.
                if rng.random() < 1.0 / (1.0 + plan.rivals):
                    yield step

    def unwind(self, view: View) -> Iterator[Intent]:
        """Closes inventory on the book, no further from mark than the slippage allows."""
        for column, (market, mark) in enumerate(zip(view.markets, self.marks(view).tolist(), strict=True)):
            size = float(view.accounts.size[self.row, column])
            if size == 0.0 or view.accounts.liquidating[self.row] or market.expired(view.timestamp):
                continue
            sells, slippage = size > 0, self.settings.slippage
            # Spreads of an option are those of what it is written on.
            far = (
                slippage * mark
                if not market.strike
                else max(5 * slippage * mark, 0.1 * slippage * market.spot)
            )
            limit = max(mark - far if sells else mark + far, market.tick_size)
            tick = market.tick_up(limit) if sells else market.tick_down(limit)
            near = market.bid_ticks >= tick if sells else market.ask_ticks <= tick
            there = int((market.bid_lots if sells else market.ask_lots)[near].sum())
            lots = min(market.lots(size), there)
            if lots:
                yield PlaceOrder(
                    account=self.account,
                    market=market.market,
                    is_bid=not sells,
                    tick=tick,
                    lots=lots,
                    options=IMMEDIATE | REDUCE_ONLY,
                    max_fills=16,
                    fees=self.fees(view, 0.0, 400_000),
                )

    def housekeeping(self, view: View, rng: np.random.Generator) -> Iterator[Intent]:
        """Moves auctions that no bid can help to the next stage of the waterfall."""
        if not self.settings.housekeeping:
            return
        fees = self.fees(view, 0.0, 300_000)
        left = 4
        for place in range(len(view.auctions.account)):
            step = next_step(view, place, self.account, fees)
            # Keepers who do not know of each other's transactions take turns by chance.
            if step is not None and rng.random() < 1.0 / (1.0 + self.settings.rivals):
                yield step
                left -= 1
                if not left:
                    return

    def raise_bids(self, view: View) -> Iterator[Intent]:
        """Raises the bid of what has waited too long, a quarter each time."""
        if self.settings.policy != "adaptive":
            return
        for tag, (intent, block) in list(self.pending.items()):
            if view.block - block >= self.settings.patience:
                fees = replace(
                    intent.fees,
                    tip=intent.fees.tip * 5 // 4 + 1,
                    max_fee=max(intent.fees.max_fee * 5 // 4 + 1, 2 * view.base_fee),
                )
                self.pending[tag] = (replace(intent, fees=fees), view.block)
                yield Reprice(account=self.account, fees=fees, tag=tag)

    def fees(self, view: View, profit: float, gas: int) -> Fees:
        """What it offers for a transaction that promises `profit` (USD) and uses about `gas`."""
        plan = self.settings
        if plan.policy == "static":
            return Fees(tip=min(self.least_tip, self.max_fee), max_fee=self.max_fee, lifetime=plan.lifetime)
        tip = self._tip(max(profit, 0.0) * self.share / gas, view)
        return Fees(tip=tip, max_fee=2 * view.base_fee + tip, lifetime=plan.lifetime)

    def on_receipt(self, receipt: Receipt, rng: np.random.Generator) -> None:
        """Books gas and outcome; what reverted is left alone for a while."""
        self.gas += receipt.paid
        intent = receipt.intent
        if isinstance(intent, Reprice):
            return
        self.pending.pop(intent.tag, None)
        self.attempts.close(receipt)
        if isinstance(intent, Bid):
            self.won += receipt.success
            self.failed += not receipt.success
        elif isinstance(intent, StartAuction):
            self.started += receipt.success
        if isinstance(intent, Bid | StartAuction):
            self._learn(receipt)

    def measure(self) -> dict[str, float]:
        """Transactions sent, auctions started, bids won and lost."""
        return {
            "sent": float(self.sent),
            "started": float(self.started),
            "bids_won": float(self.won),
            "bids_lost": float(self.failed),
        }

    def _learn(self, receipt: Receipt) -> None:
        """A lost race makes it offer more of the profit next time, a won one slowly less again."""
        plan = self.settings
        if receipt.success:
            self.share = max(0.97 * self.share, plan.profit_share)
        elif receipt.status is Status.REVERTED:
            self.share = min(1.2 * self.share, max(plan.most_share, plan.profit_share))

    def _tip(self, usd_per_gas: float, view: View) -> int:
        if view.eth_price <= 0:
            return self.least_tip
        return max(self.least_tip, int(usd_per_gas / view.eth_price * 1e18))

    def _track(self, intent: Intent, view: View) -> Intent | None:
        if isinstance(intent, Reprice):
            return intent
        if not self.attempts.allows(intent, view.block):
            return None
        self.tags += 1
        self.sent += 1
        marked = replace(intent, tag=self.tags)
        self.attempts.add(marked)
        self.pending[self.tags] = (marked, view.block)
        return marked


def _one(value: Distribution | float, rng: np.random.Generator) -> float:
    return float(value.draw(rng, 1)[0]) if isinstance(value, Distribution) else float(value)
