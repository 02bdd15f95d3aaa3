# SPDX-License-Identifier: Apache-2.0
"""What dated series need beside the plan: boards, risk parameters, portfolio margin, signed surfaces."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from coincurve import PrivateKey

from simulation.agents.signing import address_of
from simulation.domain import portfolio_math, risk_board, svi
from simulation.domain.margin_math import MarketRisk
from simulation.domain.settlement_math import Rules
from simulation.domain.standard_options import OptionRisk
from tests.boards import PARAMETERS, SCENARIOS, SHOCKS
from tests.protocol import World
from tests.stateful.world_state import DATED, PERPETUALS
from tests.surfaces import SurfaceUpdate, surface_digest

__all__ = [
    "COIN_FEEDS",
    "FUTURE_RISK",
    "GRID",
    "MARKET_FEEDS",
    "OPTION_FEEDS",
    "OPTION_RISK",
    "PORTFOLIO",
    "RULES",
    "SCENARIO",
    "SHOCKS_OF_BOARDS",
    "SurfaceSigner",
    "market_sizes",
    "valued_board",
    "wire_options",
]

OPTION_RISK = OptionRisk(1_500, 1_000, 750, 750, 750, 10_500, 12_000, 11_000, 4 * 10**7, 4_000)
FUTURE_RISK = MarketRisk(650, 500, 15_000, 20_000, 1_000_000, 5_000_000)
OPTION_FEEDS = (1, 2)
MARKET_FEEDS = {1: 1, 2: 2, 3: 3}
COIN_FEEDS = {1: 1, 2: 2}
"""Feeds of perpetuals and of collaterals under portfolio margin."""
GRID = risk_board.arranged([risk_board.Scenario(*row) for row in SCENARIOS])
SHOCKS_OF_BOARDS = risk_board.Shocks(*SHOCKS.row())
PORTFOLIO = portfolio_math.Parameters(*PARAMETERS.row())
SCENARIO = 3
"""Engine id of PortfolioMargin."""
RULES = Rules(900, 1_500, 86_400)
"""As the plan deploys the Surface."""


def wire_options(world: World) -> None:
    """Boards and risk parameters for the standard engines, PortfolioMargin as the third engine."""
    board = world.contracts["RiskBoard"]
    board.set_grid(list(SCENARIOS), SHOCKS.row())
    for name in ("CrossMargin", "IsolatedMargin"):
        engine = world.contracts[name]
        engine.wire(board.address)
        engine.set_options(list(OPTION_FEEDS), [astuple(OPTION_RISK)] * len(OPTION_FEEDS))
        engine.set_futures(list(OPTION_FEEDS), [astuple(FUTURE_RISK)] * len(OPTION_FEEDS))
    engine = world.env.deploy("PortfolioMargin", board.address, PARAMETERS.row())
    for market, feed in MARKET_FEEDS.items():
        engine.set_market_feed(market, feed)
    for asset, feed in COIN_FEEDS.items():
        engine.set_asset_feed(asset, feed)
    world.vault.register_engine(engine.address)
    world.contracts["PortfolioMargin"] = engine


def market_sizes(world: World) -> dict[int, tuple[int, int]]:
    """Tick size in nano USD and lot size in nano base of every market."""
    found = {
        number: (spec.tick, spec.lot)
        for number, spec in zip(PERPETUALS, world.protocol.markets.values(), strict=True)
    }
    series = list(world.protocol.series.values())
    for market in DATED:
        spec = series[market // 256 - 1]
        is_future = market % 256 == 0
        found[market] = (
            (spec.future_tick, spec.future_lot) if is_future else (spec.option_tick, spec.option_lot)
        )
    return found


class SurfaceSigner:
    """Signs surfaces with the oracle's keys, by rising address."""

    def __init__(self, keys: list[bytes], surface: str) -> None:
        self._keys = [PrivateKey(key) for key in sorted(keys, key=address_of)]
        self._surface = surface

    def sign(self, update: SurfaceUpdate) -> list[tuple[int, int]]:
        digest = surface_digest(self._surface, update)
        signatures = []
        for key in self._keys:
            signature = key.sign_recoverable(digest, hasher=None)
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
            signatures.append((r, s | signature[64] << 255))
        return signatures


def valued_board(
    stored: dict[str, Any],
    parts: tuple[int, int, int],
    spot_confidence: int,
    strikes: tuple[int, ...],
    now: int,
) -> risk_board.Board:
    """What RiskBoard.refresh makes of a surface as stored and of the forward of now.

    Args:
        parts: fixed and variable part of the forward, nano USD, and its confidence.
    """
    confidence = min(parts[2], spot_confidence)
    if now < stored["expiry"]:
        confidence = min(confidence, stored["vol_confidence"], stored["rate_confidence"])
    inputs = risk_board.Series(
        feed=stored["feed"],
        fixed=parts[0],
        variable=parts[1],
        timestamp=now,
        expiry=stored["expiry"],
        rate=stored["rate"],
        confidence=confidence,
        smile=svi.Params(*(stored[name] for name in ("a", "b", "rho", "m", "sigma"))),
        reference_forward=stored["reference_forward"],
        reference_seconds=stored["reference_tau"],
    )
    return risk_board.valued(inputs, strikes, GRID, SHOCKS_OF_BOARDS)
