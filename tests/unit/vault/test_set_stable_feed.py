# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.evm import reverts
from tests.protocol import BUY, NANO, WAD, World


def test_a_cash_token_below_its_peg_costs_initial_margin(world: World) -> None:
    """Positions are in USD, cash in the token: 2 cents below the threshold charge 2 % of notional."""
    account, other = world.account("trader", cash=1_000), world.account("maker", cash=10_000)
    world.trade(account, other, 1, 2_000, 1)
    before = world.ledger.assess(account)[0]
    receipt = world.vault.set_stable_feed(2)
    assert receipt.named("StableFeedSet") == [{"feed": 2}]
    assert world.vault.stable_feed() == 2
    world.env.advance(1)
    world.price("BTC", 970_000_000, 970_000_000)
    assert world.vault.money(account)[1] == 970_000_000
    after = world.ledger.assess(account)[0]
    assert after.initial_margin - before.initial_margin == 40 * WAD
    assert after.maintenance_margin == before.maintenance_margin


def test_without_a_feed_it_is_one_usd(world: World) -> None:
    account = world.account("trader", cash=1)
    assert world.vault.money(account)[1] == NANO
    world.vault.set_stable_feed(2)
    world.vault.set_stable_feed(0)
    assert world.vault.money(account)[1] == NANO


def test_a_stale_peg_refuses_risk(world: World) -> None:
    world.vault.set_stable_feed(2)
    account = world.account("trader", cash=1_000)
    world.env.advance(3_601)
    world.prices(ETH=2_000)
    with world.refuses("ledger: stale price"):
        world.place("trader", account, 1, BUY, 2_000, 0.1)
    trader = world.env.address("trader")
    world.vault.withdraw(account, 0, 10**6, trader, sender=trader)


def test_only_the_owner(world: World) -> None:
    for role in ("guardian", "attacker"):
        with reverts("ownable: caller is not the owner"):
            world.vault.set_stable_feed(1, sender=world.env.address(role))
    assert world.vault.stable_feed() == 0
