# SPDX-License-Identifier: Apache-2.0
"""The Scenario: everything a run is made from, as frozen values. Integers are in the chain's units."""

from __future__ import annotations

from simulation.config.scenario.assets import (
    AssetModel,
    GbmSpec,
    JumpSpec,
    ReplaySpec,
    SmileSpec,
    WaypointSpec,
)
from simulation.config.scenario.guard import MODES, SolvencyGuardSpec, WatchSpec
from simulation.config.scenario.markets import (
    CashSpec,
    CollateralSpec,
    FundingSpec,
    InverseSpec,
    MarketSpec,
    SeriesSpec,
    TierSpec,
)
from simulation.config.scenario.options import FutureSpec, GridSpec, OptionsSpec, PortfolioSpec, ShockSpec
from simulation.config.scenario.protocol import (
    FeeSpec,
    InsuranceSpec,
    InterestSpec,
    LiquidationSpec,
    OracleSpec,
    ProtocolSpec,
)
from simulation.config.scenario.run import (
    SECTIONS,
    AgentSpec,
    ChainSpec,
    GasSpec,
    RecorderSpec,
    Scenario,
    TimeSpec,
)
from simulation.config.scenario.systems import (
    DESK_KINDS,
    ENGINES,
    MIXED,
    SECTION_OF,
    CorrelationSpec,
    CreditSpec,
    DynamicSpec,
    RiskSpec,
    UnderlyingSpec,
)
from simulation.config.scenario.venues import MAIN, VenueSpec

__all__ = [
    "DESK_KINDS",
    "ENGINES",
    "MAIN",
    "MIXED",
    "MODES",
    "SECTIONS",
    "SECTION_OF",
    "AgentSpec",
    "AssetModel",
    "CashSpec",
    "ChainSpec",
    "CollateralSpec",
    "CorrelationSpec",
    "CreditSpec",
    "DynamicSpec",
    "FeeSpec",
    "FundingSpec",
    "FutureSpec",
    "GasSpec",
    "GbmSpec",
    "GridSpec",
    "InsuranceSpec",
    "InterestSpec",
    "InverseSpec",
    "JumpSpec",
    "LiquidationSpec",
    "MarketSpec",
    "OptionsSpec",
    "OracleSpec",
    "PortfolioSpec",
    "ProtocolSpec",
    "RecorderSpec",
    "ReplaySpec",
    "RiskSpec",
    "Scenario",
    "SeriesSpec",
    "ShockSpec",
    "SmileSpec",
    "SolvencyGuardSpec",
    "TierSpec",
    "TimeSpec",
    "UnderlyingSpec",
    "VenueSpec",
    "WatchSpec",
    "WaypointSpec",
]
