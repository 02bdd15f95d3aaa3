# SPDX-License-Identifier: Apache-2.0
"""One portfolio on deployed contracts, under every margin system. Imports: agents, chain and below."""

from simulation.analysis.analyse import analyse
from simulation.analysis.hedge import Hedge, Trade
from simulation.analysis.liquidation import LiquidationPrice
from simulation.analysis.load import load_portfolio
from simulation.analysis.portfolio import Portfolio
from simulation.analysis.result import Grid, Held, MarginAnalysis, NamedTerm, SystemResult, exact
from simulation.analysis.tails import Excess, Tails

__all__ = [
    "Excess",
    "Grid",
    "Hedge",
    "Held",
    "LiquidationPrice",
    "MarginAnalysis",
    "NamedTerm",
    "Portfolio",
    "SystemResult",
    "Tails",
    "Trade",
    "analyse",
    "exact",
    "load_portfolio",
]
