# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.protocol import NANO, WAD, World
from tests.unit.ledger.test_fill_taker import PRICE, rest


def insolvent(desk: World) -> tuple[int, int]:
    """A long in liquidation that lost 300 USD of 250, and the short that earned them."""
    account, other = desk.account("trader", cash=250), desk.account("maker", cash=10_000)
    desk.match(account, other, 1, PRICE, NANO)
    desk.advance(60, ETH=1_700, BTC=30_000)
    desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    return account, other


def test_both_shrink_at_the_given_price(desk: World) -> None:
    account, other = insolvent(desk)
    before = [desk.ledger.assess(i)[0].equity for i in (account, other)]
    assert before == [-50 * WAD, 10_300 * WAD]
    desk.ledger.deleverage(account, other, 1, -NANO, 1_750 * NANO, sender=desk.env.address("liquidator"))
    # 50 USD above the mark: the counterparty forgoes exactly the deficit.
    assert [desk.vault.cash(i) for i in (account, other)] == [0, 10_250 * WAD]
    assert desk.ledger.markets_of(account) == [] == desk.ledger.markets_of(other)
    assert desk.ledger.open_interest(1) == 0
    desk.check()


def test_events_without_fee(desk: World) -> None:
    account, other = insolvent(desk)
    receipt = desk.ledger.deleverage(
        account, other, 1, -NANO // 4, 1_700 * NANO, sender=desk.env.address("liquidator")
    )
    changed = receipt.named("PositionModified")
    assert [(e["account"], e["delta"], e["size"], e["fee"]) for e in changed] == [
        (account, -NANO // 4, 3 * NANO // 4, 0),
        (other, NANO // 4, -3 * NANO // 4, 0),
    ]
    assert desk.vault.reconcile().fees == 0
    desk.check()


def test_resting_orders_of_the_counterparty_stay(desk: World) -> None:
    account, other = insolvent(desk)
    rest(desk, other, NANO)
    desk.ledger.deleverage(account, other, 1, -NANO, 1_700 * NANO, sender=desk.env.address("liquidator"))
    assert tuple(desk.ledger.position(other, 1)) == (0, 0, 0, NANO, 0)


@pytest.mark.parametrize("size", [0, 1, NANO, -NANO - 1, -2 * NANO])
def test_both_must_shrink(desk: World, size: int) -> None:
    account, other = insolvent(desk)
    with desk.refuses("ledger: must reduce both"):
        desk.ledger.deleverage(account, other, 1, size, 1_700 * NANO, sender=desk.env.address("liquidator"))


def test_a_counterparty_on_the_same_side_or_too_small(desk: World) -> None:
    account, other = insolvent(desk)
    third = desk.account("keeper", cash=10_000)
    desk.match(third, other, 1, 1_700 * NANO, NANO)
    small = desk.account("keeper", cash=10_000)
    desk.match(small, third, 1, 1_700 * NANO, -NANO // 2)
    for counterparty in (third, small, desk.account("keeper")):
        with desk.refuses("ledger: must reduce both"):
            desk.ledger.deleverage(
                account, counterparty, 1, -NANO, 1_700 * NANO, sender=desk.env.address("liquidator")
            )


def test_refusals(desk: World) -> None:
    account, other = insolvent(desk)
    liquidator = desk.env.address("liquidator")
    with desk.refuses("ledger: same account"):
        desk.ledger.deleverage(account, account, 1, -NANO, 1, sender=liquidator)
    with desk.refuses("ledger: not in liquidation"):
        desk.ledger.deleverage(other, account, 1, NANO, 1, sender=liquidator)
    for role in ("maker", "owner", "guardian", "attacker"):
        with desk.refuses("ledger: not the liquidator"):
            desk.ledger.deleverage(account, other, 1, -NANO, 1, sender=desk.env.address(role))
    desk.ledger.begin_liquidation(other, sender=liquidator)
    with desk.refuses("ledger: account in liquidation"):
        desk.ledger.deleverage(account, other, 1, -NANO, 1, sender=liquidator)
