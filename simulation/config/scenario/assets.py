# SPDX-License-Identifier: Apache-2.0
"""[assets.NAME] and [smiles.NAME]: price models, and the volatility that dated markets are priced at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulation.config.kinds import (
    EVENTS_PER_YEAR,
    NUMBER,
    PRICE_NANO,
    SECONDS,
    SHARE,
    TEXT,
    WAYPOINTS_NANO,
    WAYPOINTS_SIGNED,
    WAYPOINTS_YEARLY,
    YEARLY,
    choice,
)
from simulation.config.schema import knob

__all__ = ["MODELS", "AssetModel", "GbmSpec", "JumpSpec", "ReplaySpec", "SmileSpec", "WaypointSpec"]


@dataclass(frozen=True, slots=True)
class GbmSpec:
    """Geometric Brownian motion: dS/S = drift dt + volatility dW."""

    price: int = knob(PRICE_NANO, low="0.000000001 USD")
    """At the start, nano USD."""
    volatility: float = knob(YEARLY, low="0 %/year")
    """Standard deviation of the yearly log return."""
    drift: float = knob(YEARLY, "0 %/year")
    """Growth rate of the expected price."""
    loading: float = knob(NUMBER, 0.0, low=-1.0, high=1.0)
    """Correlation with the common factor; two assets correlate at the product of their loadings."""


@dataclass(frozen=True, slots=True)
class JumpSpec:
    """Merton's jump-diffusion: GBM with Poisson jumps of normal log size, compensated so `drift` holds."""

    price: int = knob(PRICE_NANO, low="0.000000001 USD")
    volatility: float = knob(YEARLY, low="0 %/year")
    """Of the diffusion alone."""
    jump_rate: float = knob(EVENTS_PER_YEAR, low="0 /year")
    """Expected jumps a year."""
    jump_mean: float = knob(SHARE)
    """Mean of a jump's log return; negative falls."""
    jump_deviation: float = knob(SHARE, low="0 %")
    """Standard deviation of a jump's log return."""
    drift: float = knob(YEARLY, "0 %/year")
    loading: float = knob(NUMBER, 0.0, low=-1.0, high=1.0)


@dataclass(frozen=True, slots=True)
class WaypointSpec:
    """Brownian bridges in the logarithm between published prices, each of which is hit exactly.

    A reconstruction: the points are facts, what lies between them is drawn and stays within the lowest and
    highest point.
    """

    points: tuple[tuple[int, int], ...] = knob(WAYPOINTS_NANO)
    """Seconds since the start and nano USD; the first at 0 s. After the last the price diffuses freely."""
    volatility: float = knob(YEARLY, "80 %/year", low="0 %/year")
    loading: float = knob(NUMBER, 0.0, low=-1.0, high=1.0)


@dataclass(frozen=True, slots=True)
class ReplaySpec:
    """Prices of a file with columns timestamp,open,high,low,close,volume."""

    file: str = knob(TEXT, "")
    """CSV or Parquet; empty until given by --prices."""
    inside: str = knob(choice("prints", "close", "bridge"), "prints")
    """Within a bar: its four prints in turn, the last finished bar's close, or a bridge through prints."""
    volatility: float = knob(YEARLY, "80 %/year", low="0 %/year")
    """Of the bridge; unused otherwise."""
    loading: float = knob(NUMBER, 0.0, low=-1.0, high=1.0)


@dataclass(frozen=True, slots=True)
class SmileSpec:
    """[smiles.ASSET]: volatility and carry elsewhere, of an asset on which dated markets are listed."""

    level: tuple[tuple[int, float], ...] = knob(WAYPOINTS_YEARLY, [["0 s", "80 %/year"]])
    """Volatility at the money to which the path reverts: seconds since the start, linear between them."""
    carry: tuple[tuple[int, float], ...] = knob(WAYPOINTS_SIGNED, [["0 s", "5 %/year"]])
    """Yearly rate at which forwards stand above spot, likewise."""
    reversion: int = knob(SECONDS, "12 h", low="1 s")
    """Time constant of the level's way back."""
    deviation: float = knob(SHARE, "8 %", low="0 %")
    """Standard deviation of the level's logarithm in a day."""
    reaction: float = knob(NUMBER, 1.5, low=0.0)
    """By how much the level's logarithm rises when spot falls, as a multiple of spot's log return."""
    jump: float = knob(NUMBER, 4.0, low=0.0)
    """Likewise of what spot falls beyond 2 % in one block."""
    carry_deviation: float = knob(YEARLY, "1 %/year", low="0 %/year")
    """Standard deviation of the carry around its points."""
    carry_reversion: int = knob(SECONDS, "2 h", low="1 s")
    wing: float = knob(NUMBER, 2.0, low=0.0, high=20.0)
    """Slope of the wings over the variance at the money."""
    tilt: float = knob(NUMBER, -0.3, low=-0.95, high=0.95)
    """Negative: low strikes are dearer."""
    width: float = knob(NUMBER, 0.1, low=0.001, high=1.0)
    """Of the vertex, log-strike; times `wing` below one, or variance would turn negative."""


AssetModel = GbmSpec | JumpSpec | WaypointSpec | ReplaySpec
MODELS: Mapping[str, type[Any]] = {
    "gbm": GbmSpec,
    "jump": JumpSpec,
    "waypoints": WaypointSpec,
    "replay": ReplaySpec,
}
