# SPDX-License-Identifier: Apache-2.0
"""The values of the order book: what is asked, what rests, what happened. May import nothing of the project.

Prices are ticks, sizes are lots, fees are wad USD; a market's tick and lot sizes turn them into nano units.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Protocol

__all__ = [
    "MAX_EXPIRY",
    "MAX_LEVEL_LOTS",
    "MAX_LOTS",
    "MAX_MARKET",
    "MAX_ORDERS",
    "MAX_TICK",
    "MAX_TOUCHES",
    "NO_OPTION",
    "Filled",
    "Ledger",
    "Level",
    "Market",
    "NewOrder",
    "Option",
    "Order",
    "Placed",
    "Placement",
    "Reason",
    "Refused",
    "Removed",
]

MAX_ORDERS = 32
"""Open orders of one account."""
MAX_TOUCHES = 64
"""Resting orders that one call meets at most."""
MAX_LOTS = 2**48 - 1
MAX_LEVEL_LOTS = 2**64 - 1
MAX_TICK = 2**24 - 1
MAX_EXPIRY = 2**32 - 1
MAX_MARKET = 2**16 - 1


class Option(IntFlag):
    """IExchange.Option."""

    POST_ONLY = 1
    IMMEDIATE = 2
    REDUCE_ONLY = 4


NO_OPTION = Option(0)


class Reason(IntEnum):
    """Why an order left the book other than by being filled."""

    CANCELLED = 1
    REPLACED = 2
    EXPIRED = 3
    BELOW_MARGIN = 4
    SELF_TRADE = 5
    LIQUIDATION = 6
    NOTHING_TO_REDUCE = 7
    MARKET_EXPIRED = 8


class Refused(ValueError):
    """The call reverts with this reason and changes nothing in the book."""


class Ledger(Protocol):
    """What stands behind the accounts. Whoever calls the book throws the ledger's changes away on Refused."""

    def authorised(self, account: int, caller: str) -> bool:
        """Whether `caller` is the account's owner or a delegate."""

    def position(self, account: int, market: int) -> int:
        """Nano base, positive long."""

    def in_liquidation(self, account: int) -> bool:
        """Whether the account's orders may not be filled any more."""

    def fill_maker(self, account: int, market: int, size: int, price: int, fee: int, reserved: bool) -> bool:
        """Apply one fill of a resting order (signed nano base, nano USD, wad); False: refused, no change."""

    def observe(self, account: int, market: int, size: int, quote: int, fee: int, resting: int) -> int:
        """Show the arriving side to what watches exposures, before `fill_taker`; the charge for it, wad."""

    def fill_taker(self, account: int, market: int, size: int, quote: int, fee: int, resting: int) -> None:
        """Apply the arriving side of all fills of one call and reserve what rests, both signed nano base."""

    def release(self, account: int, market: int, bids: int, asks: int) -> None:
        """Give back what was reserved for orders that left the book unfilled, nano base."""


@dataclass(frozen=True, slots=True)
class Market:
    tick_size: int
    """Nano USD per tick."""
    lot_size: int
    """Nano base per lot."""
    active: bool = True
    """False: reduce-only orders alone are taken."""
    expiry: int = 0
    """Unix seconds from which no order is taken or filled; 0 never."""


@dataclass(frozen=True, slots=True)
class Order:
    """A resting order."""

    order_id: int
    account: int
    market: int
    is_bid: bool
    tick: int
    lots: int
    """Still open."""
    expiry: int
    """Unix seconds from which it is void; 0 never."""
    reduce_only: bool


@dataclass(frozen=True, slots=True)
class NewOrder:
    """The arguments of a placement."""

    account: int
    market: int
    is_bid: bool
    tick: int
    lots: int
    options: Option = NO_OPTION
    expiry: int = 0
    max_fills: int = MAX_TOUCHES


@dataclass(frozen=True, slots=True)
class Placed:
    """IExchange.OrderPlaced."""

    order_id: int
    account: int
    market: int
    is_bid: bool
    tick: int
    lots: int
    expiry: int
    options: int


@dataclass(frozen=True, slots=True)
class Filled:
    """IExchange.OrderFilled; fees in wad USD."""

    order_id: int
    maker: int
    taker: int
    market: int
    taker_buys: bool
    tick: int
    lots: int
    maker_fee: int
    taker_fee: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Removed:
    """IExchange.OrderRemoved."""

    order_id: int
    account: int
    market: int
    lots: int
    reason: int


@dataclass(frozen=True, slots=True)
class Level:
    tick: int
    lots: int
    orders: int


@dataclass(frozen=True, slots=True)
class Placement:
    """What a placement did."""

    order_id: int
    """Of what rests; 0 when nothing does."""
    filled: int
    """Lots."""
    events: tuple[Placed | Filled | Removed, ...]
    """In the order of the contract's logs."""
