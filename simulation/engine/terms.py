# SPDX-License-Identifier: Apache-2.0
"""What the engine must know of the deployed protocol: addresses, markets, assets, feeds, auction rules.

Plain values, filled in by the composition root from the scenario and the deployment. Imports: messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulation.messages import AuctionRules

__all__ = ["AssetTerms", "FeedTerms", "MarketTerms", "Protocol"]


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """One market; its number is its place in `Protocol.markets` plus one."""

    symbol: str
    feed: int
    tick_size: int
    """Nano USD per tick."""
    lot_size: int
    """Nano base per lot."""
    initial_margin: float
    """Of notional, share of 1, before tiers."""
    maintenance_margin: float
    tiers: tuple[tuple[float, float], ...] = ()
    """Notional in USD from which a multiplier of both margins holds; both rising."""


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
class Protocol:
    """The deployed protocol."""

    addresses: Mapping[str, bytes]
    """20 bytes by name of the deployment plan, tokens included."""
    markets: tuple[MarketTerms, ...]
    assets: tuple[AssetTerms, ...]
    feeds: tuple[FeedTerms, ...]
    auction: AuctionRules
    share_decimals: int
    """Of insurance-fund shares."""
    gas_symbol: str
    """Asset of the price path that gas is paid in; empty: `gas_price_usd` holds."""
    gas_price_usd: float = 0.0
