# SPDX-License-Identifier: Apache-2.0
"""Open interest, volume, slippage, funding and the oracle."""

from __future__ import annotations

import pytest

from tests.metrics.conftest import Measure
from tests.synthetic_run import START, WAD, RunBuilder


def fill(
    run: RunBuilder, block: int, index: int, price: float, size: float, *, buys: bool, taker: int = 5
) -> None:
    run.event(
        block, index, "Exchange", "OrderFilled", order_id=1, maker=4, taker=taker, market=1, taker_buys=buys,
        tick=round(price * 100), lots=round(size * 1_000), maker_fee=WAD, taker_fee=2 * WAD, remaining=0,
    )  # fmt: skip


def test_open_interest_and_capital_efficiency(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block, equity_usd=500.0)
        run.market(block, open_interest=5.0 if block == 104 else 2.0)
        run.market(block, 2, price=10.0, symbol="BTC", open_interest=10.0)
    values = measure(run)
    assert values["open_interest_peak"] == pytest.approx(600)
    assert values["open_interest_end"] == pytest.approx(300)
    assert values["capital_efficiency"] == pytest.approx((9 * 300 + 600) / 10 / 500)


def test_volume_and_fees(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    fill(run, 103, 0, 101.0, 2.0, buys=True)
    fill(run, 104, 0, 99.0, 1.0, buys=False)
    values = measure(run)
    assert values["volume"] == pytest.approx(202 + 99)
    assert values["fills"] == 2
    assert values["trading_fees"] == pytest.approx(6)


def test_slippage_is_a_cost_for_buyers_and_sellers(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    run.account(100, 5, "noise", "trader")
    run.account(100, 6, "keeper-1", "keeper")
    fill(run, 103, 0, 101.0, 1.0, buys=True)
    fill(run, 104, 0, 98.0, 1.0, buys=False, taker=6)
    values = measure(run)
    assert values["slippage_mean"] == pytest.approx((100 * 101 + 200 * 98) / 199)
    assert values["keeper_slippage_mean"] == pytest.approx(200)


def test_fills_of_one_order_are_one_execution(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    fill(run, 103, 0, 100.0, 1.0, buys=True)
    fill(run, 103, 0, 102.0, 3.0, buys=True)
    values = measure(run)
    assert values["slippage_mean"] == pytest.approx(150)
    assert values["slippage_p99"] == pytest.approx(150)


def test_oracle_error_and_age(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block)
        stale = block >= 105
        run.market(
            block,
            reference=110.0 if stale else 100.0,
            spot=99.0 if stale else 100.0,
            oracle_time=START,
            oracle_valid=not stale,
        )
    values = measure(run)
    assert values["oracle_error_peak"] == pytest.approx(1_000)
    assert values["oracle_error_mean"] == pytest.approx(500)
    assert values["oracle_age_peak"] == 9 * 12
    assert values["oracle_invalid_share"] == 0.5


def test_a_feed_without_a_price_yet_has_no_error(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block)
        run.market(block, spot=0.0, mark=0.0, oracle_time=0, oracle_valid=False)
    values = measure(run)
    assert values["oracle_error_peak"] is None
    assert values["oracle_age_peak"] is None


def test_funding_keeps_its_sign_in_the_mean(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block)
        run.market(block, funding_rate=-3e-4 if block == 100 else 1e-4)
    values = measure(run)
    assert values["funding_mean"] == pytest.approx((9 - 3) / 10)
    assert values["funding_peak"] == pytest.approx(3)


def test_thinnest_side_of_the_book(run: RunBuilder, measure: Measure) -> None:
    for block in range(100, 110):
        run.block(block)
        run.market(block, bid_depth_usd=500.0, ask_depth_usd=80.0 if block == 107 else 900.0)
    assert measure(run)["depth_minimum"] == 80
