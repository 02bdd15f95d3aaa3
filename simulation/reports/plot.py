# SPDX-License-Identifier: Apache-2.0
"""Plots as plain Plotly values: panels of traces over one time axis, colours by name for light and dark.

A colour is `@name` or `@name/alpha`; the page's script turns it into the value of the theme in force.
Imports: numpy, reports.thin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from simulation.reports.thin import thin

__all__ = ["SERIES", "TIMES", "Plot", "bars", "compact", "line", "marks"]

SERIES = ("@blue", "@amber", "@teal", "@violet", "@rose", "@green", "@grey")
"""Colours of series that have no meaning of their own, in order."""

TIMES = "(timestamp * 1000)::BIGINT AS time"
"""Of a block, as plots over time have it, in a query."""

Values = npt.NDArray[Any] | Sequence[Any]


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure: a title, a sentence that says what is drawn, and panels under each other."""

    identifier: str
    title: str
    caption: str
    panels: tuple[str, ...]
    """Titles of the vertical axes, from the top; a trace names its panel by number from 1."""
    traces: list[dict[str, Any]] = field(default_factory=list)
    height: int = 320
    """Pixels."""
    over_time: bool = True
    """The horizontal axis is time, and zooms with all other plots over time."""
    layout: dict[str, Any] = field(default_factory=dict)
    """What differs from the page's own layout."""
    note: str = ""
    """Drawn instead when there are no traces: why there is nothing to see."""

    def spec(self) -> dict[str, Any]:
        """The value that the page's script draws."""
        axes: dict[str, Any] = {}
        rows = len(self.panels)
        # Many panels share the room between them.
        gap = min(0.07, 0.28 / (rows - 1)) if rows > 1 else 0.0
        tall = (1 - gap * (rows - 1)) / rows
        for row, title in enumerate(self.panels, 1):
            top = 1 - (row - 1) * (tall + gap)
            name = "yaxis" if row == 1 else f"yaxis{row}"
            axes[name] = {
                "title": {"text": title},
                "domain": [max(0.0, round(top - tall, 4)), round(top, 4)],
                "anchor": "x",
            }
        # The time axis is drawn under the lowest panel and shared by all.
        bottom = "y" if rows == 1 else f"y{rows}"
        axes["xaxis"] = {"type": "date" if self.over_time else "-", "anchor": bottom}
        for key, value in self.layout.items():
            axes[key] = {**axes.get(key, {}), **value} if isinstance(value, dict) else value
        return {
            "id": f"plot-{self.identifier}",
            "traces": self.traces,
            "layout": axes,
            "height": self.height,
            "time": self.over_time,
        }


def line(
    times: Values,
    values: Values,
    name: str,
    colour: str,
    *,
    panel: int = 1,
    width: float = 1.6,
    dash: str = "solid",
    fill: bool = False,
    stack: str = "",
    steps: bool = False,
    unit: str = "",
    money: bool = False,
    hidden: bool = False,
) -> dict[str, Any]:
    """A curve over time, thinned. `stack` names a group of areas that are added up."""
    numbers = np.asarray(values, dtype=np.float64)
    keep = np.arange(len(numbers)) if stack else thin(numbers)
    if stack and len(numbers) > 1_000:
        # Areas that are added up need common times.
        keep = np.unique(np.linspace(0, len(numbers) - 1, 1_000).astype(np.int64))
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": compact(np.asarray(times)[keep]),
        "y": compact(numbers[keep]),
        "line": {
            "color": colour,
            "width": 0.6 if stack else width,
            "dash": dash,
            "shape": "hv" if steps else "linear",
        },
        "hovertemplate": ("$%{y:,.4~s}" if money else f"%{{y:,.4~g}}{unit}"),
    }
    if panel > 1:
        trace["yaxis"] = f"y{panel}"
    if fill:
        trace |= {"fill": "tozeroy", "fillcolor": f"{colour}/14"}
    if stack:
        trace |= {"stackgroup": stack, "fillcolor": f"{colour}/55"}
    if hidden:
        trace["visible"] = "legendonly"
    return trace


def marks(
    times: Values, values: Values, name: str, colour: str, texts: Sequence[str], **marker: Any
) -> dict[str, Any]:
    """Single events: a marker with its own text."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": compact(times),
        "y": compact(values),
        "text": list(texts),
        "hovertemplate": "%{text}",
        "marker": {"color": colour, "size": 7, "line": {"width": 0}, "opacity": 0.85, **marker},
    }


def bars(
    categories: Sequence[str], values: Values, name: str, colour: str | list[str], **more: Any
) -> dict[str, Any]:
    """Horizontal bars, the first category on top."""
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": list(categories),
        "x": compact(values),
        "marker": {"color": colour, "cornerradius": 3},
        "hovertemplate": "%{y}: %{x:,.4~s}",
        **more,
    }


def compact(values: Values) -> list[Any]:
    """JSON numbers of six significant digits (times whole), NaN as null: a page of some hundred kilobytes."""
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return [int(value) for value in array]
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in array.astype(np.float64)]
