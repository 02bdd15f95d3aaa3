# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from simulation.domain import auction_math
from tests.evm import reverts
from tests.unit.liquidator.world import IDLE, INSOLVENT, SOLVENT, WAD, World, wad


def fee_of(equity: int, maintenance: int) -> int:
    """10 % of the equity in the slice that brings the 15 % buffer to zero at full value."""
    margin = auction_math.buffer_margin(equity, maintenance, 15 * WAD // 100)
    fraction = auction_math.max_fraction_up(margin, equity, 0, WAD)
    return auction_math.liquidation_fee_down(fraction, equity, WAD // 10)


def test_effect(world: World) -> None:
    world.under_water()
    world.start()
    state = world.state(world.account)
    fee = fee_of(wad(400), wad(470))
    assert (state.phase, state.started, state.reserved) == (SOLVENT, world.env.timestamp, 0)
    assert state.equity == wad(400) - fee
    assert world.vault.fees() == fee > 0
    assert world.vault.in_liquidation(world.account)
    assert world.vault.orders_cancelled(world.account) == 1
    assert world.liquidator.total_insolvent() == 0


def test_event(world: World) -> None:
    world.under_water()
    assert world.start().named("AuctionStarted") == [
        {
            "account": world.account,
            "starter": world.keeper,
            "equity": wad(400),
            "maintenance_margin": wad(470),
            "insolvent": False,
        }
    ]


def test_without_equity_it_is_insolvent_at_once(world: World) -> None:
    world.under_water(mark=88)
    receipt = world.start()
    assert receipt.named("AuctionStarted")[0]["insolvent"]
    assert receipt.named("AuctionInsolvent") == [{"account": world.account, "equity": -wad(200)}]
    assert world.state(world.account).phase == INSOLVENT
    assert world.liquidator.total_insolvent() == wad(640)
    assert world.vault.fees() == 0


def test_equity_of_nothing_is_insolvent(world: World) -> None:
    world.under_water(mark=90)
    world.start()
    assert world.state(world.account).phase == INSOLVENT


def test_reverts_at_maintenance_margin(world: World) -> None:
    """Equity equal to the requirement is healthy; one nano below is not."""
    world.hold(world.account, 100)
    world.mark(95)
    world.vault.set_cash(world.account, wad(975))
    with reverts("liquidator: account is healthy"):
        world.start()
    assert world.state(world.account).phase == IDLE
    world.vault.set_cash(world.account, wad(975) - 1)
    world.start()


def test_reverts_on_stale_prices(world: World) -> None:
    world.under_water()
    world.vault.set_valid(False)
    with reverts("liquidator: stale price"):
        world.start()
    assert not world.vault.in_liquidation(world.account)


def test_reverts_on_a_live_auction(world: World) -> None:
    world.solvent()
    with reverts("liquidator: wrong phase"):
        world.start()


def test_restart_when_payments_reach_equity(world: World) -> None:
    """Earlier bidders paid in all that is left, and the price fell on: the auction begins anew."""
    world.solvent()
    world.bid(10**17)
    paid = world.state(world.account).reserved
    world.mark(world_price_for(world, paid))
    with reverts("liquidator: needs a restart"):
        world.bid(10**17)
    fees = world.vault.fees()
    world.env.advance(60)
    receipt = world.start()
    assert receipt.named("AuctionStarted")
    state = world.state(world.account)
    assert (state.phase, state.started, state.reserved) == (SOLVENT, world.env.timestamp, 0)
    assert world.vault.fees() == fees
    world.bid(10**17)


def world_price_for(world: World, equity: int) -> float:
    """The mark at which the account has half the given equity."""
    held = world.vault.position(world.account, 1)
    fall = (world.equity(world.account) - equity // 2) / held.size
    return (world.vault.marks(1) - fall) / 10**9


def test_restart_when_nobody_came(world: World) -> None:
    world.solvent()
    world.env.advance(900 + 43_200)
    with reverts("liquidator: auction is over"):
        world.bid()
    world.start()
    assert world.state(world.account).started == world.env.timestamp


def test_start_for_rewards_the_keeper(world: World) -> None:
    world.under_water()
    before = world.vault.cash(world.bidder)
    world.liquidator.start_for(world.account, world.bidder, sender=world.keeper)
    reward = wad(400) // 100
    assert world.vault.cash(world.bidder) == before + reward
    assert world.equity(world.account) == wad(400) - fee_of(wad(400), wad(470)) - reward


def test_reward_is_capped(world: World) -> None:
    world.parameters(reward_cap=wad(1))
    world.under_water()
    before = world.vault.cash(world.bidder)
    world.liquidator.start_for(world.account, world.bidder, sender=world.keeper)
    assert world.vault.cash(world.bidder) == before + wad(1)


def test_an_insolvent_account_pays_no_reward(world: World) -> None:
    world.under_water(mark=88)
    before = world.vault.cash(world.bidder)
    world.liquidator.start_for(world.account, world.bidder, sender=world.keeper)
    assert world.vault.cash(world.bidder) == before


def test_start_for_refuses_itself_and_strangers(world: World) -> None:
    world.under_water()
    with reverts("liquidator: same account"):
        world.liquidator.start_for(world.account, world.account)
    for nobody in (0, world.vault.account_count() + 1):
        with reverts("liquidator: no such account"):
            world.liquidator.start_for(world.account, nobody)
