# SPDX-License-Identifier: Apache-2.0
"""The report of one run. Imports: metrics, reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from simulation.messages.records import Metric
from simulation.metrics import RunTables, applicable, compute, definitions, inverse, keepers, show
from simulation.metrics.format import show_duration
from simulation.metrics.systems import systems
from simulation.reports.concentration import owners_table, venues_table
from simulation.reports.document import card, document, escape, prose, save, section, table
from simulation.reports.figures import run_plots
from simulation.reports.plot import Plot

__all__ = ["write_report"]

_GROUPS = {
    "solvency": "Solvency",
    "exposure": "Solvency delta",
    "liquidations": "Liquidations",
    "margin_calls": "Margin calls",
    "keepers": "Keepers",
    "credit": "Credit lines",
    "markets": "Markets",
    "inverse": "Inverse markets",
    "accounts": "Accounts",
    "concentration": "Counterparty concentration",
    "gas": "Gas",
}
_WIDE = ("prices", "liquidations", "bad-debt", "stress")


def write_report(folder: Path, metrics: Sequence[Metric] | None = None) -> Path:
    """Write `report.html` into a run folder.

    Args:
        folder: of a recorded run, complete or interrupted.
        metrics: what `compute` said about it, to save computing it again.

    Raises:
        InputError: no recorded run there.
        OutputError: the file cannot be written.
    """
    with RunTables(folder) as run:
        measured = compute(run) if metrics is None else metrics
        plots = run_plots(run)
        sections = [
            section(
                "overview",
                "Overview",
                _tiles(run, measured) + _venues(run, folder) + _cards(run, plots["Prices"]),
            ),
            section("figures", "Headline figures", _headline(measured) + _systems(run)),
            *(
                section(title.lower(), title, _cards(run, group))
                for title, group in plots.items()
                if title != "Prices"
            ),
            section("measures", "All measures", _measures(measured)),
            ("scenario", "", _scenario(folder)),
        ]
        text = document(
            str(run.summary["scenario"]),
            str(run.summary["description"]),
            _facts(run),
            sections,
            [plot for group in plots.values() for plot in group],
            f"Plimsoll {escape(run.summary['plimsoll'])} · every figure is computed from the Parquet files "
            f"beside this page · drag to zoom all plots over time, double-click to return",
        )
    return save(folder / "report.html", text)


def _facts(run: RunTables) -> list[str]:
    summary = run.summary
    start, end = (datetime.fromtimestamp(int(summary[key]), UTC) for key in ("start", "end"))
    complete = summary["status"] == "complete"
    gap = run.total("SELECT count(*) FROM blocks WHERE claims_usd <> backing_usd + deficit_usd")
    state = (
        '<span class="badge">complete</span>'
        if complete
        else f'<span class="badge bad" title="{escape(summary["reason"])}">interrupted</span>'
    )
    books = (
        '<span class="badge">reconciled to the wei in every block</span>'
        if not gap
        else f'<span class="badge bad">books differ in {gap:,.0f} blocks</span>'
    )
    return [
        state,
        books,
        f"<b>{start:%d %b %Y %H:%M}</b> to <b>{end:%d %b %Y %H:%M}</b> UTC",
        f"<b>{int(summary['blocks']):,}</b> blocks of <b>{show_duration(run.block_seconds)}</b>",
        f"seed <b>{escape(summary['seed'])}</b>",
        f"EVM <b>{escape(summary['chain'])}</b>",
        f"hash <b>{escape(summary['final_hash'])[:10]}…</b>",
    ]


def _tiles(run: RunTables, metrics: Sequence[Metric]) -> str:
    value = {item.name: item.value for item in metrics}
    depleted = value["fund_depletion_seconds"]
    profit = value["keeper_profit"]
    debt = value["bad_debt"] or 0.0
    tiles = (
        ("Bad debt", show(debt, "USD"), f"{show(value['socialised_loss'], 'USD')} socialised", debt < 1),
        (
            "Liquidations",
            show(value["liquidations"], "count"),
            f"{show(value['liquidated_notional'], 'USD')} taken over",
            None,
        ),
        (
            "Fund, minimum",
            show(value["fund_minimum"], "USD"),
            f"of {show(value['fund_start'], 'USD')}"
            + ("" if depleted is None else f", empty after {show_duration(depleted)}"),
            None if depleted is None else False,
        ),
        (
            "Keeper profit",
            show(profit, "USD"),
            f"{len(keepers.keepers(run))} keepers, {show(value['keeper_revert_rate'], 'share')} reverted",
            None if profit is None else profit >= 0,
        ),
        (
            "Shortfall × time",
            show(value["shortfall_time"], "USD*s"),
            f"deepest {show(value['shortfall_peak'], 'USD')}",
            None,
        ),
        (
            "Peak open interest",
            show(value["open_interest_peak"], "USD"),
            f"{show(value['volume'], 'USD')} traded",
            None,
        ),
    )
    colours = {True: ' class="good"', False: ' class="bad"', None: ""}
    made = "".join(
        f'<div class="tile"><p>{name}</p><b{colours[good]}>{number}</b><small>{note}</small></div>'
        for name, number, note, good in tiles
    )
    return f'<div class="tiles">{made}</div>'


def _headline(metrics: Sequence[Metric]) -> str:
    known = definitions()
    rows = (_row(item) for item in applicable(metrics) if known[item.name].headline)
    return f'<div class="card">{table(("Measure", "Value", "What it is"), rows, numeric=(1,))}</div>'


def _systems(run: RunTables) -> str:
    """A row for each margin system, where accounts are under several."""
    found = systems(run)
    if len(found) < 2:
        return ""
    rows = []
    for one in found:
        cells = (
            show(one.accounts, "count"),
            show(one.equity_usd, "USD"),
            show(one.efficiency, "ratio"),
            show(one.liquidated, "count"),
            show(one.taken_usd, "USD"),
            show(one.lost_usd, "USD"),
            show(one.called, "count"),
            show(one.cured, "count"),
            show(one.escalated, "count"),
        )
        numbers = "".join(f'<td class="n">{cell}</td>' for cell in cells)
        rows.append(f'<tr><td class="name">{escape(one.engine)}</td>{numbers}</tr>')
    heads = (
        "Margin system",
        "Accounts",
        "Equity at the start",
        "Notional / equity",
        "Liquidated",
        "Taken over",
        "Bad debt",
        "Margin calls",
        "Cured",
        "Escalated",
    )
    note = (
        "Traders and makers. Bad debt: recognised or forgone for accounts of the system, or open at the end. "
        "Margin calls: notices; cured: back at initial margin before the call lapsed or an auction began."
    )
    made = table(heads, rows, numeric=range(1, len(heads)))
    return f'<div class="card wide"><h3>By margin system</h3><p>{note}</p>{made}</div>'


def _measures(metrics: Sequence[Metric]) -> str:
    known = definitions()
    rows: list[str] = []
    group = ""
    for item in applicable(metrics):
        if known[item.name].group != group:
            group = known[item.name].group
            rows.append(f'<tr class="group"><td colspan="3">{_GROUPS[group]}</td></tr>')
        rows.append(_row(item))
    return f'<div class="card">{table(("Measure", "Value", "What it is"), rows, numeric=(1,))}</div>'


def _row(item: Metric) -> str:
    title = definitions()[item.name].title
    return (
        f'<tr title="{escape(item.name)}"><td class="name">{escape(title)}</td>'
        f'<td class="n">{show(item.value, item.unit)}</td>'
        f'<td class="what">{prose(item.definition)}</td></tr>'
    )


def _cards(run: RunTables, plots: Sequence[Plot]) -> str:
    below = {
        "keeper-profit": ("Keepers", _keepers(run)),
        "open-interest": ("Inverse positions", _inverse(run)),
        "netting": ("What spreading gave up and shed", owners_table(run)),
    }
    made = []
    for plot in plots:
        title, extra = below.get(plot.identifier, ("", ""))
        made.append(card(plot, wide=plot.identifier in _WIDE or len(plots) == 1))
        if extra:
            made.append(f'<div class="card wide"><h3>{title}</h3>{extra}</div>')
    return f'<div class="grid">{"".join(made)}</div>'


def _venues(run: RunTables, folder: Path) -> str:
    """The venues beside each other; the rest of the page is about the one whose folder it is."""
    found = venues_table(folder)
    own = escape(run.summary.get("venue", ""))
    note = f"<p>All figures but these are of venue {own}; every other has a report in its folder.</p>"
    return f'<div class="card wide"><h3>Venues</h3>{note}{found}</div>' if found else ""


def _keepers(run: RunTables) -> str:
    results = sorted(keepers.keepers(run), key=lambda result: -result.profit_usd)
    if not results:
        return ""
    total = sum(result.notional_usd for result in results)
    rows = []
    for result in results:
        share = result.notional_usd / total if total else None
        colour = "good" if result.profit_usd >= 0 else "bad"
        numbers = (
            show(result.notional_usd, "USD"),
            show(share, "share"),
            f"{result.bids_won:,} of {result.bids_sent:,}",
            show(result.win_rate, "share"),
            show(result.revert_rate, "share"),
            show(result.gas_usd, "USD"),
            show(result.wasted_usd, "USD"),
        )
        cells = "".join(f'<td class="n">{number}</td>' for number in numbers)
        profit = f'<td class="n {colour}">{show(result.profit_usd, "USD")}</td>'
        rows.append(f'<tr><td class="name">{escape(result.agent)}</td>{profit}{cells}</tr>')
    heads = ("Keeper", "Profit", "Taken over", "Share", "Bids won", "Win rate", "Reverted", "Gas", "Wasted")
    return table(heads, rows, numeric=range(1, len(heads)))


def _inverse(run: RunTables) -> str:
    """Who holds inverse positions, what they have earned in coin, and what that is in USD."""
    rows = []
    for one in inverse.positions(run):
        colour = "good" if one.profit_coin >= 0 else "bad"
        numbers = (
            f"{one.contracts:,.0f}",
            f"{one.coin:,.4f}",
            f"{one.settled_coin:,.4f}",
            show(one.funding_usd, "USD"),
            show(one.taken_over_usd, "USD"),
        )
        cells = "".join(f'<td class="n">{number.replace("-", "−")}</td>' for number in numbers)
        profit = f'<td class="n {colour}">{f"{one.profit_coin:,.4f}".replace("-", "−")}</td>'
        profit += f'<td class="n {colour}">{show(one.profit_usd, "USD")}</td>'
        name = f'<td class="name">{escape(one.agent)}</td><td>{escape(one.symbol)}</td>'
        rows.append(f"<tr>{name}{profit}{cells}</tr>")
    heads = (
        "Agent",
        "Market",
        "PnL, coin",
        "PnL, USD",
        "Contracts",
        "Coin balance",
        "Settled, coin",
        "Funding received",
        "Liquidated",
    )
    return table(heads, rows, numeric=range(2, len(heads))) if rows else ""


def _scenario(folder: Path) -> str:
    path = folder / "scenario.toml"
    if not path.is_file():
        return ""
    text = escape(path.read_text(encoding="utf-8"))
    return f'<details class="card"><summary>Resolved scenario</summary><pre>{text}</pre></details>'
