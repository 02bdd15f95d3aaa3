# SPDX-License-Identifier: Apache-2.0
"""Agents: pure decisions, view in, intents out. They know neither chain nor mempool."""

from simulation.agents.base import Agent, Endowment
from simulation.agents.carry_traders import CarryTraders
from simulation.agents.depositors import DepositorSettings, InsuranceDepositors
from simulation.agents.keeper import Keeper, KeeperSettings
from simulation.agents.lenders import Lenders, LenderSettings
from simulation.agents.market_maker import MarketMaker, MarketMakerSettings
from simulation.agents.operator import OperatorSettings, ProtocolOperator
from simulation.agents.option_traders import BasisTraders, OptionWriters, PutBuyers
from simulation.agents.registry import AGENT_KINDS, SETTINGS_CLASSES, load_agent, make_agent, make_agents
from simulation.agents.relayer import OracleRelayer, PriceSigner, RelayerSettings
from simulation.agents.signing import TypedDataSigner, address_of, signing_key
from simulation.agents.slices import SliceQuote
from simulation.agents.spread_traders import SpreadSettings, SpreadTraders
from simulation.agents.surface_relayer import SurfaceRelayer
from simulation.agents.surface_signing import SurfaceSigner
from simulation.agents.traders import (
    MeanReversionSettings,
    MeanReversionTraders,
    MomentumSettings,
    MomentumTraders,
    NoiseSettings,
    NoiseTraders,
    Traders,
    TraderSettings,
)
from simulation.agents.underwriter import Underwriter, UnderwriterSettings
from simulation.agents.whale import Whale, WhaleSettings

__all__ = [
    "AGENT_KINDS",
    "SETTINGS_CLASSES",
    "Agent",
    "BasisTraders",
    "CarryTraders",
    "DepositorSettings",
    "Endowment",
    "InsuranceDepositors",
    "Keeper",
    "KeeperSettings",
    "LenderSettings",
    "Lenders",
    "MarketMaker",
    "MarketMakerSettings",
    "MeanReversionSettings",
    "MeanReversionTraders",
    "MomentumSettings",
    "MomentumTraders",
    "NoiseSettings",
    "NoiseTraders",
    "OperatorSettings",
    "OptionWriters",
    "OracleRelayer",
    "PriceSigner",
    "ProtocolOperator",
    "PutBuyers",
    "RelayerSettings",
    "SliceQuote",
    "SpreadSettings",
    "SpreadTraders",
    "SurfaceRelayer",
    "SurfaceSigner",
    "TraderSettings",
    "Traders",
    "TypedDataSigner",
    "Underwriter",
    "UnderwriterSettings",
    "Whale",
    "WhaleSettings",
    "address_of",
    "load_agent",
    "make_agent",
    "make_agents",
    "signing_key",
]
