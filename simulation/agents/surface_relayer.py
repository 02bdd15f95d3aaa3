# SPDX-License-Identifier: Apache-2.0
"""The relayer of dated series: signs surfaces, has boards refreshed, records prices for the settlement.

Imports: agents.base, messages, config, domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from simulation.agents.base import Agent
from simulation.agents.surface_signing import SurfaceUpdate
from simulation.config import knob
from simulation.config.kinds import NUMBER, SECONDS, SHARE
from simulation.domain.units import FULL_CONFIDENCE, WAD, to_nano
from simulation.messages import (
    AccumulatePrice,
    Fees,
    Intent,
    Receipt,
    RefreshBoard,
    SeriesView,
    UpdateSurface,
    View,
)

__all__ = ["SurfaceRelayer", "SurfaceRelayerSettings"]

WINDOW = 1_800
"""Seconds of the settlement average."""
LEAD = 900
"""A price of this long before the window still counts in it."""
YEAR = 365 * 86_400


class SignsSurfaces(Protocol):
    """Whoever vouches for surfaces."""

    def sign(self, update: SurfaceUpdate) -> tuple[tuple[int, int], ...]:
        """EIP-2098 pairs (r, vs), by rising signer address."""
        ...


@dataclass(frozen=True, slots=True)
class SurfaceRelayerSettings:
    """When it speaks."""

    heartbeat: int = knob(SECONDS, "15 min", low="1 s")
    """Longest silence about a surface."""
    vol_deviation: float = knob(SHARE, "2 %", low="0 %", high="100 %")
    """Move of the level of volatility, relative, that calls for an update."""
    forward_deviation: float = knob(SHARE, "0.05 %", low="0 %", high="50 %")
    """Move of forward over spot that calls for one."""
    refresh: int = knob(SECONDS, "2 min", low="1 s")
    """Oldest that a board may grow."""
    spot_deviation: float = knob(SHARE, "0.3 %", low="0 %", high="50 %")
    """Move of spot since the oracle's price at which the oracle's relayer speaks too: a board is due."""
    lifetime: int = knob(SECONDS, "10 min", low="1 s")
    """From observation to the deadline after which the chain refuses a surface."""
    tip: float = knob(NUMBER, 0.04, low=0.0)
    """Priority fee, gwei; below that of the oracle's relayer, or boards would miss its prices."""


class SurfaceRelayer(Agent):
    """One account that holds nothing. In a block: surface first, then board, then average."""

    role = "relayer"
    individual = True
    settings_class: ClassVar[type[SurfaceRelayerSettings]] = SurfaceRelayerSettings
    settings: SurfaceRelayerSettings
    signer: SignsSurfaces

    def __init__(
        self,
        name: str,
        accounts: NDArray[np.int64],
        settings: SurfaceRelayerSettings | None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        self.account = int(accounts[0])
        self.fees = Fees(tip=int(self.settings.tip * 1e9), lifetime=10)
        self.in_flight = 0
        self.known: dict[int, tuple[int, float, float]] = {}
        """Of each series: time, level and forward over spot of the surface sent last."""
        self.updates = self.refreshes = self.observations = 0

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """What is due now; waits while an earlier round is still in the pool."""
        if self.in_flight:
            return []
        intents: list[Intent] = []
        window: list[int] = []
        for series in view.series:
            if series.settlement:
                continue
            if series.expiry - WINDOW - LEAD <= view.timestamp:
                window.append(series.series)
            if view.timestamp >= series.expiry:
                continue
            surface = self._surface_due(view, series)
            if surface:
                intents.append(self._update(view, series))
                self.updates += 1
            if surface or self._board_due(view, series):
                intents.append(RefreshBoard(account=self.account, series=series.series, fees=self.fees))
                self.refreshes += 1
        if window:
            intents.append(AccumulatePrice(account=self.account, series=tuple(window[:32]), fees=self.fees))
            self.observations += 1
        self.in_flight = len(intents)
        return intents

    def on_receipt(self, receipt: Receipt, rng: np.random.Generator) -> None:
        """Counts what is still under way; a surface that was lost is due again."""
        self.in_flight -= 1
        if isinstance(receipt.intent, UpdateSurface) and not receipt.success:
            self.known.pop(receipt.intent.update[0], None)

    def measure(self) -> dict[str, float]:
        """Transactions sent, by what they did."""
        return {
            "surfaces": float(self.updates),
            "boards": float(self.refreshes),
            "observations": float(self.observations),
        }

    def _surface_due(self, view: View, series: SeriesView) -> bool:
        known = self.known.get(series.series)
        if known is None:
            return True
        sent, level, basis = known
        moved = abs(series.smile.level / level - 1.0)
        forward = abs(series.forward / series.spot / basis - 1.0)
        return (
            view.timestamp - sent >= self.settings.heartbeat
            or moved >= self.settings.vol_deviation
            or forward >= self.settings.forward_deviation
        )

    def _board_due(self, view: View, series: SeriesView) -> bool:
        if view.timestamp - series.board >= self.settings.refresh:
            return True
        feed = next(feed for feed in view.feeds if feed.feed == series.feed)
        return not feed.spot or abs(feed.reference / feed.spot - 1.0) >= self.settings.spot_deviation

    def _update(self, view: View, series: SeriesView) -> UpdateSurface:
        seconds = series.expiry - view.timestamp
        a, b, rho, m, sigma = (round(value * WAD) for value in series.smile.parameters(seconds / YEAR))
        update = SurfaceUpdate(
            series=series.series,
            forward_difference=to_nano(series.forward) - to_nano(series.spot),
            rate=0,
            a=a,
            b=b,
            rho=rho,
            m=m,
            sigma=sigma,
            reference_forward=to_nano(series.forward),
            reference_tau=seconds,
            forward_confidence=FULL_CONFIDENCE,
            vol_confidence=FULL_CONFIDENCE,
            rate_confidence=FULL_CONFIDENCE,
            timestamp=view.timestamp,
            deadline=view.timestamp + self.settings.lifetime,
        )
        self.known[series.series] = (view.timestamp, series.smile.level, series.forward / series.spot)
        return UpdateSurface(
            account=self.account,
            update=tuple(update),
            signatures=self.signer.sign(update),
            fees=self.fees,
        )
