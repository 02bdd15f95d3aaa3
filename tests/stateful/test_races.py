# SPDX-License-Identifier: Apache-2.0
"""Races for one order inside one block, in either order: what fills, what is removed and what rests is always
what was placed, and no lot is both."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.stateful.actions import NANO
from tests.stateful.driver import Driver
from tests.stateful.regimes import open_protocol
from tests.stateful.rig import calldata
from tests.stateful.series import refresh_series_prices
from tests.stateful.trading import PLACE
from tests.stateful.world_state import KEEPER, RIVAL, Event

LOTS = 50
IMMEDIATE = 2
CANCELLED, REPLACED, EXPIRED, LIQUIDATION, MARKET_EXPIRED = 1, 2, 3, 6, 8
REPLACE = "replace(uint256,uint256,uint256,uint256,uint256,uint256)"
MARKETS = (1, 128, 256, 257)
"""Linear, inverse, a future and a call of the series that expires first."""
SERIES = 1
either_first = pytest.mark.parametrize("cancel_first", (True, False), ids=("cancel first", "fill first"))


class Race:
    """An order of the keeper, whom the rival meets."""

    def __init__(self, market: int, is_bid: bool = True, expiry: int = 0) -> None:
        self.driver = Driver(Random("race"))
        self.rig = self.driver.rig
        open_protocol(self.driver, 1_000.0)
        self.market, self.is_bid = market, is_bid
        tick, _ = self.rig.sizes[market]
        mark = self.driver.state.markets[market].mark
        self.tick = max(1, mark * (99 if is_bid else 101) // 100 // tick)
        expires = self.rig.time + expiry if expiry else 0
        terms = (KEEPER, market, is_bid, self.tick, LOTS, 0, expires, 0)
        placed = self.driver.call("keeper", "Exchange", PLACE, *terms)
        assert placed.ok, placed.reason
        self.order_id = placed.word()

    def take(self, lots: int = LOTS) -> tuple[bytes, str, bytes]:
        terms = (RIVAL, self.market, not self.is_bid, self.tick, lots, IMMEDIATE, 0, 64)
        return self.rig.roles["rival"], "Exchange", calldata(PLACE, *terms)

    def maker(self, signature: str, *args: int) -> tuple[bytes, str, bytes]:
        return self.rig.roles["keeper"], "Exchange", calldata(signature, *args)

    def cancel(self) -> tuple[bytes, str, bytes]:
        return self.maker("cancel(uint256)", self.order_id)

    def outcome(
        self, first: tuple[bytes, str, bytes], second: tuple[bytes, str, bytes], elsewhere: int = 0
    ) -> tuple[list[bool], int, dict[int, int]]:
        """What went through, lots filled, lots removed by reason; both and what rests are what was placed.

        Args:
            elsewhere: lots that are to rest at another tick afterwards.
        """
        passed, events = self.rig.block(first, second)
        filled = sum(event.args["lots"] for event in _of(events, "OrderFilled", self.order_id))
        removed: dict[int, int] = {}
        for event in _of(events, "OrderRemoved", self.order_id):
            removed[event.args["reason"]] = removed.get(event.args["reason"], 0) + event.args["lots"]
        state = self.rig.read()
        levels = state.markets[self.market].bids if self.is_bid else state.markets[self.market].asks
        resting = dict(levels).get(self.tick, 0)
        assert filled + sum(removed.values()) + resting == LOTS
        _, lot = self.rig.sizes[self.market]
        held = state.account(KEEPER).positions.get(self.market)
        size, reserved = (held.size, held.bids + held.asks) if held else (0, 0)
        assert abs(size) == filled * lot and reserved == (resting + elsewhere) * lot
        theirs = state.account(RIVAL).positions.get(self.market)
        assert (theirs.size if theirs else 0) == -size
        return passed, filled, removed


def _of(events: tuple[Event, ...], name: str, order_id: int) -> Iterator[Event]:
    return (event for event in events if event.name == name and event.args["order_id"] == order_id)


@either_first
@pytest.mark.parametrize("is_bid", (True, False))
@pytest.mark.parametrize("market", MARKETS)
def test_a_cancel_and_a_fill(market: int, is_bid: bool, cancel_first: bool) -> None:
    race = Race(market, is_bid)
    calls = (race.cancel(), race.take())
    passed, filled, removed = race.outcome(*(calls if cancel_first else calls[::-1]))
    if cancel_first:
        assert (filled, removed) == (0, {CANCELLED: LOTS}) and passed[0]
    else:
        assert (passed, filled, removed) == ([True, False], LOTS, {})


@either_first
@pytest.mark.parametrize("market", MARKETS)
def test_a_cancel_and_a_fill_of_a_part(market: int, cancel_first: bool) -> None:
    race = Race(market)
    calls = (race.cancel(), race.take(20))
    passed, filled, removed = race.outcome(*(calls if cancel_first else calls[::-1]))
    assert passed[0]
    assert (filled, removed) == ((0, {CANCELLED: LOTS}) if cancel_first else (20, {CANCELLED: LOTS - 20}))


@either_first
def test_cancelling_everything_and_a_fill(cancel_first: bool) -> None:
    race = Race(1)
    calls = (race.maker("cancel_all(uint256)", KEEPER), race.take())
    _, filled, removed = race.outcome(*(calls if cancel_first else calls[::-1]))
    assert (filled, removed) == ((0, {CANCELLED: LOTS}) if cancel_first else (LOTS, {}))


@either_first
def test_a_replacement_and_a_fill(cancel_first: bool) -> None:
    """Two percent away from whoever takes it."""
    race = Race(1)
    away = race.maker(REPLACE, race.order_id, race.tick * 98 // 100, LOTS, 0, 0, 0)
    calls = (away, race.take()) if cancel_first else (race.take(), away)
    _, filled, removed = race.outcome(*calls, elsewhere=LOTS if cancel_first else 0)
    assert (filled, removed) == ((0, {REPLACED: LOTS}) if cancel_first else (LOTS, {}))


def test_two_takers_of_one_order() -> None:
    race = Race(1)
    passed, filled, removed = race.outcome(race.take(30), race.take(30))
    assert (passed, filled, removed) == ([True, True], LOTS, {})


@either_first
@pytest.mark.parametrize("late", (0, 1))
def test_expiry_of_an_order_and_a_fill(late: int, cancel_first: bool) -> None:
    """The second of its expiry is not one in which it can be filled."""
    race = Race(1, expiry=60)
    race.driver.advance(59 + late)
    race.driver.call("attacker", "Instruments", "touch(uint256)", 1)
    purge = (race.rig.roles["attacker"], "Exchange", calldata("purge(uint256[])", [race.order_id]))
    _, filled, removed = race.outcome(*((purge, race.take()) if cancel_first else (race.take(), purge)))
    assert (filled, removed) == ((0, {EXPIRED: LOTS}) if late else (LOTS, {}))


@either_first
@pytest.mark.parametrize("market", (256, 257))
@pytest.mark.parametrize("late", (0, 1))
def test_expiry_of_a_series_its_mass_cancel_and_a_fill(market: int, late: int, cancel_first: bool) -> None:
    """Anybody cancels orders of an expired series, nobody fills one; a second before, the other way."""
    race = Race(market)
    race.driver.advance(race.driver.expiries[SERIES] - 40 - race.rig.time)
    refresh_series_prices(race.driver)
    race.driver.advance(race.driver.expiries[SERIES] - 1 + late - race.rig.time)
    purge = (race.rig.roles["attacker"], "Exchange", calldata("purge(uint256[])", [race.order_id]))
    _, filled, removed = race.outcome(*((purge, race.take()) if cancel_first else (race.take(), purge)))
    assert (filled, removed) == ((0, {MARKET_EXPIRED: LOTS}) if late else (LOTS, {}))


@either_first
def test_settlement_in_the_block_of_a_cancel(cancel_first: bool) -> None:
    """A series that has its price: its orders are still their owner's to cancel, and reserve nothing then."""
    race = Race(256)
    race.driver.advance(race.driver.expiries[SERIES] - race.rig.time)
    race.driver.rule = "prices refreshed"
    refresh_series_prices(race.driver)
    race.driver.advance(2 * 86_400)
    assert race.driver.call("attacker", "Surface", "finalise(uint256)", SERIES).ok
    close = calldata("settle_expired(uint256,uint256)", KEEPER, SERIES)
    settle = (race.rig.roles["attacker"], "Ledger", close)
    passed, filled, removed = race.outcome(
        *((race.cancel(), settle) if cancel_first else (settle, race.cancel()))
    )
    assert (passed, filled, removed) == ([True, True], 0, {CANCELLED: LOTS})


