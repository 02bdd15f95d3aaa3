# SPDX-License-Identifier: Apache-2.0
"""Surface.update: who may set a surface, what is stored, and which surface is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.backends import CHAIN_ID
from tests.evm import account_key, reverts
from tests.prices import price_digest, sign
from tests.surfaces import DEFAULT_CONFIG, FULL, NANO, Surfaces, SurfaceUpdate, surface_digest

WAD = 10**18


def fails(world: Surfaces, reason: str, update: tuple[int, ...], signatures: list[tuple[int, int]]) -> None:
    """The update reverts with this reason and changes nothing."""
    before = world.state()
    with reverts(reason):
        world.surface.update(update, signatures)
    assert world.state() == before


def test_a_signed_surface_is_stored_with_its_event(world: Surfaces) -> None:
    update, signatures = world.signed(forward_difference=-3 * NANO, m=-WAD // 100)
    receipt = world.surface.update(update, signatures, sender=world.env.address("attacker"))
    assert receipt.value is True
    assert [tuple(event["update"]) for event in receipt.named("SurfaceUpdated")] == [update]
    assert receipt.named("SurfaceUpdated")[0]["series"] == 1
    stored = world.surface.surface(1)
    assert (stored.feed, stored.expiry) == (1, world.expiry)
    assert stored[2:14] == update[1:13]
    assert (stored.timestamp, stored.vol_valid, stored.rate_valid) == (world.env.timestamp, True, True)
    assert world.surface.surface(2).timestamp == 0


@pytest.mark.parametrize(
    "extreme",
    [
        {"forward_difference": 2**72 - 1, "rate": 5 * WAD, "a": 1_000 * WAD, "b": 0, "rho": WAD - 1},
        {"forward_difference": 1 - 2**72, "rate": -5 * WAD, "a": FULL, "b": 0, "rho": 1 - WAD},
        {"b": 2 * WAD, "rho": 0, "sigma": 1_000 * WAD, "a": -1_000 * WAD, "m": 1_000 * WAD},
        {"a": FULL, "sigma": 1, "m": -1_000 * WAD, "reference_forward": 1, "reference_tau": 1},
        {"reference_forward": 2**72 - 1, "reference_tau": 2**32 - 1},
        {"forward_confidence": 0, "vol_confidence": 0, "rate_confidence": 0},
        {"forward_confidence": FULL, "vol_confidence": FULL, "rate_confidence": FULL},
    ],
)
def test_every_field_keeps_its_extremes(world: Surfaces, extreme: dict[str, int]) -> None:
    update, signatures = world.signed(**extreme)
    world.surface.update(update, signatures)
    assert world.surface.surface(1)[2:14] == update[1:13]


@pytest.mark.parametrize("age", [0, 1, 100])
def test_a_surface_that_is_not_newer_changes_nothing(world: Surfaces, age: int) -> None:
    world.env.advance(1_000)
    world.push()
    before = world.state()
    receipt = world.push(timestamp=world.env.timestamp - age, a=WAD)
    assert receipt.value is False and receipt.events == ()
    assert world.state() == before


def test_the_same_update_again_changes_nothing(world: Surfaces) -> None:
    update, signatures = world.signed()
    world.surface.update(update, signatures)
    before = world.state()
    assert world.surface.update(update, signatures).value is False
    assert world.state() == before


def test_after_expiry_nothing_changes(world: Surfaces) -> None:
    world.to(world.expiry - 1)
    assert world.push().value is True
    world.to(world.expiry)
    before = world.state()
    assert world.push().value is False
    assert world.state() == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"forward_difference": 2**72}, "surface: difference out of range"),
        ({"forward_difference": -(2**72)}, "surface: difference out of range"),
        ({"forward_difference": 2**255 - 1}, "surface: difference out of range"),
        ({"rate": 5 * WAD + 1}, "surface: rate out of range"),
        ({"rate": -5 * WAD - 1}, "surface: rate out of range"),
        ({"forward_confidence": FULL + 1}, "surface: confidence above one"),
        ({"vol_confidence": FULL + 1}, "surface: confidence above one"),
        ({"rate_confidence": 2**256 - 1}, "surface: confidence above one"),
        ({"reference_forward": 0}, "surface: reference forward of zero"),
        ({"reference_forward": 2**72}, "surface: reference forward out of range"),
        ({"reference_tau": 0}, "surface: time of zero"),
        ({"reference_tau": 2**32}, "surface: time out of range"),
        ({"a": 0, "b": 0}, "surface: vol of zero"),
        ({"a": -1, "b": 0}, "svi: negative variance"),
        ({"a": -WAD // 400}, "svi: negative variance"),
        ({"rho": WAD}, "svi: rho out of range"),
        ({"rho": -WAD}, "svi: rho out of range"),
        ({"b": 2 * WAD + 1, "rho": 0}, "svi: wing too steep"),
        ({"b": WAD, "rho": WAD - 1, "m": 0}, None),
        ({"b": WAD + 1, "rho": 1 - WAD}, "svi: wing too steep"),
        ({"b": -1}, "svi: negative slope"),
        ({"sigma": 0}, "svi: sigma out of range"),
    ],
)
def test_a_bad_surface_is_refused_by_name(
    world: Surfaces, change: dict[str, int], reason: str | None
) -> None:
    if reason is None:
        assert world.push(**change).value is True
    else:
        fails(world, reason, *world.signed(**change))


@pytest.mark.parametrize("series", [0, 3, 255, 256, 2**256 - 1])
def test_a_series_without_a_surface_is_refused(world: Surfaces, series: int) -> None:
    fails(world, "surface: unknown series", *world.signed(series=series))


def test_a_surface_from_the_future_is_refused(world: Surfaces) -> None:
    fails(world, "surface: timestamp in the future", *world.signed(timestamp=world.env.timestamp + 1))


def test_a_surface_past_its_deadline_is_refused(world: Surfaces) -> None:
    signed = world.signed(deadline=world.env.timestamp + 10)
    world.env.advance(11)
    fails(world, "surface: deadline passed", *signed)


class TestSigners:
    def test_a_key_that_is_no_signer_of_the_oracle_is_refused(self, world: Surfaces) -> None:
        fails(world, "oracle: not a signer", *world.signed("attacker"))

    def test_a_revoked_signer_is_refused(self, world: Surfaces) -> None:
        world.oracle.set_signer(account_key("signer").address, False)
        fails(world, "oracle: not a signer", *world.signed())

    def test_as_many_must_sign_as_the_series_requires(self, world: Surfaces) -> None:
        world.surface.set_surface(1, DEFAULT_CONFIG.but(required_signers=2).row())
        fails(world, "oracle: too few signers", *world.signed())
        fails(world, "oracle: not a signer", *world.signed("signer", "attacker"))
        assert world.push("signer", "third signer").value is True

    def test_one_signer_twice_is_refused(self, world: Surfaces) -> None:
        update, [signature] = world.signed()
        fails(world, "oracle: signers not ascending", update, [signature, signature])

    @pytest.mark.parametrize("place", range(15))
    def test_every_field_is_signed(self, world: Surfaces, place: int) -> None:
        world.env.advance(100)
        update, signatures = world.signed(timestamp=world.env.timestamp - 10)
        changed: list[Any] = list(update)
        changed[place] += 1
        fails(world, "oracle: not a signer", tuple(changed), signatures)

    def test_a_signature_is_bound_to_the_contract_the_chain_and_the_type(self, world: Surfaces) -> None:
        row, _ = world.signed()
        update = SurfaceUpdate(*row)
        for digest in (
            surface_digest(world.oracle.address, update),
            surface_digest(world.surface.address, update, chain_id=CHAIN_ID + 1),
            price_digest(world.surface.address, row[8:14]),
        ):
            fails(world, "oracle: not a signer", row, sign(digest, "signer"))


def test_several_at_once(world: Surfaces) -> None:
    world.push(series=2)
    world.env.advance(1)
    new, old = world.signed(), world.signed(series=2, timestamp=world.env.timestamp - 1)
    assert world.surface.update_many([new[0], old[0]], [new[1], old[1]]).value == 1
    assert [world.surface.surface(series).timestamp for series in (1, 2)] == [
        world.env.timestamp,
        world.env.timestamp - 1,
    ]


def test_several_are_stored_all_or_none(world: Surfaces) -> None:
    good, bad = world.signed(), world.signed(series=2, a=0, b=0)
    before = world.state(1), world.state(2)
    with reverts("surface: vol of zero"):
        world.surface.update_many([good[0], bad[0]], [good[1], bad[1]])
    with reverts("surface: length mismatch"):
        world.surface.update_many([good[0]], [])
    assert (world.state(1), world.state(2)) == before


def test_an_update_with_one_signer_costs_at_most_65_000_gas(world: Surfaces) -> None:
    world.push()
    world.env.advance(60)
    gas = world.push(forward_difference=6 * NANO + 1, a=8 * WAD // 1_000).gas_used
    print(f"Surface.update: {gas:,}")
    assert gas <= 65_000
