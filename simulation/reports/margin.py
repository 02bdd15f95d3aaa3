# SPDX-License-Identifier: Apache-2.0
"""One portfolio under every margin system: for the terminal, and as a page. Imports: analysis, reports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from simulation.analysis import Hedge, LiquidationPrice, MarginAnalysis, SystemResult, exact
from simulation.domain.units import NANO, WAD
from simulation.errors import OutputError
from simulation.reports.document import card, document, escape, save, section, table
from simulation.reports.plot import Plot, bars, compact
from simulation.reports.tails import show_tails, tail_plot, tail_section

__all__ = ["show_margin", "write_margin"]

NONE = "–"
HEADS = ("System", "Initial margin", "Maintenance", "Saved", "Liquidated at", "Hedge")


def write_margin(folder: Path, analysis: MarginAnalysis) -> Path:
    """Write `margin.json` and `report.html` into a folder, which is made where it is missing.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror}; expected a folder that can be written") from error
    save(folder / "margin.json", json.dumps(analysis.as_json(), indent=2) + "\n")
    return save(folder / "report.html", _page(analysis))


def show_margin(analysis: MarginAnalysis, console: Console) -> None:
    """Print every system's figures, then the terms and the hedge of the portfolio's own system."""
    own = analysis.system(analysis.engine)
    if own.assessment is not None:
        console.print(
            f"[bold]{analysis.name}[/], equity {_usd(own.assessment.equity)} USD\n", highlight=False
        )
    for held in analysis.held:
        if held.coin is not None and held.coin_profit is not None:
            against = f"{exact(held.size, 9)} USD against {exact(held.coin, 9)} coins"
            console.print(f"{held.name}: {against}, PnL {exact(held.coin_profit, 9)} coins", highlight=False)
    overview = _grid(HEADS, right=range(1, 4))
    for one in analysis.systems:
        overview.add_row(*_row(analysis, one))
    console.print(overview)
    for one in analysis.systems:
        if one.assessment is None:
            console.print(f"[dim]{one.name}: {one.contract} has no answer ({one.reason})[/]")
    if own.assessment is None:
        return
    worst = f"; worst scenario: {own.worst}" if own.worst else ""
    console.print(f"\n[bold]{own.name}[/], {own.contract}{worst}")
    terms = _grid(("Term", "Of", "Initial margin", "Maintenance", "Equity"), right=(2, 3, 4))
    for cells in _terms(own):
        terms.add_row(*cells)
    console.print(terms)
    if own.hedge is not None:
        console.print(f"\n{_hedge_text(own.hedge)}", highlight=False)
        if own.hedge.trades:
            trades = _grid(("Trade", "Size", "Price", "Cost"), right=(1, 2, 3))
            for cells in _trades(own.hedge):
                trades.add_row(*cells)
            console.print(trades)
    show_tails(analysis, console)


def _grid(heads: Sequence[str], right: Sequence[int]) -> Table:
    made = Table(box=None, pad_edge=False, header_style="dim")
    for place, head in enumerate(heads):
        made.add_column(
            head, justify="right" if place in right else "left", no_wrap=place == 0 or place in right
        )
    return made


def _row(analysis: MarginAnalysis, one: SystemResult) -> tuple[str, ...]:
    """A system's line, in the order of HEADS."""
    name = f"{one.name} *" if one.name == analysis.engine else one.name
    if one.assessment is None:
        return (name, *(NONE for _ in HEADS[1:]))
    found = one.assessment
    return (
        name,
        _usd(found.initial_margin),
        _usd(found.maintenance_margin),
        NONE if one.saved is None else _usd(one.saved),
        "\n".join(_price(price) for price in one.liquidation) or "none",
        NONE if one.hedge is None else _hedge_cost(one.hedge),
    )


def _price(price: LiquidationPrice) -> str:
    if price.now:
        return f"{price.asset} now"
    sides = (("≤", price.down), ("≥", price.up))
    found = [f"{price.asset} {sign} {exact(spot, 9)}" for sign, spot in sides if spot is not None]
    return "\n".join(found) or f"{price.asset} none"


def _hedge_cost(hedge: Hedge) -> str:
    if not hedge.needed:
        return "not needed"
    if not hedge.found:
        return "none found"
    return f"{_usd(hedge.cost)} ({'no bound' if hedge.gap is None else f'gap {hedge.gap / 100:g} %'})"


def _hedge_text(hedge: Hedge) -> str:
    before = f"initial margin {_usd(hedge.before.initial_margin)}, equity {_usd(hedge.before.equity)}"
    if not hedge.needed:
        return f"No hedge is needed: {before}."
    if not hedge.found:
        return f"No hedge was found: {before}, and no trade in the instruments allowed brings it back."
    after = f"initial margin {_usd(hedge.after.initial_margin)}, equity {_usd(hedge.after.equity)}"
    told = f"Cheapest hedge back to initial margin: {_usd(hedge.cost)}, {_gap(hedge)}."
    return f"{told} Before: {before}. After: {after}."


