# SPDX-License-Identifier: Apache-2.0
"""Credit lines: what was granted, used, called and lost, and what lenders got for it; without a desk nothing.

Imports: metrics.registry, metrics.tables.
"""

from __future__ import annotations

from simulation.metrics.registry import metric
from simulation.metrics.tables import RunTables

__all__ = ["has_desk"]

NOTICE, DEFAULTED = 2, 8
"""ICreditDesk.Stage."""


def has_desk(run: RunTables) -> bool:
    """Whether lenders can lend in this run."""
    return "CreditDesk" in run.summary["deployment"]


def _total(run: RunTables, sql: str) -> float | None:
    return run.total(sql) if has_desk(run) else None


def _calls(run: RunTables, stage: int) -> float | None:
    return _total(
        run,
        "SELECT count(*) FROM events WHERE event = 'LineCalled' AND contract = 'CreditDesk' "
        f"AND json_extract_string(fields, 'stage')::INTEGER = {stage}",
    )


@metric(
    "Credit lines", "count", "Distinct accounts that were granted a credit line: LineGranted above nothing."
)
def credit_lines(run: RunTables) -> float | None:
    return _total(
        run,
        "SELECT count(DISTINCT account) FROM events WHERE event = 'LineGranted' "
        "AND json_extract_string(fields, 'granted')::DOUBLE > 0",
    )


@metric("Commitments, maximum", "USD", "Largest value over blocks of what lenders can lose by all lines.")
def committed_peak(run: RunTables) -> float | None:
    return run.scalar("SELECT max(committed_usd) FROM blocks") if has_desk(run) else None


@metric(
    "Use of lines, maximum",
    "USD",
    "Largest value over blocks of max(0, initial margin of the base engine - equity), at most the "
    "commitment, summed over accounts with a line.",
)
def line_use_peak(run: RunTables) -> float | None:
    return run.scalar("SELECT max(line_use_usd) FROM blocks") if has_desk(run) else None


@metric("Line calls", "count", "Credit lines called: LineCalled events of the stage NOTICE.", better="lower")
def line_calls(run: RunTables) -> float | None:
    return _calls(run, NOTICE)


@metric("Line calls cured", "share", "CallCured events over line calls.", better="higher")
def line_calls_cured(run: RunTables) -> float | None:
    calls = line_calls(run)
    return run.total("SELECT count(*) FROM events WHERE event = 'CallCured'") / calls if calls else None


@metric(
    "Line defaults",
    "count",
    "Credit lines in default, by their clock or because they had to pay: LineCalled events of the stage "
    "DEFAULTED.",
    better="lower",
)
def line_defaults(run: RunTables) -> float | None:
    return _calls(run, DEFAULTED)


@metric("Income of lenders", "USD", "Fees of credit lines that lenders were paid: sum over IncomePaid.")
def lender_income(run: RunTables) -> float | None:
    return _total(run, "SELECT sum(junior_usd + senior_usd) FROM incomes")


@metric(
    "Loss of lenders",
    "USD",
    "What credit lines paid for losses of their accounts, before the insurance fund: sum over LossBorne. It "
    "is part of the bad debt.",
    better="lower",
    headline=True,
)
def lender_loss(run: RunTables) -> float | None:
    return _total(run, "SELECT sum(junior_usd + senior_usd) FROM losses")


@metric(
    "Loss of the senior tranche",
    "USD",
    "Its part of LossBorne: nothing before the junior tranche is empty.",
    better="lower",
)
def senior_loss(run: RunTables) -> float | None:
    return _total(run, "SELECT sum(senior_usd) FROM losses")


@metric(
    "Return of lenders",
    "bps",
    "Income less losses over the run, over both tranches' assets after the first block; not scaled to a "
    "year.",
    better="higher",
)
def lender_return(run: RunTables) -> float | None:
    if not has_desk(run):
        return None
    lent = run.scalar("SELECT lent_junior_usd + lent_senior_usd FROM blocks ORDER BY block LIMIT 1")
    income, loss = lender_income(run), lender_loss(run)
    return None if not lent or income is None or loss is None else (income - loss) / lent * 1e4
