# SPDX-License-Identifier: Apache-2.0
"""Published test cases through deployed contracts: every JSON file of the folder that `--vectors` names.

A format is a module of tests/differential/vectors; a file that none of them reads fails. The cases that the
project cites run in any case.
"""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.differential.portfolio_margin_cases import CASES
from tests.differential.scenario_margin_reference import scenario_margin, svi_volatility
from tests.differential.vectors import (
    auctions,
    funding,
    interest,
    option_prices,
    other_designs,
    portfolio,
    settlement,
    standard,
)
from tests.differential.vectors.portfolio import WAD

FORMATS: tuple[ModuleType, ...] = (
    portfolio,
    standard,
    option_prices,
    auctions,
    interest,
    funding,
    settlement,
    other_designs,
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "absent" in metafunc.fixturenames:
        wanted = other_designs.WITHOUT if metafunc.config.getoption("--vectors", None) else {}
        parts = [(name, part) for name, parts in wanted.items() for part in parts]
        metafunc.parametrize("absent", parts, ids=[f"{name}:{part}" for name, part in parts])
    if "vector" in metafunc.fixturenames:
        folder = metafunc.config.getoption("--vectors", None)
        paths = sorted(Path(folder).glob("*.json")) if folder else []
        metafunc.parametrize("vector", paths, ids=[path.stem for path in paths])


def test_published_file(vector: Path) -> None:
    readers = [module for module in FORMATS if any(fnmatch(vector.name, pattern) for pattern in module.NAMES)]
    if not readers:
        pytest.fail(f"{vector.name}: no reader for this format")
    readers[0].check(json.loads(vector.read_text(encoding="utf-8")))


def test_part_of_another_design(absent: tuple[str, str]) -> None:
    """What is published and not asserted, with the reason; listed in docs/margin-systems.md."""
    name, part = absent
    pytest.skip(f"{name}, {part}: {other_designs.WITHOUT[name][part]}")


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_portfolio_margin(case: dict[str, Any]) -> None:
    portfolio.check(case)


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_reference_of_portfolio_margin(case: dict[str, Any]) -> None:
    """The float formulas reproduce every published number, so they say what the integers must mean."""
    found, expected = scenario_margin(case), case["expected"]
    assert found.initial == pytest.approx(expected["IM"], rel=1e-9)
    assert found.maintenance == pytest.approx(expected["MM"], rel=1e-9)
    assert found.mark_to_market == pytest.approx(expected["mtm_total"], rel=1e-9)
    assert found.option_value == pytest.approx(expected["option_mtm"], rel=1e-9)
    assert found.basis_contingency == pytest.approx(expected["basis_contingency"], rel=1e-9)
    assert found.scenario_pnl == pytest.approx(expected["scenario_pnl"], rel=1e-9)
    smiles = {expiry["sec"]: expiry["svi"] for expiry in case["inputs"]["expiries"]}
    for option in case["inputs"]["options"]:
        vol = svi_volatility(smiles[option["sec"]], option["strike"])
        assert vol == pytest.approx(option["mark_vol"], rel=1e-12)


@pytest.mark.parametrize("name", ["long fly", "long call"])
def test_who_cannot_owe_anything_has_no_shortfall(name: str) -> None:
    """The published margins of both are negative, though neither can lose more than it is worth."""
    case = CASES[name]
    assert case["expected"]["MM"] < 0
    held = portfolio.deployed(case, bounded=True)
    found = held.engine.assess(held.row)
    assert found.equity > 0
    assert found.initial_margin == found.maintenance_margin == found.equity


def test_nothing_bounds_what_a_perpetual_can_lose() -> None:
    """It pays funding for as long as it is held: margin is the published one, above its price of 2,500."""
    held = portfolio.deployed(CASES["low confidence"], bounded=True)
    found = held.engine.assess(held.row)
    assert found.initial_margin == pytest.approx(3_210 * WAD, rel=1e-12)
    assert found.maintenance_margin == pytest.approx(405 * WAD, rel=1e-12)
