# SPDX-License-Identifier: Apache-2.0
"""The section of a report on several venues: what spreading owners hold where, give up and shed; the venues.

Imports: metrics, reports.document, reports.plot.
"""

from __future__ import annotations

import json
from pathlib import Path

from simulation.metrics import RunTables, concentration, definitions, show
from simulation.reports.document import escape, table
from simulation.reports.plot import SERIES, TIMES, Plot, line

__all__ = ["concentration_plots", "owners_table", "venue_lines", "venues_table"]

_OF_VENUES = (
    "bad_debt",
    "socialised_loss",
    "deleveraged_notional",
    "deficit_end",
    "liquidations",
    "fund_minimum",
    "open_interest_peak",
)
"""Metrics by which venues are compared."""


def concentration_plots(run: RunTables) -> list[Plot]:
    """Nothing for a run in which nobody spreads."""
    if not concentration.populations(run):
        return []
    return [_claims(run), _netting(run)]


def _claims(run: RunTables) -> Plot:
    traces = []
    for place, (agent, venue) in enumerate(
        run.rows("SELECT DISTINCT agent, venue FROM holdings ORDER BY agent, venue")
    ):
        rows = run.columns(
            f"SELECT {TIMES}, sum(claim_usd) AS claim, sum(forgone_usd) AS forgone "
            "FROM holdings JOIN blocks USING (block) WHERE agent = ? AND venue = ? "
            "GROUP BY block, timestamp ORDER BY block",
            [agent, venue],
        )
        name, colour = f"{agent} at {venue}", SERIES[place % len(SERIES)]
        traces.append(line(rows["time"], rows["claim"], name, colour, money=True))
        taken = line(rows["time"], rows["forgone"], name, colour, panel=2, money=True)
        traces.append(taken | {"showlegend": False})
    for place, (venue,) in enumerate(run.rows("SELECT DISTINCT venue FROM holdings ORDER BY venue")):
        rows = run.columns(
            f"SELECT {TIMES}, min(exchange_rate) AS rate FROM holdings JOIN blocks USING (block) "
            "WHERE venue = ? GROUP BY block, timestamp ORDER BY block",
            [venue],
        )
        colour = SERIES[place % len(SERIES)]
        traces.append(line(rows["time"], rows["rate"], f"rate of {venue}", colour, panel=3))
    return Plot(
        "claims",
        "Claims on venues",
        "What each venue owes the owners of a population, Σ max(0, equity); what deleveraging has taken from "
        "them there; and the exchange rate at which the venue pays out cash, 1 unless it has a deficit.",
        ("claims, USD", "deleveraged, USD", "exchange rate"),
        traces,
        height=560,
    )


def _netting(run: RunTables) -> Plot:
    rows = run.columns(
        f"SELECT {TIMES}, sum(given_up_usd + merged_usd) AS alone, sum(merged_usd) AS merged, "
        f"sum(given_up_usd) AS given_up FROM ({concentration.OWNED}) JOIN blocks USING (block) "
        "WHERE venues > 1 GROUP BY block, timestamp ORDER BY block"
    )
    return Plot(
        "netting",
        "Netting given up",
        "Initial margin of the portfolios that owners have at several venues, each for itself and all of an "
        "owner's merged into one, under the engine of the first venue; the difference is netting given up.",
        ("USD",),
        [
            line(rows["time"], rows["alone"], "each for itself", "@amber", money=True),
            line(rows["time"], rows["merged"], "merged", "@teal", money=True),
            line(rows["time"], rows["given_up"], "netting given up", "@rose", fill=True, money=True),
        ],
        height=560,
        layout={"yaxis": {"rangemode": "tozero"}},
    )


