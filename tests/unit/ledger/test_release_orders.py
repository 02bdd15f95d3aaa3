# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.protocol import NANO, World
from tests.unit.ledger.test_fill_taker import PRICE, rest


def test_reservations_shrink_and_the_market_leaves_the_list(desk: World) -> None:
    account = desk.account("trader", cash=10_000)
    rest(desk, account, 3 * NANO)
    rest(desk, account, -2 * NANO)
    desk.as_exchange(("release_orders", account, 1, NANO, 2 * NANO))
    assert tuple(desk.ledger.position(account, 1)) == (0, 0, 0, 2 * NANO, 0)
    desk.as_exchange(("release_orders", account, 1, 2 * NANO, 0))
    assert desk.ledger.markets_of(account) == []
    # The header keeps the id of a market beyond the end of its list; nothing reads it.
    assert desk.ledger.words_of(account, 1, [1]) == [1 << 16, 0, 0]


def test_a_position_stays_listed(desk: World) -> None:
    account, other = desk.account("trader", cash=10_000), desk.account("maker", cash=10_000)
    desk.match(account, other, 1, PRICE, NANO)
    rest(desk, account, NANO)
    before = desk.ledger.position(account, 1)
    receipt = desk.as_exchange(("release_orders", account, 1, NANO, 0))
    after = desk.ledger.position(account, 1)
    assert (after.size, after.entry_price, after.bids) == (before.size, before.entry_price, 0)
    assert desk.ledger.markets_of(account) == [1]
    assert not receipt.events
    desk.check()


def test_it_works_in_liquidation_and_without_prices(desk: World) -> None:
    account = desk.account("trader", cash=10_000)
    rest(desk, account, NANO)
    desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    desk.env.advance(10**6)
    desk.as_exchange(("release_orders", account, 1, NANO, 0))
    assert desk.ledger.listed(account) == 0


def test_no_more_than_is_reserved(desk: World) -> None:
    account = desk.account("trader", cash=10_000)
    rest(desk, account, NANO)
    for bids, asks in ((NANO + 1, 0), (0, 1), (2**256 - 1, 0)):
        with desk.refuses("ledger: resting size"):
            desk.as_exchange(("release_orders", account, 1, bids, asks))


def test_only_the_exchange(desk: World) -> None:
    account = desk.account("trader", cash=10_000)
    rest(desk, account, NANO)
    for role in ("trader", "owner", "guardian", "liquidator", "attacker"):
        with desk.refuses("ledger: caller is not exchange"):
            desk.ledger.release_orders(account, 1, NANO, 0, sender=desk.env.address(role))
