# SPDX-License-Identifier: Apache-2.0
"""Margin calls from notice to their end, and what became of the accounts.

Imports: metrics.registry, metrics.tables.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulation.metrics.registry import metric
from simulation.metrics.tables import RunTables

__all__ = ["MarginCall", "margin_calls_of"]


@dataclass(frozen=True, slots=True)
class MarginCall:
    """One notice to one account, and what followed until the call ended."""

    account: int
    agent: str
    """Whose account it is."""
    block: int
    """Of the notice."""
    cured: int | None
    """First block from the notice on after which equity met initial margin, before the call lapsed or an
    auction began; None: there was none."""
    escalated: int | None
    """Block of the escalation."""
    liquidated: int | None
    """Block in which an auction began before the call lapsed or was cured."""


def margin_calls_of(run: RunTables) -> tuple[MarginCall, ...]:
    """All notices of a run in their order."""
    return run.remember("margin_calls", lambda: tuple(_margin_calls(run)))


def _margin_calls(run: RunTables) -> Iterator[MarginCall]:
    owners = {account: agent for account, agent, _ in run.rows("SELECT account, agent, role FROM owners")}
    times = run.columns("SELECT block, timestamp FROM blocks ORDER BY block")
    blocks, seconds = times["block"], times["timestamp"]
    # Every account below initial margin or in liquidation has a row in every block.
    low = _blocks(
        run,
        "SELECT account, block FROM accounts WHERE equity_usd < initial_margin_usd OR in_liquidation "
        "ORDER BY account, block",
    )
    starts = _blocks(run, "SELECT account, block FROM starts ORDER BY account, block")
    escalations = _blocks(
        run,
        "SELECT account, block FROM events WHERE event = 'MarginCallEscalated' ORDER BY account, block",
    )
    notices = run.rows(
        """
        SELECT account, block, json_extract_string(fields, 'lapses')::BIGINT
        FROM events WHERE event = 'MarginCalled' AND json_extract_string(fields, 'stage') = '2'
        ORDER BY block, log_index
        """
    )
    for account, block, lapses in notices:
        # The last block in which the call was still in force.
        last = int(blocks[max(np.searchsorted(seconds, lapses) - 1, 0)])
        cured = _first_missing(low[account], block)
        start = _first_from(starts[account], block)
        well = cured <= last and (start is None or cured < start)
        until = min(last, cured) if well else last
        yield MarginCall(
            account=account,
            agent=owners.get(account, ""),
            block=block,
            cured=cured if well else None,
            escalated=_within(escalations[account], block, until),
            liquidated=_within(starts[account], block, until),
        )


def _blocks(run: RunTables, sql: str) -> defaultdict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for account, block in run.rows(sql):
        found[account].append(block)
    return found


def _first_missing(ordered: list[int], block: int) -> int:
    """The first number from `block` on that is not in the list."""
    for present in ordered[bisect_left(ordered, block) :]:
        if present != block:
            break
        block += 1
    return block


def _first_from(ordered: list[int], block: int) -> int | None:
    place = bisect_left(ordered, block)
    return ordered[place] if place < len(ordered) else None


def _within(ordered: list[int], first: int, last: int) -> int | None:
    place = bisect_left(ordered, first)
    return ordered[place] if place < bisect_right(ordered, last) else None


@metric(
    "Margin calls", "count", "Notices given on chain: MarginCalled events of stage NOTICE, without reminders."
)
def margin_calls(run: RunTables) -> float | None:
    return float(len(margin_calls_of(run)))


@metric(
    "Margin calls cured",
    "share",
    "Share of notices after which the account met initial margin at the end of a block, before the call "
    "lapsed and before an auction of it began.",
    better="higher",
)
def margin_calls_cured(run: RunTables) -> float | None:
    calls = margin_calls_of(run)
    return sum(call.cured is not None for call in calls) / len(calls) if calls else None


@metric(
    "Time to cure, median",
    "s",
    "Median over cured margin calls of the time from the block of the notice to the first block after which "
    "the account met initial margin; 0: in the block of the notice.",
    better="lower",
)
def time_to_cure(run: RunTables) -> float | None:
    waits = [call.cured - call.block for call in margin_calls_of(run) if call.cured is not None]
    return float(np.median(waits)) * run.block_seconds if waits else None


@metric(
    "Margin calls escalated",
    "share",
    "Share of notices that were escalated: the grace was over and the account still below initial margin.",
    better="lower",
)
def margin_calls_escalated(run: RunTables) -> float | None:
    calls = margin_calls_of(run)
    return sum(call.escalated is not None for call in calls) / len(calls) if calls else None


@metric(
    "Margin calls answered",
    "share",
    "Share of notices after which the account was not liquidated until the end of the run.",
    better="higher",
)
def margin_calls_answered(run: RunTables) -> float | None:
    return run.scalar(
        """
        SELECT avg((NOT EXISTS (
            SELECT 1 FROM starts s WHERE s.account = c.account
                AND (s.block > c.block OR (s.block = c.block AND s.log_index > c.log_index))
        ))::INTEGER)
        FROM events c
        WHERE c.event = 'MarginCalled' AND json_extract_string(c.fields, 'stage') = '2'
        """
    )


@metric(
    "Early auctions",
    "count",
    "Auctions begun at or above maintenance margin, which an escalated margin call admits below the buffer.",
)
def early_auctions(run: RunTables) -> float | None:
    return run.total("SELECT count(*) FROM starts WHERE equity_usd >= maintenance_margin_usd")
