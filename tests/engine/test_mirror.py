# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.engine import Mirror
from simulation.messages import DELEVERAGE, INSOLVENT, SOLVENT, EventColumns
from tests.engine.books import VAULT, created, events, owner


def mirror_of(count: int = 4) -> Mirror:
    mirror = Mirror([1, 2], ["CashToken", "Token:WETH"])
    mirror.apply([created(count)], 1_000)
    return mirror


def modified(rows: list[tuple[int, int, int, int, int, int]], first_log: int = 0) -> EventColumns:
    names = ("account", "market", "size", "entry_price", "funding_index", "cash")
    return events(
        "Ledger", "PositionModified", [dict(zip(names, row, strict=True)) for row in rows], first_log
    )


def cash_moved(account: int, cash: int, log: int) -> EventColumns:
    return events("Vault", "CashMoved", [{"account": account, "reason": 4, "amount": 1, "cash": cash}], log)


def test_the_last_log_that_names_a_balance_wins_whatever_its_kind() -> None:
    mirror = mirror_of()
    deposited = events(
        "Vault",
        "Deposited",
        [{"account": 1, "asset": 0, "sender": owner(1), "amount": 5, "balance": 500}],
        7,
    )
    mirror.apply(
        [modified([(1, 1, 10, 20, 0, 300), (2, 1, -10, 20, 0, -9)], 3), cash_moved(2, -77, 9), deposited], 5
    )
    assert mirror.cash.ints() == [500, -77, 0, 0]
    mirror.apply([cash_moved(1, 1, 2), cash_moved(1, 2, 1)][:1], 6)
    assert mirror.cash.ints()[0] == 1
    assert mirror.touched.tolist() == [0]


def test_collateral_and_fees_keep_to_their_own_columns() -> None:
    mirror = mirror_of()
    rows = [
        {"account": 3, "asset": 1, "sender": owner(3), "amount": 5, "balance": 10**20},
        {"account": 3, "asset": 0, "sender": owner(3), "amount": 5, "balance": 42},
    ]
    mirror.apply([events("Vault", "Deposited", rows)], 5)
    moved = [
        {"account": 3, "asset": 1, "amount": -1, "balance": 9},
        {"account": 4, "asset": 1, "amount": 1, "balance": 1},
    ]
    mirror.apply([events("Vault", "CollateralMoved", moved), cash_moved(0, 999, 5)], 5)
    assert mirror.collateral.ints() == [0, 0, 9, 1]
    assert mirror.cash.ints() == [0, 0, 42, 0]


STEPS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.integers(1, 2),
        st.integers(-(2**79), 2**79 - 1),
        st.integers(0, 2**80 - 1),
        st.integers(-(2**79), 2**79 - 1),
        st.integers(-(2**126), 2**126),
    ),
    min_size=1,
    max_size=12,
)


@given(st.lists(STEPS, min_size=1, max_size=4))
def test_positions_and_sums_are_those_of_the_last_events(blocks: list[list[tuple[int, ...]]]) -> None:
    mirror = mirror_of()
    model: dict[tuple[int, int], tuple[int, int, int]] = {}
    cash: dict[int, int] = {}
    for rows in blocks:
        mirror.apply([modified(rows)], 5)  # type: ignore[arg-type]
        for account, market, size, entry, funding, money in rows:
            model[account - 1, market - 1] = size, entry, funding
            cash[account - 1] = money
        assert set(mirror.touched.tolist()) == {row[0] - 1 for row in rows}
    for (row, column), values in model.items():
        place = (row, column)
        assert (mirror.size.item(place), mirror.entry.item(place), mirror.funding.item(place)) == values
    assert [cash.get(row, 0) for row in range(4)] == mirror.cash.ints()
    assert mirror.net_settled == sum(size * (entry - funding) for size, entry, funding in model.values())
    for column in range(2):
        sizes = [values[0] for place, values in model.items() if place[1] == column]
        assert mirror.size_sum[column] == sum(sizes)
        assert mirror.long_sum[column] == sum(max(size, 0) for size in sizes)


