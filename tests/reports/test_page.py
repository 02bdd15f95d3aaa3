# SPDX-License-Identifier: Apache-2.0
"""The page of a run: everything inside, nothing from elsewhere, honest about what happened."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from simulation.errors import InputError, OutputError
from simulation.metrics import definitions
from simulation.reports import write_report
from simulation.reports.document import prose
from tests.synthetic_run import RunBuilder, crash


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crash(tmp_path_factory.mktemp("crash") / "run", blocks=2_600)


@pytest.fixture(scope="module")
def page(crashed: Path) -> str:
    return write_report(crashed).read_text(encoding="utf-8")


def plots(page: str) -> dict[str, dict[str, Any]]:
    data = re.search(r'<script type="application/json" id="plot-data">(.*?)</script>', page, re.S)
    assert data
    return {plot["id"]: plot for plot in json.loads(data[1])}


def own(page: str) -> str:
    """The page without the plotting library, which carries addresses it never asks."""
    return re.sub(r"<script>/\*\*.*?plotly\.js.*?</script>", "", page, count=1, flags=re.DOTALL)


def test_nothing_is_fetched(page: str) -> None:
    text = own(page)
    assert len(text) < len(page) / 2, "the library was cut out"
    assert "http" not in text
    assert not re.search(r"<(link|script|img|iframe)[^>]+(src|href)=\"(?!data:|#)", text)


def test_size_is_sensible(page: str) -> None:
    assert len(own(page).encode()) < 2_500_000


def test_every_plot_has_its_place(page: str) -> None:
    found = plots(page)
    expected = {
        "prices", "health", "leverage", "liquidations", "keeper-notional", "keeper-profit", "bad-debt",
        "stress", "fund", "balance", "open-interest", "funding", "book", "oracle", "base-fee", "functions",
        "credit", "order-of-losses", "claims", "netting", "solvency-delta",
    }  # fmt: skip
    assert set(found) == {f"plot-{name}" for name in expected}
    for identifier in found:
        assert page.count(f'id="{identifier}"') == 1


def test_identifiers_are_unique(page: str) -> None:
    identifiers = re.findall(r'\bid="([^"]+)"', own(page))
    assert len(identifiers) == len(set(identifiers))


def test_traces_are_thinned_and_finite(page: str) -> None:
    for plot in plots(page).values():
        for trace in plot["traces"]:
            assert len(trace["x"]) == len(trace["y"]) <= 2_000, (plot["id"], trace["name"])


def test_every_headline_stands_with_its_definition(page: str) -> None:
    for item in definitions().values():
        # The run has no inverse markets: a group of which nothing is defined is left out.
        assert (prose(item.definition) in page) == (item.group != "inverse"), item.name


def test_each_keeper_is_in_the_table(page: str) -> None:
    for keeper in ("keeper-1", "keeper-2", "keeper-3"):
        assert f'<td class="name">{keeper}</td>' in page


def test_a_run_that_reconciles_says_so(page: str) -> None:
    assert "reconciled to the wei in every block" in page
    assert '<span class="badge">complete</span>' in page


def test_the_same_run_gives_the_same_page(crashed: Path, page: str) -> None:
    assert write_report(crashed).read_text(encoding="utf-8") == page


def test_a_gap_of_one_wei_is_told(run: RunBuilder) -> None:
    run.plain_blocks()
    run.rows["blocks"][3]["claims_usd"] = "1000000.000000000000000001"
    assert "books differ in 1 blocks" in write_report(run.write()).read_text(encoding="utf-8")


def test_an_interrupted_run_is_told(run: RunBuilder) -> None:
    run.plain_blocks()
    run.summary |= {"status": "interrupted", "reason": "Ctrl-C"}
    text = write_report(run.write()).read_text(encoding="utf-8")
    assert '<span class="badge bad" title="Ctrl-C">interrupted</span>' in text


def test_a_quiet_run_explains_its_empty_plots(run: RunBuilder) -> None:
    run.plain_blocks()
    text = write_report(run.write()).read_text(encoding="utf-8")
    for note in ("No account was liquidated.", "No bid was made.", "No keeper took part."):
        assert note in text
    assert "plot-liquidations" not in plots(text)


def test_names_cannot_break_the_page(run: RunBuilder) -> None:
    run.plain_blocks()
    hostile = '</script><script>alert("x")</script>'
    run.summary |= {"scenario": hostile, "description": hostile}
    for block in (100, 109):
        run.account(block, 1, hostile, "keeper", equity_usd=1.0, notional_usd=1.0)
    text = write_report(run.write()).read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert text.count("</script>") == 3


def test_no_run_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the folder of a recorded run"):
        write_report(tmp_path)


def test_a_page_that_cannot_be_written(run: RunBuilder) -> None:
    run.plain_blocks()
    folder = run.write()
    (folder / "report.html").mkdir()
    with pytest.raises(OutputError, match=r"report\.html: .*; expected a file that can be written"):
        write_report(folder)
