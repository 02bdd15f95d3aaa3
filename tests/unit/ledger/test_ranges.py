# SPDX-License-Identifier: Apache-2.0
"""The Ledger's own bounds (invariant 43), under an engine that would let everything pass."""

from __future__ import annotations

import pytest

from tests.protocol import NANO, World
from tests.unit.ledger.test_fill_taker import rest


@pytest.fixture
def pair(desk: World) -> tuple[int, int]:
    """Two accounts whose engine asks for nothing."""
    engine_id = desk.vault.register_engine(desk.env.deploy("MockEngine").address).value
    desk.instruments.set_open_interest_cap(1, 2**79 - 1)
    return desk.account("trader", engine=engine_id), desk.account("maker", engine=engine_id)


def test_the_largest_position(desk: World, pair: tuple[int, int]) -> None:
    desk.match(*pair, 1, 1, 2**79 - 1)
    assert [desk.ledger.position(account, 1).size for account in pair] == [2**79 - 1, 1 - 2**79]
    with desk.refuses("ledger: size out of range"):
        desk.match(*pair, 1, 1, 1)
    desk.match(*pair, 1, 1, 2 - 2**80)
    assert [desk.ledger.position(account, 1).size for account in pair] == [1 - 2**79, 2**79 - 1]
    desk.check()


@pytest.mark.parametrize("size", [2**79, -(2**79), 2**127, 2**160])
def test_sizes_beyond_the_word(desk: World, pair: tuple[int, int], size: int) -> None:
    with desk.refuses("ledger: size out of range"):
        desk.match(*pair, 1, 1, size)


def test_the_highest_price(desk: World, pair: tuple[int, int]) -> None:
    with desk.refuses("ledger: price out of range"):
        desk.match(*pair, 1, 2**80, 1)
    desk.match(*pair, 1, 2**80 - 1, 1)
    assert desk.ledger.position(pair[0], 1).entry_price == 2**80 - 1
    desk.check()


def test_the_largest_orders(desk: World, pair: tuple[int, int]) -> None:
    rest(desk, pair[0], 2**128 - 1)
    rest(desk, pair[0], 1 - 2**128)
    for size in (1, -1):
        with desk.refuses("ledger: orders out of range"):
            rest(desk, pair[0], size)
    with desk.refuses("ledger: orders out of range"):
        rest(desk, pair[1], 2**128)
    position = desk.ledger.position(pair[0], 1)
    assert (position.bids, position.asks) == (2**128 - 1, 2**128 - 1)


def test_the_largest_loss(desk: World, pair: tuple[int, int]) -> None:
    """Cash has 128 bits: what would wrap it is refused, and the position stays."""
    desk.match(*pair, 1, 2**48 + 2**20, 2**79 - 1)
    with desk.refuses("ledger: cash out of range"):
        desk.match(*pair, 1, 0, 1 - 2**79)
    desk.match(*pair, 1, 2**48, -NANO)
    desk.check()
