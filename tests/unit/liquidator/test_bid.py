# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.domain import auction_math
from tests.evm import Reverted, reverts
from tests.unit.liquidator.world import ANY_PRICE, IDLE, MARKET, NANO, SOLVENT, WAD, World, wad

CURVE = auction_math.Curve(95 * WAD // 100, 70 * WAD // 100, 900, 43_200)
BUFFER = 15 * WAD // 100


def test_effect_of_a_part(world: World) -> None:
    world.solvent()
    world.env.advance(450)
    equity, cash = world.equity(world.account), world.vault.cash(world.bidder)
    receipt = world.bid(WAD // 20)
    taken, paid = receipt.value
    whole = auction_math.bid_price_up(equity, 0, auction_math.discount(450, CURVE))
    assert (taken, paid) == (WAD // 20, auction_math.slice_price_up(whole, WAD // 20))
    assert world.vault.position(world.bidder, MARKET).size == 5 * NANO
    assert world.vault.position(world.account, MARKET).size == 95 * NANO
    assert world.vault.cash(world.bidder) == cash + equity // 20 - paid
    state = world.state(world.account)
    assert (state.phase, state.reserved) == (SOLVENT, paid)
    assert state.equity == equity - equity // 20 + paid


def test_event(world: World) -> None:
    world.solvent()
    receipt = world.bid(WAD // 20)
    (event,) = receipt.named("AuctionBid")
    assert event == {
        "account": world.account,
        "bidder": world.bidder,
        "fraction": WAD // 20,
        "price": receipt.value[1],
        "equity": world.equity(world.account),
        "maintenance_margin": world.maintenance(world.account),
    }
    assert not receipt.named("AuctionEnded")


def test_the_cap_ends_the_auction(world: World) -> None:
    world.solvent()
    cap = world.state(world.account).max_fraction
    receipt = world.bid(WAD)
    assert receipt.value[0] == cap < WAD
    assert receipt.named("AuctionEnded") == [{"account": world.account, "reason": 1}]
    assert not world.vault.in_liquidation(world.account)
    state = world.state(world.account)
    assert (state.phase, state.started, state.reserved) == (IDLE, 0, 0)
    # The target is met to within what rounding moves: some nano of base.
    assert abs(state.buffer_margin) <= 20 * 100 * NANO


def test_the_cap_ends_the_auction_with_coarse_lots(world: World) -> None:
    """Lots leave the buffer short by a little; maintenance is met, so nothing more is taken."""
    world.vault.set_risk(500, 1_000, 0, NANO)
    world.solvent()
    receipt = world.bid(WAD)
    assert receipt.named("AuctionEnded") == [{"account": world.account, "reason": 1}]
    margin = world.state(world.account).buffer_margin
    assert -wad(100 * 0.05 * 1.15) <= margin < 0
    assert world.shortfall(world.account) == 0


def test_earlier_payments_are_not_sold_again(world: World) -> None:
    world.solvent()
    first = world.bid(WAD // 20).value[1]
    equity = world.equity(world.account)
    second = world.bid(WAD // 20).value[1]
    whole = auction_math.bid_price_up(equity, first, CURVE.start)
    assert second == auction_math.slice_price_up(whole, WAD // 20)
    assert world.state(world.account).reserved == first + second


def test_small_accounts_are_taken_whole(world: World) -> None:
    world.vault.set_cash(world.account, wad(640))
    world.under_water()
    world.start()
    assert world.state(world.account).max_fraction == WAD
    receipt = world.bid(WAD)
    assert receipt.value[0] == WAD
    assert receipt.named("AuctionEnded") == [{"account": world.account, "reason": 2}]
    assert world.vault.listed(world.account) == 0
    assert world.vault.cash(world.account) == receipt.value[1]


def test_collateral_goes_with_the_slice(world: World) -> None:
    account = world.open("trader", cash=-200, size=100, collateral=1_200)
    world.mark(94)
    world.start(account)
    receipt = world.bid(WAD // 20, account=account)
    assert receipt.value[0] == WAD // 20
    assert world.vault.collaterals(world.bidder) == wad(60)
    assert world.vault.collaterals(account) == wad(1_140)


@pytest.mark.parametrize("excess", [0, 1])
def test_price_limit(world: World, excess: int) -> None:
    world.solvent()
    price = world.liquidator.simulate(
        "bid", world.account, world.bidder, WAD // 20, ANY_PRICE, sender=world.keeper
    )[1]
    if excess:
        with reverts("liquidator: price above limit"):
            world.bid(WAD // 20, price - 1)
    else:
        assert world.bid(WAD // 20, price).value[1] == price


def test_refusals(world: World) -> None:
    with reverts("liquidator: wrong phase"):
        world.bid()
    world.solvent()
    with reverts("liquidator: same account"):
        world.liquidator.bid(world.account, world.account, WAD, ANY_PRICE, sender=world.trader)
    with reverts("liquidator: not authorised"):
        world.liquidator.bid(
            world.account, world.bidder, WAD, ANY_PRICE, sender=world.env.address("attacker")
        )
    with reverts("liquidator: zero fraction"):
        world.bid(0)
    world.vault.set_valid(False)
    with reverts("liquidator: stale price"):
        world.bid()


def test_the_bidder_must_keep_initial_margin(world: World) -> None:
    poor = world.open("keeper", cash=1)
    world.solvent()
    before = world.state(world.account)
    with reverts("liquidator: bidder below margin"):
        world.liquidator.bid(world.account, poor, WAD, ANY_PRICE, sender=world.keeper)
    assert world.state(world.account) == before


def test_no_equity_left_is_refused_until_marked(world: World) -> None:
    world.solvent()
    world.mark(80)
    with reverts("liquidator: auction is over"):
        world.bid()


def test_the_discount_without_the_risk_is_refused(world: World) -> None:
    """A slice too thin to carry a lot would take cash at a discount and leave the risk."""
    world.vault.set_risk(500, 1_000, 0, 10 * NANO)
    world.solvent()
    with reverts("liquidator: slice below lots"):
        world.bid(WAD // 20)


def test_self_liquidation_gains_nothing(world: World) -> None:
    """Invariant 26: the owner buys from itself through a second account and loses the fee."""
    world.under_water()
    second = world.open("trader", cash=100_000)
    before = world.equity(world.account) + world.equity(second)
    world.liquidator.start_for(world.account, second, sender=world.trader)
    world.env.advance(20_000)
    world.liquidator.bid(world.account, second, WAD, ANY_PRICE, sender=world.trader)
    after = world.equity(world.account) + world.equity(second)
    assert after == before - world.vault.fees() < before


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cash=st.integers(601, 1_069),
    fractions=st.lists(st.integers(WAD // 1_000, WAD), min_size=1, max_size=4),
    waits=st.lists(st.integers(0, 20_000), min_size=4, max_size=4),
    lot=st.sampled_from([1, NANO // 1_000, NANO // 10]),
    collateral=st.integers(0, 500),
)
def test_bids_never_worsen_margin(
    world: World, cash: int, fractions: list[int], waits: list[int], lot: int, collateral: int
) -> None:
    """Invariants 23 and 24 on the contract: each accepted bid shrinks the shortfall and raises the margin."""
    world.reset()
    world.vault.set_risk(500, 1_000, 0, lot)
    account = world.open("trader", cash=cash - collateral, size=100, collateral=collateral)
    world.mark(94)
    world.start(account)
    for fraction, wait in zip(fractions, waits, strict=False):
        world.env.advance(wait)
        before = world.state(account)
        missing = world.shortfall(account)
        total = world.equity(account) + world.equity(world.bidder)
        try:
            taken, paid = world.bid(fraction, account=account).value
        except Reverted as error:
            assert error.reason in ("liquidator: auction is over", "liquidator: slice below lots")
            continue
        after = world.state(account)
        assert taken <= before.max_fraction and paid > 0
        assert world.shortfall(account) <= missing
        assert after.buffer_margin >= before.buffer_margin
        assert world.equity(account) + world.equity(world.bidder) == total
        if taken == before.max_fraction:
            assert after.phase == IDLE and world.shortfall(account) == 0
            break