def owners_table(run: RunTables) -> str:
    """Populations, and every owner with accounts at several venues beside its twins, after the last block."""
    found = concentration.populations(run)
    if not found:
        return ""
    rows = [
        f'<tr><td class="name">{escape(item.agent)}</td><td>{escape(item.venues)}</td>'
        + _numbers(show(item.realised, "share"), show(item.stressed, "share"), show(item.expected, "share"))
        + "</tr>"
        for item in found
    ]
    heads = ("Population", "Venues", "Loss realised", "Loss if the worst venue fails", "Expected a year")
    populations = table(heads, rows, numeric=(2, 3, 4))
    return f"{populations}<h3>Owners with accounts at several venues, after the last block</h3>{_owners(run)}"


def _owners(run: RunTables) -> str:
    venues = [name for (name,) in run.rows("SELECT DISTINCT venue FROM holdings ORDER BY venue")]
    posted = {
        (agent, account, venue): usd
        for agent, account, venue, usd in run.rows(
            "SELECT agent, account, venue, posted_usd FROM holdings "
            "WHERE block = (SELECT max(block) FROM holdings)"
        )
    }
    # Populations that share a book have the same owners in the same order.
    twins = f"""
        WITH owned AS (
            SELECT *, row_number() OVER (PARTITION BY agent ORDER BY account) AS place
            FROM ({concentration.OWNED}) WHERE block = (SELECT max(block) FROM holdings)
        )
        SELECT own.agent, own.account, own.herfindahl, own.largest, own.initial_margin_usd, own.given_up_usd,
               own.realised_usd, max(twin.realised_usd), own.stressed_usd, max(twin.stressed_usd)
        FROM owned own LEFT JOIN owned twin
            ON twin.book = own.book AND twin.place = own.place AND twin.venues = 1
        WHERE own.venues > 1 GROUP BY ALL ORDER BY own.agent, own.account
    """
    rows = []
    for agent, account, index, largest, margin, given_up, realised, twin, stressed, twin_stressed in run.rows(
        twins
    ):
        numbers = _numbers(
            *(show(posted.get((agent, account, venue)), "USD") for venue in venues),
            "–" if index is None else f"{index:.3f}",
            show(largest, "share"),
            show(margin, "USD"),
            show(given_up, "USD"),
            show(realised, "USD"),
            show(None if twin is None else twin - realised, "USD"),
            show(stressed, "USD"),
            show(None if twin_stressed is None else twin_stressed - stressed, "USD"),
        )
        rows.append(f'<tr><td class="name">{escape(agent)} {account}</td>{numbers}</tr>')
    heads = (
        "Account",
        *(f"Posted at {venue}" for venue in venues),
        "Herfindahl",
        "Largest share",
        "Initial margin",
        "Netting given up",
        "Loss realised",
        "Shed, realised",
        "Loss stressed",
        "Shed, stressed",
    )
    return table(heads, rows, numeric=range(1, len(heads)))


def venues_table(folder: Path) -> str:
    """The venues of a run beside each other, from the summaries of their folders; "" where there is one."""
    names, lines = venue_lines(folder)
    rows = [f'<tr><td class="name">{escape(title)}</td>{_numbers(*values)}</tr>' for title, *values in lines]
    return table(("Measure", *names), rows, numeric=range(1, 1 + len(names))) if rows else ""


def venue_lines(folder: Path) -> tuple[list[str], list[tuple[str, ...]]]:
    """Names of the venues of a run, and of each measure its title and one value for each venue, as text.

    Both are empty for a run with one venue.
    """
    metrics = {}
    for place in (folder, *sorted(path.parent for path in folder.glob("venues/*/summary.json"))):
        summary = json.loads((place / "summary.json").read_text(encoding="utf-8"))
        metrics[str(summary.get("venue", ""))] = summary.get("metrics", {})
    if len(metrics) < 2:
        return [], []
    known = definitions()
    return list(metrics), [
        (
            known[name].title,
            *(show(found.get(name, {}).get("value"), known[name].unit) for found in metrics.values()),
        )
        for name in _OF_VENUES
    ]


def _numbers(*texts: str) -> str:
    return "".join(f'<td class="n">{text}</td>' for text in texts)
