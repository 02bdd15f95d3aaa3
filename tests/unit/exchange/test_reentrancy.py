# SPDX-License-Identifier: Apache-2.0
"""42: from inside each call to the ledger, every function of the Exchange refuses to be entered again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulation.chain.artifacts import load_artifact
from tests.evm import Receipt
from tests.unit.exchange.world import MAKER, TRADER, World

ARGUMENTS = {
    "place": (TRADER, 1, True, 1_000, 1, 0, 0, 1),
    "replace": (0, 1_000, 1, 0, 0, 1),
    "cancel": (0,),
    "cancel_all": (TRADER,),
    "purge": ([],),
    "order": (0,),
    "orders_of": (TRADER,),
    "best": (1,),
    "depth": (1, True, 1),
    "next_order_id": (TRADER,),
    "fees": (),
}
UNLOCKED = {
    "accept_ownership",
    "guardian",
    "liquidator",
    "owner",
    "pause",
    "paused",
    "pending_owner",
    "set_fees",
    "set_guardian",
    "transfer_ownership",
    "unpause",
    "wire",
}
"""Owner and guardian only, and what they set: no call of the book can reach them with their authority."""


def _fill(world: World) -> Receipt:
    return world.place(TRADER, True, 1_000, 1)


def _remove(world: World) -> Receipt:
    receipt = world.exchange.cancel_all(MAKER, sender=world.owners[MAKER])
    assert isinstance(receipt, Receipt)
    return receipt


def test_every_function_is_in_one_of_the_two_lists() -> None:
    functions = {item["name"] for item in load_artifact("Exchange").abi if item["type"] == "function"}
    assert functions == set(ARGUMENTS) | UNLOCKED


@pytest.mark.parametrize("entry", [_fill, _remove])
@pytest.mark.parametrize("function", sorted(ARGUMENTS))
def test_locked(world: World, entry: Callable[[World], Receipt], function: str) -> None:
    world.ask(MAKER, 1_000, 5)
    with world.env.anchor():
        entry(world)
    world.ledger.set_reentrant(world.exchange.encode(function, *ARGUMENTS[function]))
    with world.reverts_unchanged(""):
        entry(world)
