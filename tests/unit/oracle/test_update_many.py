# SPDX-License-Identifier: Apache-2.0
"""Oracle.update_many: several feeds at once, all or none."""

from __future__ import annotations

from tests.evm import Contract, Env, reverts
from tests.prices import push, signed_price

NANO = 10**9


def test_each_price_is_stored_with_its_event(oracle: Contract) -> None:
    signed = [signed_price(oracle, feed, feed * 100 * NANO) for feed in (1, 2)]
    receipt = oracle.update_many([price for price, _ in signed], [signatures for _, signatures in signed])
    assert receipt.value == 2
    assert [event["feed"] for event in receipt.named("PriceUpdated")] == [1, 2]
    assert [oracle.tick(feed).spot for feed in (1, 2)] == [100 * NANO, 200 * NANO]


def test_only_newer_prices_are_counted(oracle: Contract, env: Env) -> None:
    push(oracle, 1, 5 * NANO)
    signed = [signed_price(oracle, feed, feed * 100 * NANO) for feed in (1, 2)]
    receipt = oracle.update_many([price for price, _ in signed], [signatures for _, signatures in signed])
    assert receipt.value == 1
    assert [event["feed"] for event in receipt.named("PriceUpdated")] == [2]
    assert oracle.tick(1).spot == 5 * NANO


def test_nothing_to_do_is_no_failure(oracle: Contract) -> None:
    assert oracle.update_many([], []).value == 0


def test_one_bad_price_undoes_all(oracle: Contract) -> None:
    good, signatures = signed_price(oracle, 1, 100 * NANO)
    bad, strangers = signed_price(oracle, 2, 100 * NANO, signers=("attacker",))
    before = oracle.words([1, 2])
    with reverts("oracle: not a signer"):
        oracle.update_many([good, bad], [signatures, strangers])
    assert oracle.words([1, 2]) == before


def test_lists_of_different_length_are_refused(oracle: Contract) -> None:
    price, signatures = signed_price(oracle, 1, 100 * NANO)
    with reverts("oracle: length mismatch"):
        oracle.update_many([price], [])
    with reverts("oracle: length mismatch"):
        oracle.update_many([price], [signatures, signatures])
    assert oracle.tick(1).spot == 0
