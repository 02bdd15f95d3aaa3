# SPDX-License-Identifier: Apache-2.0
"""Keepers: firms with finite capital that start auctions, bid, and sell on the book what they took over.

`Keeper` is made to be subclassed: override `choose` to bid differently, or `decide` for anything else; the
helpers (`in_danger`, `quotes`, `start`, `bid`, `unwind`, `housekeeping`) do the rest. Imports: agents.base,
agents.pricing, messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.agents.base import Agent, Endowment
from simulation.agents.waterfall import next_step
from simulation.config import knob
from simulation.config.kinds import FLAG, INTEGER, NUMBER, SHARE, USD, choice
from simulation.messages import (
    DELEVERAGE,
    IMMEDIATE,
    INSOLVENT,
    REDUCE_ONLY,
    SOLVENT,
    Bid,
    CallMargin,
    Fees,
    Intent,
    PlaceOrder,
    Receipt,
    Reprice,
    StartAuction,
    View,
)

__all__ = ["Keeper", "KeeperSettings", "SliceQuote"]

GWEI = 1_000_000_000
SLICES = (1.0, 0.5, 0.25, 0.1)
"""Parts of what may be taken that a keeper weighs."""


@dataclass(frozen=True, slots=True)
class KeeperSettings:
    """What a keeper has, wants and pays."""

    capital: float = knob(USD, "250_000 USD", low="1 USD")
    """In its account at the start."""
    min_profit: float = knob(USD, "25 USD")
    """Least expected profit of one transaction after gas and exit slippage."""
    slippage: float = knob(SHARE, "1 %", low="0 %", high="50 %")
    """Worst price, from mark, at which it sells inventory."""
    exit_risk: float = knob(SHARE, "10 %", low="0 %", high="100 %")
    """Loss it expects on the part of a slice that the book cannot take now."""
    taker_fee: float = knob(SHARE, "0.05 %", low="0 %", high="10 %")
    """Fee of closing on the book."""
    collateral_discount: float = knob(SHARE, "1 %", low="0 %", high="100 %")
    """Loss it expects on collateral that comes with a slice."""
    inventory: float = knob(NUMBER, 5.0, low=0.0, high=50.0)
    """Most notional it holds, over its equity."""
    latency: int = knob(INTEGER, 0, low=0, high=1000)
    """Blocks between a decision and its arrival in the pool."""
    policy: str = knob(choice("static", "adaptive"), "adaptive")
    """Gas: always the same bid, or one that follows base fee and profit and is raised while it waits."""
    tip: float = knob(NUMBER, 2.0, low=0.0)
    """Priority fee, gwei; of an adaptive keeper the least."""
    max_fee: float = knob(NUMBER, 50.0, low=0.0)
    """Maximal fee of a static keeper, gwei."""
    profit_share: float = knob(SHARE, "10 %", low="0 %", high="100 %")
    """Part of the expected profit that an adaptive keeper tips."""
    patience: int = knob(INTEGER, 2, low=1, high=1000)
    """Blocks an adaptive keeper waits before it raises the bid of a pending transaction by a quarter."""
    lifetime: int = knob(INTEGER, 30, low=1, high=10_000)
    """Blocks after which a transaction is given up."""
    calls: bool = knob(FLAG, True)
    """Whether it announces margin calls, which earns nothing."""
    housekeeping: bool = knob(FLAG, True)
    """Whether it moves auctions along the waterfall when that earns nothing."""
    start_gas: int = knob(INTEGER, 400_000, low=21_000)
    """Gas it expects to spend on starting an auction."""
    bid_gas: int = knob(INTEGER, 700_000, low=21_000)
    """Gas it expects to spend on a bid."""
    start_reward: float = knob(USD, "10 USD")
    """What it expects for starting an auction: the reward and the chance to win it."""


@dataclass(frozen=True, slots=True)
class SliceQuote:
    """One live auction as a bidder sees it. Money in USD, for the whole portfolio."""

    target: int
    """Account under liquidation."""
    value: float
    """Equity that is for sale: what the portfolio is worth at mark, less what earlier bidders paid."""
    price: float
    """What it costs; negative: paid out."""
    max_fraction: float
    """Share of 1 that may be taken."""

    @property
    def discount(self) -> float:
        """Value less price: gain of taking it all at mark, before gas and exit."""
        return self.value - self.price


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
        self.latency = self.settings.latency
        self.account = int(accounts[0])
        self.row = int(self.rows[0])
        self.pending: dict[int, tuple[Intent, int]] = {}
        self.busy: set[tuple[str, int]] = set()
        self.tags = 0
        self.sent = self.won = self.failed = 0
        self.gas = 0

    def endowments(self) -> Sequence[Endowment]:
        """All capital in the account."""
        return [Endowment(cash=self.settings.capital) for _ in self.accounts]

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """Raises stuck bids, sells inventory, starts auctions, bids, and moves the waterfall on."""
        intents = [*self.escalate(view), *self.unwind(view), *self.starts(view, rng)]
        if len(view.auctions.account):
            intents += [*self.choose(view, rng), *self.housekeeping(view, rng)]
        return [done for intent in intents if (done := self._track(intent, view)) is not None]

    def choose(self, view: View, rng: np.random.Generator) -> Iterator[Intent]:
        """The bids of this block: the best slices first, within capital and inventory."""
        equity = float(view.accounts.equity[self.row])
        free = 0.9 * (equity - float(view.accounts.initial_margin[self.row]))
        room = self.settings.inventory * equity - float(view.accounts.notional[self.row])
        for quote in self.quotes(view)[:3]:
            if free <= 0 or room <= 0:
                return
            target = quote.target - 1
            need = float(view.accounts.initial_margin[target]) + max(-quote.discount, 0.0)
            notional = float(view.accounts.notional[target])
            limit = min(
                quote.max_fraction, free / need if need > 0 else 1.0, room / notional if notional > 0 else 1.0
            )
            best = max(SLICES, key=lambda part: self.profit(view, quote, part * limit))
            profit = self.profit(view, quote, best * limit)
            if limit > 0 and profit >= self.settings.min_profit:
                yield self.bid(view, quote, best * limit, profit)
                free -= need * best * limit
                room -= notional * best * limit

    def in_danger(self, view: View) -> NDArray[np.int64]:
        """Accounts that may be put up for auction: equity below maintenance margin."""
        accounts = view.accounts
        low = (accounts.equity < accounts.maintenance_margin) & ~accounts.liquidating
        return np.flatnonzero(low) + 1

    def quotes(self, view: View) -> list[SliceQuote]:
        """Live auctions in which a bid may be made, the largest gain at mark first."""
        live = view.auctions
        equity = view.accounts.equity[live.account - 1]
        gain = (equity - live.reserved - live.price) * live.max_fraction
        flat = view.accounts.notional[live.account - 1] == 0
        open_now = (live.phase == SOLVENT) & (equity > live.reserved) & ~live.over
        # The insurance fund pays at once and in full, or the bid reverts.
        open_now |= (live.phase == INSOLVENT) & (-live.price * live.max_fraction <= view.fund.assets)
        # Once positions are closed, what collateral is left is sold on the account's own credit.
        open_now |= (live.phase == DELEVERAGE) & flat
        open_now &= (live.max_fraction > 0) & (live.account != self.account)
        order = np.argsort(-gain, kind="stable")
        return [
            SliceQuote(
                int(live.account[place]),
                float(equity[place] - live.reserved[place]),
                float(live.price[place]),
                float(live.max_fraction[place]),
            )
            for place in order[open_now[order]].tolist()
        ]

    def profit(self, view: View, quote: SliceQuote, fraction: float) -> float:
        """Expected gain of a slice in USD: discount less exit on the book, fees, collateral and gas."""
        if fraction <= 0:
            return -np.inf
        row, plan = quote.target - 1, self.settings
        cost = view.gas_cost(plan.bid_gas, self._tip(0.0, view))
        cost += float(view.accounts.collateral_value[row]) * fraction * plan.collateral_discount
        for column, market in enumerate(view.markets):
            size = float(view.accounts.size[row, column]) * fraction
            if size:
                exit_price = market.exit_price(size, plan.exit_risk)
                cost += size * (market.mark - exit_price) + abs(size) * market.mark * plan.taker_fee
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
        """Puts an account up for auction."""
        return StartAuction(
            account=self.account,
            target=target,
            fees=self.fees(view, self.settings.start_reward, self.settings.start_gas),
        )

    def starts(self, view: View, rng: np.random.Generator) -> Iterator[Intent]:
        """Starts auctions that pay for their gas, and announces margin calls."""
        plan = self.settings
        if plan.start_reward >= view.gas_cost(plan.start_gas, self._tip(0.0, view)):
            yield from (self.start(view, target) for target in self.in_danger(view).tolist()[:8])
        if plan.calls:
            accounts = view.accounts
            low = (accounts.equity < accounts.initial_margin) & ~accounts.liquidating
            low &= view.timestamp - accounts.called >= 3_600
            for row in np.flatnonzero(low).tolist()[:4]:
                # Keepers who do not know of each other's transactions take turns by chance.
                if rng.random() < 0.25:
                    yield CallMargin(account=self.account, target=row + 1, fees=self.fees(view, 0.0, 100_000))

    def unwind(self, view: View) -> Iterator[Intent]:
        """Closes inventory on the book, no further from mark than the slippage allows."""
        for column, market in enumerate(view.markets):
            size = float(view.accounts.size[self.row, column])
            if size == 0.0 or view.accounts.liquidating[self.row]:
                continue
            sells = size > 0
            limit = market.mark * (1.0 - self.settings.slippage if sells else 1.0 + self.settings.slippage)
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
            if step is not None and _key(step) not in self.busy and rng.random() < 0.5:
                yield step
                left -= 1
                if not left:
                    return

    def escalate(self, view: View) -> Iterator[Intent]:
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
            max_fee = int(plan.max_fee * GWEI)
            return Fees(tip=min(int(plan.tip * GWEI), max_fee), max_fee=max_fee, lifetime=plan.lifetime)
        tip = self._tip(max(profit, 0.0) * plan.profit_share / gas, view)
        return Fees(tip=tip, max_fee=2 * view.base_fee + tip, lifetime=plan.lifetime)

    def on_receipt(self, receipt: Receipt, rng: np.random.Generator) -> None:
        """Books gas and outcome; a target is free for another try."""
        self.gas += receipt.paid
        intent = receipt.intent
        if isinstance(intent, Reprice):
            return
        self.pending.pop(intent.tag, None)
        self.busy.discard(_key(intent))
        if isinstance(intent, Bid):
            self.won += receipt.success
            self.failed += not receipt.success

    def measure(self) -> dict[str, float]:
        """Transactions sent, bids won and lost."""
        return {"sent": float(self.sent), "bids_won": float(self.won), "bids_lost": float(self.failed)}

    def _tip(self, usd_per_gas: float, view: View) -> int:
        least = int(self.settings.tip * GWEI)
        return max(least, int(usd_per_gas / view.eth_price * 1e18)) if view.eth_price > 0 else least

    def _track(self, intent: Intent, view: View) -> Intent | None:
        if isinstance(intent, Reprice):
            return intent
        if _key(intent) in self.busy:  # the same is already in the pool
            return None
        self.tags += 1
        self.sent += 1
        self.busy.add(_key(intent))
        marked = replace(intent, tag=self.tags)
        self.pending[self.tags] = (marked, view.block)
        return marked


def _key(intent: Intent) -> tuple[str, int]:
    about = getattr(intent, "target", getattr(intent, "market", 0))
    return type(intent).__name__, int(about)
