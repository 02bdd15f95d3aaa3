# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.evm import Reverted
from tests.protocol import NANO, WAD, World

PRICE = 2_000 * NANO
OUT_OF_RANGE = "tiered_margin: portfolio out of range"


def rest(desk: World, account: int, size: int, market: int = 1) -> None:
    """Reserves `size` (signed, nano base) for a resting order."""
    caller = desk.vault.account(account).owner
    desk.as_exchange(("fill_taker", caller, account, market, 0, 0, 0, size))


def test_a_fill_takes_its_reservation(desk: World) -> None:
    maker, taker = desk.account("maker", cash=10_000), desk.account("trader", cash=10_000)
    rest(desk, maker, -3 * NANO)
    trader = desk.env.address("trader")
    receipt = desk.as_exchange(
        ("fill_maker", maker, 1, -NANO, PRICE, 5, True),
        ("fill_taker", trader, taker, 1, NANO, 2_000 * WAD, 7, 0),
    )
    assert receipt.value[0] == (1).to_bytes(32, "big")
    position = desk.ledger.position(maker, 1)
    assert tuple(position) == (-NANO, PRICE, 0, 0, 2 * NANO)
    # An entry at the trade price: cash pays the whole notional, the fee, and nothing else.
    assert desk.vault.cash(maker) == 10_000 * WAD - 5
    assert desk.vault.reconcile().fees == 12
    assert desk.ledger.open_interest(1) == NANO
    desk.check()


def test_event(desk: World) -> None:
    maker, taker = desk.account("maker", cash=10_000), desk.account("trader", cash=10_000)
    receipt = desk.match(taker, maker, 1, PRICE, NANO, fee=3)
    assert receipt.named("PositionModified") == [
        {
            "account": account,
            "market": 1,
            "delta": size,
            "size": size,
            "entry_price": PRICE,
            "funding_index": 0,
            "cash": 10_000 * WAD - 3,
            "fee": 3,
        }
        for account, size in ((maker, -NANO), (taker, NANO))
    ]


def test_a_reduce_only_order_gives_nothing_back(desk: World) -> None:
    maker, taker = desk.account("maker", cash=10_000), desk.account("trader", cash=10_000)
    desk.match(taker, maker, 1, PRICE, NANO)
    rest(desk, maker, 2 * NANO)
    caller = desk.env.address("trader")
    desk.as_exchange(
        ("fill_maker", maker, 1, NANO, PRICE, 0, False),
        ("fill_taker", caller, taker, 1, -NANO, -2_000 * WAD, 0, 0),
    )
    assert tuple(desk.ledger.position(maker, 1)) == (0, 0, 0, 2 * NANO, 0)


def test_a_maker_below_margin_is_passed_over_and_nothing_changes(desk: World) -> None:
    poor, maker = desk.account("poor", cash=199), desk.account("maker", cash=10_000)
    taker = desk.account("trader", cash=10_000)
    before = desk.ledger.words_of(poor, 1, [1, 2]), desk.vault.words_of(poor, 1, 2)
    receipt = desk.as_exchange(
        ("fill_maker", poor, 1, -NANO, PRICE, 0, False),
        ("fill_maker", maker, 1, -NANO, PRICE, 0, False),
        ("fill_taker", desk.env.address("trader"), taker, 1, NANO, 2_000 * WAD, 0, 0),
    )
    assert [int.from_bytes(word, "big") for word in receipt.value[:2]] == [0, 1]
    assert (desk.ledger.words_of(poor, 1, [1, 2]), desk.vault.words_of(poor, 1, 2)) == before
    desk.check()


def test_one_wei_decides(desk: World) -> None:
    maker, taker = desk.account("maker", cash=200), desk.account("trader", cash=10_000)
    for fee, filled in ((1, 0), (0, 1)):
        with desk.env.anchor():
            calls = [("fill_maker", maker, 1, -NANO, PRICE, fee, False)]
            if filled:
                caller = desk.env.address("trader")
                calls.append(("fill_taker", caller, taker, 1, NANO, 2_000 * WAD, 0, 0))
            assert int.from_bytes(desk.as_exchange(*calls).value[0], "big") == filled


def test_a_maker_in_liquidation_is_passed_over(desk: World) -> None:
    maker = desk.account("maker", cash=10_000)
    desk.ledger.begin_liquidation(maker, sender=desk.env.address("liquidator"))
    before = desk.state()
    receipt = desk.as_exchange(("fill_maker", maker, 1, -NANO, PRICE, 0, False))
    assert int.from_bytes(receipt.value[0], "big") == 0
    assert desk.state() == before


