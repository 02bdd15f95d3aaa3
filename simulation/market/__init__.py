# SPDX-License-Identifier: Apache-2.0
"""Paths of prices and gas: generated, through published points, replayed. Imports config and below."""

from __future__ import annotations

from simulation.market.bars import Bars, read_bars
from simulation.market.gas import external_gas
from simulation.market.path import MarketPath, build_market

__all__ = ["Bars", "MarketPath", "build_market", "external_gas", "read_bars"]
