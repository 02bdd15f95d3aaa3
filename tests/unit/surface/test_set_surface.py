# SPDX-License-Identifier: Apache-2.0
"""Surface.set_surface, wire and the constructor: what the owner sets, and its bounds."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from simulation.domain.settlement_math import Rules
from tests.evm import reverts
from tests.surfaces import DEFAULT_CONFIG, FULL, RULES, Surfaces

NOBODY = "0x" + "00" * 20


def test_a_surface_is_configured_with_its_event(world: Surfaces) -> None:
    config = DEFAULT_CONFIG.but(forward_heartbeat=1, vol_heartbeat=2, rate_heartbeat=2**24 - 1)
    config = config.but(max_difference=9_999, confidence_threshold=FULL, required_signers=8)
    receipt = world.surface.set_surface(2, config.row())
    assert tuple(world.surface.config(2)) == config.row()
    assert [(e["series"], tuple(e["config"])) for e in receipt.named("SurfaceSet")] == [(2, config.row())]
    assert tuple(world.surface.config(1)) == DEFAULT_CONFIG.row()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"forward_heartbeat": 0}, "surface: heartbeat out of range"),
        ({"forward_heartbeat": 2**24}, "surface: heartbeat out of range"),
        ({"vol_heartbeat": 0}, "surface: heartbeat out of range"),
        ({"vol_heartbeat": 2**24}, "surface: heartbeat out of range"),
        ({"rate_heartbeat": 0}, "surface: heartbeat out of range"),
        ({"rate_heartbeat": 2**256 - 1}, "surface: heartbeat out of range"),
        ({"max_difference": 10_000}, "surface: max difference out of range"),
        ({"confidence_threshold": FULL + 1}, "surface: confidence above one"),
        ({"required_signers": 0}, "surface: threshold out of range"),
        ({"required_signers": 9}, "surface: threshold out of range"),
    ],
)
def test_bounds(world: Surfaces, change: dict[str, int], reason: str) -> None:
    before = world.state()
    with reverts(reason):
        world.surface.set_surface(1, DEFAULT_CONFIG.but(**change).row())
    assert world.state() == before


@pytest.mark.parametrize("series", [0, 3, 256, 2**256 - 1])
def test_only_a_listed_series(world: Surfaces, series: int) -> None:
    with reverts("surface: unknown series"):
        world.surface.set_surface(series, DEFAULT_CONFIG.row())


@pytest.mark.parametrize(("feed", "expiry"), [(0, 10**9), (256, 10**9), (1, 0), (1, 1_799), (1, 2**32)])
def test_a_series_that_the_registry_has_wrong_is_unknown(world: Surfaces, feed: int, expiry: int) -> None:
    world.registry.list_series(3, feed, expiry)
    with reverts("surface: unknown series"):
        world.surface.set_surface(3, DEFAULT_CONFIG.row())


def test_owner_only(world: Surfaces) -> None:
    attacker = world.env.address("attacker")
    with reverts("ownable: caller is not the owner"):
        world.surface.set_surface(1, DEFAULT_CONFIG.row(), sender=attacker)
    with reverts("ownable: caller is not the owner"):
        world.surface.wire(world.registry.address, sender=attacker)


def test_what_the_registry_said_first_holds_for_ever(world: Surfaces) -> None:
    """The owner of the registry cannot move an expiry once the series is known here."""
    world.registry.list_series(1, 2, world.expiry + 3_600)
    world.surface.set_surface(1, DEFAULT_CONFIG.row())
    assert world.surface.surface(1)[:2] == (1, world.expiry)


def test_the_registry_is_wired_once(world: Surfaces) -> None:
    env = world.env
    surface = env.deploy("Surface", world.oracle.address, astuple(RULES))
    with reverts("surface: not wired"):
        surface.set_surface(1, DEFAULT_CONFIG.row())
    with reverts("surface: not wired"):
        surface.accumulate([1])
    with reverts("surface: address is zero"):
        surface.wire(NOBODY)
    receipt = surface.wire(world.registry.address)
    assert receipt.named("InstrumentsWired") == [{"instruments": world.registry.address}]
    assert surface.instruments() == world.registry.address
    with reverts("surface: already wired"):
        surface.wire(world.registry.address)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (Rules(max_gap=0), "surface: gap out of range"),
        (Rules(max_gap=901), "surface: gap out of range"),
        (Rules(required=899), "surface: coverage out of range"),
        (Rules(required=1_801), "surface: coverage out of range"),
        (Rules(patience=3_599), "surface: patience out of range"),
        (Rules(patience=604_801), "surface: patience out of range"),
        (Rules(1, 900, 3_600), None),
        (Rules(900, 1_800, 604_800), None),
    ],
)
def test_settlement_parameters(world: Surfaces, rules: Rules, reason: str | None) -> None:
    if reason is None:
        surface = world.env.deploy("Surface", world.oracle.address, astuple(rules))
        assert tuple(surface.settlement_parameters()) == astuple(rules)
        return
    with reverts(reason):
        world.env.deploy("Surface", world.oracle.address, astuple(rules))


def test_an_oracle_must_be_named(world: Surfaces) -> None:
    with reverts("surface: address is zero"):
        world.env.deploy("Surface", NOBODY, astuple(RULES))
