# SPDX-License-Identifier: Apache-2.0
"""The plots of a run's report, each from the recorded tables. Imports: metrics, other parts of reports."""

from __future__ import annotations

import numpy as np

from simulation.metrics import RunTables, gas, keepers, liquidations, show
from simulation.metrics.accounts import LEVERAGE
from simulation.reports.concentration import concentration_plots
from simulation.reports.credit import credit_plots
from simulation.reports.markets import market_plots, price_plot
from simulation.reports.plot import SERIES, TIMES, Plot, bars, line, marks
from simulation.reports.solvency import solvency_plots
from simulation.reports.thin import LIMIT

__all__ = ["run_plots"]

_REASONS = {
    1: ("buffer restored", "@teal"),
    2: ("nothing left", "@violet"),
    3: ("written off", "@rose"),
    None: ("still open", "@amber"),
}


def run_plots(run: RunTables) -> dict[str, list[Plot]]:
    """Section title to its plots, in the order of the page."""
    plots = {
        "Prices": [price_plot(run)],
        "Margin": [_health(run), _leverage(run)],
        "Liquidations": [_liquidations(run), _keeper_notional(run), _keeper_profit(run)],
        "Solvency": solvency_plots(run),
        "Credit": credit_plots(run),
        "Concentration": concentration_plots(run),
        "Markets": market_plots(run),
        "Gas": [_base_fee(run), _functions(run)],
    }
    plots = {title: group for title, group in plots.items() if group}
    span = list(_ends(run))
    for plot in (plot for group in plots.values() for plot in group if plot.over_time):
        plot.layout["xaxis"] = {"range": span}
    return plots


def _health(run: RunTables) -> Plot:
    table = run.columns(
        f"SELECT {TIMES}, below_initial, below_maintenance, in_liquidation, shortfall_usd FROM blocks "
        "ORDER BY block"
    )
    time = table["time"]
    return Plot(
        "health",
        "Margin health",
        "Accounts whose equity is below initial or maintenance margin after each block, and how much "
        "maintenance margin is missing in all: Σ max(0, maintenance margin − equity).",
        ("accounts", "shortfall, USD"),
        [
            line(time, table["below_initial"], "below initial margin", "@amber", fill=True, width=1),
            line(time, table["below_maintenance"], "below maintenance margin", "@rose", fill=True, width=1),
            line(time, table["in_liquidation"], "in liquidation", "@violet", width=1),
            line(time, table["shortfall_usd"], "shortfall", "@rose", panel=2, fill=True, width=1, money=True),
        ],
        height=380,
        layout={"yaxis": {"rangemode": "tozero"}, "yaxis2": {"rangemode": "tozero"}},
    )


def _leverage(run: RunTables) -> Plot:
    table = run.columns(
        f"SELECT {TIMES}, quantile_cont(leverage, 0.05) AS low, median(leverage) AS middle, "
        f"quantile_cont(leverage, 0.95) AS high FROM ({LEVERAGE}) JOIN blocks USING (block) "
        "GROUP BY block, timestamp ORDER BY block"
    )
    time = table["time"]
    low = line(time, table["low"], "5 %", "@blue/45", width=0.8, unit="×")
    high = line(time, table["high"], "95 %", "@blue/45", width=0.8, unit="×")
    high |= {"fill": "tonexty", "fillcolor": "@blue/14"}
    traces = [low, high, line(time, table["middle"], "median", "@blue", width=2, unit="×")]
    return Plot(
        "leverage",
        "Leverage",
        "Σ |size| · mark over equity, of accounts with a position and positive equity: median and the band "
        "from 5 % to 95 %, in the blocks in which every account is recorded.",
        ("multiple of equity",),
        traces if len(time) else [],
        height=380,
        layout={"yaxis": {"rangemode": "tozero"}},
        note="No account held a position in a sampled block.",
    )


def _liquidations(run: RunTables) -> Plot:
    found = liquidations.auctions(run)
    # The largest ones when there are more than a page can carry.
    shown = sorted(sorted(found, key=lambda item: -item.notional_usd)[:LIMIT], key=lambda item: item.started)
    start, first, step = run.summary["start"], run.summary["first_block"], run.block_seconds
    largest = max((item.notional_usd for item in shown), default=1.0) or 1.0
    traces = []
    for reason, (label, colour) in _REASONS.items():
        group = [item for item in shown if item.reason == reason]
        if not group:
            continue
        texts = [
            f"<b>account {item.account}</b> {item.agent}<br>{show(item.notional_usd, 'USD')} taken over in "
            f"{item.bids} bids<br>equity {show(item.equity_usd, 'USD')} of "
            f"{show(item.maintenance_margin_usd, 'USD')} at the start<br>started {item.delay_blocks} blocks "
            f"late, "
            + (f"ended after {item.ended - item.started}" if item.ended is not None else "not ended")
            for item in group
        ]
        times = [round((start + (item.started - first) * step) * 1000) for item in group]
        sizes = [6 + 22 * (item.notional_usd / largest) ** 0.5 for item in group]
        trace = marks(times, [item.notional_usd for item in group], label, colour, texts, size=sizes)
        traces.append(trace)
    table = run.columns(f"SELECT {TIMES}, in_liquidation FROM blocks ORDER BY block")
    if traces:
        traces.append(
            line(
                table["time"],
                table["in_liquidation"],
                "auctions running",
                "@violet",
                panel=2,
                fill=True,
                steps=True,
                width=1,
            )
        )
    left_out = f" The {LIMIT:,} largest of {len(found):,} are drawn." if len(found) > LIMIT else ""
    return Plot(
        "liquidations",
        "Liquidations and auctions",
        "One disc for each auction, where it started; height and size are the notional that bidders took "
        f"over, the colour says how it ended. Below: auctions running at the same time.{left_out}",
        ("taken over, USD", "auctions"),
        traces,
        height=420,
        layout={
            "hovermode": "closest",
            "yaxis": {"rangemode": "tozero", "domain": [0.32, 1]},
            "yaxis2": {"rangemode": "tozero", "domain": [0, 0.22]},
        },
        note="No account was liquidated.",
    )


