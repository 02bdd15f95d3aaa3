# SPDX-License-Identifier: Apache-2.0
"""The comparison of a sweep's arms: means, paired differences, tails, each with interval and number of runs.

Imports: metrics, reports.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from simulation.errors import InputError
from simulation.metrics import definitions, show
from simulation.metrics.registry import Definition
from simulation.metrics.statistics import (
    Estimate,
    expected_shortfall,
    mean,
    paired_difference,
    proportion,
    quantile,
)
from simulation.reports.document import card, document, escape, prose, save, section, table
from simulation.reports.plot import SERIES, Plot, compact

__all__ = ["Comparison", "write_comparison"]

_TAILS = ("bad_debt", "liquidated_notional", "shortfall_time", "keeper_gas_wasted")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A sweep, read back from its folder."""

    scenario: str
    arms: tuple[str, ...]
    """The first one is the baseline."""
    seeds: tuple[int, ...]
    complete: bool
    failed: tuple[tuple[str, int, str], ...]
    """Arm, seed, error."""
    values: dict[tuple[str, str], dict[int, float]]
    """Metric and arm to seed and value; runs in which it is not defined are left out."""

    @classmethod
    def read(cls, folder: Path) -> Comparison:
        """Raises InputError when the folder holds no sweep."""
        try:
            about = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
            rows = pq.read_table(folder / "results.parquet").to_pylist()
        except (OSError, ValueError) as error:
            raise InputError(f"{folder}: {error}; expected the folder of a sweep") from error
        values: dict[tuple[str, str], dict[int, float]] = {}
        for row in rows:
            if row["value"] is not None:
                values.setdefault((row["metric"], row["arm"]), {})[row["seed"]] = row["value"]
        return cls(
            about["scenario"],
            tuple(arm["name"] for arm in about["arms"]),
            tuple(about["seeds"]),
            about["complete"],
            tuple((item["arm"], item["seed"], item["error"]) for item in about["failed"]),
            values,
        )

    def of(self, metric: str, arm: str) -> list[float]:
        """Values of one arm in the order of seeds."""
        found = self.values.get((metric, arm), {})
        return [found[seed] for seed in sorted(found)]

    def difference(self, metric: str, arm: str) -> Estimate | None:
        """Arm - baseline over the seeds in which both are defined; None without any."""
        ours, base = (self.values.get((metric, name), {}) for name in (arm, self.arms[0]))
        common = sorted(set(ours) & set(base))
        if not common:
            return None
        return paired_difference([ours[seed] for seed in common], [base[seed] for seed in common])


def write_comparison(folder: Path) -> Path:
    """Write `report.html` into the folder of a sweep.

    Raises:
        InputError: no sweep there.
        OutputError: the file cannot be written.
    """
    sweep = Comparison.read(folder)
    known = definitions()
    headline = [item for item in known.values() if item.headline]
    rest = [item for item in known.values() if not item.headline]
    plots = [plot for item in headline if (plot := _plot(sweep, item)) is not None]
    cards = "".join(card(plot) for plot in plots)
    note = (
        '<p class="note">Mean over runs with its 95 % interval (Student). Below each arm but the first: its '
        "mean difference to the first arm, paired by seed, with its interval; it is coloured where the "
        "interval excludes zero, for better or worse.</p>"
    )
    sections = [
        section("overview", "Comparison", note + _means(sweep, headline)),
        section("plots", "Every run", f'<div class="grid">{cards}</div>'),
        section("tails", "Tails", _tails(sweep)),
        section("measures", "All other measures", note + _means(sweep, rest)),
        *([section("failed", "Failed runs", _failures(sweep))] if sweep.failed else []),
    ]
    failures = f'<span class="badge bad">{len(sweep.failed)} runs failed</span>'
    state = "complete" if sweep.complete else "interrupted"
    facts = [
        f'<span class="badge{"" if sweep.complete else " bad"}">{state}</span>',
        *([failures] if sweep.failed else []),
        f"<b>{len(sweep.arms)}</b> arms",
        f"<b>{len(sweep.seeds)}</b> runs an arm, the same seeds in each",
        f"seeds <b>{sweep.seeds[0]}</b> to <b>{sweep.seeds[-1]}</b>",
        f"baseline <b>{escape(sweep.arms[0])}</b>",
    ]
    text = document(
        f"{sweep.scenario}: {len(sweep.arms)} arms",
        "What a change of settings does, with the same random numbers in every arm",
        facts,
        sections,
        plots,
        "Plimsoll · every figure is computed from results.parquet beside this page",
    )
    return save(folder / "report.html", text)


def _means(sweep: Comparison, items: Sequence[Definition]) -> str:
    rows = []
    for item in items:
        cells = []
        for arm in sweep.arms:
            values = sweep.of(item.name, arm)
            lines = _estimate(mean(values), item.unit) if values else "–"
            change = sweep.difference(item.name, arm) if arm != sweep.arms[0] else None
            if change is not None:
                lines += _change(change, item)
            cells.append(f'<td class="n">{lines}</td>')
        title = (
            f'<td class="name">{escape(item.title)}<small class="what">{prose(item.definition)}</small></td>'
        )
        rows.append(f"<tr>{title}{''.join(cells)}</tr>")
    heads = ("Measure", *sweep.arms)
    return f'<div class="card">{table(heads, rows, numeric=range(1, len(heads)))}</div>'


