# SPDX-License-Identifier: Apache-2.0
"""Oracle.update: who may set a price, which price is stored, and which is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.domain import oracle_math as twin
from tests.backends import CHAIN_ID
from tests.evm import Contract, Env, account_key, reverts
from tests.prices import DEFAULT_FEED, price_digest, push, sign, signed_price

NANO = 10**9
SPOT = 2_000 * NANO
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def fails(oracle: Contract, reason: str, price: tuple[int, ...], signatures: list[tuple[int, int]]) -> None:
    """The update reverts with this reason and leaves the feed as it was."""
    before = oracle.word(price[0]) if price[0] < 256 else None
    with reverts(reason):
        oracle.update(price, signatures)
    if before is not None:
        assert oracle.word(price[0]) == before


def test_a_signed_price_is_stored_with_its_event(oracle: Contract, env: Env) -> None:
    receipt = push(oracle, 1, SPOT, SPOT + NANO, confidence=99_000_000)
    assert receipt.value is True
    tick = oracle.tick(1)
    assert tick[:5] == (SPOT, SPOT + NANO, 99_000_000, env.timestamp, 0)
    assert (tick.heartbeat, tick.flags, tick.valid) == (DEFAULT_FEED.heartbeat, 0, True)
    assert receipt.named("PriceUpdated") == [
        {
            "feed": 1,
            "spot": SPOT,
            "mark": SPOT + NANO,
            "confidence": 99_000_000,
            "timestamp": env.timestamp,
            "tick": oracle.word(1),
        }
    ]
    assert oracle.tick(2).spot == 0


def test_anyone_may_bring_a_signed_price(oracle: Contract, env: Env) -> None:
    price, signatures = signed_price(oracle, 1, SPOT)
    oracle.update(price, signatures, sender=env.address("attacker"))
    assert oracle.tick(1).spot == SPOT


@pytest.mark.parametrize("age", [0, 1, 100])
def test_a_price_that_is_not_newer_changes_nothing(oracle: Contract, env: Env, age: int) -> None:
    env.advance(1_000)
    push(oracle, 1, SPOT)
    before = oracle.word(1)
    receipt = push(oracle, 1, 2 * SPOT, timestamp=env.timestamp - age)
    assert receipt.value is False
    assert receipt.events == ()
    assert oracle.word(1) == before


def test_a_price_is_stale_after_its_heartbeat(oracle: Contract, env: Env) -> None:
    push(oracle, 1, SPOT)
    env.advance(DEFAULT_FEED.heartbeat)
    assert oracle.tick(1).valid
    env.advance(1)
    assert not oracle.tick(1).valid


@pytest.mark.parametrize(
    ("mark", "stored", "flags"),
    [
        (SPOT * 105 // 100, SPOT * 105 // 100, 0),
        (SPOT * 105 // 100 + 1, SPOT * 105 // 100, twin.FLAG_DEVIATION),
        (SPOT * 95 // 100, SPOT * 95 // 100, 0),
        (SPOT * 95 // 100 - 1, SPOT * 95 // 100, twin.FLAG_DEVIATION),
        (1, SPOT * 95 // 100, twin.FLAG_DEVIATION),
    ],
)
def test_a_mark_too_far_from_spot_is_clamped_and_not_valid(
    oracle: Contract, mark: int, stored: int, flags: int
) -> None:
    push(oracle, 1, SPOT, mark)
    tick = oracle.tick(1)
    assert (tick.spot, tick.mark, tick.flags, tick.valid) == (SPOT, stored, flags, flags == 0)


@pytest.mark.parametrize(("confidence", "valid"), [(5 * 10**7, True), (5 * 10**7 - 1, False), (0, False)])
def test_low_confidence_is_stored_and_not_valid(oracle: Contract, confidence: int, valid: bool) -> None:
    push(oracle, 1, SPOT, confidence=confidence)
    tick = oracle.tick(1)
    assert (tick.confidence, tick.valid) == (confidence, valid)
    assert tick.flags == (0 if valid else twin.FLAG_CONFIDENCE)


@pytest.mark.parametrize("spot", [1_000, 999, 5_000, 5_001])
def test_a_price_at_the_feed_s_bound_is_not_valid(oracle: Contract, env: Env, spot: int) -> None:
    oracle.set_feed(1, DEFAULT_FEED.but(floor=1_000, ceiling=5_000).row())
    push(oracle, 1, spot)
    assert (oracle.tick(1).flags, oracle.tick(1).valid) == (twin.FLAG_BOUND, False)
    env.advance(1)
    push(oracle, 1, 3_000)
    assert oracle.tick(1).valid


def test_a_jump_waits_for_a_confirming_update(oracle: Contract, env: Env) -> None:
    """Invariant 37 with a threshold of one: a single signer makes no move beyond the bound valid at once."""
    oracle.set_feed(1, DEFAULT_FEED.but(max_jump=1_000).row())
    push(oracle, 1, SPOT)
    assert oracle.tick(1).valid
    env.advance(1)
    push(oracle, 1, SPOT * 89 // 100)
    assert (oracle.tick(1).flags, oracle.tick(1).valid) == (twin.FLAG_JUMP, False)
    env.advance(1)
    push(oracle, 1, SPOT * 88 // 100)
    assert oracle.tick(1).valid
    env.advance(1)
    push(oracle, 1, SPOT * 88 // 100 * 110 // 100)
    assert oracle.tick(1).valid


def test_variance_follows_the_twin_along_a_path(oracle: Contract, env: Env) -> None:
    config = DEFAULT_FEED.but(max_jump=500)
    oracle.set_feed(1, config.row())
    rules = twin.FeedConfig(
        config.heartbeat,
        config.max_deviation,
        config.confidence_threshold,
        config.max_jump,
        config.variance_window,
        config.floor,
        config.ceiling,
    )
    model = twin.unpack_tick(oracle.word(1))
    for step, spot in enumerate([2_000, 2_010, 1_990, 1_500, 1_510, 1_700, 1_700]):
        env.advance(1 + 37 * step)
        push(oracle, 1, spot * NANO, (spot + 20 * step) * NANO, confidence=10**8 - 9_000_000 * step)
        following = twin.next_tick(
            model, rules, spot * NANO, (spot + 20 * step) * NANO, 10**8 - 9_000_000 * step, env.timestamp
        )
        assert following is not None
        model = following
        assert oracle.word(1) == twin.pack_tick(model)
    assert model.variance > 0


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 5_000),
            st.integers(1, 2**72 - 1),
            st.integers(1, 2**72 - 1),
            st.integers(0, 10**8),
        ),
        max_size=6,
    ),
    max_jump=st.integers(0, 10_000),
    bounds=st.tuples(st.integers(0, 2**71), st.integers(2**71 + 1, 2**72 - 1)),
)
def test_any_sequence_is_the_twin_s(
    oracle: Contract,
    env: Env,
    steps: list[tuple[int, int, int, int]],
    max_jump: int,
    bounds: tuple[int, int],
) -> None:
    with env.anchor():
        config = DEFAULT_FEED.but(max_jump=max_jump, floor=bounds[0], ceiling=bounds[1])
        oracle.set_feed(1, config.row())
        rules = twin.FeedConfig(180, 500, 5 * 10**7, max_jump, 86_400, *bounds)
        model = twin.unpack_tick(oracle.word(1))
        for elapsed, spot, mark, confidence in steps:
            env.advance(elapsed)
            receipt = push(oracle, 1, spot, mark, confidence=confidence)
            following = twin.next_tick(model, rules, spot, mark, confidence, env.timestamp)
            assert receipt.value is (following is not None)
            model = following or model
            assert oracle.word(1) == twin.pack_tick(model)
            assert oracle.tick(1).valid == twin.is_valid(model, env.timestamp)


def test_a_price_from_the_future_is_refused(oracle: Contract, env: Env) -> None:
    price, signatures = signed_price(oracle, 1, SPOT, timestamp=env.timestamp + 1)
    fails(oracle, "oracle: timestamp in the future", price, signatures)


def test_a_price_past_its_deadline_is_refused(oracle: Contract, env: Env) -> None:
    price, signatures = signed_price(oracle, 1, SPOT, deadline=env.timestamp + 10)
    env.advance(11)
    fails(oracle, "oracle: deadline passed", price, signatures)


@pytest.mark.parametrize("feed", [0, 3, 255, 256, 2**256 - 1])
def test_an_unknown_feed_is_refused(oracle: Contract, feed: int) -> None:
    fails(oracle, "oracle: unknown feed", *signed_price(oracle, feed, SPOT))


@pytest.mark.parametrize(
    ("spot", "mark", "confidence", "reason"),
    [
        (0, SPOT, 10**8, "oracle: spot out of range"),
        (2**72, SPOT, 10**8, "oracle: spot out of range"),
        (2**256 - 1, SPOT, 10**8, "oracle: spot out of range"),
        (SPOT, 0, 10**8, "oracle: mark out of range"),
        (SPOT, 2**72, 10**8, "oracle: mark out of range"),
        (SPOT, SPOT, 10**8 + 1, "oracle: confidence above one"),
        (SPOT, SPOT, 2**256 - 1, "oracle: confidence above one"),
    ],
)
def test_values_out_of_range_are_refused(
    oracle: Contract, spot: int, mark: int, confidence: int, reason: str
) -> None:
    fails(oracle, reason, *signed_price(oracle, 1, spot, mark, confidence=confidence))


def test_a_key_that_is_no_signer_is_refused(oracle: Contract) -> None:
    fails(oracle, "oracle: not a signer", *signed_price(oracle, 1, SPOT, signers=("attacker",)))


def test_a_revoked_signer_is_refused(oracle: Contract) -> None:
    oracle.set_signer(account_key("signer").address, False)
    fails(oracle, "oracle: not a signer", *signed_price(oracle, 1, SPOT))


@pytest.mark.parametrize("place", range(6))
def test_every_field_is_signed(oracle: Contract, env: Env, place: int) -> None:
    env.advance(1_000)
    price, signatures = signed_price(oracle, 1, SPOT, timestamp=env.timestamp - 10)
    changed: list[Any] = list(price)
    changed[place] = {0: 2, 3: 9_999}.get(place, changed[place] + 1)
    fails(oracle, "oracle: not a signer", tuple(changed), signatures)


def test_a_signature_is_bound_to_the_contract_and_the_chain(oracle: Contract, env: Env) -> None:
    price, _ = signed_price(oracle, 1, SPOT)
    elsewhere = sign(price_digest(env.address("attacker"), price), "signer")
    fails(oracle, "oracle: not a signer", price, elsewhere)
    other_chain = sign(price_digest(oracle.address, price, chain_id=CHAIN_ID + 1), "signer")
    fails(oracle, "oracle: not a signer", price, other_chain)


def test_a_high_s_is_refused(oracle: Contract) -> None:
    """The compact form leaves 255 bits to s, so the mirror image of a signature does not even fit it."""
    price, [(r, vs)] = signed_price(oracle, 1, SPOT)
    fails(oracle, "ecdsa: invalid signature `s` value", price, [(r, CURVE_ORDER // 2 + 1)])
    mirrored = CURVE_ORDER - vs % 2**255
    assert mirrored >= 2**255 or mirrored > CURVE_ORDER // 2
    with reverts():
        oracle.update(price, [(r, mirrored)])


@pytest.mark.parametrize("signature", [(0, 0), (0, 1), (1, 0)])
def test_a_signature_of_nobody_is_refused(oracle: Contract, signature: tuple[int, int]) -> None:
    price, _ = signed_price(oracle, 1, SPOT)
    fails(oracle, "ecdsa: invalid signature", price, [signature])


class TestThreshold:
    """Two of three signers."""

    @pytest.fixture(autouse=True)
    def _two_required(self, oracle: Contract) -> None:
        oracle.set_feed(1, DEFAULT_FEED.but(required_signers=2).row())

    def test_two_signers_are_enough(self, oracle: Contract) -> None:
        push(oracle, 1, SPOT, signers=("signer", "third signer"))
        assert oracle.tick(1).spot == SPOT

    def test_more_signers_are_welcome(self, oracle: Contract) -> None:
        push(oracle, 1, SPOT, signers=("signer", "second signer", "third signer"))
        assert oracle.tick(1).spot == SPOT

    def test_one_signer_is_not_enough(self, oracle: Contract) -> None:
        fails(oracle, "oracle: too few signers", *signed_price(oracle, 1, SPOT))
        price, _ = signed_price(oracle, 1, SPOT)
        fails(oracle, "oracle: too few signers", price, [])

    def test_the_same_signer_twice_is_refused(self, oracle: Contract) -> None:
        price, [signature] = signed_price(oracle, 1, SPOT)
        fails(oracle, "oracle: signers not ascending", price, [signature, signature])

    def test_signers_out_of_order_are_refused(self, oracle: Contract) -> None:
        price, signatures = signed_price(oracle, 1, SPOT, signers=("signer", "second signer"))
        fails(oracle, "oracle: signers not ascending", price, signatures[::-1])

    def test_one_stranger_among_enough_signers_is_refused(self, oracle: Contract) -> None:
        signers = ("signer", "second signer", "attacker")
        fails(oracle, "oracle: not a signer", *signed_price(oracle, 1, SPOT, signers=signers))


def test_an_update_of_one_feed_with_one_signer_costs_at_most_45_000_gas(oracle: Contract, env: Env) -> None:
    push(oracle, 1, SPOT + 123_456_789, SPOT)
    env.advance(12)
    assert push(oracle, 1, SPOT + 987_654_321, SPOT + 123_456_789).gas_used <= 45_000
