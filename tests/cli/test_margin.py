# SPDX-License-Identifier: Apache-2.0
"""`plimsoll margin`: real contracts, honest exit codes, one line for each mistake."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import pytest

from simulation.config.scenario import ENGINES
from tests.analysis.files import BASE, EXAMPLES, changed
from tests.cli.conftest import Invoke

native = pytest.mark.skipif(find_spec("plimsoll_evm") is None, reason="minutes on py-evm")
LISTED = sorted(EXAMPLES.glob("*.toml"))


def test_examples_are_shipped() -> None:
    assert len(LISTED) >= 7


@native
@pytest.mark.parametrize("path", LISTED, ids=lambda path: path.stem)
def test_every_example_under_every_system(invoke: Invoke, path: Path) -> None:
    result = invoke("margin", str(path), "--json", "--out", "here")
    assert result.exit_code == 0 and result.stderr == ""
    told = json.loads(result.stdout)
    assert told == json.loads(Path("here/margin.json").read_text(encoding="utf-8"))
    assert list(told["systems"]) == list(ENGINES)
    isolated = Decimal(told["systems"]["isolated"]["initial_margin_usd"])
    for name, system in told["systems"].items():
        assert "refused" not in system, (name, system)
        for figure in ("initial_margin_usd", "maintenance_margin_usd", "equity_usd"):
            assert sum(Decimal(term[figure]) for term in system["terms"]) == Decimal(system[figure])
        saved = Decimal(system["saved_against_isolated_usd"])
        assert saved == isolated - Decimal(system["initial_margin_usd"])
        hedge = system["hedge"]
        enough = Decimal(system["equity_usd"]) >= Decimal(system["initial_margin_usd"])
        assert hedge["needed"] is not enough
        if hedge["needed"] and hedge["found"]:
            assert Decimal(hedge["equity_after_usd"]) >= Decimal(hedge["initial_margin_after_usd"])
    moves = told["profit_and_loss"]
    still = moves["usd"][moves["volatility_moves_bps"].index(0)][moves["spot_moves_bps"].index(0)]
    assert still == "0"


@native
def test_the_terminal_and_the_page(invoke: Invoke) -> None:
    result = invoke("margin", str(EXAMPLES / "short-strangle.toml"))
    assert result.exit_code == 0
    assert "portfolio *" in result.stdout and "PortfolioMargin; worst scenario: spot" in result.stdout
    assert "Cheapest hedge back to initial margin" in result.stdout
    assert result.stdout.strip().endswith("runs/short-strangle-margin/report.html")
    page = Path("runs/short-strangle-margin/report.html").read_text(encoding="utf-8")
    assert '"type":"heatmap"' in page and "http" not in page.split("<script")[0]
    assert page.count('<td class="n">2,226.33</td>') == len(ENGINES), "the sum of every system's terms"


@native
def test_linear_and_inverse_cancel_in_dollars_and_not_in_coin(invoke: Invoke) -> None:
    result = invoke("margin", str(EXAMPLES / "inverse-against-linear.toml"), "--out", "here")
    assert result.exit_code == 0
    assert "ETH-USD: -100000 USD against -50 coins, PnL -0.024987507 coins" in result.stdout
    told = json.loads(Path("here/margin.json").read_text(encoding="utf-8"))
    linear, inverse = told["positions"]
    assert (linear["size_unit"], inverse["size_unit"], inverse["coin_balance"]) == ("base", "USD", "-50")
    moves = told["profit_and_loss"]
    # What is left is twelve coins of collateral.
    assert [Decimal(one) for one in moves["usd"][0]] == [
        12 * 2_000 * Decimal(bps) / 10_000 for bps in moves["spot_moves_bps"]
    ]
    fallen, risen = (Decimal(moves["coin"]["ETH-USD"][place]) for place in (0, -1))
    assert fallen > 49 and -17 < risen < -16
    page = Path("here/report.html").read_text(encoding="utf-8")
    assert "PnL in coin of inverse positions" in page


@native
def test_json_alone_writes_nothing(invoke: Invoke) -> None:
    assert invoke("margin", str(EXAMPLES / "perp-against-spot.toml"), "--json").exit_code == 0
    assert not Path("runs").exists()


def test_wrong_input_is_one_line_each_and_leaves_nothing(invoke: Invoke) -> None:
    text = changed(('instrument = "BTC"', 'instrument = "BTX"'), ("b = 0.06", "b = 1.9"))
    Path("mine.toml").write_text(text, encoding="utf-8")
    result = invoke("margin", "mine.toml")
    assert result.exit_code == 2 and result.stdout == ""
    assert [line.split(": ")[2] for line in result.stderr.splitlines()] == [
        "series.ETH-JUN.surface",
        "positions[1].instrument",
    ]
    assert not Path("runs").exists()


def test_no_such_file(invoke: Invoke) -> None:
    result = invoke("margin", "nowhere.toml")
    assert result.exit_code == 2
    assert result.stderr == (
        "plimsoll: nowhere.toml: no such file; expected a portfolio file (docs/portfolio-files.md)\n"
    )


@native
def test_a_folder_that_cannot_be_made(invoke: Invoke) -> None:
    Path("taken").write_text("a file", encoding="utf-8")
    result = invoke("margin", str(EXAMPLES / "perp-against-spot.toml"), "--out", "taken")
    assert result.exit_code == 2
    assert result.stderr.strip() == "plimsoll: taken: File exists; expected a folder that can be written"


def test_what_the_contracts_refuse_is_one_line(invoke: Invoke) -> None:
    """A tick number has 24 bits on the Exchange; the file says nothing wrong."""
    text = changed(('asset = "BTC"\ntick = "0.1 USD"', 'asset = "BTC"\ntick = "0.000001 USD"'))
    Path("mine.toml").write_text(text, encoding="utf-8")
    result = invoke("margin", "mine.toml")
    assert result.exit_code == 1
    assert result.stderr == "plimsoll: set-up: Exchange.place failed, exchange: order out of range\n"
    assert BASE != text
