# SPDX-License-Identifier: Apache-2.0
"""Plots of a run with a whole strip of options beside perpetuals and a future."""

from __future__ import annotations

import itertools

import pytest

from simulation.domain.market_math import future, option
from simulation.metrics import RunTables
from simulation.reports.markets import OPTIONS, market_plots, price_plot
from simulation.reports.plot import Plot
from tests.synthetic_run import RunBuilder

STRIKES = 12


def names(plot: Plot) -> list[str]:
    return [str(trace["name"]) for trace in plot.traces]


@pytest.fixture
def strip(run: RunBuilder) -> RunTables:
    """ETH and BTC, a future and 24 options on ETH; the more is held of an option, the higher its number."""
    symbols = {1: "ETH", 2: "BTC", future(1): "ETH-29MAR"}
    symbols |= {
        option(1, place, call): f"ETH-29MAR {100 + place} {'call' if call else 'put'}"
        for place in range(STRIKES)
        for call in (True, False)
    }
    run.summary["markets"] = [
        {"market": market, "symbol": symbol, "tick_size": 10**7, "lot_size": 10**6}
        for market, symbol in symbols.items()
    ]
    for block in range(run.first, run.first + run.blocks):
        run.block(block)
        for market, symbol in symbols.items():
            run.market(block, market, symbol=symbol, open_interest=float(market), spot=100.0, mark=2.0)
    return RunTables(run.write())


def test_prices_have_a_panel_for_each_market_and_one_for_all_options(strip: RunTables) -> None:
    plot = price_plot(strip)
    assert plot.panels == ("ETH, USD", "BTC, USD", "ETH-29MAR, USD", "ETH-29MAR options, USD")
    drawn = [name for name in names(plot) if "call" in name or "put" in name]
    held_most = [f"ETH-29MAR {100 + place} {kind} mark" for place in range(8, 12) for kind in ("call", "put")]
    assert drawn == held_most and len(drawn) == OPTIONS
    assert all(name.endswith("mark") for name in drawn), "what underlies them is drawn once, above"


def test_other_plots_name_each_perpetual_and_a_series_of_options_once(strip: RunTables) -> None:
    interest, funding, book, oracle = market_plots(strip)
    assert names(interest) == ["ETH", "BTC", "ETH-29MAR", "ETH-29MAR options"]
    total = 2.0 * sum(range(option(1, 0, True), option(1, STRIKES - 1, False) + 1))
    assert interest.traces[-1]["y"] == [pytest.approx(total)] * 10
    assert names(funding) == ["ETH", "BTC"]
    assert names(oracle) == ["ETH error", "ETH age", "BTC error", "BTC age"]
    assert names(book)[-1] == "ETH-29MAR options" and len(names(book)) == 7


@pytest.mark.parametrize("panels", [1, 2, 3, 11, 40])
def test_panels_do_not_overlap_however_many(panels: int) -> None:
    layout = Plot("many", "Many", "Panels.", tuple(str(place) for place in range(panels))).spec()["layout"]
    domains = [layout["yaxis" if place == 1 else f"yaxis{place}"]["domain"] for place in range(1, panels + 1)]
    assert all(low < high for low, high in domains)
    assert sum(high - low for low, high in domains) > 0.7
    for (low, _), (_, high) in itertools.pairwise(domains):
        assert high < low
