# SPDX-License-Identifier: Apache-2.0
"""Named metrics: each number with its definition and its unit, computed from a recorded run alone.

Imports: metrics.tables only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from simulation.metrics.tables import RunTables

__all__ = ["REGISTRY", "Better", "Measurement", "Metric", "compute", "metric"]

Better = Literal["lower", "higher", "neither"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that can be computed from any recorded run."""

    name: str
    """Identifier in summary.json and in sweep datasets."""
    title: str
    """A few words for tables and plots."""
    unit: str
    """USD, USD*s, blocks, s, ratio, bps, gas, gwei, count."""
    definition: str
    """One or two sentences that settle what is counted."""
    better: Better
    """Which direction a protocol designer wants; colours comparisons."""
    headline: bool
    """Shown first in a report and in the table of the command line."""
    function: Callable[[RunTables], float | None]
    """None: not defined for this run, such as a rate over no events."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A metric's value in one run."""

    metric: Metric
    value: float | None


REGISTRY: dict[str, Metric] = {}
"""Every metric by name, in the order of definition, which is the order of tables."""


def metric(
    title: str, unit: str, definition: str, *, better: Better = "neither", headline: bool = False
) -> Callable[[Callable[[RunTables], float | None]], Callable[[RunTables], float | None]]:
    """Register a function of the recorded tables under its own name."""

    def register(function: Callable[[RunTables], float | None]) -> Callable[[RunTables], float | None]:
        name = function.__name__
        assert name not in REGISTRY, name
        REGISTRY[name] = Metric(name, title, unit, definition, better, headline, function)
        return function

    return register


def compute(run: RunTables) -> tuple[Measurement, ...]:
    """Every registered metric of a run; a value that is not finite counts as not defined."""
    measured = []
    for item in REGISTRY.values():
        value = item.function(run)
        defined = value is not None and math.isfinite(value)
        measured.append(Measurement(item, value if defined else None))
    return tuple(measured)