@either_first
def test_the_start_of_a_liquidation_and_a_fill(cancel_first: bool) -> None:
    """The keeper's account is due: its orders are cancelled with the start, or filled before."""
    race = Race(1, is_bid=False)
    driver, rig = race.driver, race.rig
    # Money leaves and a short of its own loses: below maintenance margin, the order still rests.
    free = driver.state.account(KEEPER).cash // driver.scale - 2_000 * 10**6
    address = rig.roles["keeper"]
    assert driver.call(
        "keeper", "Vault", "withdraw(uint256,uint256,uint256,address)", KEEPER, 0, free, address
    ).ok
    tick, lot = rig.sizes[2]
    mark = driver.state.markets[2].mark
    at, lots = mark // tick, 2_000 * 8 * NANO * NANO // mark // lot
    assert driver.call("rival", "Exchange", PLACE, RIVAL, 2, True, at, lots, 1, 0, 0).ok
    assert driver.call("keeper", "Exchange", PLACE, KEEPER, 2, False, at, lots, IMMEDIATE, 0, 64).ok
    spot = driver.prices[2][0] * 109 // 100
    driver.prices[2] = (spot, spot)
    refresh_series_prices(driver)
    assert driver.margin(driver.state, KEEPER).missing > 0
    start = (rig.roles["attacker"], "Liquidator", calldata("start(uint256)", KEEPER))
    passed, filled, removed = race.outcome(*((start, race.take()) if cancel_first else (race.take(), start)))
    # Below initial margin it could not have been filled either: such a maker loses its order.
    assert filled == 0 and sum(removed.values()) == LOTS
    assert passed[0 if cancel_first else 1] and set(removed) == {LIQUIDATION if cancel_first else 4}
