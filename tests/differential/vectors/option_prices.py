# SPDX-License-Identifier: Apache-2.0
"""Black-76 prices of lyra-utils: marks of the RiskBoard where a market can be so, math/black76 for all.

A board has no strike and no forward of zero, and no volatility above 1,200 % over a year (total variance is
bounded by 144). Tolerance: 1e-8 relative, and on the board a nano USD, in which marks are kept. What is
published is given in floats: a part in 1e15 of the larger of forward and strike besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import log
from typing import Any

from simulation.domain.market_math import option
from tests.boards import Boards
from tests.evm import Env

__all__ = ["NAMES", "check"]

NAMES = ("black76.json",)
NANO = 10**9
WAD = 10**18
YEAR = 365 * 86_400
MAX_VOL = 12
"""Of a year, on a board."""
LEAST_VARIANCE = 4
RELATIVE = 1e-8
FLOAT = 2e-15


def check(data: Mapping[str, Any]) -> None:
    """Asserts call and put of every case."""
    harness = Env().deploy("OptionMathHarness")
    on_boards = 0
    for case in data["cases"]:
        expected = (case["call"], case["put"])
        total = harness.total_vol(wad(case["vol"]), harness.root_time(case["sec"]))
        found = harness.prices(case["F"] * NANO, case["K"] * NANO, total, wad(case["D"]))
        for mine, theirs in zip(found, expected, strict=True):
            assert abs(mine / WAD - theirs) <= RELATIVE * theirs + FLOAT * max(case["F"], case["K"]), case
        if case["F"] and case["K"] and case["vol"] <= MAX_VOL:
            on_boards += 1
            for mine, theirs in zip(_marks(case), expected, strict=True):
                assert abs(mine / NANO - theirs) <= RELATIVE * theirs + 1.01 / NANO, (case, mine)
    assert on_boards


def wad(number: float) -> int:
    return int(Decimal(repr(number)).scaleb(18))


def _marks(case: Mapping[str, Any]) -> tuple[int, int]:
    """Call and put of a board made from a flat surface and the rate that discounts so, nano USD."""
    boards = Boards()
    boards.list_series(1, 1, boards.env.timestamp + case["sec"], [case["K"] * NANO])
    boards.price(case["F"] * NANO)
    variance = wad(case["vol"]) ** 2 * case["sec"] // (YEAR * WAD)
    boards.push_surface(
        1,
        forward_difference=0,
        rate=round(-log(case["D"]) * YEAR / case["sec"] * WAD),
        a=max(variance, LEAST_VARIANCE),
        b=0,
        rho=0,
        m=0,
        sigma=WAD,
        reference_forward=case["F"] * NANO,
        reference_tau=case["sec"],
    )
    boards.board.refresh(1)
    return boards.mark(option(1, 0, True)), boards.mark(option(1, 0, False))