def test_auctions_follow_their_events() -> None:
    mirror = mirror_of()

    def note(name: str, log: int = 0, **values: int | bool) -> None:
        mirror.apply([events("Liquidator", name, [{"account": 2, **values}], log)], 100 + log)

    note("AuctionStarted", insolvent=False)
    assert (mirror.auctions[2].phase, mirror.auctions[2].started) == (SOLVENT, 100)
    note("AuctionBid", 1, price=30)
    note("AuctionBid", 2, price=-20)
    assert mirror.auctions[2].reserved == 30
    note("AuctionInsolvent", 3, equity=-1)
    assert (mirror.auctions[2].phase, mirror.auctions[2].started, mirror.auctions[2].reserved) == (
        INSOLVENT,
        103,
        0,
    )
    note("DeleverageStarted", 4, equity=-1)
    assert mirror.auctions[2].phase == DELEVERAGE
    note("AuctionEnded", 5, reason=3)
    assert mirror.auctions == {}
    mirror.apply([events("Ledger", "LiquidationSet", [{"account": 3, "in_liquidation": True}])], 5)
    assert mirror.liquidating.tolist() == [False, False, True, False]


def test_the_clocks_of_an_auction_stand_still_by_turns() -> None:
    mirror = mirror_of()

    def note(name: str, timestamp: int, **values: int | bool) -> tuple[int, int, int, int]:
        mirror.apply([events("Liquidator", name, [{"account": 2, **values}], 0)], timestamp)
        state = mirror.auctions[2]
        return state.phase, state.started, state.reserved, state.paused

    assert note("AuctionStarted", 100, insolvent=False) == (SOLVENT, 100, 0, 0)
    assert note("AuctionInsolvent", 160, equity=0) == (INSOLVENT, 160, 0, 60)
    assert note("AuctionStarted", 165, insolvent=False) == (SOLVENT, 105, 0, 5)
    assert note("AuctionBid", 170, price=9) == (SOLVENT, 105, 9, 5)
    assert note("AuctionInsolvent", 175, equity=0) == (INSOLVENT, 170, 0, 70)
    assert note("DeleverageStarted", 180, equity=0) == (DELEVERAGE, 180, 0, 70)
    assert note("AuctionStarted", 182, insolvent=False) == (SOLVENT, 112, 0, 2)
    assert note("AuctionStarted", 190, insolvent=False) == (SOLVENT, 190, 0, 2)


def test_an_auction_that_starts_insolvent_and_one_that_ends_in_its_own_block() -> None:
    mirror = mirror_of()
    mirror.apply(
        [
            events("Liquidator", "AuctionInsolvent", [{"account": 1, "equity": -5}], 4),
            events(
                "Liquidator",
                "AuctionStarted",
                [{"account": 1, "insolvent": True}, {"account": 2, "insolvent": False}],
                2,
            ),
            events("Liquidator", "AuctionEnded", [{"account": 2, "reason": 2}], 9),
        ],
        7,
    )
    assert list(mirror.auctions) == [1] and mirror.auctions[1].phase == INSOLVENT


def test_tokens_follow_transfers_and_wallets_show_them() -> None:
    mirror = mirror_of()
    nobody = bytes(20)
    rows = [
        {"sender": nobody, "receiver": owner(1), "value": 1_000},
        {"sender": owner(1), "receiver": VAULT, "value": 400},
        {"sender": owner(1), "receiver": owner(2), "value": 1},
        {"sender": owner(2), "receiver": nobody, "value": 1},
    ]
    shares = [{"sender": nobody, "receiver": owner(4), "value": 7}]
    strange = [{"sender": nobody, "receiver": owner(4), "value": 1_000_000}]
    mirror.apply(
        [
            events("CashToken", "Transfer", rows),
            events("InsuranceFund", "Transfer", shares),
            events("SomeToken", "Transfer", strange),
        ],
        5,
    )
    token = mirror.tokens["CashToken"]
    assert (token.supply, token.balances[owner(1)], token.balances[VAULT]) == (999, 599, 400)
    assert mirror.wallet[:, 0].tolist() == [599.0, 0.0, 0.0, 0.0]
    assert mirror.shares.tolist() == [0.0, 0.0, 0.0, 7.0]
    assert np.count_nonzero(mirror.wallet[:, 1]) == 0


def test_accounts_must_come_in_order() -> None:
    mirror = mirror_of()
    row = {"account": 6, "owner": owner(5), "engine": VAULT, "subaccount": 0}
    with pytest.raises(ValueError, match="account 6 was created after 4 accounts"):
        mirror.apply([events("Vault", "AccountCreated", [row])], 5)
