# SPDX-License-Identifier: Apache-2.0
"""What the engine must know of the deployed protocol: addresses, markets, assets, feeds, auction rules.

Plain values, filled in by the composition root from the scenario and the deployment.
Imports: domain, messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulation.domain.market_math import future
from simulation.messages import AuctionRules, CreditRules

__all__ = ["AssetTerms", "CreditTerms", "FeedTerms", "MarketTerms", "Protocol", "SeriesTerms"]


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """One market."""

    symbol: str
    feed: int
    tick_size: int
    """Nano USD per tick."""
    lot_size: int
    """Nano base per lot, nano contracts of an inverse perpetual."""
    initial_margin: float
    """Of notional, share of 1, before tiers."""
    maintenance_margin: float
    tiers: tuple[tuple[float, float], ...] = ()
    """Notional in USD from which a multiplier of both margins holds; both rising."""
    number: int = 0
    """Of the market on chain; 0: its place in `Protocol.markets` plus one, as perpetuals have."""
    strike: int = 0
    """Nano USD, of an option."""
    settled_in: int = 0
    """Number of the asset in which an inverse perpetual pays; 0: another kind of market."""


@dataclass(frozen=True, slots=True)
class AssetTerms:
    """One asset; its number is its place in `Protocol.assets`, 0 is the cash token."""

    contract: str
    """Name of the token in `Protocol.addresses` and in events."""
    symbol: str
    decimals: int
    feed: int = 0
    """Feed that prices it; 0: one USD."""
    initial_haircut: float = 0.0
    """Share of 1."""
    maintenance_haircut: float = 0.0


@dataclass(frozen=True, slots=True)
class FeedTerms:
    """One price feed of the oracle."""

    feed: int
    symbol: str
    """Asset of the price path that it follows."""


@dataclass(frozen=True, slots=True)
class SeriesTerms:
    """One series of dated markets; its number is its place in `Protocol.series` plus one."""

    symbol: str
    """Its name in the scenario."""
    feed: int
    expiry: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class CreditTerms:
    """The credit desk."""

    accounts: tuple[int, ...]
    """On the credit engine, rising: those that may have a line."""
    rules: CreditRules


@dataclass(frozen=True, slots=True)
class Protocol:
    """The deployed protocol."""

    addresses: Mapping[str, bytes]
    """20 bytes by name of the deployment plan, tokens included."""
    markets: tuple[MarketTerms, ...]
    """Perpetuals first, then dated ones by number; what is said of a market stands at its place here."""
    assets: tuple[AssetTerms, ...]
    feeds: tuple[FeedTerms, ...]
    auction: AuctionRules
    share_decimals: int
    """Of insurance-fund shares."""
    gas_symbol: str
    """Asset of the price path that gas is paid in; empty: `gas_price_usd` holds."""
    gas_price_usd: float = 0.0
    series: tuple[SeriesTerms, ...] = ()
    asks_margins: bool = False
    """Margins of accounts are asked of the chain in every block: options, and engines that are not cross."""
    credit: CreditTerms | None = None
    """None: no desk is deployed."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Market numbers, in the order of `markets`."""
        return tuple(market.number or place for place, market in enumerate(self.markets, 1))

    @property
    def perpetuals(self) -> int:
        """How many of `markets` are no dated ones."""
        first = future(1)
        return sum(number < first for number in self.numbers)

    @property
    def inverse(self) -> tuple[int, ...]:
        """Places in `markets` of inverse perpetuals."""
        return tuple(place for place, market in enumerate(self.markets) if market.settled_in)
