# SPDX-License-Identifier: Apache-2.0
"""Receipt gas at cold storage, the mock ledger's share included (about 35,000 for a first order, 17,000 for a
cancel): the bounds hold the Exchange itself to 90,000 for a first order and 46,000 for a cancel."""

from __future__ import annotations

import pytest

from simulation.chain.artifacts import load_artifact
from simulation.domain.orders import MAX_ORDERS
from tests.unit.exchange.world import MAKER, SECOND_MAKER, TRADER, World


@pytest.fixture
def busy(world: World) -> World:
    """Both sides have a best price and their bitmap words exist."""
    world.bid(MAKER, 18_000, 5)
    world.ask(MAKER, 18_100, 5)
    return world


def test_runtime_size() -> None:
    assert load_artifact("Exchange").runtime_size < 16_384


def test_first_order_of_an_account_at_a_new_price(busy: World) -> None:
    assert busy.place(SECOND_MAKER, True, 17_990, 5).gas_used < 125_000


def test_order_at_a_new_price_in_a_used_slot(busy: World) -> None:
    order_id = busy.bid(SECOND_MAKER, 17_990, 5)
    busy.bid(SECOND_MAKER, 17_980, 5)
    busy.exchange.cancel(order_id, sender=busy.owners[SECOND_MAKER])
    assert busy.place(SECOND_MAKER, True, 17_990, 5).gas_used < 92_000


def test_cancel(busy: World) -> None:
    busy.bid(SECOND_MAKER, 17_980, 5)
    order_id = busy.bid(SECOND_MAKER, 17_990, 5)
    receipt = busy.exchange.cancel(order_id, sender=busy.owners[SECOND_MAKER])
    assert receipt.gas_used < 62_000


def test_matching_one_order(busy: World) -> None:
    assert busy.place(TRADER, True, 18_100, 5, 2).gas_used < 128_000


def test_each_further_fill(busy: World) -> None:
    for i in range(20):
        busy.ask(SECOND_MAKER, 18_101 + i, 1)
    with busy.env.anchor():
        few = busy.place(TRADER, True, 18_200, 5 + 10, 2).gas_used
    assert busy.place(TRADER, True, 18_200, 5 + 20, 2).gas_used - few < 10 * 25_000


def test_cancel_all_of_32(busy: World) -> None:
    for i in range(MAX_ORDERS):
        busy.ask(SECOND_MAKER, 18_200 + 300 * i, 1)
    receipt = busy.exchange.cancel_all(SECOND_MAKER, sender=busy.liquidator)
    assert receipt.gas_used < 600_000


def test_a_price_seen_before_costs_less_than_a_new_one(busy: World) -> None:
    order_id = busy.bid(SECOND_MAKER, 17_990, 5)
    with busy.env.anchor():
        busy.exchange.cancel(order_id, sender=busy.owners[SECOND_MAKER])
        again = busy.place(SECOND_MAKER, True, 17_990, 5).gas_used
        busy.exchange.cancel(order_id + 2**37, sender=busy.owners[SECOND_MAKER])
        new = busy.place(SECOND_MAKER, True, 17_970, 5).gas_used
    assert 16_000 < new - again < 18_000


def test_the_bound_of_the_best_price_is_moved_on_by_whoever_trades(busy: World) -> None:
    """The first taker after the best levels were cancelled pays for the search, the next does not."""
    usual = [busy.place(TRADER, True, 18_100, 1, 2).gas_used for _ in range(2)][1]
    gone = busy.ask(SECOND_MAKER, 18_050, 1)
    busy.exchange.cancel(gone, sender=busy.owners[SECOND_MAKER])
    first = busy.place(TRADER, True, 18_100, 1, 2).gas_used
    second = busy.place(TRADER, True, 18_100, 1, 2).gas_used
    assert second == usual < first - 5_000
