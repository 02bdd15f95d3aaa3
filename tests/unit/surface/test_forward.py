# SPDX-License-Identifier: Apache-2.0
"""Surface.forward, forward_parts and surface: bound, freshness, and the split inside the window."""

from __future__ import annotations

import pytest

from tests.evm import reverts
from tests.surfaces import DEFAULT_CONFIG, FULL, NANO, SPOT, Surfaces


def test_spot_and_the_signed_difference(world: Surfaces) -> None:
    world.price(SPOT)
    world.push(forward_difference=7 * NANO)
    assert world.surface.forward(1) == (SPOT + 7 * NANO, 98_000_000, True)
    world.env.advance(60)
    world.price(SPOT + 100 * NANO)
    assert world.surface.forward(1) == (SPOT + 107 * NANO, 98_000_000, True)
    assert tuple(world.surface.forward_parts(1)) == (0, SPOT + 107 * NANO, 98_000_000, True)


@pytest.mark.parametrize(
    ("difference", "forward", "valid"),
    [
        (SPOT // 10, SPOT * 11 // 10, True),
        (SPOT // 10 + 1, SPOT * 11 // 10, False),
        (-SPOT // 10, SPOT * 9 // 10, True),
        (-SPOT // 10 - 1, SPOT * 9 // 10, False),
        (2**72 - 1, SPOT * 11 // 10, False),
        (1 - 2**72, SPOT * 9 // 10, False),
    ],
)
def test_a_difference_out_of_bound_is_clamped_and_not_valid(
    world: Surfaces, difference: int, forward: int, valid: bool
) -> None:
    world.price(SPOT)
    world.push(forward_difference=difference)
    assert world.surface.forward(1) == (forward, 98_000_000, valid)


def test_the_bound_moves_with_spot(world: Surfaces) -> None:
    world.price(SPOT)
    world.push(forward_difference=SPOT // 10)
    world.env.advance(1)
    world.price(SPOT // 2)
    assert world.surface.forward(1) == (SPOT // 2 * 11 // 10, 98_000_000, False)


def test_a_forward_is_positive_and_fits_its_field(world: Surfaces) -> None:
    world.surface.set_surface(1, DEFAULT_CONFIG.but(max_difference=9_999).row())
    world.push(forward_difference=1 - 2**72)
    world.price(1)
    assert world.surface.forward(1)[0] == 1
    world.env.advance(1)
    world.price(2**72 - 1)
    world.push(forward_difference=2**72 - 1)
    assert world.surface.forward(1)[0] == 2**72 - 1


def test_freshness_of_the_forward_is_its_own(world: Surfaces) -> None:
    world.push()
    world.env.advance(DEFAULT_CONFIG.forward_heartbeat)
    world.price()
    assert world.surface.forward(1)[2]
    world.env.advance(1)
    assert not world.surface.forward(1)[2]


def test_spot_must_be_valid_too(world: Surfaces) -> None:
    world.push()
    assert world.surface.forward(1) == (0, 98_000_000, False)
    world.price()
    world.env.advance(181)
    assert not world.surface.forward(1)[2]


@pytest.mark.parametrize(("confidence", "valid"), [(FULL // 2, True), (FULL // 2 - 1, False)])
def test_low_confidence_is_stored_and_not_valid(world: Surfaces, confidence: int, valid: bool) -> None:
    world.price()
    world.push(forward_confidence=confidence, vol_confidence=confidence)
    assert world.surface.forward(1)[1:] == (confidence, valid)
    assert world.surface.surface(1).vol_valid is valid


def test_vol_and_rate_have_heartbeats_of_their_own(world: Surfaces) -> None:
    assert not world.surface.surface(1).vol_valid and not world.surface.surface(1).rate_valid
    world.push()
    world.env.advance(DEFAULT_CONFIG.vol_heartbeat)
    assert world.surface.surface(1).vol_valid
    world.env.advance(1)
    assert not world.surface.surface(1).vol_valid and world.surface.surface(1).rate_valid
    world.to(world.surface.surface(1).timestamp + DEFAULT_CONFIG.rate_heartbeat + 1)
    assert not world.surface.surface(1).rate_valid


def test_without_a_surface_the_forward_is_spot_and_not_valid(world: Surfaces) -> None:
    world.registry.list_series(3, 1, world.expiry)
    world.price()
    assert world.surface.forward(3) == (SPOT, 0, False)
    assert world.surface.surface(3)[:2] == (1, world.expiry)


def test_the_published_split(world: Surfaces) -> None:
    """1,200 seconds at 1,050 and 600 to go at a forward of 1,000: 700 fixed, 333.333 variable."""
    world.to(world.expiry - 1_800)
    while world.env.timestamp < world.expiry - 600:
        world.price(1_050 * NANO)
        world.surface.accumulate([1])
        world.env.advance(120)
    world.price(995 * NANO)
    world.push(forward_difference=5 * NANO)
    fixed, variable, _, valid = world.surface.forward_parts(1)
    assert (fixed, variable, valid) == (700 * NANO, 333_333_333_333, True)
    assert world.surface.forward(1)[0] == fixed + variable


def test_seconds_that_are_missing_do_not_pull_the_forward_to_zero(world: Surfaces) -> None:
    """780 seconds without a record: 600 of 1,800 are known, 420 to come, and 1,620 are needed."""
    world.to(world.expiry - 1_800)
    world.price(SPOT)
    world.surface.accumulate([1])
    world.env.advance(780)
    for _ in range(4):
        world.price(SPOT)
        world.surface.accumulate([1])
        world.env.advance(105)
    fixed, variable, _, _ = world.surface.forward_parts(1)
    assert (fixed, variable) == (SPOT * 600 // 1_620, SPOT * 1_020 // 1_620)


def test_from_expiry_on_the_difference_counts_no_more(world: Surfaces) -> None:
    world.to(world.expiry - 1)
    world.price(SPOT)
    world.push(forward_difference=100 * NANO)
    world.env.advance(1)
    assert world.surface.forward(1) == (SPOT * 1 // 1_620 + SPOT * 1_619 // 1_620, FULL, True)


@pytest.mark.parametrize("view", ["forward", "forward_parts", "surface"])
@pytest.mark.parametrize("series", [0, 3, 256])
def test_an_unknown_series_has_no_forward(world: Surfaces, view: str, series: int) -> None:
    with reverts("surface: unknown series"):
        getattr(world.surface, view)(series)


def test_views_of_numbers_out_of_range(world: Surfaces) -> None:
    for view in ("config", "settlement", "accumulator"):
        with reverts("surface: unknown series"):
            getattr(world.surface, view)(256)


def test_gas(world: Surfaces) -> None:
    world.push()
    world.price()
    before = world.surface.view_gas("forward", 1)
    world.to(world.expiry - 900)
    world.price()
    world.surface.accumulate([1])
    inside = world.surface.view_gas("forward", 1)
    print(f"Surface.forward: {before:,} before the window, {inside:,} inside")
    assert before <= 12_000 and inside <= 15_000