def test_a_reducing_fill_passes_below_margin_while_the_shortfall_does_not_grow(desk: World) -> None:
    maker, taker = desk.account("maker", cash=220), desk.account("trader", cash=10_000)
    desk.match(taker, maker, 1, PRICE, NANO)
    desk.advance(60, ETH=2_100, BTC=30_000)
    margin = desk.ledger.assess(maker)[0]
    assert margin.equity < margin.maintenance_margin + 20 * WAD < margin.initial_margin
    caller = desk.env.address("trader")
    for price, filled in ((2_150, 1), (2_320, 0)):
        with desk.env.anchor():
            calls = [("fill_maker", maker, 1, NANO // 2, price * NANO, 0, False)]
            if filled:
                calls.append(("fill_taker", caller, taker, 1, -NANO // 2, -price * WAD // 2, 0, 0))
            assert int.from_bytes(desk.as_exchange(*calls).value[0], "big") == filled
            desk.check()


def test_reducing_needs_no_fresh_price_and_adding_does(desk: World) -> None:
    maker, taker = desk.account("maker", cash=1_000), desk.account("trader", cash=1_000)
    desk.match(taker, maker, 1, PRICE, NANO)
    desk.env.advance(3_601)
    with desk.refuses("ledger: stale price"):
        desk.as_exchange(("fill_maker", maker, 1, -NANO, PRICE, 0, False))
    with desk.refuses("ledger: stale price"):
        desk.as_exchange(("fill_maker", maker, 1, 3 * NANO, PRICE, 0, False))
    desk.match(taker, maker, 1, PRICE, -NANO)
    assert desk.ledger.markets_of(maker) == [] == desk.ledger.markets_of(taker)
    assert desk.ledger.open_interest(1) == 0
    desk.check()


def test_a_stale_price_elsewhere_passes_the_maker_over(desk: World) -> None:
    """One maker's silent collateral must not stop the market for all: its order goes instead."""
    maker = desk.account("maker", cash=10_000)
    desk.deposit("maker", maker, 2, 1)
    desk.env.advance(3_601)
    desk.prices(ETH=2_000)
    receipt = desk.as_exchange(("fill_maker", maker, 1, -NANO, PRICE, 0, False))
    assert int.from_bytes(receipt.value[0], "big") == 0


def test_a_fill_beyond_the_reservation_is_refused(desk: World) -> None:
    maker = desk.account("maker", cash=10_000)
    rest(desk, maker, NANO)
    for size in (NANO + 1, -1):
        with desk.refuses("ledger: resting size"):
            desk.as_exchange(("fill_maker", maker, 1, size, PRICE, 0, True))


def test_one_market_a_call(desk: World) -> None:
    maker = desk.account("maker", cash=10_000)
    with desk.refuses("ledger: trade is not zero-sum"):
        desk.as_exchange(
            ("fill_maker", maker, 1, NANO, PRICE, 0, False),
            ("fill_maker", maker, 2, NANO // 100, 30_000 * NANO, 0, False),
        )


def test_a_leg_without_a_fill_does_not_bind_the_rest_of_the_transaction(desk: World) -> None:
    """A contract may place in several markets at once, even if no maker of the first could fill."""
    poor, maker = desk.account("poor", cash=1), desk.account("maker", cash=10_000)
    taker = desk.account("trader", cash=10_000)
    caller = desk.env.address("trader")
    desk.as_exchange(
        ("fill_maker", poor, 1, -NANO, PRICE, 0, False),
        ("fill_taker", caller, taker, 1, 0, 0, 0, NANO),
        ("fill_maker", maker, 2, -NANO // 10, 30_000 * NANO, 0, False),
        ("fill_taker", caller, taker, 2, NANO // 10, 3_000 * WAD, 0, 0),
    )
    assert desk.ledger.markets_of(taker) == [1, 2]
    assert desk.ledger.open_interest(2) == NANO // 10
    desk.check()


def test_an_isolated_account_holds_one_market(desk: World) -> None:
    siloed, taker = desk.account("maker", cash=10_000, engine=2), desk.account("trader", cash=10_000)
    desk.match(taker, siloed, 1, PRICE, NANO)
    with desk.refuses("ledger: market not permitted"):
        desk.match(taker, siloed, 2, 30_000 * NANO, NANO // 100)
    # Flat again it may hold another.
    desk.match(taker, siloed, 1, PRICE, -NANO)
    desk.match(taker, siloed, 2, 30_000 * NANO, NANO // 100)
    assert desk.ledger.markets_of(siloed) == [2]


def test_only_the_exchange(desk: World) -> None:
    maker = desk.account("maker", cash=10_000)
    for role in ("maker", "owner", "guardian", "liquidator", "attacker"):
        with desk.refuses("ledger: caller is not exchange"):
            desk.ledger.fill_maker(maker, 1, NANO, PRICE, 0, False, sender=desk.env.address(role))


@pytest.mark.parametrize("size", [2**79, -(2**79), 2**127, -(2**255), 2**255 - 1])
def test_sizes_out_of_range_change_nothing(desk: World, size: int) -> None:
    """Refused by name, or passed over like any maker that cannot carry the fill."""
    maker = desk.account("maker", cash=10**9)
    before = desk.state()
    try:
        answers = desk.as_exchange(("fill_maker", maker, 1, size, 1, 0, False)).value
        assert int.from_bytes(answers[0], "big") == 0
    except Reverted as error:
        assert abs(size) > 2**126 or error.reason in ("ledger: size out of range", OUT_OF_RANGE)
    assert desk.state() == before
