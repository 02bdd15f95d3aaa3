# SPDX-License-Identifier: Apache-2.0
"""What Black-76 misses: for the terminal, and a section of a portfolio's page. Imports: analysis, reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from simulation.analysis import Excess, MarginAnalysis, Tails
from simulation.domain.units import NANO
from simulation.reports.document import card, escape, table
from simulation.reports.plot import SERIES, Plot, bars

__all__ = ["show_tails", "tail_plot", "tail_section"]

NONE = "–"


def show_tails(analysis: MarginAnalysis, console: Console) -> None:
    """Print how often a loss exceeds each initial margin, then the options."""
    tails = analysis.tails
    console.print(
        f"\nChance that a loss within {_span(tails.horizon)} exceeds initial margin, and by how many USD then"
    )
    names = [one.law for one in tails.laws]
    console.print(_grid(("System", *names), _chances(tails)))
    if tails.options:
        console.print("\nOptions, USD a unit, where the laws agree with the surface at the money")
        console.print(_grid(("Option", "mark", *names), _prices(tails)))


def tail_section(analysis: MarginAnalysis, plot: Plot) -> str:
    """The section of the page."""
    tails = analysis.tails
    names = [one.law for one in tails.laws]
    losses = [
        (
            one.law,
            f"{one.value_at_risk:,.0f}",
            f"{one.expected_shortfall:,.0f}",
            _share(one.insolvent),
        )
        for one in tails.laws
    ]
    note = (
        f"<p>Estimates, from {tails.draws:,} moves of each law within {_span(tails.horizon)}: the normal law "
        "that Black-76 believes in, Merton's jumps, and normal inverse Gaussian tails. All have the same "
        "variance, the last two the same skewness and excess kurtosis. The account is left as it is: "
        "funding, trades and liquidations within the time are not counted. A chance is followed by what the "
        "loss exceeds the requirement by, on average, when it does.</p>"
    )
    parts = [
        _card("Losses", ("Law", "Value at risk 99 %", "Expected shortfall 99 %", "Equity used up"), losses),
        _card("Chance that a loss exceeds initial margin", ("System", *names), list(_chances(tails))),
        _card(
            "Chance that a loss exceeds maintenance margin",
            ("System", *names),
            list(_chances(tails, initial=False)),
        ),
    ]
    if tails.options:
        heads = ("Option", "mark", *names)
        parts.append(
            _card(
                "Options, USD a unit, with the volatility that gives the price", heads, list(_prices(tails))
            )
        )
    return f'<div class="grid">{card(plot, wide=True)}</div>{note}{"".join(parts)}'


def tail_plot(analysis: MarginAnalysis) -> Plot:
    """Chances by system and law."""
    tails = analysis.tails
    systems = list(tails.initial)[::-1]
    laws = [one.law for one in tails.laws]
    traces = [
        bars(
            systems,
            [100 * tails.initial[name][law].chance for name in systems],
            law,
            colour,
            hovertemplate="%{y}: %{x:.3g} %",
        )
        for law, colour in reversed(list(zip(laws, SERIES, strict=False)))
    ]
    caption = f"Chance that a loss within {_span(tails.horizon)} exceeds initial margin, %."
    layout = {"barmode": "group"}
    return Plot(
        "tails",
        "What Black-76 misses",
        caption,
        ("",),
        traces,
        120 + 60 * len(systems),
        over_time=False,
        layout=layout,
    )


def _chances(tails: Tails, initial: bool = True) -> Iterator[tuple[str, ...]]:
    for name, laws in (tails.initial if initial else tails.maintenance).items():
        yield (name, *(_excess(one) for one in laws.values()))


def _prices(tails: Tails) -> Iterator[tuple[str, ...]]:
    for one in tails.options:
        side = "long" if one.size > 0 else "short"
        cells = []
        for law, price in one.prices.items():
            volatility = one.volatilities[law]
            told = "" if volatility is None else f" ({100 * volatility:.0f} %)"
            cells.append(NONE if price is None else f"{price:,.2f}{told}")
        yield (f"{one.instrument}, {side} {abs(one.size) / NANO:g}", f"{one.mark:,.2f}", *cells)


def _excess(one: Excess) -> str:
    return _share(one.chance) + (f" ({one.beyond:,.0f})" if one.chance else "")


def _share(chance: float) -> str:
    """Per cent to two significant digits: 200,000 draws do not tell more."""
    return f"{100 * chance:.2g} %" if chance else "none drawn"


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            count = seconds // size
            return f"a{'n' if unit == 'hour' else ''} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{seconds} seconds"


def _grid(heads: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Table:
    made = Table(box=None, pad_edge=False, header_style="dim")
    for place, head in enumerate(heads):
        made.add_column(head, justify="right" if place else "left", no_wrap=True)
    for row in rows:
        made.add_row(*row)
    return made


def _card(title: str, heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> str:
    numeric = range(1, len(heads))
    made = [
        "<tr>"
        + "".join(
            f'<td class="n">{escape(c)}</td>' if i else f"<td>{escape(c)}</td>" for i, c in enumerate(row)
        )
        + "</tr>"
        for row in rows
    ]
    inner = table(heads, made, numeric)
    return f'<div class="card" style="margin-top:12px"><h3>{escape(title)}</h3>{inner}</div>'
