# SPDX-License-Identifier: Apache-2.0
"""What the model keeps for an account, a market and an auction. Units: nano, wad, token units."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import IntEnum

from simulation.domain.oracle_math import FeedConfig, Tick
from simulation.domain.settlement_math import Observation

__all__ = [
    "Account",
    "Auction",
    "AuctionRules",
    "Collateral",
    "DatedMarket",
    "Feed",
    "MarketState",
    "Phase",
    "Position",
    "Quote",
    "Series",
]


@dataclass(slots=True)
class Position:
    """One market of an account; it exists while there is a size, a coin balance or a resting order."""

    size: int = 0
    entry: int = 0
    funding_index: int = 0
    bids: int = 0
    asks: int = 0
    coin: int = 0
    """Signed nano coin of an inverse position, which has no entry; it may outlast the size."""


@dataclass(slots=True)
class Account:
    owner: str
    engine: int
    cash: int = 0
    """Wad USD, as of `cash_index`; negative is a loan."""
    cash_index: int = 0
    """Interest index at which cash was last touched; 0 if never."""
    units: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Token units by asset; assets that are not held are not listed."""
    positions: dict[int, Position] = field(default_factory=dict)
    delegates: set[str] = field(default_factory=set)
    in_liquidation: bool = False
    call: Call | None = None
    """Its latest margin call, lapsed or not."""
    number: int = 0
    """Its id, by which the desk knows its line."""


@dataclass(slots=True)
class Collateral:
    feed: int
    decimals: int
    maintenance_haircut: int
    initial_haircut: int
    cap: int
    held: int = 0


@dataclass(slots=True)
class Feed:
    config: FeedConfig
    signers: int
    """Signatures that an update needs."""
    tick: Tick


@dataclass(slots=True)
class MarketState:
    """Funding, limits and open interest of a perpetual."""

    feed: int
    lot_size: int
    cap: int
    convergence_hours: int
    static_rate: int
    max_rate: int
    accrued_until: int
    index: int = 0
    """1e-18 USD per unit of base."""
    rate: int = 0
    """In force, wad per hour."""
    active: bool = True
    open_interest: int = 0


@dataclass(frozen=True, slots=True)
class Quote:
    """What a market is worth now; all zero where there is no price."""

    mark: int = 0
    spot: int = 0
    confidence: int = 0
    valid: bool = False


@dataclass(slots=True)
class DatedMarket:
    """The future of a series or one of its options."""

    lot_size: int
    cap: int
    given: Quote = Quote()
    """Forward or the board's mark, until there is a settlement price."""
    open_interest: int = 0


@dataclass(slots=True)
class Series:
    """What all markets of one underlying and one expiry share."""

    feed: int
    expiry: int
    strikes: tuple[int, ...]
    active: bool = True
    fixed: int = 0
    variable: int = 0
    """The forward in two parts, as given, nano USD."""
    observations: list[Observation] = field(default_factory=list)
    """Recorded for the settlement price, ascending in time."""
    price: int | None = None
    """Settlement price once it is fixed, nano USD."""


class CallStage(IntEnum):
    """ILiquidator.CallStage."""

    QUIET = 1
    NOTICE = 2
    HALF_TIME = 4
    ESCALATED = 8


@dataclass(slots=True)
class Call:
    """ILiquidator.MarginCall; times in unix seconds."""

    stage: CallStage
    called: int
    deadline: int
    lapses: int


class Phase(IntEnum):
    """ILiquidator.Phase."""

    IDLE = 1
    SOLVENT = 2
    INSOLVENT = 4
    DELEVERAGE = 8


@dataclass(slots=True)
class Auction:
    phase: Phase
    started: int
    """Unix seconds, at which the running clock would have begun had it never stood still."""
    paused: int = 0
    """Seconds on the clock that stands still: that of the solvent phase, or that of the phases below."""
    reserved: int = 0
    """Cash that earlier bidders paid, wad."""
    shortfall: int = 0
    """What it adds to the total that locks the fund, wad."""


@dataclass(frozen=True, slots=True)
class AuctionRules:
    """ILiquidator.Parameters."""

    start: int
    cut: int
    fast: int
    slow: int
    insolvent_length: int
    buffer: int
    fee: int
    equity_cutoff: int
    reward_rate: int
    reward_cap: int
    grace: int
    window: int
    early_auction: bool
