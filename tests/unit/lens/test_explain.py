# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.evm import reverts
from tests.protocol import BUY, ISOLATED, WAD, World


def test_the_terms_sum_to_the_assessment(world: World) -> None:
    account, other = world.account("trader", cash=5_000), world.account("maker", cash=50_000)
    world.deposit("trader", account, 1, WAD)
    world.trade(account, other, 1, 2_000, 3)
    world.trade(other, account, 2, 30_000, 0.1)
    world.place("trader", account, 1, BUY, 1_900, 2)
    world.env.advance(60)
    # Half the confidence that the engine wants without a charge.
    world.price("ETH", 2_010 * 10**9, 2_012 * 10**9, confidence=25 * 10**6)
    world.prices(BTC=31_000)
    terms = world.lens.explain(account)
    margin = world.ledger.assess(account)[0]
    assert sum(term.initial_margin for term in terms) == margin.initial_margin
    assert sum(term.maintenance_margin for term in terms) == margin.maintenance_margin
    assert sum(term.equity for term in terms) == margin.equity
    assert {(term.label, term.subject) for term in terms} == {
        ("cash", 0),
        ("position", 1),
        ("position", 2),
        ("confidence", 1),
        ("haircut", 1),
        ("collateral confidence", 1),
    }


def test_each_account_under_its_own_engine(world: World) -> None:
    siloed = world.account("trader", cash=10, engine=ISOLATED)
    assert [tuple(term) for term in world.lens.explain(siloed)] == [("cash", 0, 0, 0, 10 * WAD)]


def test_an_account_that_does_not_exist(world: World) -> None:
    with reverts():
        world.lens.explain(1)
