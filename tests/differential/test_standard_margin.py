# SPDX-License-Identifier: Apache-2.0
"""Derive's published cases of standard margin: the reference reproduces them, contracts answer the same.

The cases cited in standard_margin_cases.py, all others of both files where they stand beside the project.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.differential.standard_margin_cases import CASES, PORTFOLIOS
from tests.differential.standard_margin_reference import StandardCase, standard_margin
from tests.differential.vectors import standard
from tests.published import VECTORS


def all_cases() -> dict[str, StandardCase]:
    found: dict[str, StandardCase] = {}
    cited: dict[str, Mapping[str, Any]] = {"srm_28_cases": CASES, "srm_portfolio_integer_cases": PORTFOLIOS}
    for name, cases in cited.items():
        path = VECTORS / f"{name}.json"
        found |= standard.cases(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else cases)
    return found


STANDARD = all_cases()


@pytest.mark.parametrize("name", STANDARD)
def test_the_reference_reproduces_the_published_margins(name: str) -> None:
    case = STANDARD[name]
    margin = standard_margin(case)
    for kind, published in case.expected.items():
        found = getattr(margin, kind.removesuffix("_dollars"))
        if kind.endswith("_dollars"):
            assert int(found) == published
        else:
            assert abs(found - published) <= max(abs(published) * Decimal("1e-12"), Decimal("1e-14"))


@pytest.mark.parametrize("name", STANDARD)
@pytest.mark.parametrize("engine", ["CrossMargin", "IsolatedMargin"])
def test_the_engines_answer_the_published_margins(engine: str, name: str) -> None:
    case = STANDARD[name]
    standard.compare(case, standard.ask(case, engine))


def test_where_a_collateral_would_be_charged_beyond_its_value() -> None:
    assert {name for name, case in STANDARD.items() if standard.excess(case)} <= {"Test20"}


def test_the_parameters_are_those_published() -> None:
    assert standard.PARAMS == CASES["params"]
