# SPDX-License-Identifier: Apache-2.0
"""Tokens and markets of a protocol."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.config.kinds import BPS, HOURLY_WAD, INTEGER, PRICE_NANO, SECONDS, SIZE_NANO, TEXT, USD_WAD
from simulation.config.schema import Array, Table, knob

__all__ = ["CashSpec", "CollateralSpec", "FundingSpec", "InverseSpec", "MarketSpec", "SeriesSpec", "TierSpec"]


@dataclass(frozen=True, slots=True)
class CashSpec:
    """[protocol.cash]: the token in which cash is held."""

    symbol: str = knob(TEXT, "USDC")
    decimals: int = knob(INTEGER, 6, low=0, high=18)


@dataclass(frozen=True, slots=True)
class CollateralSpec:
    """[protocol.collaterals.SYMBOL]: a token accepted beside cash."""

    asset: str = knob(TEXT)
    """The price path that values it."""
    decimals: int = knob(INTEGER, 18, low=0, high=36)
    initial_haircut: int = knob(BPS, low="0 %", high="100 %")
    maintenance_haircut: int = knob(BPS, low="0 %", high="100 %")
    cap: int = knob(INTEGER, 1_000_000, low=0)
    """Whole tokens that the Vault accepts in all."""


@dataclass(frozen=True, slots=True)
class TierSpec:
    """Size tiers: what a position's notional exceeds a bound by pays the margin ratios times a multiplier."""

    first_bound: int = knob(USD_WAD, "2_000_000 USD", low="1_000_000 USD")
    second_bound: int = knob(USD_WAD, "10_000_000 USD", low="1_000_000 USD")
    first_multiplier: int = knob(BPS, "150 %", low="100 %", high="600 %")
    second_multiplier: int = knob(BPS, "250 %", low="100 %", high="600 %")


@dataclass(frozen=True, slots=True)
class FundingSpec:
    """Premium-based funding: rate per hour = clamp(premium / convergence + static rate, ±max rate)."""

    convergence: int = knob(SECONDS, "8 h", low="1 h", high="7 d")
    """In whole hours."""
    max_rate: int = knob(HOURLY_WAD, "0.75 %/h", low="0 %/h", high="2 %/h")
    static_rate: int = knob(HOURLY_WAD, "0 %/h")


@dataclass(frozen=True, slots=True)
class MarketSpec:
    """[protocol.markets.NAME]: one linear perpetual."""

    asset: str = knob(TEXT)
    tick: int = knob(PRICE_NANO, "0.01 USD", low="0.000000001 USD")
    lot: int = knob(SIZE_NANO, "0.001 base", low="0.000000001 base")
    initial_margin: int = knob(BPS, low="0.01 %", high="100 %")
    maintenance_margin: int = knob(BPS, low="0.01 %", high="100 %")
    tiers: TierSpec = knob(Table(TierSpec), {})
    open_interest_cap: int = knob(SIZE_NANO, "1_000_000 base", low="0 base")
    funding: FundingSpec = knob(Table(FundingSpec), {})


@dataclass(frozen=True, slots=True)
class InverseSpec:
    """[protocol.inverse.NAME]: one inverse perpetual, contracts of one USD settled in a collateral."""

    collateral: str = knob(TEXT)
    """The coin: a name of [protocol.collaterals], whose asset is the market's."""
    tick: int = knob(PRICE_NANO, "0.01 USD", low="0.000000001 USD")
    lot: int = knob(PRICE_NANO, "1 USD", low="0.000000001 USD")
    """Nano contracts."""
    initial_margin: int = knob(BPS, low="0.01 %", high="100 %")
    maintenance_margin: int = knob(BPS, low="0.01 %", high="100 %")
    tiers: TierSpec = knob(Table(TierSpec), {})
    open_interest_cap: int = knob(PRICE_NANO, "1_000_000_000 USD", low="0 USD")
    funding: FundingSpec = knob(Table(FundingSpec), {})


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """[protocol.series.NAME]: a dated future and options on one asset, all of one expiry."""

    asset: str = knob(TEXT)
    expiry: int = knob(SECONDS, low="1 h")
    """After the start of the scenario."""
    strikes: tuple[int, ...] = knob(Array(PRICE_NANO), [])
    """Ascending, at most 64; a call and a put each."""
    future_tick: int = knob(PRICE_NANO, "0.01 USD", low="0.000000001 USD")
    future_lot: int = knob(SIZE_NANO, "0.001 base", low="0.000000001 base")
    option_tick: int = knob(PRICE_NANO, "0.01 USD", low="0.000000001 USD")
    option_lot: int = knob(SIZE_NANO, "0.01 base", low="0.000000001 base")
    future_open_interest_cap: int = knob(SIZE_NANO, "1_000_000 base", low="0 base")
    option_open_interest_cap: int = knob(SIZE_NANO, "100_000 base", low="0 base")
    """Of each option."""
