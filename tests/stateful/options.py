# SPDX-License-Identifier: Apache-2.0
"""What dated series need: sizes of markets, signed surfaces, boards by their twin."""

from __future__ import annotations

from typing import Any

from coincurve import PrivateKey

from simulation.agents.signing import address_of
from simulation.domain import risk_board, svi
from tests.protocol import World
from tests.stateful.world_state import DATED, PERPETUALS
from tests.surfaces import SurfaceUpdate, surface_digest

__all__ = ["SurfaceSigner", "board_inputs", "market_sizes"]


def market_sizes(world: World) -> dict[int, tuple[int, int]]:
    """Tick size in nano USD and lot size in nano base of every market."""
    specs = (*world.protocol.markets.values(), *world.protocol.inverse.values())
    found = {number: (spec.tick, spec.lot) for number, spec in zip(PERPETUALS, specs, strict=True)}
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


def board_inputs(
    stored: dict[str, Any], parts: tuple[int, int, int], spot_confidence: int, now: int
) -> risk_board.Series:
    """What RiskBoard.refresh values a series with: the surface as stored and the forward of now.

    Args:
        parts: fixed and variable part of the forward, nano USD, and its confidence.
    """
    confidence = min(parts[2], spot_confidence)
    if now < stored["expiry"]:
        confidence = min(confidence, stored["vol_confidence"], stored["rate_confidence"])
    return risk_board.Series(
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
