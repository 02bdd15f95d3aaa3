# SPDX-License-Identifier: Apache-2.0
"""Parameters, ownership, views, and that no pause stops a liquidation."""

from __future__ import annotations

import pytest

from simulation.chain.artifacts import load_artifact
from tests.evm import reverts
from tests.unit.liquidator.world import ANY_PRICE, FROM_START, IDLE, MARKET, WAD, World, wad

OUT_OF_BOUND = {
    "start above 100 %": {"start": WAD + 1},
    "cut above start": {"cut": 96 * WAD // 100},
    "cut of nothing": {"cut": 0},
    "penalty and bonus above 30 %": {"fee": 24 * WAD // 100 + 1},
    "reward counts as well": {"reward_rate": 15 * WAD // 100 + 1},
    "fast part too long": {"fast": 7 * 86_400 + 1},
    "slow part too short": {"slow": 599},
    "slow part too long": {"slow": 7 * 86_400 + 1},
    "no insolvent time": {"insolvent_length": 0},
    "insolvent time too long": {"insolvent_length": 7 * 86_400 + 1},
    "no buffer": {"buffer": WAD // 100 - 1},
    "buffer above 100 %": {"buffer": WAD + 1},
    "cutoff too high": {"equity_cutoff": 10_000 * WAD + 1},
    "reward too high": {"reward_cap": 10_000 * WAD + 1},
    "no grace": {"grace": 599},
    "grace too long": {"grace": 7 * 86_400 + 1},
    "window too long": {"window": 7 * 86_400 + 1},
}


def test_deployed_parameters(world: World) -> None:
    assert tuple(world.liquidator.parameters()) == tuple(FROM_START.values())


def test_set_parameters(world: World) -> None:
    wanted = FROM_START | {"fast": 60, "fee": WAD // 50}
    receipt = world.liquidator.set_parameters(tuple(wanted.values()))
    assert tuple(world.liquidator.parameters()) == tuple(wanted.values())
    assert tuple(receipt.named("ParametersSet")[0]["parameters"]) == tuple(wanted.values())


@pytest.mark.parametrize("case", OUT_OF_BOUND, ids=str)
def test_parameters_are_bounded(world: World, case: str) -> None:
    with reverts("liquidator: out of bound"):
        world.parameters(**OUT_OF_BOUND[case])
    assert tuple(world.liquidator.parameters()) == tuple(FROM_START.values())


def test_parameters_at_their_bounds(world: World) -> None:
    world.parameters(fee=24 * WAD // 100, buffer=WAD, slow=600, equity_cutoff=10_000 * WAD)
    world.parameters(start=WAD, cut=WAD, fast=0, fee=29 * WAD // 100, buffer=WAD // 100)
    world.parameters(grace=600, window=0, early_auction=False)
    world.parameters(grace=7 * 86_400, window=7 * 86_400)


@pytest.mark.parametrize("role", ["attacker", "guardian", "keeper"])
def test_only_the_owner_sets_parameters(world: World, role: str) -> None:
    with reverts("ownable: caller is not the owner"):
        world.liquidator.set_parameters(tuple(FROM_START.values()), sender=world.env.address(role))


def test_ownership_moves_in_two_steps(world: World) -> None:
    heir = world.env.address("heir")
    world.liquidator.transfer_ownership(heir)
    assert world.liquidator.owner() == world.env.deployer
    world.liquidator.accept_ownership(sender=heir)
    assert world.liquidator.owner() == heir


def test_no_pause_stops_a_liquidation(world: World) -> None:
    assert {"pause", "unpause", "guardian"}.isdisjoint(
        item.get("name") for item in load_artifact("Liquidator").abi
    )
    world.fund.pause(32, sender=world.guardian)
    world.under_water(mark=88)
    world.liquidator.call_margin(world.account)
    world.start()
    world.liquidator.mark_deleverage(world.account)
    winner = world.open("maker", cash=1_000, size=-100)
    world.liquidator.deleverage(world.account, MARKET, [winner])
    assert world.state(world.account).phase == IDLE


def test_view_of_a_healthy_account(world: World) -> None:
    world.hold(world.account, 10)
    state = world.state(world.account)
    assert (state.phase, state.started, state.reserved, state.bid_price, state.max_fraction) == (
        IDLE,
        0,
        0,
        0,
        0,
    )
    assert (state.equity, state.maintenance_margin) == (wad(1_000), wad(50))
    assert state.buffer_margin == wad(1_000 - 57.5)


def test_view_is_what_a_bid_meets(world: World) -> None:
    world.solvent()
    for wait in (0, 450, 10_000, 30_000):
        world.env.advance(wait)
        state = world.state(world.account)
        taken, paid = world.liquidator.simulate(
            "bid", world.account, world.bidder, WAD, ANY_PRICE, sender=world.keeper
        )
        assert taken == state.max_fraction
        assert paid == -(-state.bid_price * taken // WAD)


def test_view_answers_on_stale_prices(world: World) -> None:
    world.solvent()
    before = world.state(world.account)
    world.vault.set_valid(False)
    assert world.state(world.account) == before
