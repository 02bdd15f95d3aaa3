# SPDX-License-Identifier: Apache-2.0
"""Oracle.set_feed: the owner alone, within bounds."""

from __future__ import annotations

import pytest

from tests.evm import Contract, Env, reverts
from tests.prices import DEFAULT_FEED, push

NANO = 10**9


def test_every_field_is_kept(oracle: Contract) -> None:
    config = DEFAULT_FEED.but(
        heartbeat=65_535,
        max_deviation=5_000,
        confidence_threshold=10**8,
        max_jump=10_000,
        variance_window=2**24 - 1,
        required_signers=3,
        floor=2**72 - 2,
        ceiling=2**72 - 1,
    )
    receipt = oracle.set_feed(255, config.row())
    assert tuple(oracle.config(255)) == config.row()
    [event] = receipt.named("FeedSet")
    assert (event["feed"], tuple(event["config"])) == (255, config.row())


def test_a_new_heartbeat_holds_at_once_and_keeps_the_price(oracle: Contract, env: Env) -> None:
    push(oracle, 1, 100 * NANO, 101 * NANO)
    before = oracle.tick(1)
    env.advance(100)
    oracle.set_feed(1, DEFAULT_FEED.but(heartbeat=99).row())
    after = oracle.tick(1)
    assert after[:5] == before[:5]
    assert (after.heartbeat, after.valid) == (99, False)


@pytest.mark.parametrize("role", ["attacker", "guardian", "signer"])
def test_only_the_owner(oracle: Contract, env: Env, role: str) -> None:
    before = oracle.config(1)
    with reverts("ownable: caller is not the owner"):
        oracle.set_feed(1, DEFAULT_FEED.but(heartbeat=1).row(), sender=env.address(role))
    assert oracle.config(1) == before


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"heartbeat": 0}, "oracle: heartbeat out of range"),
        ({"heartbeat": 65_536}, "oracle: heartbeat out of range"),
        ({"max_deviation": 0}, "oracle: deviation out of range"),
        ({"max_deviation": 5_001}, "oracle: deviation out of range"),
        ({"confidence_threshold": 10**8 + 1}, "oracle: confidence above one"),
        ({"max_jump": 10_001}, "oracle: jump out of range"),
        ({"variance_window": 59}, "oracle: window out of range"),
        ({"variance_window": 2**24}, "oracle: window out of range"),
        ({"required_signers": 0}, "oracle: threshold out of range"),
        ({"required_signers": 4}, "oracle: threshold out of range"),
        ({"required_signers": 9}, "oracle: threshold out of range"),
        ({"floor": 5, "ceiling": 5}, "oracle: bounds out of range"),
        ({"ceiling": 2**72}, "oracle: bounds out of range"),
        ({"heartbeat": 2**256 - 1}, "oracle: heartbeat out of range"),
    ],
)
def test_values_out_of_range_are_refused(oracle: Contract, changes: dict[str, int], reason: str) -> None:
    before = oracle.config(1), oracle.word(1)
    with reverts(reason):
        oracle.set_feed(1, DEFAULT_FEED.but(**changes).row())
    assert (oracle.config(1), oracle.word(1)) == before


@pytest.mark.parametrize("feed", [0, 256, 2**256 - 1])
def test_feeds_out_of_range_are_refused(oracle: Contract, feed: int) -> None:
    with reverts("oracle: feed out of range"):
        oracle.set_feed(feed, DEFAULT_FEED.row())
