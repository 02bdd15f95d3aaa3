# SPDX-License-Identifier: Apache-2.0
"""Margin systems by name, and the sections of those that a scenario may have or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulation.config.kinds import BPS, SECONDS, TEXT, USD_WAD, YEARLY_WAD
from simulation.config.schema import Array, Table, Tables, knob

__all__ = [
    "DESK_KINDS",
    "ENGINES",
    "MIXED",
    "SECTION_OF",
    "CorrelationSpec",
    "CreditSpec",
    "DynamicSpec",
    "RiskSpec",
    "UnderlyingSpec",
]

ENGINES: Mapping[str, str] = {
    "cross": "CrossMargin",
    "isolated": "IsolatedMargin",
    "portfolio": "PortfolioMargin",
    "risk-based": "RiskBasedMargin",
    "dynamic": "DynamicMargin",
    "credit": "CreditMargin",
}
"""Contract of each margin system by its name, in the order in which a plan registers them."""
SECTION_OF: Mapping[str, str] = {
    "portfolio": "portfolio",
    "risk-based": "risk",
    "dynamic": "dynamic",
    "credit": "credit",
}
"""Section of [protocol] without which an engine is not deployed; the others always are."""
MIXED = "mixed"
"""In the place of an engine's name: the accounts of a population take turns with all that are deployed."""
DESK_KINDS = ("lender", "underwriter")
"""Kinds of agents that are of no use without a credit desk, and without which no line is granted."""
VOLATILITY = " volatility"
"""After the name of an asset: its other risk factor."""


@dataclass(frozen=True, slots=True)
class CreditSpec:
    """[protocol.credit]: lines of a CreditDesk on the CreditMargin engine over cross margin."""

    share: int = knob(BPS, "50 %", low="0 %", high="80 %")
    """Part of a requirement that a line may stand for."""
    multiple: int = knob(BPS, "200 %", low="0 %", high="1000 %")
    """Of own equity, what a line may stand for in initial margin."""
    use_rate: int = knob(YEARLY_WAD, "8 %/year", low="0 %/year", high="100 %/year")
    commitment_rate: int = knob(YEARLY_WAD, "1 %/year", low="0 %/year", high="100 %/year")
    junior_income: int = knob(BPS, "40 %", low="0 %", high="100 %")
    subordination: int = knob(BPS, "25 %", low="0 %", high="100 %")
    """Junior assets, as a share of all lines."""
    grace: int = knob(SECONDS, "1 d", low="10 min", high="7 d")
    """From the notice of a call to default."""
    fee_period: int = knob(SECONDS, "30 d", low="1 d", high="90 d")
    max_term: int = knob(SECONDS, "180 d", low="1 d", high="365 d")


@dataclass(frozen=True, slots=True)
class DynamicSpec:
    """[protocol.dynamic]: the DynamicMargin engine, the ratios of cross margin scaled by volatility."""

    reference_volatility: int = knob(BPS, "60 %", low="1 %", high="2000 %")
    """Annual; the ratios hold at it."""
    floor: int = knob(BPS, "50 %", low="10 %", high="100 %")
    cap: int = knob(BPS, "400 %", low="100 %", high="1000 %")
    rise: int = knob(BPS, "5 %", low="0.01 %", high="1000 %")
    """Of the ratios, in an hour at most."""
    fall: int = knob(BPS, "1 %", low="0.01 %", high="1000 %")
    buffer: int = knob(BPS, "25 %", low="0 %", high="100 %")
    """Held on top up to the reference volatility and used up above it."""


@dataclass(frozen=True, slots=True)
class UnderlyingSpec:
    """[protocol.risk.underlyings.ASSET]: what one asset has that differs from the others, and how much."""

    volatility: int = knob(YEARLY_WAD, "80 %/year", low="0.01 %/year", high="1000 %/year")
    """Of the price; the margin period is a day."""
    vol_volatility: int = knob(BPS, "8 %", low="0 %", high="400 %")
    """Standard deviation of a day's change of the 30-day implied volatility, in absolute terms."""
    basis: int = knob(BPS, "0.5 %", low="0 %", high="100 %")
    """Of the matched notional of different instruments."""
    short_option: int = knob(BPS, "5 %", low="0 %", high="100 %")
    """Of spot: least charge of a short option."""
    concentration_ratio: int = knob(BPS, "1 %", low="0 %", high="100 %")
    """Of the gross notional above the bound."""
    concentration_bound: int = knob(USD_WAD, "1_000_000 USD", low="0 USD", high="1_000_000_000_000 USD")
    """In whole thousands of USD."""


@dataclass(frozen=True, slots=True)
class CorrelationSpec:
    """[[protocol.risk.correlations]]: of two risk factors, `ETH` a price, `ETH volatility` the other."""

    first: str = knob(TEXT)
    second: str = knob(TEXT)
    correlation: int = knob(BPS, low="-100 %", high="100 %")


@dataclass(frozen=True, slots=True)
class RiskSpec:
    """[protocol.risk]: the RiskBasedMargin engine over all assets, with its RiskModel and OptionGreeks."""

    initial_quantile: int = knob(BPS, "300 %", low="0.01 %", high="1000 %")
    """In standard deviations of a day, as is the next."""
    maintenance_quantile: int = knob(BPS, "220 %", low="0.01 %", high="1000 %")
    together: int = knob(BPS, "20 %", low="0 %", high="100 %")
    """Share of the way of all correlations to one."""
    apart: int = knob(BPS, "5 %", low="0 %", high="100 %")
    """Share of the way of each correlation to plus or minus one, whichever hurts."""
    price_correlation: int = knob(BPS, "80 %", low="-100 %", high="100 %")
    """Of the prices of two assets, unless the pair is among the correlations."""
    volatility_correlation: int = knob(BPS, "60 %", low="-100 %", high="100 %")
    """Of the volatilities of two assets."""
    price_volatility_correlation: int = knob(BPS, "-30 %", low="-100 %", high="100 %")
    """Of any price and any volatility."""
    all_underlyings: UnderlyingSpec = knob(Table(UnderlyingSpec), {})
    """Of every asset that has no table among the underlyings."""
    underlyings: dict[str, UnderlyingSpec] = knob(Tables(Table(UnderlyingSpec)), {})
    correlations: tuple[CorrelationSpec, ...] = knob(Array(Table(CorrelationSpec)), [])

    def of(self, asset: str) -> UnderlyingSpec:
        """The parameters of an asset."""
        return self.underlyings.get(asset, self.all_underlyings)

    def lower_triangle(self, assets: tuple[str, ...]) -> tuple[int, ...]:
        """Correlations by rows without the diagonal, bps, of all prices and then of all volatilities."""
        factors = (*assets, *(asset + VOLATILITY for asset in assets))
        pairs = {frozenset((one.first, one.second)): one.correlation for one in self.correlations}
        return tuple(
            pairs.get(frozenset((factors[i], factors[j])), self._usual(i, j, len(assets)))
            for i in range(len(factors))
            for j in range(i)
        )

    def _usual(self, row: int, column: int, count: int) -> int:
        if row < count:
            return self.price_correlation
        return self.volatility_correlation if column >= count else self.price_volatility_correlation
