# SPDX-License-Identifier: Apache-2.0
"""Gas of functions, block space, and transactions that were never executed."""

from __future__ import annotations

import math

import pytest

from simulation.metrics import RunTables, gas
from tests.metrics.conftest import Measure
from tests.synthetic_run import RunBuilder


def test_functions_are_measured_on_their_successes(run: RunBuilder) -> None:
    run.plain_blocks()
    for index, used in enumerate((100, 200, 300)):
        run.transaction(101, index, "Exchange.place", "noise", gas_used=used, fee_eth=0.25)
    run.transaction(101, 3, "Exchange.place", "noise", gas_used=900, status="reverted", fee_eth=0.25)
    run.transaction(101, 4, "Vault.withdraw", "noise", gas_used=50, status="reverted", fee_eth=0.0)
    run.transaction(101, 5, "Exchange.cancel", "noise", gas_used=0, status="dropped", fee_eth=0.0)
    run.write()
    with RunTables(run.folder) as tables:
        place, withdraw = gas.functions(tables)
    assert (place.function, place.executed, place.reverted) == ("Exchange.place", 4, 1)
    assert place.median == 200
    assert place.p99 == pytest.approx(298)
    assert place.maximum == 900
    assert place.fees_eth == 1
    assert withdraw.function == "Vault.withdraw" and math.isnan(withdraw.median)


def test_block_space(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(
            block, gas_used=30_000_000 if block == 100 else 12_000_000, base_fee_gwei=float(block),
            included=10, reverted=2 if block < 105 else 0,
        )  # fmt: skip
        run.market(block)
    values = measure(run)
    assert values["block_fill_mean"] == pytest.approx((1 + 9 * 0.4) / 10)
    assert values["base_fee_mean"] == pytest.approx(104.5)
    assert values["base_fee_peak"] == 109
    assert values["transactions"] == 100
    assert values["revert_rate"] == pytest.approx(0.1)


def test_waiting_and_never_executed(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    run.transaction(105, 0, "Exchange.place", "noise", submitted=103)
    run.transaction(106, 0, "Liquidator.bid", "keeper-1", status="expired", gas_used=0)
    run.transaction(106, 1, "Exchange.place", "noise", status="dropped", gas_used=0)
    run.transaction(106, 2, "Exchange.place", "noise", status="replaced", gas_used=0)
    values = measure(run)
    assert values["inclusion_p99"] == 2
    assert values["transactions_lost"] == 2
    assert values["liquidations_crowded_out"] == 1
