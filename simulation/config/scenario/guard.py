# SPDX-License-Identifier: Apache-2.0
"""[protocol.solvency_guard]: what the backstop would have to carry, watched, priced or limited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simulation.config.kinds import BPS, choice
from simulation.config.schema import Table, Tables, knob
from simulation.domain import units

__all__ = ["MODES", "SolvencyGuardSpec", "WatchSpec"]

MODES = ("observe", "price", "refuse")
"""What happens past the buffer, in the order of ISolvencyGuard.Mode."""


@dataclass(frozen=True, slots=True)
class WatchSpec:
    """[protocol.solvency_guard.underlyings.ASSET]: stress of one asset, and its part of the fund."""

    stress: int = knob(BPS, "25 %", low="0.01 %", high="100 %")
    """Relative move, either way, that the buffer should outlast."""
    share: int | None = knob(BPS, None, low="0 %", high="100 %")
    """Of the insurance fund; without it an equal part of what the others leave."""


@dataclass(frozen=True, slots=True)
class SolvencyGuardSpec:
    """[protocol.solvency_guard]: a SolvencyGuard over every asset that has a price."""

    mode: str = knob(choice(*MODES), "observe")
    rate: int = knob(BPS, "10 %", low="0 %", high="100 %")
    """What `price` charges, of the stressed exposure past the buffer."""
    all_underlyings: WatchSpec = knob(Table(WatchSpec), {})
    """Of every asset that has no table among the underlyings."""
    underlyings: dict[str, WatchSpec] = knob(Tables(Table(WatchSpec)), {})

    def of(self, asset: str) -> WatchSpec:
        """The parameters of an asset."""
        return self.underlyings.get(asset, self.all_underlyings)

    def shares(self, assets: Iterable[str]) -> dict[str, int]:
        """Share of every asset, bps; what is not given is divided equally, rounded down."""
        named = {asset: self.of(asset).share for asset in assets}
        given = sum(share for share in named.values() if share is not None)
        open_count = sum(share is None for share in named.values())
        equal = max(units.BPS - given, 0) // open_count if open_count else 0
        return {asset: equal if share is None else share for asset, share in named.items()}