def _gap(hedge: Hedge) -> str:
    """How much cheaper another hedge could be."""
    if hedge.gap is None:
        return "no bound: the requirement is not convex"
    return f"no other is cheaper by more than {hedge.gap / 100:g} %"


def _terms(one: SystemResult) -> Iterator[tuple[str, ...]]:
    for term in one.terms:
        amounts = (term.initial_margin, term.maintenance_margin, term.equity)
        yield (term.label, term.subject, *(_usd(amount) if amount else "" for amount in amounts))
    assert one.assessment is not None
    total = (one.assessment.initial_margin, one.assessment.maintenance_margin, one.assessment.equity)
    yield ("sum", "", *(_usd(amount) for amount in total))


def _trades(hedge: Hedge) -> Iterator[tuple[str, ...]]:
    for trade in hedge.trades:
        verb = "buy" if trade.size > 0 else "sell"
        size, price = exact(abs(trade.size), 9), exact(trade.price, 9)
        yield (f"{verb} {trade.instrument}", size, price, _usd(trade.cost))


def _usd(amount: int) -> str:
    """Wad USD to the cent, for people; the JSON has all digits."""
    text = f"{amount / WAD:,.2f}"
    return "0.00" if text == "-0.00" else text


# --- the page


def _page(analysis: MarginAnalysis) -> str:
    plots = [_profit_plot(analysis), _margin_plot(analysis), tail_plot(analysis)]
    profits = [plots[0]]
    if analysis.grid.coins:
        profits.append(_coin_plot(analysis))
        plots.append(profits[1])
    moment = datetime.fromtimestamp(analysis.time, UTC)
    own = analysis.system(analysis.engine)
    facts = [
        f"<b>{moment:%d %b %Y %H:%M}</b> UTC",
        f"cash <b>{_usd(analysis.cash)} USD</b>",
        f"system <b>{escape(analysis.engine)}</b>",
    ]
    if own.assessment is not None:
        facts.append(f"equity <b>{_usd(own.assessment.equity)} USD</b>")
        enough = own.assessment.equity >= own.assessment.initial_margin
        text = "above initial margin" if enough else "below initial margin"
        facts.append(f'<span class="badge{"" if enough else " bad"}">{text}</span>')
    sections = [
        section("systems", "Margin systems", _systems(analysis, plots[1])),
        section(
            "profit",
            "Profit and loss",
            f'<div class="grid">{"".join(card(plot, wide=True) for plot in profits)}</div>',
        ),
        section("tails", "Tails", tail_section(analysis, plots[2])),
        section("holdings", "Holdings", _holdings(analysis)),
        section("terms", "Terms", "".join(_term_card(one) for one in analysis.systems)),
        section("hedges", "Hedges", "".join(_hedge_card(one) for one in analysis.systems)),
    ]
    lead = analysis.description or "One portfolio under every margin system"
    source = "Every figure but those of tails is an answer of the deployed contracts"
    footer = f"{source} · {escape(Path(analysis.file).name)}"
    return document(analysis.name, lead, facts, sections, plots, footer)


def _systems(analysis: MarginAnalysis, plot: Plot) -> str:
    rows = [_html_row(_row(analysis, one), range(1, 4)) for one in analysis.systems]
    heads = (*HEADS, "Worst scenario")
    rows = [
        row.replace("</tr>", f"<td>{escape(one.worst or one.reason)}</td></tr>")
        for row, one in zip(rows, analysis.systems, strict=True)
    ]
    note = (
        "<p>USD. Saved: initial margin of isolated accounts less that of the system. Liquidated at: the "
        "nearest spots at which equity is below maintenance margin. Hedge: what the cheapest one costs that "
        "brings equity back to initial margin.</p>"
    )
    return (
        f'<div class="card">{table(heads, rows, range(1, 4))}{note}</div>'
        f'<div class="grid" style="margin-top:16px">{card(plot, wide=True)}</div>'
    )


def _holdings(analysis: MarginAnalysis) -> str:
    rows = [
        _html_row(
            (
                one.name,
                exact(one.size, 9) + (" USD" if one.unit == "USD" else ""),
                NONE if one.entry is None else exact(one.entry, 9),
                exact(one.mark, 9),
                _usd(one.value),
                NONE if one.coin_profit is None else exact(one.coin_profit, 9),
            ),
            range(1, 6),
        )
        for one in (*analysis.held, *analysis.collaterals)
    ]
    heads = ("Instrument", "Size", "Entry, USD", "Mark, USD", "PnL or value, USD", "PnL, coin")
    return f'<div class="card">{table(heads, rows, range(1, 6))}</div>'


