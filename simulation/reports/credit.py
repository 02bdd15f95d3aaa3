# SPDX-License-Identifier: Apache-2.0
"""Plots of a run with a credit desk. Imports: metrics, reports.plot."""

from __future__ import annotations

from simulation.metrics import RunTables
from simulation.metrics.credit import has_desk
from simulation.reports.plot import TIMES, Plot, line

__all__ = ["credit_plots"]

LAYERS = (
    ("junior lenders", "losses", "junior_usd", "@amber"),
    ("senior lenders", "losses", "senior_usd", "@violet"),
    ("insurance fund", "draws", "amount_usd", "@blue"),
    ("deleveraged counterparties", "deleveraged", "forgone_usd", "@teal"),
    ("everybody (socialised)", "realised", "socialised_usd", "@rose"),
)
"""Who bears losses, in their order, and where it stands."""


def credit_plots(run: RunTables) -> list[Plot]:
    """Lenders and lines, and the order of losses; nothing without a desk."""
    return [_lines(run), _losses(run)] if has_desk(run) else []


def _lines(run: RunTables) -> Plot:
    table = run.columns(
        f"SELECT {TIMES}, lent_junior_usd AS junior, lent_junior_usd + lent_senior_usd AS lent, "
        "committed_usd, line_use_usd, called_lines FROM blocks ORDER BY block"
    )
    time = table["time"]
    return Plot(
        "credit",
        "Credit lines",
        "Assets of the junior tranche and of both, what lenders can lose by all lines, and what of it is in "
        "use: the part of initial margin that own equity does not meet. Below: lines called or in default.",
        ("USD", "lines"),
        [
            line(time, table["lent"], "lent", "@blue", money=True),
            line(time, table["junior"], "junior tranche", "@amber", width=1.2, money=True),
            line(time, table["committed_usd"], "committed", "@violet", money=True),
            line(time, table["line_use_usd"], "in use", "@rose", fill=True, width=1, money=True),
            line(time, table["called_lines"], "called", "@rose", panel=2, fill=True, width=1),
        ],
        height=420,
        layout={"yaxis": {"rangemode": "tozero"}, "yaxis2": {"rangemode": "tozero"}},
    )


def _losses(run: RunTables) -> Plot:
    traces = []
    for name, source, column, colour in LAYERS:
        table = run.columns(
            f"SELECT {TIMES}, coalesce(sum(l.usd) OVER (ORDER BY b.block), 0) AS usd FROM blocks b "
            f"LEFT JOIN (SELECT block, sum({column}) AS usd FROM {source} GROUP BY block) l USING (block) "
            "ORDER BY block"
        )
        traces.append(line(table["time"], table["usd"], name, colour, money=True))
    return Plot(
        "order-of-losses",
        "Order of losses",
        "What each layer has borne so far. Of an account with a line its lenders come first, the junior "
        "tranche before the senior one; then the fund, deleveraged counterparties, and at last everybody.",
        ("USD",),
        traces,
        height=420,
        layout={"yaxis": {"rangemode": "tozero"}},
    )
