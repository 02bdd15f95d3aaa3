# SPDX-License-Identifier: Apache-2.0
"""Named metrics: each number with its definition and its unit, computed from a recorded run alone.

Imports: messages, metrics.tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from simulation.messages.records import Metric
from simulation.metrics.tables import RunTables

__all__ = ["GROUPS", "Better", "Definition", "Function", "applicable", "compute", "definitions", "metric"]

GROUPS: Final = (
    "solvency",
    "exposure",
    "liquidations",
    "margin_calls",
    "keepers",
    "credit",
    "markets",
    "inverse",
    "accounts",
    "concentration",
    "gas",
)
"""The files that define metrics, in the order of tables."""

Better = Literal["lower", "higher", "neither"]
Function = Callable[[RunTables], float | None]


@dataclass(frozen=True, slots=True)
class Definition:
    """What a metric is and how it is computed from any recorded run."""

    name: str
    """Identifier in summary.json and in sweep datasets."""
    title: str
    """A few words for tables and plots."""
    unit: str
    """USD, USD*s, blocks, s, ratio (a multiple), share (0 to 1, the difference of two signed), bps, bps/h,
    gas, gwei, count."""
    definition: str
    """One or two sentences that settle what is counted."""
    better: Better
    """Which direction a protocol designer wants; colours comparisons."""
    headline: bool
    """Shown first in a report and in the table of the command line."""
    group: str
    """One of GROUPS."""
    function: Function
    """None: not defined for this run, such as a rate over no events."""


_REGISTRY: dict[str, Definition] = {}


def metric(
    title: str, unit: str, definition: str, *, better: Better = "neither", headline: bool = False
) -> Callable[[Function], Function]:
    """Register a function of the recorded tables under its own name."""

    def register(function: Function) -> Function:
        name = function.__name__
        group = function.__module__.rpartition(".")[2]
        assert name not in _REGISTRY and group in GROUPS, f"{group}: {name}"
        _REGISTRY[name] = Definition(name, title, unit, definition, better, headline, group, function)
        return function

    return register


def definitions() -> dict[str, Definition]:
    """Every metric by name, by group and inside a group as its file has them: the order of tables."""
    ordered = sorted(_REGISTRY.values(), key=lambda item: GROUPS.index(item.group))
    return {item.name: item for item in ordered}


def compute(run: RunTables) -> tuple[Metric, ...]:
    """Every registered metric of a run; a value that is not finite counts as not defined."""
    measured = []
    for item in definitions().values():
        value = item.function(run)
        if value is not None and not math.isfinite(value):
            value = None
        measured.append(Metric(item.name, value, item.unit, item.definition))
    return tuple(measured)


def applicable(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """Those of groups of which anything is defined: without a desk nothing is said of lines."""
    defined = {_REGISTRY[item.name].group for item in metrics if item.value is not None}
    return tuple(item for item in metrics if _REGISTRY[item.name].group in defined)
