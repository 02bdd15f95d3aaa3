# SPDX-License-Identifier: Apache-2.0
"""Scenario files (TOML) to a typed, frozen Scenario; every error at once. Imports domain only."""

from __future__ import annotations

from simulation.config.distributions import Distribution, varies
from simulation.config.document import available_scenarios, read_document, scenario_path
from simulation.config.load import dump_scenario, load_scenario, parse_override
from simulation.config.scenario import (
    MAIN,
    AgentSpec,
    AssetModel,
    CollateralSpec,
    GasSpec,
    GbmSpec,
    JumpSpec,
    MarketSpec,
    ProtocolSpec,
    ReplaySpec,
    Scenario,
    SmileSpec,
    TierSpec,
    VenueSpec,
    WaypointSpec,
)
from simulation.config.schema import Problems, knob, read_table, show_table
from simulation.config.seeds import stream

__all__ = [
    "MAIN",
    "AgentSpec",
    "AssetModel",
    "CollateralSpec",
    "Distribution",
    "GasSpec",
    "GbmSpec",
    "JumpSpec",
    "MarketSpec",
    "Problems",
    "ProtocolSpec",
    "ReplaySpec",
    "Scenario",
    "SmileSpec",
    "TierSpec",
    "VenueSpec",
    "WaypointSpec",
    "available_scenarios",
    "dump_scenario",
    "knob",
    "load_scenario",
    "parse_override",
    "read_document",
    "read_table",
    "scenario_path",
    "show_table",
    "stream",
    "varies",
]
