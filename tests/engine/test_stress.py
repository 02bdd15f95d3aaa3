# SPDX-License-Identifier: Apache-2.0
"""Stressed deficits from arrays: against the exact twin on views by hand, and against the chain in runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from simulation.assembly import build, resolve
from simulation.domain import stress as twin
from simulation.engine import stress
from simulation.errors import ReconciliationError
from simulation.messages import StressedDeficits, View
from simulation.messages.view import Floats
from tests.agents import views
from tests.chain.test_credit_run import CREDIT
from tests.engine.test_simulation import simulation

WAD, NANO = 10**18, 10**9
SHORT = ("scenario.duration=40 min",)


def test_figures_are_the_twin_s() -> None:
    rng = np.random.default_rng(1)
    count, future = 40, views.market(1, price=110.0, series=1)
    markets = (views.market(1), views.market(2, 5_000.0), future)
    size = rng.integers(-50, 50, (count, 3)).astype(float)
    collateral = rng.integers(0, 3_000, count).astype(float)
    equity = rng.integers(-500, 8_000, count).astype(float)
    dated = rng.integers(-60, 60, (1, len(twin.LADDER))).astype(float)
    dated[:, 6] = 0.0
    view = views.view(
        markets=markets,
        accounts=views.accounts(count, size=size, delta=size, collateral_value=collateral, equity=equity),
    )
    found = stress.stressed_deficits(view, dated)
    holdings = [
        twin.Holding(
            round(equity[row]) * WAD,
            round(size[row, :2] @ np.array([100.0, 5_000.0]) + collateral[row]) * WAD,
            {256: round(size[row, 2]) * NANO},
        )
        for row in range(count)
    ]
    changes = {256: [round(change) * NANO for change in dated[0]]}
    expected = twin.stressed(holdings, changes, twin.LADDER)
    assert found.deficit == pytest.approx([row.deficit / WAD for row in expected], rel=1e-12)
    assert found.insolvent.tolist() == [row.insolvent for row in expected]
    assert found.deficit[6] == np.maximum(-equity, 0).sum() > 0


@pytest.mark.parametrize(
    ("scenario", "overrides"),
    [
        ("black-thursday", SHORT),
        ("black-thursday", CREDIT),
        ("options-expiry", SHORT),
        ("basis-unwind", SHORT),
    ],
    ids=["perpetuals", "credit lines", "options", "inverse"],
)
def test_figures_of_a_run_against_the_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: str, overrides: tuple[str, ...]
) -> None:
    checked: list[StressedDeficits] = []
    compare = stress.StressCheck.compare

    def counted(self: stress.StressCheck, block: int, view: View, dated: Floats | None, *rest: Any) -> None:
        assert (dated is None) == (scenario == "black-thursday")
        checked.append(stress.stressed_deficits(view, dated))
        compare(self, block, view, dated, *rest)

    monkeypatch.setattr(stress, "EVERY", 4)
    monkeypatch.setattr(stress.StressCheck, "compare", counted)
    run = build(resolve(scenario, overrides), out=tmp_path)
    blocks = run.run().blocks
    assert len(checked) == -(-blocks // 4)
    assert max(found.deficit.max() for found in checked) > 0
    assert max(found.lines.max() for found in checked) > 0 or overrides is SHORT
    table = pq.read_table(tmp_path / "stress.parquet")
    assert len(table) == blocks * len(twin.LADDER)
    assert table["shock_bps"].to_pylist()[: len(twin.LADDER)] == list(twin.LADDER)
    debt = pq.read_table(tmp_path / "blocks.parquet")["bad_debt_usd"].to_pylist()
    assert table["deficit_usd"].to_pylist()[6 :: len(twin.LADDER)] == pytest.approx(debt)


def test_a_figure_that_the_chain_does_not_confirm_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of a percent too much of every move."""
    monkeypatch.setattr(stress, "MOVES", stress.MOVES * 1.001)
    monkeypatch.setattr(stress, "EVERY", 2)
    run = simulation(tmp_path)
    told = r"block \d+: stressed deficit at [+-]\d+ % \(USD\): expected [\d.]+, found [\d.]+"
    with pytest.raises(ReconciliationError, match=told):
        run.run()