def _term_card(one: SystemResult) -> str:
    if one.assessment is None:
        return ""
    heads = ("Term", "Of", "Initial margin", "Maintenance", "Equity")
    rows = [_html_row(cells, range(2, 5)) for cells in _terms(one)]
    inner = table(heads, rows, range(2, 5))
    return f'<div class="card" style="margin-top:12px"><h3>{escape(one.name)}</h3>{inner}</div>'


def _hedge_card(one: SystemResult) -> str:
    if one.hedge is None:
        return ""
    rows = [_html_row(cells, range(1, 4)) for cells in _trades(one.hedge)]
    inner = table(("Trade", "Size", "Price, USD", "Cost, USD"), rows, range(1, 4)) if rows else ""
    text = escape(_hedge_text(one.hedge))
    return f'<div class="card" style="margin-top:12px"><h3>{escape(one.name)}</h3><p>{text}</p>{inner}</div>'


def _html_row(cells: Sequence[str], numeric: Sequence[int]) -> str:
    made = "".join(
        f'<td class="n">{escape(cell)}</td>' if place in numeric else f"<td>{_lines(cell)}</td>"
        for place, cell in enumerate(cells)
    )
    return f"<tr>{made}</tr>"


def _lines(cell: str) -> str:
    return escape(cell).replace("\n", "<br>")


def _profit_plot(analysis: MarginAnalysis) -> Plot:
    """A heat map over spot and volatility, or a curve where volatility does not matter."""
    grid = analysis.grid
    moves = [move / 100 for move in grid.spots]
    caption = "Equity after the move less equity now, as the contracts have it at those prices."
    axes: dict[str, Any] = {"title": {"text": "move of spot, %"}}
    profits = [[float("nan") if one is None else one / WAD for one in row] for row in grid.profits]
    if len(grid.volatilities) == 1:
        curve: dict[str, Any] = {
            "type": "scatter",
            "mode": "lines",
            "name": "profit",
            "x": moves,
            "y": compact(profits[0]),
            "line": {"color": "@blue", "width": 2},
            "fill": "tozeroy",
            "fillcolor": "@blue/14",
            "hovertemplate": "%{x:+g} %: $%{y:,.4~s}<extra></extra>",
        }
        layout = {"xaxis": axes}
        return Plot("profit", "Over spot", caption, ("USD",), [curve], 380, over_time=False, layout=layout)
    trace: dict[str, Any] = {
        "type": "heatmap",
        "x": moves,
        "y": [move / 100 for move in grid.volatilities],
        "z": [compact(row) for row in profits],
        "zmid": 0,
        "colorscale": [[0, "@rose"], [0.5, "@card"], [1, "@teal"]],
        "colorbar": {"title": {"text": "USD"}, "outlinewidth": 0},
        "hovertemplate": "spot %{x:+g} %, volatility %{y:+g} %: $%{z:,.4~s}<extra></extra>",
    }
    panels = ("move of volatility, %",)
    layout = {"xaxis": axes}
    return Plot(
        "profit", "Over spot and volatility", caption, panels, [trace], 460, over_time=False, layout=layout
    )


def _coin_plot(analysis: MarginAnalysis) -> Plot:
    """What inverse positions earn in coin: the same USD at a low price are more coins than at a high one."""
    moves = [move / 100 for move in analysis.grid.spots]
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": moves,
            "y": compact([float("nan") if one is None else one / NANO for one in row]),
            "hovertemplate": f"{name} %{{x:+g}} %: %{{y:,.4~s}} coins<extra></extra>",
        }
        for name, row in analysis.grid.coins.items()
    ]
    caption = "PnL in coin of inverse positions, contracts over price against the coin they were opened for."
    layout = {"xaxis": {"title": {"text": "move of spot, %"}}}
    return Plot("coins", "In coin", caption, ("coin",), traces, 320, over_time=False, layout=layout)


def _margin_plot(analysis: MarginAnalysis) -> Plot:
    known = [(one.name, one.assessment) for one in analysis.systems if one.assessment is not None]
    names = [name for name, _ in reversed(known)]
    initial = [found.initial_margin / WAD for _, found in reversed(known)]
    maintenance = [found.maintenance_margin / WAD for _, found in reversed(known)]
    traces = [
        bars(names, maintenance, "maintenance margin", "@amber"),
        bars(names, initial, "initial margin", "@blue"),
    ]
    caption = "What each system asks for, USD."
    layout = {"barmode": "group"}
    return Plot(
        "margins",
        "Requirements",
        caption,
        ("",),
        traces,
        120 + 60 * len(names),
        over_time=False,
        layout=layout,
    )
