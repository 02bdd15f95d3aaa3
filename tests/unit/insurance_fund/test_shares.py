# SPDX-License-Identifier: Apache-2.0
"""ERC-4626: what each function moves, announces and refuses, and that no round trip or donation pays."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.evm import reverts
from tests.unit.insurance_fund.world import SHARE, UNIT, WAD, World

fixtures = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_metadata(world: World) -> None:
    assert world.fund.asset() == world.token.address
    assert (world.fund.simulate("name"), world.fund.symbol(), world.fund.decimals()) == (
        "Plimsoll Insurance Fund",
        "PLIF",
        12,
    )


def test_deposit(world: World) -> None:
    world.hold(world.depositor, 100 * UNIT)
    receipt = world.fund.deposit(100 * UNIT, world.depositor, sender=world.depositor)
    assert receipt.value == 100 * SHARE == world.fund.balanceOf(world.depositor)
    assert receipt.named("Deposit") == [
        {"sender": world.depositor, "owner": world.depositor, "assets": 100 * UNIT, "shares": 100 * SHARE}
    ]
    assert world.fund.totalAssets() == 100 * UNIT == world.token.balanceOf(world.fund.address)


def test_mint(world: World) -> None:
    world.hold(world.depositor, 100 * UNIT)
    receipt = world.fund.mint(100 * SHARE - 1, world.attacker, sender=world.depositor)
    assert receipt.value == 100 * UNIT
    assert world.fund.balanceOf(world.attacker) == 100 * SHARE - 1


def test_withdraw(world: World) -> None:
    world.deposit(100 * UNIT)
    receipt = world.fund.withdraw(40 * UNIT, world.attacker, world.depositor, sender=world.depositor)
    assert receipt.value == 40 * SHARE
    assert receipt.named("Withdraw") == [
        {
            "sender": world.depositor,
            "receiver": world.attacker,
            "owner": world.depositor,
            "assets": 40 * UNIT,
            "shares": 40 * SHARE,
        }
    ]
    assert world.token.balanceOf(world.attacker) == 40 * UNIT
    assert world.fund.totalAssets() == 60 * UNIT


def test_redeem(world: World) -> None:
    shares = world.deposit(100 * UNIT)
    receipt = world.fund.redeem(shares, world.depositor, world.depositor, sender=world.depositor)
    assert receipt.value == 100 * UNIT == world.token.balanceOf(world.depositor)
    assert world.fund.totalSupply() == world.fund.totalAssets() == 0


def test_spending_needs_an_allowance(world: World) -> None:
    shares = world.deposit(100 * UNIT)
    with reverts("erc20: insufficient allowance"):
        world.fund.redeem(shares, world.attacker, world.depositor, sender=world.attacker)
    with reverts("erc20: insufficient allowance"):
        world.fund.withdraw(1, world.attacker, world.depositor, sender=world.attacker)
    world.fund.approve(world.attacker, shares, sender=world.depositor)
    world.fund.redeem(shares, world.attacker, world.depositor, sender=world.attacker)
    assert world.token.balanceOf(world.attacker) == 100 * UNIT


def test_more_than_there_is_is_refused(world: World) -> None:
    shares = world.deposit(100 * UNIT)
    with reverts("insurance_fund: above maximum"):
        world.fund.redeem(shares + 1, world.depositor, world.depositor, sender=world.depositor)
    with reverts("insurance_fund: above maximum"):
        world.fund.withdraw(100 * UNIT + 1, world.depositor, world.depositor, sender=world.depositor)


def test_nothing_is_refused(world: World) -> None:
    world.deposit(100 * UNIT)
    for call in (
        lambda: world.fund.deposit(0, world.depositor, sender=world.depositor),
        lambda: world.fund.mint(0, world.depositor, sender=world.depositor),
        lambda: world.fund.withdraw(0, world.depositor, world.depositor, sender=world.depositor),
        lambda: world.fund.redeem(0, world.depositor, world.depositor, sender=world.depositor),
    ):
        with reverts("insurance_fund: zero amount"):
            call()


def test_contributions_belong_to_the_shares(world: World) -> None:
    shares = world.deposit(100 * UNIT)
    world.contribute(50 * UNIT)
    assert world.fund.previewRedeem(shares) == 150 * UNIT - 1
    assert world.fund.totalAssets() == 150 * UNIT


def test_previews_say_what_happens(world: World) -> None:
    world.deposit(100 * UNIT + 7)
    world.contribute(33 * UNIT + 1)
    world.hold(world.attacker, 10**12)
    fund, attacker = world.fund, world.attacker
    assert fund.previewDeposit(12_345) == fund.deposit(12_345, attacker, sender=attacker).value
    assert fund.previewMint(10**9 + 1) == fund.mint(10**9 + 1, attacker, sender=attacker).value
    assert fund.previewWithdraw(999) == fund.withdraw(999, attacker, attacker, sender=attacker).value
    assert fund.previewRedeem(10**9) == fund.redeem(10**9, attacker, attacker, sender=attacker).value
    assert fund.convertToShares(12_345) == fund.previewDeposit(12_345)
    assert fund.convertToAssets(10**9) == fund.previewRedeem(10**9)


def test_pause_of_deposits(world: World) -> None:
    """FUND_DEPOSIT stops deposit and mint; what is in can leave."""
    shares = world.deposit(100 * UNIT)
    world.hold(world.depositor, UNIT)
    world.fund.pause(32, sender=world.guardian)
    assert world.fund.maxDeposit(world.depositor) == world.fund.maxMint(world.depositor) == 0
    for name in ("deposit", "mint"):
        with reverts("guarded: action is paused"):
            getattr(world.fund, name)(UNIT, world.depositor, sender=world.depositor)
    world.fund.redeem(shares, world.depositor, world.depositor, sender=world.depositor)
    world.fund.unpause(32)
    assert world.fund.maxDeposit(world.depositor) == 2**256 - 1
    world.fund.deposit(UNIT, world.depositor, sender=world.depositor)


def test_a_token_with_a_fee_mints_nothing(world: World) -> None:
    token = world.env.deploy("MockFeeToken", "Fee", "FEE", 6, 100)
    fund = world.env.deploy("InsuranceFund", token, world.guardian)
    token.mint(world.depositor, 100 * UNIT)
    token.approve(fund, 2**256 - 1, sender=world.depositor)
    with reverts("insurance_fund: not delivered"):
        fund.deposit(100 * UNIT, world.depositor, sender=world.depositor)
    assert fund.totalSupply() == 0


def test_donations_count_for_nobody(world: World) -> None:
    """Invariant 2."""
    shares = world.deposit(100 * UNIT)
    world.token.mint(world.fund.address, 10**24)
    assert world.fund.totalAssets() == world.fund.capacity() == 100 * UNIT
    assert world.fund.previewRedeem(shares) == 100 * UNIT
    assert world.deposit(UNIT, world.attacker) == SHARE


@fixtures
@given(
    seed=st.integers(0, 10),
    donation=st.integers(1, 10**30),
    victim=st.integers(1, 10**12),
)
def test_inflating_an_empty_fund_gains_nothing(world: World, seed: int, donation: int, victim: int) -> None:
    """Invariant 5: at a supply of 0 to 10 units, any donation; the victim loses at most one token unit."""
    world.reset()
    spent = seed + donation
    shares = world.deposit(seed, world.attacker) if seed else 0
    world.token.mint(world.fund.address, donation)
    theirs = world.deposit(victim)
    assert world.fund.previewRedeem(theirs) >= victim - 1
    got = 0
    if shares:
        got = world.fund.redeem(shares, world.attacker, world.attacker, sender=world.attacker).value
    assert got <= seed < spent


@fixtures
@given(
    pool=st.integers(0, 10**15),
    fees=st.integers(0, 10**12),
    loss=st.integers(0, 10**15),
    amount=st.integers(1, 10**15),
)
def test_no_round_trip_gains(world: World, pool: int, fees: int, loss: int, amount: int) -> None:
    """Invariant 4: deposit and redeem, or mint and withdraw, in one block return at most what went in."""
    world.reset()
    if pool:
        world.deposit(pool)
    if fees:
        world.contribute(fees)
    # A fund that was wiped out gives the next depositor everything; one unit stays so that it is a market.
    if pool + fees > 1:
        world.draw(min(loss, pool + fees - 1))
    before = world.fund.totalAssets()
    shares = world.fund.previewDeposit(amount)
    if not shares:
        return
    world.deposit(amount, world.attacker)
    got = world.fund.redeem(shares, world.attacker, world.attacker, sender=world.attacker).value
    assert got <= amount
    assert world.fund.totalAssets() == before + amount - got
    world.hold(world.attacker, 2 * amount + 2)
    paid = world.fund.mint(shares, world.attacker, sender=world.attacker).value
    back = world.fund.maxWithdraw(world.attacker)
    if back:
        world.fund.withdraw(back, world.attacker, world.attacker, sender=world.attacker)
    assert back <= paid


def test_after_a_total_loss_new_deposits_are_their_owners(world: World) -> None:
    world.deposit(1_000 * UNIT)
    world.draw(1_000 * UNIT)
    shares = world.deposit(500 * UNIT, world.attacker)
    assert world.fund.previewRedeem(shares) == 500 * UNIT
    assert world.fund.maxWithdraw(world.depositor) <= 1


@pytest.mark.parametrize("wipes", [3])
def test_it_survives_being_wiped_out_again_and_again(world: World, wipes: int) -> None:
    for _ in range(wipes):
        world.deposit(1_000_000 * UNIT)
        world.draw(10**30)
        assert world.fund.totalAssets() == 0
    world.deposit(UNIT, world.attacker)
    assert world.fund.maxWithdraw(world.attacker) == UNIT


def test_wad_scale_of_the_lock(world: World) -> None:
    world.deposit(UNIT)
    world.liquidator.set_total_insolvent(WAD)
    assert not world.fund.locked()
    world.liquidator.set_total_insolvent(WAD + 1)
    assert world.fund.locked()
