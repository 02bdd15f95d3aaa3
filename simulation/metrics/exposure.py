# SPDX-License-Identifier: Apache-2.0
"""Solvency delta against its buffers, as the SolvencyGuard recorded them; nothing without one.

Imports: metrics.registry, metrics.tables, NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulation.metrics.registry import metric
from simulation.metrics.tables import RunTables

__all__ = ["Watched", "watched"]

Floats = npt.NDArray[np.float64]
BPS = 10_000
REFUSED = "solvency_guard: past the buffer"


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """One underlying, a value for each block in order, USD."""

    symbol: str
    time: npt.NDArray[np.int64]
    """Of the block, unix milliseconds."""
    long: Floats
    """What the long side would lose at the stress."""
    short: Floats
    buffer: Floats
    """Share of what is left of the fund after all that is owed."""

    @property
    def stressed(self) -> Floats:
        """Of the larger side."""
        larger: Floats = np.maximum(self.long, self.short)
        return larger


def watched(run: RunTables) -> tuple[Watched, ...]:
    """The underlyings of a run's SolvencyGuard in the order of its feeds; none without one."""
    return run.remember("watched", lambda: _read(run))


def _read(run: RunTables) -> tuple[Watched, ...]:
    underlyings = run.summary.get("watched", [])
    if not underlyings:
        return ()
    blocks = run.columns(
        """
        SELECT (b.timestamp * 1000)::BIGINT AS time, b.fund_assets_usd::DOUBLE AS fund,
               coalesce(last_value(o.total IGNORE NULLS) OVER (ORDER BY b.block), 0) AS owed
        FROM blocks b LEFT JOIN (
            SELECT block, arg_max(json_extract_string(fields, 'total')::DOUBLE / 1e18, log_index) AS total
            FROM events WHERE event = 'OwedChanged' GROUP BY block
        ) o ON o.block = b.block ORDER BY b.block
        """
    )
    left = np.maximum(blocks["fund"] - blocks["owed"], 0.0)
    found = []
    for one in underlyings:
        sides = run.columns(
            """
            SELECT coalesce(last_value(e.long IGNORE NULLS) OVER (ORDER BY b.block), 0) AS long,
                   coalesce(last_value(e.short IGNORE NULLS) OVER (ORDER BY b.block), 0) AS short
            FROM blocks b LEFT JOIN (
                SELECT block,
                       arg_max(json_extract_string(fields, 'total_long')::DOUBLE / 1e18, log_index) AS long,
                       arg_max(json_extract_string(fields, 'total_short')::DOUBLE / 1e18, log_index) AS short
                FROM events WHERE event = 'ContributionChanged'
                    AND json_extract_string(fields, 'feed')::INTEGER = ?
                GROUP BY block
            ) e ON e.block = b.block ORDER BY b.block
            """,
            [one["feed"]],
        )
        stress = float(one["stress"]) / BPS
        found.append(
            Watched(
                str(one["symbol"]),
                blocks["time"].astype(np.int64),
                sides["long"] * stress,
                sides["short"] * stress,
                left * (float(one["share"]) / BPS),
            )
        )
    return tuple(found)


@metric(
    "Stressed solvency delta, maximum",
    "USD",
    "Largest value over all blocks of what accounts' uncovered deltas would lose if each underlying moved by "
    "its stress against its larger side, summed over underlyings, as the SolvencyGuard recorded it. A record "
    "is as old as the last action or refresh of its account.",
    better="lower",
)
def stressed_solvency_delta_peak(run: RunTables) -> float | None:
    found = watched(run)
    return float(np.sum([one.stressed for one in found], axis=0).max()) if found else None


@metric(
    "Stressed solvency delta, mean",
    "USD",
    "The same, mean over all blocks.",
    better="lower",
)
def stressed_solvency_delta_mean(run: RunTables) -> float | None:
    found = watched(run)
    return float(np.sum([one.stressed for one in found], axis=0).mean()) if found else None


@metric(
    "Time past a buffer",
    "s",
    "Seconds of the blocks after which the stressed solvency delta of at least one underlying exceeds its "
    "buffer: its share of the insurance fund less what accounts owe already.",
    better="lower",
)
def time_past_buffer(run: RunTables) -> float | None:
    found = watched(run)
    if not found:
        return None
    past = np.any([one.stressed > one.buffer for one in found], axis=0)
    return float(np.count_nonzero(past)) * run.block_seconds


@metric(
    "Exposure charges",
    "USD",
    "What the SolvencyGuard charged for stressed exposure past the buffers: sum of `charge` over "
    "ExposureCharged. It went into the fees.",
)
def exposure_charges(run: RunTables) -> float | None:
    if not watched(run):
        return None
    return run.total(
        "SELECT sum(json_extract_string(fields, 'charge')::DOUBLE / 1e18) FROM events "
        "WHERE event = 'ExposureCharged'"
    )


@metric(
    "Actions refused for exposure",
    "count",
    f"Transactions that reverted with `{REFUSED}`.",
)
def exposure_refusals(run: RunTables) -> float | None:
    if not watched(run):
        return None
    return run.total("SELECT count(*) FROM transactions WHERE reason = ?", [REFUSED])
