# SPDX-License-Identifier: Apache-2.0
"""Inverse markets from the record: sizes are contracts of one USD, PnL is coin."""

from __future__ import annotations

import pytest

from simulation.metrics import RunTables, inverse
from simulation.reports.page import write_report
from tests.metrics.conftest import Measure
from tests.synthetic_run import WAD, RunBuilder

NANO, NUMBER = 10**9, 128


def prepare(run: RunBuilder, prices: dict[int, float]) -> None:
    run.summary["markets"].append(
        {"market": NUMBER, "symbol": "ETH-USD", "tick_size": 10_000_000, "lot_size": NANO}
    )
    price = 2_000.0
    for block in range(100, 110):
        run.block(block)
        run.market(block)
        price = prices.get(block, price)
        run.market(block, NUMBER, price, symbol="ETH-USD", open_interest=3_000.0 if block > 104 else 0.0)
    for number, name in ((4, "long"), (5, "short"), (6, "keeper-1")):
        run.account(100, number, name, "trader")


def modified(
    run: RunBuilder,
    block: int,
    index: int,
    account: int,
    delta: float,
    size: float,
    coin: float,
    paid: int = 0,
) -> None:
    run.event(
        block, index, "Ledger", "PositionModified", account=account, market=NUMBER, delta=round(delta * NANO),
        size=round(size * NANO), entry_price=round(coin * NANO) % 2**80, funding_index=paid, cash=0, fee=0,
    )  # fmt: skip


def trade(run: RunBuilder) -> None:
    """3,000 contracts at 2,000: a coin and a half."""
    run.event(
        102, 0, "Exchange", "OrderFilled", order_id=1, maker=5, taker=4, market=NUMBER, taker_buys=True,
        tick=200_000, lots=3_000, maker_fee=WAD, taker_fee=2 * WAD, remaining=0,
    )  # fmt: skip
    modified(run, 102, 0, 5, -3_000, -3_000, -1.5)
    modified(run, 102, 0, 4, 3_000, 3_000, 1.5)


def results(run: RunBuilder) -> dict[str, inverse.InverseResult]:
    with RunTables(run.write()) as tables:
        return {one.agent: one for one in inverse.positions(tables)}


def test_contracts_are_dollars_in_every_figure(run: RunBuilder, measure: Measure) -> None:
    prepare(run, {})
    trade(run)
    values = measure(run)
    assert values["volume"] == pytest.approx(3_000)
    assert values["open_interest_peak"] == values["inverse_open_interest_peak"] == pytest.approx(3_000)


def test_slippage_of_contracts_is_relative(run: RunBuilder, measure: Measure) -> None:
    prepare(run, {102: 1_990.0})
    trade(run)
    assert measure(run)["slippage_mean"] == pytest.approx(10 / 1_990 * 10_000)


def test_profit_is_coin_less_contracts_over_mark(run: RunBuilder, measure: Measure) -> None:
    """At 1,500 the contracts are two coins: half a coin is lost, 750 USD."""
    prepare(run, {105: 1_500.0})
    trade(run)
    found = results(run)
    assert (found["long"].contracts, found["long"].coin) == (3_000, 1.5)
    assert found["long"].profit_coin == pytest.approx(-0.5)
    assert found["long"].profit_usd == pytest.approx(-750) == -found["short"].profit_usd
    assert measure(run)["inverse_profit_moved"] == pytest.approx(750)


def test_settlement_and_funding_leave_the_profit_alone(run: RunBuilder, measure: Measure) -> None:
    """The long pays its half coin in; funding of a tenth of a dollar a contract is received by the short."""
    prepare(run, {105: 1_500.0})
    trade(run)
    fields = {"account": 4, "market": NUMBER, "coin": -NANO // 2, "units": NANO**2 // 2, "pool": NANO // 2}
    modified(run, 106, 0, 4, 0, 3_000, 2.0, NANO // 10)
    run.event(106, 0, "CoinPool", "CoinSettled", **fields)
    modified(run, 107, 0, 5, 0, -3_000, -1.5, NANO // 10)
    found = results(run)
    assert found["long"].profit_coin == pytest.approx(-0.5)
    assert (found["long"].coin, found["long"].settled_coin) == (2.0, -0.5)
    assert (found["long"].funding_usd, found["short"].funding_usd) == pytest.approx((-300, 300))
    assert measure(run)["coin_paid"] == pytest.approx(750)


def test_a_slice_is_a_trade_at_mark(run: RunBuilder, measure: Measure) -> None:
    """A keeper takes 1,000 contracts and half a coin at 1,500, and sells at the same price."""
    prepare(run, {105: 1_500.0})
    trade(run)
    run.event(
        105, 1, "Liquidator", "AuctionStarted", account=4, starter="0x", equity=WAD, maintenance_margin=WAD,
        insolvent=False,
    )  # fmt: skip
    run.event(
        106, 0, "Liquidator", "AuctionBid", account=4, bidder=6, fraction=WAD // 3, price=0, equity=WAD,
        maintenance_margin=WAD,
    )  # fmt: skip
    modified(run, 106, 0, 4, -1_000, 2_000, 1.0)
    modified(run, 106, 0, 6, 1_000, 1_000, 0.5)
    found = results(run)
    assert found["long"].profit_coin == pytest.approx(-0.5)
    assert found["keeper-1"].profit_coin == pytest.approx(0.0)
    assert found["long"].taken_over_usd == pytest.approx(1_000)
    values = measure(run)
    assert values["inverse_liquidated"] == values["liquidated_notional"] == pytest.approx(1_000)


def test_profit_given_up_in_deleveraging_is_what_was_paid(run: RunBuilder, measure: Measure) -> None:
    prepare(run, {105: 1_500.0})
    trade(run)
    run.event(106, 0, "Ledger", "CashMoved", account=5, reason=4, amount=-200 * WAD, cash=0)
    run.event(106, 0, "Ledger", "CashMoved", account=4, reason=4, amount=200 * WAD, cash=0)
    run.event(
        106, 0, "Liquidator", "Deleveraged", account=4, counterparty=5, market=NUMBER, size=-3_000 * NANO,
        price=1_500 * NANO, score=1,
    )  # fmt: skip
    values = measure(run)
    assert values["deleveraged_notional"] == pytest.approx(3_000)
    assert values["deleveraging_haircut"] == pytest.approx(200)


def test_runs_without_such_markets_do_not_mention_them(run: RunBuilder, measure: Measure) -> None:
    run.plain_blocks()
    values = measure(run)
    assert {values[name] for name in ("inverse_liquidated", "coin_paid", "inverse_profit_moved")} == {None}
    page = write_report(run.write()).read_text(encoding="utf-8")
    assert "Inverse positions" not in page and "Inverse markets" not in page


def test_the_report_has_a_table_of_them(run: RunBuilder) -> None:
    prepare(run, {105: 1_500.0})
    trade(run)
    page = write_report(run.write()).read_text(encoding="utf-8")
    assert "Inverse positions" in page and "Inverse markets" in page and "−0.5000" in page
