# SPDX-License-Identifier: Apache-2.0
"""[protocol]: the risk parameters handed to deployment."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.config.kinds import BPS, FLAG, INTEGER, SECONDS, USD_WAD, YEARLY_WAD, choice
from simulation.config.scenario.guard import SolvencyGuardSpec
from simulation.config.scenario.markets import (
    CashSpec,
    CollateralSpec,
    InverseSpec,
    MarketSpec,
    SeriesSpec,
)
from simulation.config.scenario.options import GridSpec, OptionsSpec, PortfolioSpec
from simulation.config.scenario.systems import ENGINES, MIXED, SECTION_OF, CreditSpec, DynamicSpec, RiskSpec
from simulation.config.schema import Table, Tables, knob

__all__ = [
    "FeeSpec",
    "InsuranceSpec",
    "InterestSpec",
    "LiquidationSpec",
    "OracleSpec",
    "ProtocolSpec",
]


@dataclass(frozen=True, slots=True)
class InterestSpec:
    """[protocol.interest]: kinked yearly rate on utilisation, paid by negative cash."""

    minimum: int = knob(YEARLY_WAD, "2 %/year", low="0 %/year")
    slope: int = knob(YEARLY_WAD, "8 %/year", low="0 %/year")
    high_slope: int = knob(YEARLY_WAD, "90 %/year", low="0 %/year")
    optimal: int = knob(BPS, "85 %", low="0 %", high="100 %")
    reserve_fee: int = knob(BPS, "20 %", low="0 %", high="100 %")


@dataclass(frozen=True, slots=True)
class OracleSpec:
    """[protocol.oracle]: what the chain demands of an update; the relayer's policy stands with its agent."""

    heartbeat: int = knob(SECONDS, "1 h", low="1 s")
    """An older price refuses every action that adds risk."""
    max_spread: int = knob(BPS, "3 %", low="0 %", high="100 %")
    """Bound of mark around spot."""
    signers: int = knob(INTEGER, 1, low=1, high=8)
    threshold: int = knob(INTEGER, 1, low=1, high=8)
    confidence: int = knob(BPS, "100 %", low="0 %", high="100 %")


@dataclass(frozen=True, slots=True)
class LiquidationSpec:
    """[protocol.liquidation]: margin calls and the Dutch auction of portfolio slices."""

    start_discount: int = knob(BPS, "95 %", low="0 %", high="100 %")
    """Share of the slice's value asked at the start."""
    cut_discount: int = knob(BPS, "70 %", low="0 %", high="100 %")
    """Share asked when the fast phase ends."""
    fast: int = knob(SECONDS, "15 min", low="1 s", high="7 d")
    slow: int = knob(SECONDS, "12 h", low="10 min", high="7 d")
    insolvent: int = knob(SECONDS, "1 h", low="1 s", high="7 d")
    """In this time an insolvent auction's payment rises from nothing to the maintenance margin."""
    fee: int = knob(BPS, "5 %", low="0 %", high="100 %")
    """Share of the first slice's equity that goes to the insurance fund."""
    buffer: int = knob(BPS, "15 %", low="1 %", high="100 %")
    equity_cutoff: int = knob(USD_WAD, "500 USD", low="0 USD", high="10_000 USD")
    """An account with less equity may be taken whole: its lots are too coarse to be cut into slices."""
    reward_rate: int = knob(BPS, "2 %", low="0 %", high="10 %")
    """Share of the equity paid to whoever starts an auction."""
    reward: int = knob(USD_WAD, "500 USD", low="0 USD", high="10_000 USD")
    """Bound of that payment."""
    grace: int = knob(SECONDS, "1 h", low="10 min", high="7 d")
    """From the notice of a margin call to its escalation; where calls only inform, from one to the next."""
    window: int = knob(SECONDS, "0 s", low="0 s", high="7 d")
    """After the grace, in which a call may be escalated and stays so; 0: calls only inform."""
    early_auction: bool = knob(FLAG, True)
    """Whether an escalated account may be put up for auction above maintenance margin: below the buffer."""


@dataclass(frozen=True, slots=True)
class FeeSpec:
    """[protocol.fees]: of every fill, share of the notional."""

    maker: int = knob(BPS, "0.02 %", low="0 %", high="1 %")
    taker: int = knob(BPS, "0.05 %", low="0 %", high="1 %")


@dataclass(frozen=True, slots=True)
class InsuranceSpec:
    """[protocol.insurance]."""

    seed: int = knob(USD_WAD, "250_000 USD", low="0 USD")


@dataclass(frozen=True, slots=True)
class ProtocolSpec:
    """[protocol]: the risk parameters handed to deployment."""

    markets: dict[str, MarketSpec] = knob(Tables(Table(MarketSpec), least=1))
    inverse: dict[str, InverseSpec] = knob(Tables(Table(InverseSpec)), {})
    series: dict[str, SeriesSpec] = knob(Tables(Table(SeriesSpec)), {})
    engine: str = knob(choice(*ENGINES, MIXED), "cross")
    """Margin system of the agents' accounts, or `mixed`; a population may have its own."""
    cash: CashSpec = knob(Table(CashSpec), {})
    collaterals: dict[str, CollateralSpec] = knob(Tables(Table(CollateralSpec)), {})
    fees: FeeSpec = knob(Table(FeeSpec), {})
    interest: InterestSpec = knob(Table(InterestSpec), {})
    oracle: OracleSpec = knob(Table(OracleSpec), {})
    liquidation: LiquidationSpec = knob(Table(LiquidationSpec), {})
    insurance: InsuranceSpec = knob(Table(InsuranceSpec), {})
    timelock: int = knob(SECONDS, "2 d", low="0 s")
    engine_delay: int | None = knob(SECONDS, None, low="10 min", high="30 d")
    """From the request to the change of an account's margin system; without it none can be changed."""
    credit: CreditSpec | None = knob(Table(CreditSpec), None)
    """Without the table there is no desk."""
    dynamic: DynamicSpec | None = knob(Table(DynamicSpec), None)
    """Without the table there is no such engine."""
    options: OptionsSpec | None = knob(Table(OptionsSpec), None)
    """Without the table cross and isolated margin admit no dated market."""
    portfolio: PortfolioSpec | None = knob(Table(PortfolioSpec), None)
    """Without the table there is no such engine."""
    risk: RiskSpec | None = knob(Table(RiskSpec), None)
    """Without the table there is no such engine."""
    solvency_guard: SolvencyGuardSpec | None = knob(Table(SolvencyGuardSpec), None)
    """Without the table nothing watches exposures."""

    @property
    def engines(self) -> dict[str, int]:
        """Id in the Vault of every margin engine that is deployed, by name, in the order of ENGINES."""
        absent = [name for name, section in SECTION_OF.items() if getattr(self, section) is None]
        deployed = [name for name in ENGINES if name not in absent]
        return {name: number for number, name in enumerate(deployed, start=1)}

    @property
    def has_board(self) -> bool:
        """Whether Surface and RiskBoard are deployed: for series, and for the engines that read boards."""
        readers = (self.options, self.portfolio, self.risk)
        return bool(self.series) or any(section is not None for section in readers)

    @property
    def grid(self) -> GridSpec:
        """What the RiskBoard values options in."""
        return GridSpec() if self.portfolio is None else self.portfolio.grid