def _keeper_notional(run: RunTables) -> Plot:
    rows = run.rows(
        f"SELECT agent, {TIMES}, sum(notional_usd) FROM bids JOIN blocks USING (block) "
        "GROUP BY agent, block, timestamp ORDER BY agent, block"
    )
    first, last = _ends(run)
    traces = []
    for number, agent in enumerate(sorted({row[0] for row in rows})):
        own = [row for row in rows if row[0] == agent]
        times = [first, *(row[1] for row in own), last]
        total = np.cumsum([0.0, *(row[2] for row in own), 0.0])
        traces.append(line(times, total, agent or "unknown", SERIES[number % 7], steps=True, money=True))
    return Plot(
        "keeper-notional",
        "Who liquidated",
        "Notional taken over in auctions, at mark, added up by the agent whose account took it.",
        ("USD",),
        traces,
        note="No bid was made.",
    )


def _keeper_profit(run: RunTables) -> Plot:
    results = sorted(keepers.keepers(run), key=lambda result: -result.profit_usd)
    names = [result.agent for result in results]
    traces = []
    if results:
        before = [result.profit_usd + result.gas_usd for result in results]
        after = [result.profit_usd for result in results]
        traces = [
            bars(names, after, "after gas", ["@teal" if value >= 0 else "@rose" for value in after]),
            bars(names, before, "before gas", "@grey/45"),
        ]
        for trace in traces:
            trace["hovertemplate"] = "%{y}: $%{x:,.4~s}"
    return Plot(
        "keeper-profit",
        "Keeper profit",
        "Equity at the end − equity at the start − net deposits, before and after the gas of all "
        "transactions, reverted ones included.",
        ("",),
        traces,
        over_time=False,
        height=max(320, 70 + 44 * len(results)),
        layout={
            "xaxis": {"title": {"text": "USD"}},
            "yaxis": {"autorange": "reversed"},
        },
        note="No keeper took part.",
    )


def _base_fee(run: RunTables) -> Plot:
    table = run.columns(
        f"SELECT {TIMES}, base_fee_gwei, gas_used / 1e6 AS used, gas_limit / 1e6 AS most, pending FROM "
        f"blocks ORDER BY block"
    )
    time = table["time"]
    return Plot(
        "base-fee",
        "Block space",
        "Base fee, gas used against the block gas limit, and transactions left waiting in the pool.",
        ("base fee, gwei", "million gas", "waiting"),
        [
            line(time, table["base_fee_gwei"], "base fee", "@amber", unit=" gwei"),
            line(time, table["used"], "gas used", "@blue", panel=2, width=1, unit=" M"),
            line(time, table["most"], "limit", "@grey", panel=2, dash="dot", unit=" M"),
            line(time, table["pending"], "waiting", "@violet", panel=3, fill=True),
        ],
        height=440,
        layout={f"yaxis{row}": {"rangemode": "tozero"} for row in ("", "2", "3")},
    )


def _functions(run: RunTables) -> Plot:
    found = [item for item in gas.functions(run) if item.median == item.median][:14]
    names = [item.function for item in found]
    traces = []
    if found:
        traces = [
            bars(names, [item.median for item in found], "median", "@blue"),
            bars(names, [item.p99 for item in found], "99 %", "@blue/45"),
        ]
    return Plot(
        "functions",
        "Gas by function",
        "Receipt gas of successful transactions: median and 99 % quantile, the functions that used most gas "
        "in all on top.",
        ("",),
        traces,
        over_time=False,
        height=440,
        layout={"xaxis": {"title": {"text": "gas"}}, "yaxis": {"autorange": "reversed"}},
        note="No transaction was recorded.",
    )


def _ends(run: RunTables) -> tuple[int, int]:
    first, last = run.rows("SELECT min(timestamp) * 1000, max(timestamp) * 1000 FROM blocks")[0]
    return int(first), int(last)
