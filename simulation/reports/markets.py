# SPDX-License-Identifier: Apache-2.0
"""Plots of markets: prices, open interest, funding, books, oracle. Imports: domain, metrics, reports.plot.

Perpetuals and dated futures are drawn each; options are so many that a series is one line, and of prices
those that were held most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulation.domain import market_math
from simulation.domain.market_math import Kind
from simulation.metrics import RunTables
from simulation.reports.plot import SERIES, TIMES, Plot, Values, line

__all__ = ["market_plots", "price_plot"]

OPTIONS = 8
"""Of a series, whose prices are drawn."""


@dataclass(frozen=True, slots=True)
class _Markets:
    """Symbols by market number."""

    perpetuals: dict[int, str]
    futures: dict[int, str]
    options: dict[str, dict[int, str]]
    """By name of their series."""


def market_plots(run: RunTables) -> list[Plot]:
    """In the order of the page; prices stand elsewhere on it."""
    markets = _markets(run)
    return [_open_interest(run, markets), _funding(run, markets), _book(run, markets), _oracle(run, markets)]


def _markets(run: RunTables) -> _Markets:
    found = _Markets({}, {}, {})
    for market, symbol in run.symbols.items():
        kind = market_math.kind(market)
        if kind is Kind.OPTION:
            future = market_math.future(market_math.series(market))
            series = run.symbols.get(future, f"series {market_math.series(market)}")
            found.options.setdefault(series, {})[market] = symbol
        else:
            (found.futures if kind is Kind.DATED_FUTURE else found.perpetuals)[market] = symbol
    return found


def price_plot(run: RunTables) -> Plot:
    """A panel for each perpetual and each dated future, and one for the options of each series."""
    markets = _markets(run)
    traces: list[dict[str, Any]] = []
    panels: list[str] = []
    for market, symbol in (markets.perpetuals | markets.futures).items():
        panels.append(f"{symbol}, USD")
        colour = SERIES[(len(panels) - 1) % 7]
        for column, shade, width, dash in (
            ("reference", "@grey", 1.1, "solid"),
            ("spot", colour, 1.4, "dot"),
            ("mark", colour, 1.8, "solid"),
        ):
            time, values = _market_series(run, market, f"nullif({column}, 0)")
            name, row = f"{symbol} {column}", len(panels)
            traces.append(line(time, values, name, shade, panel=row, width=width, dash=dash, money=True))
    for series, options in markets.options.items():
        panels.append(f"{series} options, USD")
        for place, market in enumerate(_most_held(run, options)):
            time, values = _market_series(run, market, "mark")
            dash = "solid" if market_math.is_call(market) else "dot"
            name, colour = f"{options[market]} mark", SERIES[place % 7]
            traces.append(line(time, values, name, colour, panel=len(panels), dash=dash, money=True))
    return Plot(
        "prices",
        "Price",
        "Reference is the price path itself. Spot and mark are what the oracle holds on chain after each "
        "block: margin, funding and auctions use mark."
        + (f" Of options the {OPTIONS} of a series that were held most." if markets.options else ""),
        tuple(panels),
        traces,
        height=150 + 175 * max(1, len(panels)),
    )


def _most_held(run: RunTables, options: dict[int, str]) -> list[int]:
    """The options of a series with the largest open interest at any time, by number."""
    largest = dict(run.rows("SELECT market, max(open_interest) FROM markets GROUP BY market"))
    return sorted(sorted(options, key=lambda market: -largest.get(market, 0.0))[:OPTIONS])


def _open_interest(run: RunTables, markets: _Markets) -> Plot:
    groups = {symbol: [market] for market, symbol in (markets.perpetuals | markets.futures).items()}
    groups |= {f"{series} options": list(options) for series, options in markets.options.items()}
    traces = []
    for number, (name, group) in enumerate(groups.items()):
        time, values = _group_series(run, group, "notional(market, open_interest, mark)")
        traces.append(line(time, values, name, SERIES[number % 7], stack="interest", money=True))
    return Plot(
        "open-interest",
        "Open interest",
        "One side, at mark, by market; all options of a series together.",
        ("USD",),
        traces,
        layout={"yaxis": {"rangemode": "tozero"}},
    )


def _funding(run: RunTables, markets: _Markets) -> Plot:
    traces = []
    for number, (market, symbol) in enumerate(markets.perpetuals.items()):
        time, values = _market_series(run, market, "funding_rate * 10000")
        traces.append(line(time, values, symbol, SERIES[number % 7], unit=" bps/h"))
    return Plot(
        "funding",
        "Funding rate",
        "Of perpetuals, in force after each block; positive: longs pay shorts.",
        ("bps per hour",),
        traces,
    )


def _book(run: RunTables, markets: _Markets) -> Plot:
    traces = []
    single = markets.perpetuals | markets.futures
    for number, (market, symbol) in enumerate(single.items()):
        colour = SERIES[number % 7]
        spread = "(best_ask - best_bid) / (best_ask + best_bid) * 20000"
        time, values = _market_series(run, market, "least(bid_depth_usd, ask_depth_usd)")
        traces.append(line(time, values, f"{symbol} depth", colour, money=True))
        time, values = _market_series(run, market, spread)
        traces.append(line(time, values, f"{symbol} spread", colour, panel=2, dash="dot", unit=" bps"))
    for number, (series, options) in enumerate(markets.options.items(), len(single)):
        time, values = _group_series(run, list(options), "bid_depth_usd + ask_depth_usd")
        traces.append(line(time, values, f"{series} options", SERIES[number % 7], money=True))
    return Plot(
        "book",
        "Order book",
        "Depth: the thinner side's resting orders within 1 % of the mid. Spread: best ask − best bid over "
        "the mid; a gap where a side is empty."
        + (" Of options the depth of both sides, all of a series together." if markets.options else ""),
        ("depth, USD", "spread, bps"),
        traces,
        height=360,
        layout={"yaxis": {"rangemode": "tozero"}, "yaxis2": {"rangemode": "tozero"}},
    )


def _oracle(run: RunTables, markets: _Markets) -> Plot:
    traces = []
    for number, (market, symbol) in enumerate(markets.perpetuals.items()):
        colour = SERIES[number % 7]
        time, values = _market_series(run, market, "(nullif(spot, 0) / reference - 1) * 10000")
        traces.append(line(time, values, f"{symbol} error", colour, unit=" bps", width=1.2))
        age = "CASE WHEN oracle_time > 0 THEN timestamp::DOUBLE - oracle_time::DOUBLE END"
        time, values = _market_series(run, market, age)
        traces.append(line(time, values, f"{symbol} age", colour, panel=2, dash="dot", unit=" s", width=1.2))
    return Plot(
        "oracle",
        "Oracle",
        "Of the feeds of perpetuals. Error: spot on chain against the reference price. Age: time of the "
        "block − time the price was observed.",
        ("error, bps", "age, s"),
        traces,
        height=360,
    )


def _market_series(run: RunTables, market: int, expression: str) -> tuple[Values, Values]:
    table = run.columns(
        f"SELECT {TIMES}, ({expression})::DOUBLE AS value FROM markets JOIN blocks USING (block) "
        "WHERE market = ? ORDER BY block",
        [market],
    )
    return table["time"], table["value"]


def _group_series(run: RunTables, markets: list[int], expression: str) -> tuple[Values, Values]:
    """The sum over some markets."""
    listed = ", ".join(map(str, markets))
    table = run.columns(
        f"SELECT {TIMES}, sum({expression})::DOUBLE AS value FROM markets JOIN blocks USING (block) "
        f"WHERE market IN ({listed}) GROUP BY block, timestamp ORDER BY block"
    )
    return table["time"], table["value"]
