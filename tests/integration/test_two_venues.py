# SPDX-License-Identifier: Apache-2.0
"""Two venues: the shipped scenario on both EVMs, and netting given up by the deployed engine."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulation.assembly import build, resolve

FEW = (
    "scenario.duration=3 min",
    *(f"agents.{name}.count=4" for name in ("noise", "noise-frontier", "spread", "all-main", "all-frontier")),
)


def run(out: Path, *overrides: str) -> Path:
    assert build(resolve("two-venues", (*FEW, *overrides)), out=out).run().complete
    return out


def last(folder: Path) -> dict[tuple[str, int, str], dict[str, float]]:
    """Holdings after the last block by agent, account and venue."""
    rows = pq.read_table(folder / "holdings.parquet").to_pylist()
    end = max(row["block"] for row in rows)
    return {(row["agent"], row["account"], row["venue"]): row for row in rows if row["block"] == end}


def test_both_evms_agree_block_by_block_at_both_venues(tmp_path: Path) -> None:
    fast, slow = run(tmp_path / "fast"), run(tmp_path / "slow", "chain.backend=tester")
    for folder in (".", "venues/frontier"):
        for stem in ("blocks", "accounts", "holdings", "markets", "events"):
            one, other = ((path / folder / f"{stem}.parquet").read_bytes() for path in (fast, slow))
            assert one == other, (folder, stem)


def test_twins_hold_the_same_book_and_the_merged_margin_is_theirs(tmp_path: Path) -> None:
    held = last(run(tmp_path, "scenario.duration=12 min"))
    by_agent: dict[str, list[dict[str, float]]] = {}
    for (agent, _, venue), row in sorted(held.items()):
        by_agent.setdefault(f"{agent} {venue}", []).append(row)
    for near, far, main, frontier in zip(
        *(
            by_agent[name]
            for name in ("spread main", "spread frontier", "all-main main", "all-frontier frontier")
        ),
        strict=True,
    ):
        # A hedge seen whole asks for less than its legs, and for what the twin's does at the same venue.
        assert near["alone_usd"] + far["alone_usd"] > 1.2 * near["merged_usd"] > 0
        assert near["merged_usd"] == pytest.approx(main["initial_margin_usd"], rel=0.02)
        assert main["alone_usd"] == main["merged_usd"] == pytest.approx(main["initial_margin_usd"])
        # Quantiles of 180 % against 300 % for the same book.
        assert frontier["initial_margin_usd"] == pytest.approx(0.6 * main["initial_margin_usd"], rel=0.02)
        assert far["initial_margin_usd"] == pytest.approx(0.6 * far["alone_usd"], rel=0.02)


def test_the_same_position_long_and_short_nets_to_nothing(tmp_path: Path) -> None:
    held = last(
        run(
            tmp_path, "agents.spread.split=opposite", "agents.spread.engine=cross", "scenario.duration=12 min"
        )
    )
    spread = [row for (agent, _, _), row in held.items() if agent == "spread"]
    assert len(spread) == 8
    assert all(row["alone_usd"] > 100.0 and row["merged_usd"] < 0.02 * row["alone_usd"] for row in spread)
