# SPDX-License-Identifier: Apache-2.0
"""An independent model of the whole protocol in exact integers, to hold the contracts against."""

from __future__ import annotations

from simulation.domain.model.engines import Engine, ScenarioEngine
from simulation.domain.model.fund import Fund
from simulation.domain.model.liquidation import Liquidation
from simulation.domain.model.markets import Markets
from simulation.domain.model.money import Money
from simulation.domain.model.positions import Positions
from simulation.domain.model.protocol import ProtocolModel
from simulation.domain.model.state import (
    Account,
    Auction,
    AuctionRules,
    Collateral,
    DatedMarket,
    Feed,
    MarketState,
    Phase,
    Position,
    Quote,
    Series,
)
from simulation.domain.orders import Refused

__all__ = [
    "Account",
    "Auction",
    "AuctionRules",
    "Collateral",
    "DatedMarket",
    "Engine",
    "Feed",
    "Fund",
    "Liquidation",
    "MarketState",
    "Markets",
    "Money",
    "Phase",
    "Position",
    "Positions",
    "ProtocolModel",
    "Quote",
    "Refused",
    "ScenarioEngine",
    "Series",
]
