# SPDX-License-Identifier: Apache-2.0
"""The engine: block loop, mirror, reconciliation, recorder. Knows the chain as a Protocol alone."""

from simulation.engine.hashing import prevrandao
from simulation.engine.mirror import Mirror
from simulation.engine.recorder import VENUES, AgentIdentity, Recorder
from simulation.engine.simulation import COINBASE, Simulation
from simulation.engine.terms import AssetTerms, CreditTerms, FeedTerms, MarketTerms, Protocol, SeriesTerms
from simulation.engine.venue import Deployed

__all__ = [
    "COINBASE",
    "VENUES",
    "AgentIdentity",
    "AssetTerms",
    "CreditTerms",
    "Deployed",
    "FeedTerms",
    "MarketTerms",
    "Mirror",
    "Protocol",
    "Recorder",
    "SeriesTerms",
    "Simulation",
    "prevrandao",
]
