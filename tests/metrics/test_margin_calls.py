# SPDX-License-Identifier: Apache-2.0
"""Notices are followed to their cure, their escalation, an auction, or their end by time."""

from __future__ import annotations

import pytest

from simulation.metrics import RunTables
from simulation.metrics.margin_calls import MarginCall, margin_calls_of
from tests.metrics.conftest import Measure
from tests.metrics.test_liquidations import start
from tests.synthetic_run import START, WAD, RunBuilder

NOTICE, HALF_TIME = 2, 4
ACCOUNTS = range(5, 10)


def call(run: RunBuilder, block: int, account: int, last: int, stage: int = NOTICE) -> None:
    """A call that is in force until the end of block `last`."""
    lapses = START + (last - run.first) * run.block_seconds + 1
    run.event(
        block, account, "Liquidator", "MarginCalled", account=account, stage=stage, deadline=lapses,
        lapses=lapses, equity=900 * WAD, initial_margin=1_000 * WAD, maintenance_margin=500 * WAD,
    )  # fmt: skip


def escalate(run: RunBuilder, block: int, account: int) -> None:
    run.event(
        block, account, "Liquidator", "MarginCallEscalated", account=account, equity=900 * WAD,
        initial_margin=1_000 * WAD, maintenance_margin=500 * WAD,
    )  # fmt: skip


def low(run: RunBuilder, account: int, first: int, last: int) -> None:
    """Below initial margin in these blocks."""
    for block in range(first, last + 1):
        run.account(block, account, "noise", equity_usd=900.0, initial_margin_usd=1_000.0)


@pytest.fixture
def called(run: RunBuilder) -> RunBuilder:
    """5 is cured after two blocks, 6 at once, 7 escalated and cured, 8 escalated and sold early, 9 never."""
    run.plain_blocks()
    for account in ACCOUNTS:
        run.account(100, account, "noise", equity_usd=2_000.0, initial_margin_usd=1_000.0)
    low(run, 5, 101, 103)
    call(run, 102, 5, 108)
    call(run, 103, 6, 108)
    low(run, 7, 102, 105)
    call(run, 102, 7, 108)
    call(run, 103, 7, 108, stage=HALF_TIME)
    escalate(run, 104, 7)
    low(run, 8, 101, 109)
    call(run, 101, 8, 106)
    escalate(run, 104, 8)
    start(run, 105, 8, equity=510 * WAD, maintenance_margin=500 * WAD)
    low(run, 9, 101, 106)
    call(run, 101, 9, 104)
    return run


def test_every_notice_has_its_end(called: RunBuilder) -> None:
    with RunTables(called.write()) as tables:
        found = {item.account: item for item in margin_calls_of(tables)}
    assert found == {
        5: MarginCall(5, "noise", 102, 104, None, None),
        6: MarginCall(6, "noise", 103, 103, None, None),
        7: MarginCall(7, "noise", 102, 106, 104, None),
        8: MarginCall(8, "noise", 101, None, 104, 105),
        9: MarginCall(9, "noise", 101, None, None, None),
    }


def test_what_is_counted(called: RunBuilder, measure: Measure) -> None:
    values = measure(called)
    assert values["margin_calls"] == 5
    assert values["margin_calls_cured"] == pytest.approx(3 / 5)
    assert values["margin_calls_escalated"] == pytest.approx(2 / 5)
    assert values["margin_calls_answered"] == pytest.approx(4 / 5)
    assert values["time_to_cure"] == pytest.approx(2 * called.block_seconds)
    assert values["early_auctions"] == 1


def test_a_renewed_call_is_one_more(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    low(run, 7, 100, 108)
    call(run, 101, 7, 103)
    call(run, 104, 7, 109)
    assert measure(run)["margin_calls"] == 2
    assert measure(run)["margin_calls_cured"] == pytest.approx(1 / 2)


def test_a_quiet_run_has_no_rates(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    values = measure(run)
    assert values["margin_calls"] == values["early_auctions"] == 0
    for name in ("margin_calls_cured", "time_to_cure", "margin_calls_escalated", "margin_calls_answered"):
        assert values[name] is None, name
