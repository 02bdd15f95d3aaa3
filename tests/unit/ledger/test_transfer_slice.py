# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol import EXCHANGE_AND_LIQUIDATOR, ISOLATED, NANO, WAD, World, fresh_world
from tests.unit.ledger.test_fill_taker import PRICE

MARKETS = (1, 2)


def liquidated(desk: World, cash: float = 1_000) -> tuple[int, int, int]:
    """An account in liquidation with two positions and a collateral; its counterparty; a bidder."""
    account, other = desk.account("trader", cash=cash), desk.account("maker", cash=100_000)
    bidder = desk.account("keeper", cash=50_000)
    desk.deposit("trader", account, 1, 3)
    desk.match(account, other, 1, PRICE, 2 * NANO)
    desk.match(account, other, 2, 30_000 * NANO, -NANO // 100)
    desk.advance(60, ETH=1_900, BTC=30_500)
    desk.ledger.settle(account)
    desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    return account, other, bidder


def test_positions_move_in_whole_lots_at_mark(desk: World) -> None:
    account, _, bidder = liquidated(desk)
    before = [desk.ledger.assess(i)[0].equity for i in (account, bidder)]
    cash = desk.vault.cash(account)
    desk.ledger.transfer_slice(account, bidder, WAD // 3, 0, sender=desk.env.address("liquidator"))
    # 2 ETH / 3 in lots of 0.001, 0.01 BTC / 3 in lots of 0.0001, toward zero.
    assert [desk.ledger.position(bidder, m).size for m in MARKETS] == [666_000_000, -3_300_000]
    assert [desk.ledger.position(account, m).size for m in MARKETS] == [1_334_000_000, -6_700_000]
    assert desk.ledger.position(bidder, 1).entry_price == 1_900 * NANO
    share = cash * (WAD // 3) // WAD
    after = [desk.ledger.assess(i)[0].equity for i in (account, bidder)]
    # One of the three units of WETH went with it.
    assert desk.vault.collateral(bidder, 1) == 0
    assert (after[0] - before[0], after[1] - before[1]) == (-share, share)
    desk.check()


def test_what_is_not_settled_yet_is_settled_with_the_slice(desk: World) -> None:
    """All of it, before the cash is divided: the slice carries its part of profit and loss."""
    account, _, bidder = liquidated(desk)
    desk.advance(60, ETH=1_850, BTC=30_600)
    before = [desk.ledger.assess(i)[0].equity for i in (account, bidder)]
    loss = 2 * 50 * WAD + WAD // 100 * 100
    cash = desk.vault.cash(account)
    desk.ledger.transfer_slice(account, bidder, WAD // 3, 0, sender=desk.env.address("liquidator"))
    assert [desk.ledger.position(account, m).entry_price for m in MARKETS] == [1_850 * NANO, 30_600 * NANO]
    share = (cash - loss) * (WAD // 3) // WAD
    assert desk.vault.cash(account) == cash - loss - share
    after = [desk.ledger.assess(i)[0].equity for i in (account, bidder)]
    assert (after[0] - before[0], after[1] - before[1]) == (-share, share)
    desk.check()


def test_events(desk: World) -> None:
    account, _, bidder = liquidated(desk)
    receipt = desk.ledger.transfer_slice(account, bidder, WAD // 2, 0, sender=desk.env.address("liquidator"))
    moved = receipt.named("PositionModified")
    assert [(event["account"], event["market"], event["delta"]) for event in moved] == [
        (account, 1, -NANO),
        (bidder, 1, NANO),
        (account, 2, NANO // 200),
        (bidder, 2, -NANO // 200),
    ]
    assert all(event["fee"] == 0 for event in moved)
    assert [event["amount"] for event in receipt.named("CollateralMoved")] == [-1, 1]
    assert [event["reason"] for event in receipt.named("CashMoved")] == [3, 3]


def test_the_whole_leaves_nothing(desk: World) -> None:
    account, _, bidder = liquidated(desk)
    desk.ledger.transfer_slice(account, bidder, WAD, 0, sender=desk.env.address("liquidator"))
    assert desk.ledger.markets_of(account) == []
    assert (desk.vault.account(account).cash, desk.vault.account(account).assets) == (0, 0)
    assert [desk.ledger.position(bidder, m).size for m in MARKETS] == [2 * NANO, -NANO // 100]
    desk.check()


def test_reserved_cash_stays(desk: World) -> None:
    account, _, bidder = liquidated(desk)
    cash = desk.vault.cash(account)
    reserved = cash - 100 * WAD
    desk.ledger.transfer_slice(account, bidder, WAD // 2, reserved, sender=desk.env.address("liquidator"))
    assert desk.vault.cash(account) == cash - 50 * WAD
    desk.ledger.transfer_slice(account, bidder, WAD, reserved, sender=desk.env.address("liquidator"))
    assert desk.vault.cash(account) == reserved
    desk.check()


def test_a_bidder_on_the_other_side_closes_and_realises(desk: World) -> None:
    account, other, _ = liquidated(desk)
    before = desk.ledger.assess(other)[0].equity
    cash = desk.vault.cash(account)
    open_interest = desk.ledger.open_interest(1)
    desk.ledger.transfer_slice(account, other, WAD, 0, sender=desk.env.address("liquidator"))
    assert desk.ledger.markets_of(other) == []
    assert (desk.ledger.open_interest(1), open_interest) == (0, 2 * NANO)
    collateral = desk.vault.money(other)[2][0].value
    assert desk.ledger.assess(other)[0].equity == before + cash + collateral
    desk.check()


def test_an_isolated_bidder_takes_one_market_at_most(desk: World) -> None:
    account, _, _ = liquidated(desk)
    siloed = desk.account("keeper", cash=50_000, engine=ISOLATED)
    with desk.refuses("ledger: market not permitted"):
        desk.ledger.transfer_slice(account, siloed, WAD, 0, sender=desk.env.address("liquidator"))
    single = desk.account("trader", cash=1_000)
    other = desk.account("maker", cash=100_000)
    desk.match(single, other, 2, 30_500 * NANO, NANO // 100)
    desk.ledger.begin_liquidation(single, sender=desk.env.address("liquidator"))
    desk.ledger.transfer_slice(single, siloed, WAD, 0, sender=desk.env.address("liquidator"))
    assert desk.ledger.markets_of(siloed) == [2]


@settings(max_examples=40)
@given(
    fractions=st.lists(st.integers(1, WAD), min_size=1, max_size=4),
    prices=st.tuples(st.integers(1_000, 3_000), st.integers(20_000, 40_000)),
)
def test_no_value_is_made_and_sizes_add_up(fractions: list[int], prices: tuple[int, int]) -> None:
    desk = fresh_world(EXCHANGE_AND_LIQUIDATOR)
    account, other, bidder = liquidated(desk, cash=3_000)
    for fraction in fractions:
        desk.advance(60, ETH=prices[0], BTC=prices[1])
        before = sum(desk.ledger.assess(i)[0].equity for i in (account, bidder))
        collateral = sum(desk.vault.collateral(i, 1) for i in (account, bidder))
        desk.ledger.transfer_slice(account, bidder, fraction, 0, sender=desk.env.address("liquidator"))
        assert sum(desk.ledger.assess(i)[0].equity for i in (account, bidder)) == before
        assert sum(desk.vault.collateral(i, 1) for i in (account, bidder)) == collateral == 3
        sizes = [desk.ledger.position(account, m).size for m in MARKETS]
        assert sizes[0] % 10**6 == 0 == sizes[1] % 10**5
        for market in MARKETS:
            total = sum(desk.ledger.position(i, market).size for i in (account, bidder, other))
            assert total == 0
        desk.check()


@pytest.mark.parametrize("fraction", [0, WAD + 1, 2**256 - 1])
def test_fractions_out_of_bound(desk: World, fraction: int) -> None:
    account, _, bidder = liquidated(desk)
    with desk.refuses("ledger: fraction out of bound"):
        desk.ledger.transfer_slice(account, bidder, fraction, 0, sender=desk.env.address("liquidator"))


def test_refusals(desk: World) -> None:
    account, other, bidder = liquidated(desk)
    liquidator = desk.env.address("liquidator")
    with desk.refuses("ledger: same account"):
        desk.ledger.transfer_slice(account, account, WAD, 0, sender=liquidator)
    with desk.refuses("ledger: not in liquidation"):
        desk.ledger.transfer_slice(other, bidder, WAD, 0, sender=liquidator)
    desk.ledger.begin_liquidation(bidder, sender=liquidator)
    with desk.refuses("ledger: account in liquidation"):
        desk.ledger.transfer_slice(account, bidder, WAD, 0, sender=liquidator)
    for role in ("keeper", "owner", "guardian", "attacker"):
        with desk.refuses("ledger: not the liquidator"):
            desk.ledger.transfer_slice(account, bidder, WAD, 0, sender=desk.env.address(role))
