# SPDX-License-Identifier: Apache-2.0
"""Surface.finalise: the three ways to a settlement price, once and for all."""

from __future__ import annotations

import pytest

from tests.evm import reverts
from tests.surfaces import FULL, NANO, RULES, SPOT, Surfaces

NOT_YET = "surface: price not determined yet"


def record(world: Surfaces, since: int, until: int, spot: int = SPOT, every: int = 60) -> None:
    """Prices from `since` to before `until`, seconds from expiry, all recorded; time ends at `until`."""
    for second in range(since, until, every):
        world.to(world.expiry + second)
        world.price(spot)
        world.surface.accumulate([1])
    world.to(world.expiry + until)


def settle(world: Surfaces, price: int, covered: int) -> None:
    """Anyone fixes the price, which nothing changes afterwards."""
    receipt = world.surface.finalise(1, sender=world.env.address("attacker"))
    assert receipt.value == price
    assert receipt.named("SettlementPriceSet") == [{"series": 1, "price": price, "covered": covered}]
    assert world.surface.settlement(1) == (price, True)
    assert world.surface.forward(1) == (price, FULL, True)
    assert tuple(world.surface.forward_parts(1)) == (price, 0, FULL, True)
    before = world.state()
    world.env.advance(3_600)
    world.price(3 * SPOT)
    world.surface.accumulate([1])
    again = world.surface.finalise(1)
    assert (again.value, again.events) == (price, ())
    assert world.state()[2:] == before[2:]


def fails(world: Surfaces, reason: str) -> None:
    before = world.state()
    with reverts(reason):
        world.surface.finalise(1)
    assert world.state() == before
    assert world.surface.settlement(1) == (0, False)


def test_not_before_expiry(world: Surfaces) -> None:
    record(world, -1_800, -1)
    fails(world, "surface: not expired")


