# SPDX-License-Identifier: Apache-2.0
"""What every agent sees: the world after the latest block, read once and shared by all.

Frozen by agreement: arrays are marked read-only before they are handed out. Floats are in natural units (USD,
units of base, whole tokens) and serve decisions; ticks, lots and ids are the chain's integers. Row i of every
account array is account i + 1, column j of every market array is
`View.markets[j]`. Sizes of an inverse market are contracts of one USD, not units of base; its prices are USD
per unit of base like all others. Imports: domain, messages.market, NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulation.domain.market_math import is_inverse
from simulation.messages.credit import CreditView
from simulation.messages.market import Smile

__all__ = [
    "DELEVERAGE",
    "ESCALATED",
    "INSOLVENT",
    "SOLVENT",
    "AccountsView",
    "AuctionRules",
    "AuctionsView",
    "FeedView",
    "Floats",
    "FundView",
    "MarketView",
    "OrdersView",
    "SeriesView",
    "View",
]

SOLVENT: Final = 2
"""Phase of an auction, numbered as on chain: slices are sold at a falling share of their value."""
INSOLVENT: Final = 4
"""Bidders are paid by the insurance fund."""
DELEVERAGE: Final = 8
"""Positions are closed against profitable counterparties."""

ESCALATED: Final = 8
"""Stage of a margin call beside those of messages.credit: grace is over, orders are cancelled, and the
account may be put up for auction below the buffer."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class MarketView:
    """One market: oracle, book, funding."""

    market: int
    """From 1."""
    symbol: str
    feed: int
    tick_size: float
    """USD per tick."""
    lot_size: float
    """Units of base per lot."""
    reference: float
    """Price elsewhere right now, USD: what a trader with a screen sees before the oracle does."""
    spot: float
    """Oracle, as stored on chain, USD."""
    mark: float
    """Oracle, as stored on chain, USD."""
    confidence: float
    """Of the oracle, share of 1."""
    valid: bool
    """The oracle's price may be used by actions that add risk."""
    funding_rate: float
    """Per hour, ratio of spot; positive: longs pay."""
    funding_index: float
    """Cumulative funding, USD per unit of base."""
    open_interest: float
    """Units of base, one side."""
    last_price: float
    """Of the latest fill, USD; mark before the first."""
    bid_ticks: Integers
    """Levels of the book, best first."""
    bid_lots: Integers
    ask_ticks: Integers
    ask_lots: Integers
    series: int = 0
    """Of a dated market; 0: a perpetual."""
    strike: float = 0.0
    """Of an option, USD; 0: no option."""
    is_call: bool = False
    expiry: int = 0
    """Unix seconds, of a dated market."""
    settled: bool = False
    """The mark is what positions are closed at."""
    delta: float = 1.0
    """Change of the price elsewhere per USD of the underlying there."""
    vega: float = 0.0
    """Change of the price elsewhere per 1 of volatility, USD."""
    settled_in: int = 0
    """Asset in which an inverse market pays."""
    pool: float = 0.0
    """Coin that losers of an inverse market have paid and winners not yet taken, units of base."""

    worth: float = field(init=False)
    """USD of notional per unit of size: mark, or one of an inverse market."""
    best_bid: int = field(init=False)
    """Tick; 0: no bids."""
    best_ask: int = field(init=False)
    """Tick; 0: no asks."""
    mid: float = field(init=False)
    """Middle of the book, USD; mark when a side is empty."""

    def __post_init__(self) -> None:
        bid = int(self.bid_ticks[0]) if len(self.bid_ticks) else 0
        ask = int(self.ask_ticks[0]) if len(self.ask_ticks) else 0
        object.__setattr__(self, "best_bid", bid)
        object.__setattr__(self, "best_ask", ask)
        both = len(self.bid_ticks) and len(self.ask_ticks)
        object.__setattr__(self, "mid", 0.5 * (bid + ask) * self.tick_size if both else self.mark)
        object.__setattr__(self, "worth", 1.0 if self.inverse else self.mark)

    @property
    def inverse(self) -> bool:
        """Whether sizes are contracts of one USD, and PnL is coin."""
        return is_inverse(self.market)

    def size_of(self, usd: float, price: float) -> float:
        """The size of which the notional at `price` is `usd`."""
        return usd if self.inverse else usd / price

    def size_for(self, base: float, price: float) -> float:
        """The size that moves like `base` units of base at `price`."""
        return base * price if self.inverse else base

    def notional(self, size: float, price: float) -> float:
        """USD that trade hands with a size at `price`."""
        return size if self.inverse else size * price

    def base(self, size: float, price: float) -> float:
        """Units of base that trade hands with a size at `price`."""
        return size / price if self.inverse else size

    def expired(self, timestamp: int) -> bool:
        """A dated market whose time is over at `timestamp`: it takes no orders."""
        return 0 < self.expiry <= timestamp

    def tick_down(self, price: float) -> int:
        """The tick at or below a price in USD, at least 1."""
        return max(1, int(price / self.tick_size))

    def tick_up(self, price: float) -> int:
        """The tick at or above a price in USD, at least 1."""
        return max(1, -int(-price // self.tick_size))

    def lots(self, size: float) -> int:
        """Whole lots in an unsigned size in units of base, rounded down."""
        return int(abs(size) / self.lot_size + 1e-9)

    def depth(self, is_bid: bool, within: float) -> float:
        """Resting size not further than the ratio `within` from mid."""
        if is_bid:
            near = self.bid_ticks * self.tick_size >= self.mid * (1.0 - within)
            return float(self.bid_lots[near].sum()) * self.lot_size
        near = self.ask_ticks * self.tick_size <= self.mid * (1.0 + within)
        return float(self.ask_lots[near].sum()) * self.lot_size

    def exit_price(self, size: float, missing: float = 0.1) -> float:
        """Average price at which a position of signed `size` (units of base) could be closed on the book now.

        What the book does not hold is valued at mark, worsened by the ratio `missing`.
        """
        ticks, lots = (self.bid_ticks, self.bid_lots) if size > 0 else (self.ask_ticks, self.ask_lots)
        wanted = abs(size)
        if wanted == 0:
            return self.mark
        filled = np.minimum(lots.cumsum() * self.lot_size, wanted)
        parts = filled.copy()
        parts[1:] -= filled[:-1]
        rest = wanted - (float(filled[-1]) if len(filled) else 0.0)
        worse = self.mark * (1.0 - missing if size > 0 else 1.0 + missing)
        return (float(parts @ ticks) * self.tick_size + rest * worse) / wanted


@dataclass(frozen=True, slots=True, eq=False)
class AccountsView:
    """All accounts of the Vault, one row each; what their owners hold outside it too."""

    cash: Floats
    """USD, signed, stored: without interest since the last touch."""
    size: Floats
    """(accounts, markets), units of base, positive long."""
    entry: Floats
    """(accounts, markets), average entry price, USD; 0 of inverse markets, which have a coin balance."""
    unrealised: Floats
    """(accounts, markets), at mark, unpaid funding included, USD."""
    bids: Floats
    """(accounts, markets), resting buy size, units of base."""
    asks: Floats
    collateral: Floats
    """(accounts, assets 1..), whole tokens."""
    collateral_value: Floats
    """(accounts), full value at spot, USD, cash excluded."""
    equity: Floats
    """cash + unrealised + collateral at full value, USD."""
    initial_margin: Floats
    """Requirement, resting orders at their worst, haircuts included, USD."""
    maintenance_margin: Floats
    notional: Floats
    """Sum over markets of |size| * mark, USD."""
    liquidating: Flags
    called: Integers
    """Unix seconds at which a call last reached the owner, as notice or at half-time; 0: never."""
    call_stage: Integers
    """Of the latest call: QUIET, NOTICE, HALF_TIME or ESCALATED. It is void from `call_lapses` on."""
    call_deadline: Integers
    """Unix seconds from which the latest call may be escalated."""
    call_lapses: Integers
    wallet: Floats
    """(accounts, assets 0..), whole tokens that the owner holds outside the Vault."""
    fund_shares: Floats
    """Insurance-fund shares of the owner, in whole shares."""
    delta: Floats
    """(accounts, markets), what `unrealised` gains per USD that the market's mark rises, units of base: the
    size, of an inverse position its coin balance, which may outlast the size."""

    @property
    def leverage(self) -> Floats:
        """Notional over equity; infinite where equity is not positive but a position is open."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.notional / self.equity
        return np.where(self.notional == 0.0, 0.0, np.where(self.equity > 0.0, ratio, np.inf))


@dataclass(frozen=True, slots=True, eq=False)
class OrdersView:
    """All resting orders, oldest first."""

    order_id: Integers
    account: Integers
    market: Integers
    is_bid: Flags
    tick: Integers
    lots: Integers
    """Still open."""

    def of(self, accounts: Integers) -> OrdersView:
        """The orders of some accounts; `accounts` sorted."""
        place = np.searchsorted(accounts, self.account)
        rows = np.flatnonzero(accounts[np.minimum(place, len(accounts) - 1)] == self.account)
        return OrdersView(
            self.order_id[rows],
            self.account[rows],
            self.market[rows],
            self.is_bid[rows],
            self.tick[rows],
            self.lots[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class AuctionsView:
    """Live auctions, by rising account."""

    account: Integers
    phase: Integers
    """SOLVENT, INSOLVENT or DELEVERAGE."""
    started: Integers
    """Unix seconds, at which the clock of the present phase would have begun had it never stood still."""
    reserved: Floats
    """Paid by earlier bidders, USD; never sold again."""
    price: Floats
    """Of the whole at the time of the view, USD; negative: the bidder is paid."""
    max_fraction: Floats
    """What a bid may take at most, share of 1; 0 where an account has recovered and needs a restart."""
    buffer_margin: Floats
    """Equity less maintenance margin and its buffer, USD; at 0 the auction ends."""
    over: Flags
    """Nobody came in the time that its phase allows."""


@dataclass(frozen=True, slots=True)
class AuctionRules:
    """Parameters of margin calls and auctions, as stored on chain. Shares of 1, seconds, USD."""

    start: float = 0.95
    """Share of its value asked for a slice at the start."""
    cut: float = 0.7
    """Share asked when the fast phase ends."""
    fast: int = 900
    slow: int = 43_200
    insolvent: int = 3_600
    """In this time an insolvent auction's payment rises from nothing to the maintenance margin."""
    buffer: float = 0.15
    equity_cutoff: float = 0.0
    """Below it the whole account may be taken."""
    reward_rate: float = 0.0
    """Share of the equity paid to whoever starts an auction."""
    reward_cap: float = 0.0
    grace: int = 3_600
    """From the notice of a margin call to its escalation."""
    window: int = 0
    """After the grace, until the call is void; 0: calls only inform."""
    early_auction: bool = True
    """Whether an escalated account may be put up for auction from a buffer margin below zero on."""

    def reward(self, equity: float) -> float:
        """What starting the auction of an account with this equity pays, USD."""
        return min(max(equity, 0.0) * self.reward_rate, self.reward_cap)


@dataclass(frozen=True, slots=True)
class FeedView:
    """One price feed of the oracle."""

    feed: int
    market: int
    """First market priced by it; 0: none, it prices a collateral only."""
    reference: float
    """Price elsewhere right now, USD."""
    spot: float
    """As stored on chain, USD; 0 before the first update."""
    mark: float
    timestamp: int
    """Of the observation on chain, unix seconds."""
    flags: int
    """Of the tick on chain; 0: fit for actions that add risk while fresh."""


@dataclass(frozen=True, slots=True)
class FundView:
    """The insurance fund."""

    assets: float
    """Cash tokens, USD."""
    shares: float
    """Whole shares outstanding."""
    share_decimals: int
    locked: bool
    """Withdrawals are refused."""
    deficit: float
    """Socialised loss that withdrawals from the Vault still bear, USD."""


@dataclass(frozen=True, slots=True)
class SeriesView:
    """One series of dated markets."""

    series: int
    """From 1."""
    feed: int
    expiry: int
    """Unix seconds."""
    spot: float
    """Of the underlying elsewhere right now, USD."""
    forward: float
    """Price elsewhere right now of the underlying at expiry, USD."""
    smile: Smile
    """Volatility elsewhere right now."""
    board: int
    """Unix seconds of the latest board; 0: none."""
    settlement: float
    """USD; 0: not fixed."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The world that decisions of one block are made from."""

    block: int
    """Number of the block being built; the state is that after the block before."""
    timestamp: int
    """Of the block being built, unix seconds."""
    block_time: int
    """Seconds between blocks."""
    base_fee: int
    """Of the block being built, wei per gas."""
    eth_price: float
    """USD per ETH, turns gas into money."""
    markets: tuple[MarketView, ...]
    feeds: tuple[FeedView, ...]
    accounts: AccountsView
    orders: OrdersView
    auctions: AuctionsView
    fund: FundView
    asset_decimals: tuple[int, ...]
    """Of assets 0.. in token units; turns whole tokens into units."""
    asset_prices: tuple[float, ...] = field(default=(1.0,))
    """USD per whole token of assets 0.."""
    rules: AuctionRules = field(default=AuctionRules())
    """Of margin calls and auctions."""
    series: tuple[SeriesView, ...] = ()
    """All series, by number."""
    credit: CreditView | None = None
    """None: no credit desk is deployed."""

    @property
    def perpetuals(self) -> tuple[MarketView, ...]:
        """Markets that never expire; they come first."""
        return tuple(market for market in self.markets if not market.series)

    def payable(self, rows: Integers) -> Floats:
        """USD that bidders for accounts under water can be paid, by row: their line, then the fund."""
        fund = np.full(len(rows), self.fund.assets)
        return fund if self.credit is None else fund + self.credit.commitment[rows]

    def gas_cost(self, gas: int, tip: int = 0) -> float:
        """USD that `gas` units would cost at the next base fee with a tip in wei."""
        return gas * (self.base_fee + tip) * 1e-18 * self.eth_price

    def units(self, asset: int, amount: float) -> int:
        """Token units of an amount in whole tokens, rounded down."""
        return int(amount * 10 ** self.asset_decimals[asset])
