# SPDX-License-Identifier: Apache-2.0
"""Oracle.word, words, tick and config, and the EIP-712 domain."""

from __future__ import annotations

from tests.backends import CHAIN_ID
from tests.evm import Contract
from tests.prices import DEFAULT_FEED, push

NANO = 10**9


def test_words_are_the_single_words_in_order(oracle: Contract) -> None:
    push(oracle, 1, 100 * NANO)
    push(oracle, 2, 200 * NANO)
    first, second = oracle.word(1), oracle.word(2)
    assert first != second
    assert oracle.words([2, 1, 2, 77]) == [second, first, second, 0]
    assert oracle.words([]) == []
    assert oracle.words([1] * 72) == [first] * 72


def test_a_configured_feed_without_price_is_known_but_not_valid(oracle: Contract) -> None:
    assert oracle.word(1) == DEFAULT_FEED.heartbeat << 236
    assert not oracle.tick(1).valid
    assert oracle.word(9) == 0
    assert tuple(oracle.tick(9)) == (0, 0, 0, 0, 0, 0, 0, False)


def test_config_is_what_was_set(oracle: Contract) -> None:
    assert tuple(oracle.config(1)) == DEFAULT_FEED.row()
    assert tuple(oracle.config(9)) == (0,) * 8


def test_the_signing_domain_is_published(oracle: Contract) -> None:
    _, name, version, chain_id, address, _, _ = oracle.eip712Domain()
    assert (name, version, chain_id, address) == ("Plimsoll Oracle", "1", CHAIN_ID, oracle.address)