def test_the_mean_of_the_window(world: Surfaces) -> None:
    record(world, -1_800, -900)
    record(world, -900, 0, spot=SPOT + 3 * NANO)
    world.price(5 * SPOT)
    settle(world, SPOT + 3 * NANO // 2, 1_800)


def test_the_mean_is_floored(world: Surfaces) -> None:
    record(world, -1_800, -60)
    record(world, -60, 0, spot=SPOT + 1)
    world.price()
    settle(world, SPOT, 1_800)


def test_while_the_oracle_is_before_expiry_the_window_is_open(world: Surfaces) -> None:
    """Prices signed inside the window may come late; a price of expiry says that none is left."""
    record(world, -1_800, 0)
    fails(world, NOT_YET)
    world.env.advance(30)
    fails(world, NOT_YET)
    world.price(SPOT + 60 * NANO, timestamp=world.expiry - 30)
    fails(world, NOT_YET)
    world.surface.accumulate([1])
    world.env.advance(10)
    world.price(timestamp=world.expiry)
    settle(world, SPOT + NANO, 1_800)


def test_an_unfit_price_closes_the_window_too(world: Surfaces) -> None:
    record(world, -1_800, 0)
    world.price(confidence=0)
    settle(world, SPOT, 1_800)


def test_the_oracle_s_last_price_of_the_window_is_recorded_on_the_way(world: Surfaces) -> None:
    record(world, -1_800, -60)
    world.price(SPOT + 30 * NANO)
    world.to(world.expiry)
    world.surface.accumulate([1])
    world.price()
    settle(world, SPOT + NANO, 1_800)


@pytest.mark.parametrize("missing", [180, 181])
def test_enough_of_the_window_is_enough(world: Surfaces, missing: int) -> None:
    """1,620 of 1,800 seconds; with one less the average runs on."""
    record(world, -1_800, -900)
    record(world, -900 + missing, 0, spot=2 * SPOT)
    # The price of -960 is in force for 120 seconds more.
    assert missing > 120
    world.price(4 * SPOT)
    first, second = 900 + 120, 900 - missing
    settle(world, (first * SPOT + second * 2 * SPOT) // (first + second), first + second)


def test_too_little_of_the_window_runs_on_after_expiry(world: Surfaces) -> None:
    """900 seconds in the window, 720 more at the price after it, whatever comes later."""
    record(world, -1_080, 0)
    world.price(2 * SPOT)
    assert world.surface.accumulate([1]).value == 1
    fails(world, NOT_YET)
    record(world, 60, 540, spot=2 * SPOT)
    world.to(world.expiry + 539)
    fails(world, NOT_YET)
    world.to(world.expiry + 540)
    world.price(9 * SPOT)
    expected = (1_080 * SPOT + 540 * 2 * SPOT) // 1_620
    assert world.surface.forward(1)[0] == expected
    world.env.advance(600)
    world.price(9 * SPOT)
    world.surface.accumulate([1])
    settle(world, expected, 1_620)


def test_without_any_price_in_the_window_it_is_the_mean_after_it(world: Surfaces) -> None:
    world.to(world.expiry + 7_200)
    record(world, 7_200, 8_820, spot=SPOT)
    world.price(3 * SPOT)
    settle(world, SPOT, 1_620)


def test_when_patience_is_over_the_mean_of_what_there_was(world: Surfaces) -> None:
    record(world, -600, -300)
    record(world, -300, 0, spot=2 * SPOT)
    world.to(world.expiry + RULES.patience)
    fails(world, NOT_YET)
    world.env.advance(1)
    # 120 seconds after the last price count as well: it was in force in them.
    covered = 600 + 120
    settle(world, (300 * SPOT + 420 * 2 * SPOT) // covered, covered)


def test_what_comes_after_patience_does_not_count(world: Surfaces) -> None:
    record(world, -600, 0)
    world.to(world.expiry + RULES.patience + 1)
    record(world, RULES.patience + 1, RULES.patience + 2_000, spot=3 * SPOT)
    settle(world, SPOT, 720)


def test_with_no_observation_at_all_the_last_price_there_is(world: Surfaces) -> None:
    world.price(SPOT, confidence=0)
    world.to(world.expiry + RULES.patience)
    fails(world, NOT_YET)
    world.env.advance(1)
    settle(world, SPOT, 0)


def test_without_a_price_there_is_nothing_to_settle_at(world: Surfaces) -> None:
    world.to(world.expiry + RULES.patience + 1)
    fails(world, "surface: no price at all")
    world.price(SPOT)
    settle(world, SPOT, 0)


def test_a_series_that_nobody_has_configured_settles(world: Surfaces) -> None:
    world.registry.list_series(7, 2, world.expiry)
    world.price(SPOT, feed=2)
    world.to(world.expiry + RULES.patience + 1)
    assert world.surface.finalise(7).value == SPOT
    assert world.surface.settlement(7) == (SPOT, True)


def test_the_highest_price_there_can_be(world: Surfaces) -> None:
    highest = 2**72 - 1
    config = list(world.oracle.config(1))
    world.oracle.set_feed(1, (*config[:2], 0, *config[3:]))
    record(world, -1_800, 0, spot=highest - 1)
    world.price(highest - 1)
    settle(world, highest - 1, 1_800)


def test_owner_and_signers_cannot_move_a_fixed_price(world: Surfaces) -> None:
    record(world, -1_800, 0)
    world.price()
    world.surface.finalise(1)
    world.registry.list_series(1, 2, world.expiry + 10**6)
    world.surface.set_surface(1, tuple(world.surface.config(1)))
    world.oracle.set_feed(1, (*tuple(world.oracle.config(1))[:-2], 1, 2))
    assert world.push().value is False
    assert world.surface.settlement(1) == (SPOT, True)


@pytest.mark.parametrize("series", [0, 3, 256])
def test_an_unknown_series_is_refused(world: Surfaces, series: int) -> None:
    with reverts("surface: unknown series"):
        world.surface.finalise(series)


def test_gas(world: Surfaces) -> None:
    record(world, -1_800, 0)
    world.price()
    first = world.surface.finalise(1).gas_used
    again = world.surface.finalise(1).gas_used
    reading = world.surface.view_gas("settlement", 1)
    print(f"Surface.finalise: {first:,}, again {again:,}; settlement {reading:,}")
    assert first <= 37_000 and again <= 24_500 and reading <= 2_600
