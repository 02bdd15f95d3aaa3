# SPDX-License-Identifier: Apache-2.0
"""Plots of what the system owes, might owe, and owns. Imports: metrics, reports.plot."""

from __future__ import annotations

from simulation.metrics import RunTables
from simulation.metrics.exposure import watched
from simulation.metrics.stress import stress
from simulation.reports.plot import SERIES, TIMES, Plot, line

__all__ = ["solvency_plots"]

_SHOWN = (-5_000, -3_000, -2_000, 0, 2_000, 3_000, 5_000)
"""Shocks that are drawn from the start, bps; the others are in the legend."""


def solvency_plots(run: RunTables) -> list[Plot]:
    """In the order of the page."""
    delta = [_delta(run)] if watched(run) else []
    return [_bad_debt(run), _stressed(run), *delta, _fund(run), _balance(run)]


def _bad_debt(run: RunTables) -> Plot:
    table = run.columns(
        f"""
        SELECT {TIMES}, b.bad_debt_usd AS open,
               coalesce(sum(r.insured) OVER (ORDER BY b.block), 0) AS insured,
               coalesce(sum(r.socialised) OVER (ORDER BY b.block), 0) AS socialised,
               coalesce(sum(d.usd) OVER (ORDER BY b.block), 0) AS forgone,
               deficit_usd::DOUBLE AS deficit
        FROM blocks b
        LEFT JOIN (SELECT block, sum(forgone_usd) AS usd FROM deleveraged GROUP BY block) d
            ON d.block = b.block
        LEFT JOIN (SELECT block, sum(amount_usd - socialised_usd) AS insured,
                          sum(socialised_usd) AS socialised FROM realised GROUP BY block) r
            ON r.block = b.block
        ORDER BY b.block
        """
    )
    time = table["time"]
    return Plot(
        "bad-debt",
        "Bad debt",
        "Losses that accounts could not bear, by who bears them so far: the insurance fund, counterparties "
        "that were deleveraged, all holders of cash (socialised), or nobody yet (open at mark). The line is "
        "the deficit that withdrawals still have to burn.",
        ("USD",),
        [
            line(time, table["insured"], "paid by insurance", "@blue", stack="loss", money=True),
            line(time, table["forgone"], "deleveraged counterparties", "@violet", stack="loss", money=True),
            line(time, table["socialised"], "socialised", "@rose", stack="loss", money=True),
            line(time, table["open"], "open at mark", "@amber", stack="loss", money=True),
            line(time, table["deficit"], "deficit", "@ink", dash="dot", money=True),
        ],
        layout={"yaxis": {"rangemode": "tozero"}},
    )


def _stressed(run: RunTables) -> Plot:
    found = stress(run)
    traces = []
    for shock in found.shocks.tolist():
        deeper = 25 + round(75 * abs(shock) / found.shocks.max())
        colour = "@amber" if shock == 0 else f"@rose/{deeper}" if shock < 0 else f"@blue/{deeper}"
        values = found.deficit[:, found.place(shock)]
        name = f"{shock / 100:+g} %".replace("-", "−") if shock else "no move"
        hidden = shock not in _SHOWN
        traces.append(line(found.time, values, name, colour, money=True, hidden=hidden))
    traces.append(line(found.time, found.fund, "insurance fund", "@teal", dash="dash", money=True))
    for name, values, colour in (("fall", found.fall, "@rose"), ("rise", found.rise, "@blue")):
        label = f"{name} that uses up the fund"
        traces.append(line(found.time, values * 100, label, colour, panel=2, unit=" %"))
    return Plot(
        "stress",
        "Stressed deficit",
        "What accounts would owe after each block if all underlyings moved by so much at once: Σ max(0, "
        "−stressed equity), against the assets of the insurance fund. Below: the smallest fall and rise "
        "after which credit lines and the fund would not be enough; a gap where every move of up to 50 % is "
        "covered.",
        ("USD", "depletion shock, %"),
        traces,
        height=480,
        layout={
            "yaxis": {"rangemode": "tozero", "domain": [0.36, 1]},
            "yaxis2": {"range": [0, float(found.shocks.max()) / 100], "domain": [0, 0.26]},
        },
    )


def _delta(run: RunTables) -> Plot:
    traces = []
    for one, colour in zip(watched(run), SERIES * 3, strict=False):
        for values, name, dash in (
            (one.long, "price falls", "solid"),
            (-one.short, "price rises", "solid"),
            (one.buffer, "buffer", "dot"),
            (-one.buffer, "buffer", "dot"),
        ):
            label = f"{one.symbol}, {name}"
            traces.append(line(one.time, values, label, colour, dash=dash, steps=True, money=True))
    return Plot(
        "solvency-delta",
        "Stressed solvency delta",
        "What the deltas that accounts' own capital does not cover would lose if each underlying moved by "
        "its stress, as the SolvencyGuard recorded it: long sides above zero, short sides below; dotted the "
        "buffer that each may use of the insurance fund.",
        ("USD",),
        traces,
        height=400,
    )


def _fund(run: RunTables) -> Plot:
    table = run.columns(f"SELECT {TIMES}, fund_assets_usd::DOUBLE AS held FROM blocks ORDER BY block")
    return Plot(
        "fund",
        "Insurance fund",
        "Cash tokens held by the fund after each block.",
        ("USD",),
        [line(table["time"], table["held"], "fund", "@teal", fill=True, steps=True, money=True)],
        height=360,
        layout={"yaxis": {"rangemode": "tozero"}},
    )


def _balance(run: RunTables) -> Plot:
    table = run.columns(
        f"SELECT {TIMES}, backing_usd::DOUBLE AS assets, claims_usd::DOUBLE AS claims, "
        "total_borrow_usd::DOUBLE AS borrowed, "
        "(claims_usd - backing_usd - deficit_usd)::DOUBLE AS gap FROM blocks ORDER BY block"
    )
    time = table["time"]
    return Plot(
        "balance",
        "Assets against claims",
        "What the vault holds in cash tokens against what accounts, fees and reserves may claim of it. Their "
        "difference is the socialised deficit; the gap to it must be zero to the wei in every block.",
        ("USD", "gap, USD"),
        [
            line(time, table["assets"], "assets", "@teal", width=2, money=True),
            line(time, table["claims"], "claims", "@rose", dash="dot", width=2, money=True),
            line(time, table["borrowed"], "borrowed", "@grey", money=True, hidden=True),
            line(time, table["gap"], "claims − assets − deficit", "@ink", panel=2, money=True),
        ],
        height=360,
        layout={"yaxis": {"domain": [0.3, 1]}, "yaxis2": {"domain": [0, 0.18], "nticks": 3}},
    )
