# SPDX-License-Identifier: Apache-2.0
"""Engines with boards, and positions in options in the order of IMarginEngine's ABI."""

from __future__ import annotations

from typing import Any

from simulation.domain.market_math import option
from tests.evm import Contract
from tests.unit.engines.portfolios import FULL, NANO, RISK

__all__ = ["OPTION_RISK", "STRIKES", "add_boards", "leg"]

OPTION_RISK = (1_500, 1_000, 750, 750, 750, 10_500, 12_000, 11_000, 4 * 10**7, 4_000)
"""Parameters of the published cases of Derive's standard margin."""

STRIKES = tuple(range(1_000, 3_000, 100))
"""USD, of series 1 and 2."""


def add_boards(engine: Contract) -> Contract:
    """Series 1 and 2 on feed 1, a forward of 2,000 USD, with parameters; series 3 on feed 9, without."""
    boards = engine.env.deploy("MockRiskBoard")
    engine.wire(boards)
    for series, feed in ((1, 1), (2, 1), (3, 9)):
        boards.set_board(series, feed, 500 * NANO, 1_500 * NANO, [strike * NANO for strike in STRIKES])
    engine.set_options([1], [OPTION_RISK])
    engine.set_futures([1], [RISK])
    return boards


def leg(size: int, strike: int, call: bool, mark: int, *, series: int = 1, **more: Any) -> tuple[int, ...]:
    """A PositionRisk in an option; size in whole units, strike and mark in USD, spot 2,000 USD."""
    figures = {"spot": 2_000 * NANO, "confidence": FULL, "unrealised": 0, "bids": 0, "asks": 0} | more
    return (option(series, STRIKES.index(strike), call), size * NANO, mark * NANO, *figures.values())
