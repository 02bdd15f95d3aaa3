# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from simulation.mempool import Mempool, Pending

ARRIVALS = itertools.count()


def pending(
    sender: int = 1, nonce: int = 0, tip: int = 10, max_fee: int = 1_000, gas: int = 100, expires: int = 99
) -> Pending[str]:
    return Pending(sender, nonce, tip, max_fee, gas, gas, expires, next(ARRIVALS), f"{sender}/{nonce}")


def pool_of(*transactions: Pending[str]) -> Mempool[str]:
    pool: Mempool[str] = Mempool()
    for transaction in transactions:
        assert pool.submit(transaction).accepted
    return pool


def names(pool: Mempool[str], base_fee: int = 100, limit: int = 10_000) -> list[str]:
    return [item.payload for item in pool.build(base_fee, limit).transactions]


def test_best_head_first_then_the_earlier() -> None:
    pool = pool_of(pending(1, tip=5), pending(2, tip=9), pending(3, tip=5), pending(4, tip=7))
    assert names(pool) == ["2/0", "4/0", "1/0", "3/0"]


def test_heads_are_compared_again_after_each_one() -> None:
    pool = pool_of(pending(1, 0, tip=9), pending(1, 1, tip=1), pending(2, 0, tip=5), pending(1, 2, tip=50))
    assert names(pool) == ["1/0", "2/0", "1/1", "1/2"]


def test_a_gap_waits_until_it_is_filled() -> None:
    pool = pool_of(pending(1, 0), pending(1, 2))
    assert names(pool) == ["1/0"]
    assert pool.free_nonce(1) == 1
    pool.submit(pending(1, 1))
    assert names(pool) == ["1/0", "1/1", "1/2"]
    assert pool.free_nonce(1) == 3


def test_replacement_needs_ten_percent_on_both_fees() -> None:
    first = pending(1, tip=100, max_fee=1_000)
    pool = pool_of(first)
    assert pool.submit(pending(1, tip=110, max_fee=1_099)).reason == "replacement underpriced"
    assert pool.submit(pending(1, tip=109, max_fee=1_100)).reason == "replacement underpriced"
    assert len(pool) == 1 and pool.find(1, 0) is first
    done = pool.submit(pending(1, tip=110, max_fee=1_100))
    assert done.accepted and done.replaced is first and len(pool) == 1


def test_refusals_leave_no_trace() -> None:
    pool = pool_of()
    pool.set_nonce(1, 5)
    assert pool.submit(pending(1, 4)).reason == "nonce too low"
    assert pool.submit(pending(1, 5, tip=11, max_fee=10)).reason == "tip above maximal fee"
    assert len(pool) == 0 and pool.free_nonce(1) == 5 and names(pool) == []


def test_who_cannot_pay_the_base_fee_blocks_its_own_queue_only() -> None:
    pool = pool_of(pending(1, 0, max_fee=99), pending(1, 1, max_fee=900), pending(2, 0))
    assert names(pool, base_fee=100) == ["2/0"]


def test_a_full_block_passes_over_who_does_not_fit() -> None:
    pool = pool_of(
        pending(1, 0, tip=9, gas=600), pending(2, 0, tip=8, gas=600), pending(3, 0, tip=7, gas=300)
    )
    assert names(pool, limit=1_000) == ["1/0", "3/0"]


def test_expired_ones_leave_and_free_their_nonce() -> None:
    pool = pool_of(pending(1, 0, expires=5), pending(1, 1, expires=9))
    assert pool.expire(5) == []
    assert [item.payload for item in pool.expire(6)] == ["1/0"]
    assert names(pool) == [] and pool.free_nonce(1) == 0 and len(pool) == 1
    pool.submit(pending(1, 0))
    assert names(pool) == ["1/0", "1/1"] and pool.free_nonce(1) == 2


def test_a_dropped_one_frees_its_nonce() -> None:
    first = pending(1, 0)
    pool = pool_of(first, pending(1, 1))
    pool.drop(first)
    assert names(pool) == [] and pool.free_nonce(1) == 0 and len(pool) == 1


def test_a_replaced_transaction_does_not_expire_its_successor() -> None:
    pool = pool_of(pending(1, tip=10, expires=5))
    pool.submit(pending(1, tip=20, max_fee=2_000, expires=50))
    assert pool.expire(6) == [] and len(pool) == 1


def test_others_take_space_before_those_who_bid_less() -> None:
    pool = pool_of(pending(1, tip=9, gas=400), pending(2, tip=3, gas=400), pending(3, tip=2, gas=100))
    block = pool.build(100, 1_000, external_gas=500, external_tip=5)
    assert [item.payload for item in block.transactions] == ["1/0", "3/0"]
    assert block.external_gas == 500 and block.gas_available == 500


TRANSACTIONS = st.lists(
    st.tuples(
        st.integers(1, 5), st.integers(0, 4), st.integers(0, 50), st.integers(50, 200), st.integers(1, 500)
    ),
    max_size=40,
)


@given(TRANSACTIONS, st.integers(50, 150), st.integers(1, 3_000))
def test_a_block_is_valid_ordered_and_repeatable(
    rows: list[tuple[int, int, int, int, int]], base_fee: int, limit: int
) -> None:
    pools: list[Mempool[str]] = [Mempool(), Mempool()]
    for arrival, (sender, nonce, tip, max_fee, gas) in enumerate(rows):
        for pool in pools:
            pool.submit(Pending(sender, nonce, tip, max_fee, gas, gas, 99, arrival, f"{sender}/{nonce}"))
    chosen = pools[0].build(base_fee, limit).transactions
    assert [item.payload for item in chosen] == names(pools[1], base_fee, limit)
    assert sum(item.gas_limit for item in chosen) <= limit
    assert all(item.max_fee >= base_fee for item in chosen)
    for sender in range(1, 6):
        nonces = [item.nonce for item in chosen if item.sender == sender]
        assert nonces == list(range(len(nonces)))
    before = len(pools[0])
    pools[0].executed(chosen)
    assert len(pools[0]) == before - len(chosen) == len(pools[0].pending())
    for sender in range(1, 6):
        free = pools[0].free_nonce(sender)
        assert pools[0].find(sender, free) is None
        assert all(pools[0].find(sender, nonce) for nonce in range(pools[0].nonce(sender), free))
    if chosen and len(chosen) == before:
        return
    fits = [item for item in pools[0].pending() if item.nonce == pools[0].nonce(item.sender)]
    room = limit - sum(item.gas_limit for item in chosen)
    touched = {item.sender for item in chosen}
    assert all(
        item.gas_limit > room or item.max_fee < base_fee for item in fits if item.sender not in touched
    )
