# SPDX-License-Identifier: Apache-2.0
"""An independent model of the whole protocol in exact integers, to hold the contracts against."""

from __future__ import annotations

from simulation.domain.model.coin_pool import CoinPool
from simulation.domain.model.credit import CreditRules, Desk
from simulation.domain.model.engines import (
    AnyEngine,
    CreditEngine,
    DynamicEngine,
    Engine,
    RiskEngine,
    ScenarioEngine,
)
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
from simulation.domain.model.switch import Switch
from simulation.domain.orders import Refused

__all__ = [
    "Account",
    "AnyEngine",
    "Auction",
    "AuctionRules",
    "CoinPool",
    "Collateral",
    "CreditEngine",
    "CreditRules",
    "DatedMarket",
    "Desk",
    "DynamicEngine",
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
    "RiskEngine",
    "ScenarioEngine",
    "Series",
    "Switch",
]