def _estimate(estimate: Estimate, unit: str) -> str:
    return f"{show(estimate.value, unit)}<small>{_interval(estimate, unit)}, n = {estimate.runs}</small>"


def _interval(estimate: Estimate, unit: str) -> str:
    if estimate.low is None and estimate.high is None:
        return "too few runs for an interval"
    low = "…" if estimate.low is None else show(estimate.low, unit).removesuffix(f" {unit}")
    high = "…" if estimate.high is None else show(estimate.high, unit)
    return f"[{low}, {high}]"


def _change(change: Estimate, item: Definition) -> str:
    colour = ""
    if change.excludes_zero and item.better != "neither":
        colour = "good" if (change.value < 0) == (item.better == "lower") else "bad"
    sign = "+" if change.value > 0 else ""
    return (
        f'<small class="change {colour}">{sign}{show(change.value, item.unit)} '
        f"{_interval(change, item.unit)}</small>"
    )


def _plot(sweep: Comparison, item: Definition) -> Plot | None:
    traces: list[dict[str, Any]] = []
    for place, arm in enumerate(sweep.arms):
        values = sweep.of(item.name, arm)
        if not values:
            continue
        colour = SERIES[place % len(SERIES)]
        estimate = mean(values)
        half = 0.0 if estimate.high is None else estimate.high - estimate.value
        runs = {
            "type": "scatter",
            "mode": "markers",
            "x": compact(values),
            "y": [arm] * len(values),
            "marker": {"color": f"{colour}/40", "size": 6},
            "hovertemplate": "%{x:,.4~s}",
            "showlegend": False,
            "name": arm,
        }
        centre = {
            "type": "scatter",
            "mode": "markers",
            "x": compact([estimate.value]),
            "y": [arm],
            "marker": {"color": colour, "size": 11, "symbol": "diamond"},
            "error_x": {
                "type": "data",
                "array": compact([half]),
                "color": colour,
                "thickness": 2.2,
                "width": 7,
            },
            "hovertemplate": f"mean %{{x:,.4~s}} of {estimate.runs} runs",
            "showlegend": False,
            "name": arm,
        }
        traces += [runs, centre]
    if not traces:
        return None
    return Plot(
        item.name.replace("_", "-"),
        item.title,
        "Every run as a disc, the mean with its 95 % interval as a diamond.",
        ("",),
        traces,
        over_time=False,
        height=110 + 44 * len(sweep.arms),
        layout={
            "xaxis": {"title": {"text": item.unit}},
            "yaxis": {"autorange": "reversed", "type": "category"},
        },
    )


def _tails(sweep: Comparison) -> str:
    known = definitions()
    columns: tuple[tuple[str, Callable[[list[float]], Estimate]], ...] = (
        ("Quantile 95 %", lambda values: quantile(values, 0.95)),
        ("Expected shortfall 95 %", lambda values: expected_shortfall(values, 0.95)),
        ("Quantile 99 %", lambda values: quantile(values, 0.99)),
        ("Expected shortfall 99 %", lambda values: expected_shortfall(values, 0.99)),
    )
    rows = []
    for name in _TAILS:
        rows.append(
            f'<tr class="group"><td colspan="{len(columns) + 1}">{escape(known[name].title)}</td></tr>'
        )
        for arm in sweep.arms:
            values = sweep.of(name, arm)
            cells = "".join(
                f'<td class="n">{_estimate(measure(values), known[name].unit) if values else "–"}</td>'
                for _, measure in columns
            )
            rows.append(f'<tr><td class="name">{escape(arm)}</td>{cells}</tr>')
    heads = ("Arm", *(head for head, _ in columns))
    depleted = []
    for arm in sweep.arms:
        values = sweep.of("fund_depleted", arm)
        if values:
            share = proportion(round(sum(values)), len(values))
            depleted.append(
                f'<tr><td class="name">{escape(arm)}</td><td class="n">{_estimate(share, "share")}</td></tr>'
            )
    note = (
        '<p class="note">Quantile: of the value over runs, interval between two order statistics. Expected '
        "shortfall: mean of the worst 5 % or 1 % of runs, interval by bootstrap. Depletion: share of runs in "
        "which the insurance fund fell to 0.1 % of its start, interval of Wilson. All at 95 %. A bound that "
        "so few runs cannot give is left open.</p>"
    )
    first = f'<div class="card">{table(heads, rows, numeric=range(1, len(heads)))}</div>'
    second = f'<div class="card gap">{table(("Arm", "Fund depleted"), depleted, numeric=(1,))}</div>'
    return note + first + second


def _failures(sweep: Comparison) -> str:
    rows = (
        f'<tr><td class="name">{escape(arm)}</td><td class="n">{seed}</td>'
        f'<td class="what">{escape(error)}</td></tr>'
        for arm, seed, error in sweep.failed
    )
    return f'<div class="card">{table(("Arm", "Seed", "Why"), rows, numeric=(1,))}</div>'
