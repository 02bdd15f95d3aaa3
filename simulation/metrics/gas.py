# SPDX-License-Identifier: Apache-2.0
"""Gas: what functions cost, how full blocks are, what transactions pay and how long they wait.

Imports: metrics.registry, metrics.tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulation.metrics.registry import metric
from simulation.metrics.tables import RunTables

__all__ = ["FunctionGas", "functions"]


@dataclass(frozen=True, slots=True)
class FunctionGas:
    """Receipt gas of one function over a run."""

    function: str
    executed: int
    reverted: int
    median: float
    """Of successful transactions; NaN when none succeeded."""
    p99: float
    """Of successful transactions; NaN when none succeeded."""
    maximum: int
    """Reverted ones included."""
    fees_eth: float


def functions(run: RunTables) -> tuple[FunctionGas, ...]:
    """Every function that a transaction called, by total gas, largest first."""
    rows = run.rows(
        """
        SELECT "function", count(*), count(*) FILTER (status = 'reverted'),
               coalesce(quantile_cont(gas_used, 0.5) FILTER (status = 'success'), 'nan'),
               coalesce(quantile_cont(gas_used, 0.99) FILTER (status = 'success'), 'nan'),
               max(gas_used), sum(fee_eth)
        FROM transactions WHERE status IN ('success', 'reverted') AND "function" <> ''
        GROUP BY "function" ORDER BY sum(gas_used) DESC, "function"
        """
    )
    return tuple(FunctionGas(*row) for row in rows)


@metric("Transactions", "count", "Transactions executed, reverted ones included.")
def transactions(run: RunTables) -> float | None:
    return run.total("SELECT sum(included) FROM blocks")


@metric("Revert rate", "share", "Reverted over executed transactions of all agents.", better="lower")
def revert_rate(run: RunTables) -> float | None:
    return run.scalar("SELECT sum(reverted) / nullif(sum(included), 0) FROM blocks")


@metric(
    "Never executed",
    "count",
    "Transactions that left the pool as expired or dropped; replaced ones are not counted.",
    better="lower",
)
def transactions_lost(run: RunTables) -> float | None:
    return run.total("SELECT count(*) FROM transactions WHERE status IN ('expired', 'dropped')")


@metric(
    "Liquidations crowded out",
    "count",
    "Transactions to the Liquidator that left the pool as expired or dropped: no block had room for them at "
    "their price.",
    better="lower",
)
def liquidations_crowded_out(run: RunTables) -> float | None:
    return run.total(
        "SELECT count(*) FROM transactions WHERE status IN ('expired', 'dropped') "
        "AND starts_with(\"function\", 'Liquidator.')"
    )


@metric("Block fill, mean", "share", "Mean over blocks of gas used over the block gas limit.")
def block_fill_mean(run: RunTables) -> float | None:
    return run.scalar("SELECT avg(gas_used / gas_limit) FROM blocks WHERE gas_limit > 0")


@metric("Block fill, 99 %", "share", "99 % quantile over blocks of gas used over the block gas limit.")
def block_fill_p99(run: RunTables) -> float | None:
    return run.scalar("SELECT quantile_cont(gas_used / gas_limit, 0.99) FROM blocks WHERE gas_limit > 0")


@metric("Base fee, mean", "gwei", "Mean over blocks of the base fee.")
def base_fee_mean(run: RunTables) -> float | None:
    return run.scalar("SELECT avg(base_fee_gwei) FROM blocks")


@metric("Base fee, maximum", "gwei", "Largest base fee of any block.", headline=True)
def base_fee_peak(run: RunTables) -> float | None:
    return run.scalar("SELECT max(base_fee_gwei) FROM blocks")


@metric(
    "Wait for inclusion, 99 %",
    "blocks",
    "99 % quantile over executed transactions of the blocks from entering the pool to execution.",
    better="lower",
)
def inclusion_p99(run: RunTables) -> float | None:
    return run.scalar(
        "SELECT quantile_cont(block::INTEGER - submitted::INTEGER, 0.99) FROM transactions "
        "WHERE status IN ('success', 'reverted')"
    )


def _gas_of(run: RunTables, function: str, quantile: float) -> float | None:
    return run.scalar(
        "SELECT quantile_cont(gas_used, ?) FROM transactions WHERE \"function\" = ? AND status = 'success'",
        [quantile, function],
    )


@metric(
    "Gas of Exchange.place, median", "gas", "Median receipt gas of successful Exchange.place.", better="lower"
)
def gas_place_median(run: RunTables) -> float | None:
    return _gas_of(run, "Exchange.place", 0.5)


@metric(
    "Gas of Exchange.place, 99 %",
    "gas",
    "99 % quantile of the receipt gas of successful Exchange.place.",
    better="lower",
)
def gas_place_p99(run: RunTables) -> float | None:
    return _gas_of(run, "Exchange.place", 0.99)


@metric(
    "Gas of Liquidator.bid, median", "gas", "Median receipt gas of successful Liquidator.bid.", better="lower"
)
def gas_bid_median(run: RunTables) -> float | None:
    return _gas_of(run, "Liquidator.bid", 0.5)


@metric(
    "Gas of Liquidator.bid, 99 %",
    "gas",
    "99 % quantile of the receipt gas of successful Liquidator.bid.",
    better="lower",
)
def gas_bid_p99(run: RunTables) -> float | None:
    return _gas_of(run, "Liquidator.bid", 0.99)
