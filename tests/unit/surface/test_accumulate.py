# SPDX-License-Identifier: Apache-2.0
"""Surface.accumulate: what is recorded, when it counts, and that nothing else does anything."""

from __future__ import annotations

import pytest

from tests.evm import reverts
from tests.surfaces import FULL, NANO, RULES, SPOT, Surfaces


def accumulate(world: Surfaces, *series: int) -> int:
    """How many recorded a price; sent by anyone."""
    receipt = world.surface.accumulate(list(series or (1,)), sender=world.env.address("attacker"))
    assert len(receipt.named("PriceObserved")) == receipt.value
    return int(receipt.value)


def nothing(world: Surfaces) -> None:
    """A call that records nothing, logs nothing and changes nothing."""
    before = world.state()
    receipt = world.surface.accumulate([1])
    assert (receipt.value, receipt.events) == (0, ())
    assert world.state() == before


def test_a_price_is_recorded_with_its_event(world: Surfaces) -> None:
    world.to(world.expiry - 1_800)
    world.price(SPOT)
    world.env.advance(20)
    assert accumulate(world) == 1
    stamp = world.expiry - 1_800
    assert tuple(world.surface.accumulator(1)) == (0, 0, SPOT, stamp, False)
    world.env.advance(40)
    world.price(SPOT + NANO)
    receipt = world.surface.accumulate([1])
    assert receipt.named("PriceObserved") == [
        {
            "series": 1,
            "spot": SPOT + NANO,
            "timestamp": stamp + 60,
            "accumulated": 60 * SPOT,
            "covered": 60,
        }
    ]
    assert tuple(world.surface.accumulator(1)) == (60 * SPOT, 60, SPOT + NANO, stamp + 60, False)
    assert tuple(world.surface.accumulator(2)) == (0, 0, 0, 0, False)


def test_the_time_of_the_call_weighs_nothing(world: Surfaces) -> None:
    """Recorded at once or just before the next price: the same."""
    found = []
    for delay in (0, 59):
        with world.env.anchor():
            world.to(world.expiry - 1_800)
            for step in range(5):
                world.price(SPOT + step * NANO)
                world.env.advance(delay)
                accumulate(world)
                world.env.advance(60 - delay)
            found.append(tuple(world.surface.accumulator(1)))
    assert found[0] == found[1]


def test_twice_is_once(world: Surfaces) -> None:
    world.to(world.expiry - 900)
    world.price()
    assert accumulate(world, 1, 1) == 1
    nothing(world)
    world.env.advance(60)
    nothing(world)


@pytest.mark.parametrize(("age", "counts"), [(179, True), (180, False)])
def test_a_price_from_before_the_window_counts_while_in_force(
    world: Surfaces, age: int, counts: bool
) -> None:
    world.to(world.expiry - 1_800 - age)
    world.price()
    assert accumulate(world) == int(counts)
    world.to(world.expiry - 1_700)
    world.price()
    assert accumulate(world) == 1
    assert world.surface.accumulator(1).covered == (RULES.max_gap - age if counts else 0)


def test_seconds_beyond_the_gap_are_missing(world: Surfaces) -> None:
    world.to(world.expiry - 1_800)
    world.price(SPOT)
    accumulate(world)
    world.env.advance(RULES.max_gap + 1)
    world.price(SPOT)
    accumulate(world)
    assert world.surface.accumulator(1)[:2] == (RULES.max_gap * SPOT, RULES.max_gap)


def test_an_unfit_price_is_no_observation(world: Surfaces) -> None:
    """Low confidence, at the bound, an unconfirmed jump; a mark out of bound says nothing about spot."""
    world.to(world.expiry - 900)
    world.price(SPOT)
    accumulate(world)
    world.env.advance(10)
    world.price(SPOT, confidence=FULL // 2 - 1)
    nothing(world)
    config = list(world.oracle.config(1))
    world.env.advance(10)
    world.oracle.set_feed(1, (*config[:-2], SPOT, config[-1]))
    world.price(SPOT)
    nothing(world)
    world.env.advance(10)
    world.oracle.set_feed(1, (*config[:3], 100, *config[4:]))
    world.price(2 * SPOT)
    nothing(world)
    world.env.advance(10)
    world.price(2 * SPOT, mark=SPOT)
    assert world.oracle.tick(1).flags == 1
    assert accumulate(world) == 1
    assert world.surface.accumulator(1)[:3] == (40 * SPOT, 40, 2 * SPOT)


def test_no_price_is_no_observation(world: Surfaces) -> None:
    world.to(world.expiry - 900)
    nothing(world)


def test_a_covered_window_is_closed_by_the_first_price_after_it(world: Surfaces) -> None:
    world.to(world.expiry - 1_800)
    while world.env.timestamp <= world.expiry:
        world.price()
        assert accumulate(world) == 1
        world.env.advance(100)
    world.price(2 * SPOT)
    nothing(world)
    assert world.surface.accumulator(1)[:2] == (1_800 * SPOT, 1_800)


def test_a_settled_series_records_nothing(world: Surfaces) -> None:
    world.to(world.expiry + RULES.patience + 1)
    world.price()
    world.surface.finalise(1)
    world.env.advance(1)
    world.price()
    nothing(world)


def test_a_series_that_nobody_has_configured_is_recorded(world: Surfaces) -> None:
    world.registry.list_series(7, 2, world.expiry)
    world.to(world.expiry - 900)
    world.price(SPOT, feed=2)
    assert accumulate(world, 1, 7) == 1
    assert world.surface.accumulator(7).spot == SPOT


@pytest.mark.parametrize("series", [0, 3, 256, 2**256 - 1])
def test_an_unknown_series_is_refused(world: Surfaces, series: int) -> None:
    world.to(world.expiry - 900)
    world.price()
    before = world.state()
    with reverts("surface: unknown series"):
        world.surface.accumulate([1, series])
    assert world.state() == before


def test_gas(world: Surfaces) -> None:
    """One series, and eight of one feed in a call."""
    for series in range(3, 10):
        world.registry.list_series(series, 1, world.expiry)
    eight = [1, *range(3, 10)]
    world.to(world.expiry - 900)
    world.price()
    world.surface.accumulate(eight)
    world.env.advance(60)
    world.price(SPOT + 1)
    with world.env.anchor():
        one = world.surface.accumulate([1]).gas_used
    all_of_them = world.surface.accumulate(eight).gas_used
    print(f"Surface.accumulate: {one:,} one series, {all_of_them:,} eight of one feed")
    assert one <= 37_000 and all_of_them <= 120_000
