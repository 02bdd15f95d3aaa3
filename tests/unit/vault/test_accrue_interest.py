# SPDX-License-Identifier: Apache-2.0
"""Interest through the real Vault, against the integer twin of contracts/math/interest_math.vy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.domain import interest_math as math
from tests.protocol import EXCHANGE_AND_LIQUIDATOR, WAD, World, fresh_world

YEAR = 365 * 86_400
CURVE = math.RateParams(2 * WAD // 100, 8 * WAD // 100, 90 * WAD // 100, 85 * WAD // 100)
FEE = WAD // 5


def borrow(world: World, lent: int, borrowed: int) -> tuple[int, int]:
    """A lender with `lent` and a borrower with `borrowed` USD, against collateral of five times the loan."""
    lender, borrower = world.account("maker", cash=lent), world.account("trader")
    world.deposit("trader", borrower, 1, 5 * borrowed * WAD // 2_000)
    trader = world.env.address("trader")
    world.vault.withdraw(borrower, 0, borrowed * 10**6, trader, sender=trader)
    return lender, borrower


def test_event_and_indexes(world: World) -> None:
    borrow(world, 1_000, 500)
    world.env.advance(YEAR)
    receipt = world.vault.accrue_interest()
    u = math.utilisation(1_000 * WAD, 500 * WAD, 0)
    growth = math.growth(math.borrow_rate(u, CURVE), YEAR)
    earned = math.supply_growth(growth, 1_000 * WAD, 500 * WAD, FEE)
    assert u == WAD // 2
    assert world.vault.interest_indexes() == (WAD + growth, WAD + earned)
    assert receipt.named("InterestAccrued") == [
        {
            "borrow_index": WAD + growth,
            "supply_index": WAD + earned,
            "total_borrow": 500 * (WAD + growth),
            "total_supply": 1_000 * (WAD + earned),
        }
    ]


def test_a_second_call_in_the_block_changes_nothing(world: World) -> None:
    borrow(world, 1_000, 500)
    world.env.advance(10_000)
    world.vault.accrue_interest()
    before = world.state()
    receipt = world.vault.accrue_interest()
    assert not receipt.events
    assert world.state() == before


def test_views_tell_what_an_accrual_would_book(world: World) -> None:
    lender, borrower = borrow(world, 1_000, 900)
    world.env.advance(100_000)
    seen = (world.vault.cash(lender), world.vault.cash(borrower), world.vault.interest_indexes())
    world.vault.accrue_interest()
    assert (world.vault.cash(lender), world.vault.cash(borrower), world.vault.interest_indexes()) == seen


def test_nothing_accrues_without_loans(world: World) -> None:
    account = world.account("trader", cash=1_000)
    world.env.advance(10 * YEAR)
    receipt = world.vault.accrue_interest()
    assert not receipt.events
    assert world.vault.interest_indexes() == (WAD, WAD)
    assert world.vault.cash(account) == 1_000 * WAD


@pytest.mark.parametrize(
    ("borrowed", "rate"), [(0, 0.0), (100, 0.028), (500, 0.06), (850, 0.088), (900, 0.133), (1_000, 0.223)]
)
def test_the_rate_kinks_at_the_optimal_utilisation(world: World, borrowed: int, rate: float) -> None:
    """2 % + 8 % u up to 85 %, then 90 % of what is above; of 1,000 USD lent."""
    if borrowed == 0:
        world.account("maker", cash=1_000)
    else:
        borrow(world, 1_000, borrowed)
    world.env.advance(YEAR // 1_000)
    index = world.vault.interest_indexes()[0]
    assert (index - WAD) / WAD * 1_000 == pytest.approx(rate, rel=2e-4)


def test_the_protocol_keeps_its_share(world: World) -> None:
    borrow(world, 1_000, 500)
    world.env.advance(YEAR)
    world.vault.accrue_interest()
    books = world.vault.reconcile()
    charged = books.total_borrow - 500 * WAD
    credited = books.total_supply - 1_000 * WAD
    assert books.fees == charged - credited
    assert books.fees == pytest.approx(charged * FEE // WAD, abs=1_000)
    world.check()


def test_losses_settled_and_not_withdrawn_are_lendable(desk: World) -> None:
    """A loan that mirrors another's unsettled profit was lent by nobody: it lowers the utilisation, and the
    last lender does not earn what it pays."""
    winner, loser = desk.account("maker", cash=2_000), desk.account("trader")
    desk.deposit("maker", winner, 1, 10 * WAD)
    desk.deposit("trader", loser, 1, 10 * WAD)
    desk.match(loser, winner, 2, 30_000 * 10**9, 10**9)
    desk.advance(1, ETH=2_000, BTC=29_000)
    desk.ledger.settle(loser)
    assert desk.vault.cash(loser) == -1_000 * WAD
    books = desk.vault.reconcile()
    assert (books.net_settled, books.total_supply) == (29_000 * WAD - 30_000 * WAD, 2_000 * WAD)
    desk.env.advance(YEAR)
    u = math.utilisation(2_000 * WAD, 1_000 * WAD, -1_000 * WAD)
    growth = math.growth(math.borrow_rate(u, CURVE), YEAR)
    earned = math.supply_growth(growth, 3_000 * WAD, 1_000 * WAD, FEE)
    assert desk.vault.interest_indexes() == (WAD + growth, WAD + earned)
    desk.vault.accrue_interest()
    assert desk.vault.reconcile().fees == 1_000 * growth - 2_000 * earned
    desk.check()


def test_a_single_unit_does_not_earn_the_interest_of_all(desk: World) -> None:
    """The supply index never outgrows the borrow index, however little is lent."""
    winner, loser = desk.account("maker"), desk.account("trader")
    desk.deposit("maker", winner, 1, 10 * WAD)
    desk.deposit("trader", loser, 1, 10 * WAD)
    desk.match(loser, winner, 2, 30_000 * 10**9, 10**9)
    desk.advance(1, ETH=2_000, BTC=29_000)
    desk.ledger.settle(loser)
    assert desk.vault.reconcile().total_borrow == 1_000 * WAD
    attacker = desk.account("attacker")
    desk.deposit("attacker", attacker, 0, 1)
    desk.env.advance(YEAR)
    desk.vault.accrue_interest()
    borrow_index, supply_index = desk.vault.interest_indexes()
    assert supply_index <= borrow_index
    assert desk.vault.cash(attacker) < 2 * 10**12
    desk.check()


def test_interest_stops_where_its_index_ends_and_nothing_else_does(world: World) -> None:
    """e**25 times the loan: the protocol lives on, the loan can be repaid, no fee is booked from nothing."""
    world.vault.set_interest(4 * WAD, 4 * WAD, 4 * WAD, WAD, 0)
    lender, borrower = borrow(world, 1_000, 999)
    seen = []
    for _ in range(6):
        world.env.advance(2 * YEAR)
        world.vault.accrue_interest()
        world.check()
        seen.append((*world.vault.interest_indexes(), world.vault.reconcile().fees))
    assert seen[-1] == seen[-2] == seen[-3]
    assert seen[-1][0] < 2**96
    assert world.vault.cash(lender) > 0 > world.vault.cash(borrower)
    world.deposit("trader", borrower, 0, -world.vault.cash(borrower) // 10**12 + 1)
    assert world.vault.cash(borrower) > 0
    world.check()


@settings(max_examples=40)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 1), st.integers(1, 900), st.integers(0, YEAR // 4)), min_size=1, max_size=8
    )
)
def test_books_balance_after_any_sequence(steps: list[tuple[int, int, int]]) -> None:
    """Indexes never fall, and lenders never hold more than is there and owed."""
    world = fresh_world(EXCHANGE_AND_LIQUIDATOR)
    lender, borrower = borrow(world, 10_000, 1_000)
    world.deposit("trader", borrower, 1, 100 * WAD)
    indexes = world.vault.interest_indexes()
    trader = world.env.address("trader")
    for kind, amount, seconds in steps:
        world.advance(seconds, ETH=2_000, BTC=30_000)
        if kind:
            world.deposit("trader", borrower, 0, amount * 10**6 + 1)
        else:
            world.vault.withdraw(borrower, 0, amount * 10**6, trader, sender=trader)
        now = world.vault.interest_indexes()
        assert now[0] >= indexes[0] and now[1] >= indexes[1]
        indexes = now
        world.check()
        books = world.vault.reconcile()
        owed = -min(world.vault.cash(borrower), 0)
        held = world.vault.cash(lender) + max(world.vault.cash(borrower), 0)
        assert held + books.fees <= books.assets + owed
        # The totals are rounded once for all, the accounts each for itself.
        assert abs(books.total_borrow - owed) <= 16 and abs(books.total_supply - held) <= 16
