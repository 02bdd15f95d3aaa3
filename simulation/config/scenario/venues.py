# SPDX-License-Identifier: Apache-2.0
"""[venues.NAME]: further instances of the protocol on the same chain, and what is thought of each."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.config.kinds import SHARE
from simulation.config.scenario.protocol import ProtocolSpec
from simulation.config.schema import knob

__all__ = ["MAIN", "VenueSpec"]

MAIN = "main"
"""The venue that [protocol] describes."""


@dataclass(frozen=True, slots=True)
class VenueSpec:
    """One venue. What [venues.NAME.protocol] does not say is as in [protocol]."""

    default_probability: float = knob(SHARE, "2 %", low="0 %", high="100 %")
    """Chance that it fails within a year. The report's expected loss needs it; the run does not."""
    recovery: float = knob(SHARE, "40 %", low="0 %", high="100 %")
    """Share of a claim on it that is paid after a failure; for the report likewise."""
    protocol: ProtocolSpec | None = None
    """All parameters of its instance; None: those of [protocol]."""
