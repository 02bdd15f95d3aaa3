# SPDX-License-Identifier: Apache-2.0
"""set_grid: its bounds, who may, and that nothing is valued before it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.boards import SCENARIOS, SHOCKS, WAD, Boards
from tests.evm import reverts

PLAIN = (WAD, 0, WAD)


def test_the_grid_is_stored(boards: Boards) -> None:
    assert tuple(boards.board.shocks()) == SHOCKS.row()
    assert [tuple(one) for one in boards.board.scenarios()] == list(SCENARIOS)
    assert boards.board.grid_version() == 1
    receipt = boards.board.set_grid([PLAIN, (WAD, 4, WAD)], SHOCKS.row())
    assert receipt.named("GridSet")[0]["version"] == 2
    stored = [tuple(one) for one in boards.board.scenarios()]
    assert stored == [PLAIN] + [(0, 0, 0)] * 31 + [(WAD, 4, WAD)]


def test_only_the_owner(boards: Boards) -> None:
    with reverts("ownable: caller is not the owner"):
        boards.board.set_grid([PLAIN], SHOCKS.row(), sender=boards.env.address("attacker"))


@pytest.mark.parametrize(
    ("scenarios", "reason"),
    [
        ([], "risk_board: scenario out of range"),
        ([(10 * WAD + 1, 0, WAD)], "risk_board: scenario out of range"),
        ([(WAD, 0, 10 * WAD + 1)], "risk_board: scenario out of range"),
        ([(WAD, 5, WAD)], "risk_board: scenario out of range"),
        ([PLAIN] * 32, "risk_board: scenario out of range"),
        ([(WAD + 1, 3, WAD)], "risk_board: skew out of range"),
        ([(WAD, 3, WAD)] * 2, "risk_board: skew out of range"),
    ],
)
def test_scenarios_out_of_range(boards: Boards, scenarios: list[tuple[int, int, int]], reason: str) -> None:
    with reverts(reason):
        boards.board.set_grid(scenarios, SHOCKS.row())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vol_up", 10 * WAD + 1),
        ("short_term_power", WAD + 1),
        ("time_floor", 0),
        ("time_floor", 30 * 86_400 + 1),
        ("linear_cap", -100 * WAD - 1),
        ("abs_cap_slope", 100 * WAD + 1),
        ("min_width", 0),
        ("basis_multiple", 10 * WAD + 1),
        ("max_age", 0),
        ("max_age", 86_401),
        ("max_move", 10_001),
        ("long_discount", WAD + 1),
    ],
)
def test_shocks_out_of_range(boards: Boards, name: str, value: int) -> None:
    with reverts("risk_board: shock out of range"):
        boards.board.set_grid([PLAIN], replace(SHOCKS, **{name: value}).row())


def test_debts_are_not_discounted_more_than_assets(boards: Boards) -> None:
    """Otherwise a portfolio could need more than its parts, and resting orders be charged too little."""
    swapped = replace(SHOCKS, long_discount=WAD, short_discount=95 * WAD // 100)
    with reverts("risk_board: discount out of range"):
        boards.board.set_grid([PLAIN], swapped.row())


def test_nothing_is_valued_without_a_grid(boards: Boards) -> None:
    fresh = boards.env.deploy(
        "RiskBoard", boards.oracle.address, boards.surface.address, boards.strikes.address
    )
    with reverts("risk_board: no grid"):
        fresh.refresh(1)
