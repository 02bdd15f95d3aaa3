# SPDX-License-Identifier: Apache-2.0
"""What the system owes beyond what accounts can bear: bad debt, waterfall, insurance fund, shortfalls.

Imports: metrics.registry, metrics.stress, metrics.tables, NumPy.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from simulation.metrics.registry import metric
from simulation.metrics.stress import stress
from simulation.metrics.tables import RunTables

__all__ = ["DEPLETED", "STRESS"]

DEPLETED: Final = 0.001
"""A fund counts as depleted at or below this share of its first holding: rounding leaves dust."""

STRESS: Final = 3_000
"""Shock of the ladder that headline figures are about, bps."""

# Loss that has left the accounts by each block, plus what is still open in them at mark.
_LOSS = """
    SELECT b.block, b.bad_debt_usd + coalesce(sum(l.loss_usd) OVER (ORDER BY b.block), 0) AS loss_usd
    FROM blocks b LEFT JOIN (
        SELECT block, sum(loss_usd) AS loss_usd FROM (
            SELECT block, amount_usd AS loss_usd FROM realised
            UNION ALL SELECT block, forgone_usd FROM deleveraged
        ) GROUP BY block
    ) l USING (block)
"""


@metric(
    "Bad debt",
    "USD",
    "Losses that accounts could not bear, at the end of the run: recognised by BadDebtRealised (paid by the "
    "insurance fund or socialised), plus forgone by deleveraged counterparties, plus still open as "
    "max(0, -equity) at mark, summed over accounts.",
    better="lower",
    headline=True,
)
def bad_debt(run: RunTables) -> float | None:
    return run.scalar(f"SELECT loss_usd FROM ({_LOSS}) ORDER BY block DESC LIMIT 1")


@metric(
    "Bad debt, running maximum",
    "USD",
    "Largest value over all blocks of: recognised by BadDebtRealised or forgone by deleveraged "
    "counterparties so far, plus max(0, -equity) at mark summed over accounts.",
    better="lower",
)
def bad_debt_peak(run: RunTables) -> float | None:
    return run.scalar(f"SELECT max(loss_usd) FROM ({_LOSS})")


@metric(
    "Bad debt open at mark, maximum",
    "USD",
    "Largest value over all blocks of max(0, -equity) at mark, summed over accounts.",
    better="lower",
)
def bad_debt_open_peak(run: RunTables) -> float | None:
    return run.scalar("SELECT max(bad_debt_usd) FROM blocks")


@metric(
    "Socialised loss",
    "USD",
    "Bad debt that insurance and deleveraging did not cover and that was written off against all holders of "
    "cash: sum of `socialised` over BadDebtRealised.",
    better="lower",
    headline=True,
)
def socialised_loss(run: RunTables) -> float | None:
    return run.total("SELECT sum(socialised_usd) FROM realised")


@metric(
    "Deficit at the end",
    "USD",
    "Vault.reconcile().deficit after the last block: socialised loss not yet burnt by withdrawals.",
    better="lower",
)
def deficit_end(run: RunTables) -> float | None:
    return run.scalar("SELECT deficit_usd::DOUBLE FROM blocks ORDER BY block DESC LIMIT 1")


@metric(
    "Insurance drawn",
    "USD",
    "What the insurance fund paid: sum of `amount` over InsuranceDrawn. More than the bad debt it covered "
    "where bidders were paid for taking over an insolvent account.",
    better="lower",
    headline=True,
)
def insurance_drawn(run: RunTables) -> float | None:
    return run.total("SELECT sum(amount_usd) FROM draws")


@metric(
    "Insurance fund at the start",
    "USD",
    "Cash tokens held by the insurance fund after the first simulated block.",
)
def fund_start(run: RunTables) -> float | None:
    return run.scalar("SELECT fund_assets_usd::DOUBLE FROM blocks ORDER BY block LIMIT 1")


@metric(
    "Insurance fund, minimum",
    "USD",
    "Smallest holding of cash tokens by the insurance fund after any block.",
    better="higher",
    headline=True,
)
def fund_minimum(run: RunTables) -> float | None:
    return run.scalar("SELECT min(fund_assets_usd)::DOUBLE FROM blocks")


@metric(
    "Time to depletion of the fund",
    "s",
    "Seconds from the first block to the first block after which the insurance fund holds at most 0.1 % of "
    "its holding at the start; not defined when that never happens.",
    better="higher",
    headline=True,
)
def fund_depletion_seconds(run: RunTables) -> float | None:
    return run.scalar(
        """
        WITH first AS (SELECT timestamp AS start, fund_assets_usd::DOUBLE AS held
                       FROM blocks ORDER BY block LIMIT 1)
        SELECT min(timestamp) - any_value(start) FROM blocks, first
        WHERE held > 0 AND fund_assets_usd::DOUBLE <= held * ?
        """,
        [DEPLETED],
    )


@metric(
    "Fund depleted",
    "share",
    "1 when the insurance fund fell to at most 0.1 % of its holding at the start in any block, else 0. Its "
    "mean over runs is the depletion probability within the horizon.",
    better="lower",
)
def fund_depleted(run: RunTables) -> float | None:
    return float(fund_depletion_seconds(run) is not None)


@metric(
    "Stressed deficit, fall of 30 %, maximum",
    "USD",
    "Largest value over all blocks of what accounts would owe if all underlyings fell by 30 % at once: "
    "max(0, -stressed equity) summed over accounts, positions and collateral at the moved prices, options "
    "valued anew.",
    better="lower",
    headline=True,
)
def stressed_deficit_fall(run: RunTables) -> float | None:
    return _largest(run, -STRESS)


@metric(
    "Stressed deficit, rise of 30 %, maximum",
    "USD",
    "The same if all underlyings rose by 30 % at once.",
    better="lower",
)
def stressed_deficit_rise(run: RunTables) -> float | None:
    return _largest(run, STRESS)


@metric(
    "Depletion shock, fall, minimum",
    "share",
    "Smallest fall of all underlyings at once, over all blocks, after which the stressed deficit, less what "
    "credit lines bear of it, would exceed the assets of the insurance fund; between two shocks of the "
    "ladder by a straight line. 0: open bad debt does; not defined when no fall of up to 50 % ever would.",
    better="higher",
    headline=True,
)
def depletion_fall(run: RunTables) -> float | None:
    return _smallest(stress(run).fall)


@metric(
    "Depletion shock, rise, minimum",
    "share",
    "The same of a rise of all underlyings at once.",
    better="higher",
)
def depletion_rise(run: RunTables) -> float | None:
    return _smallest(stress(run).rise)


@metric(
    "Time exposed to a fall of 30 %",
    "s",
    "Seconds of the blocks after which the stressed deficit at a fall of 30 %, less what credit lines bear "
    "of it, exceeds the assets of the insurance fund.",
    better="lower",
)
def exposed_time(run: RunTables) -> float | None:
    found = stress(run)
    need = found.need[:, found.place(-STRESS)]
    return float(np.count_nonzero(need > found.fund)) * run.block_seconds


def _largest(run: RunTables, shock: int) -> float:
    found = stress(run)
    return float(found.deficit[:, found.place(shock)].max())


def _smallest(shocks: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float | None:
    known = shocks[~np.isnan(shocks)]
    return float(known.min()) if len(known) else None


@metric(
    "Shortfall × time",
    "USD*s",
    "Sum over blocks of the seconds of the block times max(0, maintenance margin - equity), summed over "
    "accounts: how deep and how long the system stood under maintenance.",
    better="lower",
    headline=True,
)
def shortfall_time(run: RunTables) -> float | None:
    return run.total("SELECT sum(shortfall_usd) FROM blocks") * run.block_seconds


@metric(
    "Shortfall, maximum",
    "USD",
    "Largest value over all blocks of max(0, maintenance margin - equity), summed over accounts.",
    better="lower",
)
def shortfall_peak(run: RunTables) -> float | None:
    return run.scalar("SELECT max(shortfall_usd) FROM blocks")


@metric(
    "Time with accounts under maintenance",
    "s",
    "Seconds of the blocks after which at least one account has equity < maintenance margin.",
    better="lower",
)
def under_maintenance_time(run: RunTables) -> float | None:
    return run.total("SELECT count(*) FROM blocks WHERE below_maintenance > 0") * run.block_seconds


@metric(
    "Accounts under maintenance, maximum",
    "count",
    "Largest number of accounts with equity < maintenance margin after any block.",
    better="lower",
)
def under_maintenance_peak(run: RunTables) -> float | None:
    return run.scalar("SELECT max(below_maintenance) FROM blocks")


@metric(
    "Deleveraged notional",
    "USD",
    "Auto-deleveraging: sum of |size| at mark over Deleveraged.",
    better="lower",
    headline=True,
)
def deleveraged_notional(run: RunTables) -> float | None:
    return run.total("SELECT sum(notional_usd) FROM deleveraged")


@metric(
    "Deleveraged counterparties",
    "count",
    "Distinct accounts whose position was closed against a deleveraged account.",
    better="lower",
)
def deleveraged_counterparties(run: RunTables) -> float | None:
    return run.total("SELECT count(DISTINCT counterparty) FROM deleveraged")


@metric(
    "Deleveraging haircut",
    "USD",
    "Sum over Deleveraged of |size| * |mark - price|, in inverse markets of cash paid: what counterparties "
    "gave up against closing at mark.",
    better="lower",
)
def deleveraging_haircut(run: RunTables) -> float | None:
    return run.total("SELECT sum(forgone_usd) FROM deleveraged")
