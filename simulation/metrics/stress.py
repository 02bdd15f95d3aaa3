# SPDX-License-Identifier: Apache-2.0
"""Stressed deficits of a run against what covers them, block by block. Imports: metrics.tables, NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from simulation.metrics.tables import RunTables

__all__ = ["Stress", "stress"]

Floats = npt.NDArray[np.float64]
BPS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Stress:
    """One row for each block, in order."""

    time: npt.NDArray[np.int64]
    """Of the block, unix milliseconds."""
    shocks: npt.NDArray[np.int64]
    """The ladder, bps, rising."""
    deficit: Floats
    """(blocks, shocks), stressed deficits, USD."""
    fund: Floats
    """Assets of the insurance fund, USD."""
    need: Floats
    """(blocks, shocks), stressed deficits less what credit lines bear of them, USD."""
    fall: Floats
    """Depletion shock: smallest fall at which what is needed passes the fund's assets, share of 1; between
    two shocks by a straight line; NaN where none of the ladder does it."""
    rise: Floats
    """Smallest rise, likewise."""

    def place(self, shock: int) -> int:
        """Column of one shock of the ladder, bps."""
        return int(np.searchsorted(self.shocks, shock))


def stress(run: RunTables) -> Stress:
    """Stressed deficits of a run; made once for all who ask."""
    return run.remember("stress", lambda: _read(run))


def _read(run: RunTables) -> Stress:
    blocks = run.columns(
        "SELECT (timestamp * 1000)::BIGINT AS time, fund_assets_usd::DOUBLE AS fund FROM blocks "
        "ORDER BY block"
    )
    rows = run.columns("SELECT shock_bps, deficit_usd, lines_usd FROM stress ORDER BY block, shock_bps")
    shocks = np.unique(rows["shock_bps"]).astype(np.int64)
    deficit, lines = (
        rows[name].astype(np.float64).reshape(len(blocks["time"]), -1)
        for name in ("deficit_usd", "lines_usd")
    )
    need = deficit - lines
    fund = blocks["fund"].astype(np.float64)
    return Stress(
        blocks["time"].astype(np.int64),
        shocks,
        deficit,
        fund,
        need,
        _depletion(shocks, need, fund, -1),
        _depletion(shocks, need, fund, 1),
    )


def _depletion(shocks: npt.NDArray[np.int64], need: Floats, fund: Floats, side: int) -> Floats:
    """As `Lens.solvency` finds it (domain/stress.py), on one side of zero."""
    places = [place for place in np.argsort(np.abs(shocks)).tolist() if shocks[place] * side >= 0]
    found = np.full(len(fund), np.nan)
    if places:
        found[need[:, places[0]] > fund] = abs(shocks[places[0]])
    for near, far in pairwise(places):
        low, high = need[:, near], need[:, far]
        passes = np.isnan(found) & (high > fund)
        step = abs(shocks[far]) - abs(shocks[near])
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = abs(shocks[near]) + step * (fund - low) / (high - low)
        found = np.where(passes, crossing, found)
    return found / BPS
