# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from simulation.agents import Agent
from simulation.engine.encoder import Encoder
from simulation.engine.outbox import Outbox, Ticket
from simulation.mempool import Mempool, Pending
from simulation.messages import CancelAll, Fees, Intent, Reprice, Status, View
from tests.engine.books import PROTOCOL, owner

GWEI = 10**9


class Silent(Agent):
    """Says nothing; its intents are posted by hand."""

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        return []


def outbox(latency: int = 0) -> Outbox:
    agents = [
        Silent(f"agent-{account}", np.array([account]), None, np.random.default_rng(0)) for account in (1, 2)
    ]
    agents[1].latency = latency
    pool: Mempool[Ticket] = Mempool()
    return Outbox(
        agents,
        [Encoder(PROTOCOL, owner)] * 2,
        pool,
        lambda account: account - 1,
        lambda sender: f"0x{sender}",
    )


def wish(account: int, tag: int = 0, **fees: int) -> CancelAll:
    return CancelAll(account=account, tag=tag, fees=Fees(**fees))


def execute(box: Outbox, block: int, status: Status = Status.SUCCESS) -> list[tuple[Status, int, int]]:
    chosen = box.pool.build(10 * GWEI, 30_000_000).transactions
    rows = box.settle(block, [(pending, status, 50_000, 11 * GWEI, "") for pending in chosen])
    return [(row.receipt.status, row.nonce, row.place) for row in rows]


def pending(box: Outbox) -> list[Pending[Ticket]]:
    return box.pool.pending()


def test_wishes_become_numbered_transactions_with_fees() -> None:
    box = outbox()
    box.post(0, [wish(1), wish(1, tip=3 * GWEI), wish(1, max_fee=7 * GWEI, tip=GWEI)], 10)
    box.deliver(10, 10 * GWEI)
    found = pending(box)
    assert [item.nonce for item in found] == [0, 1, 2]
    assert [item.max_fee for item in found] == [21 * GWEI, 23 * GWEI, 7 * GWEI]
    assert [item.payload.encoded.function for item in found] == ["Exchange.cancel_all"] * 3
    assert found[0].expires == 10 + Fees().lifetime - 1


def test_latency_delays_the_arrival() -> None:
    box = outbox(latency=2)
    box.post(1, [wish(2)], 10)
    box.post(0, [wish(1)], 10)
    for block, count in ((10, 1), (11, 1), (12, 2)):
        box.deliver(block, 10 * GWEI)
        assert len(box.pool) == count
    assert pending(box)[-1].payload.submitted == 12


def test_what_was_executed_is_told_with_gas_and_teaches_what_it_uses() -> None:
    box = outbox()
    box.post(0, [wish(1)], 10)
    box.deliver(10, 10 * GWEI)
    assert pending(box)[0].gas_expected == pending(box)[0].gas_limit
    assert execute(box, 10) == [(Status.SUCCESS, 0, 0)]
    box.post(0, [wish(1)], 11)
    box.deliver(11, 10 * GWEI)
    assert pending(box)[0].nonce == 1 and pending(box)[0].gas_expected == 50_000


def test_a_raise_replaces_the_transaction_and_only_it_is_executed() -> None:
    box = outbox()
    box.post(0, [wish(1, tag=5, tip=GWEI, max_fee=20 * GWEI)], 10)
    box.deliver(10, 10 * GWEI)
    box.post(0, [Reprice(account=1, tag=5, fees=Fees(tip=2 * GWEI, max_fee=40 * GWEI))], 11)
    box.deliver(11, 10 * GWEI)
    (raised,) = pending(box)
    assert (raised.nonce, raised.tip, raised.max_fee) == (0, 2 * GWEI, 40 * GWEI)
    assert raised.payload.intent.tag == 5 and isinstance(raised.payload.intent, CancelAll)
    assert execute(box, 11) == [(Status.SUCCESS, 0, 0), (Status.REPLACED, 0, 1)]


@pytest.mark.parametrize("tag", [5, 6])
def test_a_raise_that_is_too_small_or_has_no_target_changes_nothing(tag: int) -> None:
    box = outbox()
    box.post(0, [wish(1, tag=5, tip=100, max_fee=20 * GWEI)], 10)
    box.deliver(10, 10 * GWEI)
    before = pending(box)
    box.post(0, [Reprice(account=1, tag=tag, fees=Fees(tip=109, max_fee=20 * GWEI))], 11)
    box.deliver(11, 10 * GWEI)
    assert pending(box) == before
    assert box.settle(11, []) == []
    box.post(0, [Reprice(account=1, tag=5, fees=Fees(tip=110, max_fee=22 * GWEI))], 12)
    box.deliver(12, 10 * GWEI)
    assert pending(box)[0].tip == 110


def test_expired_refused_and_dropped_ones_are_told() -> None:
    box = outbox()
    box.post(0, [wish(1, lifetime=2), wish(1, tip=9 * GWEI, max_fee=GWEI)], 10)
    box.deliver(10, 10 * GWEI)
    assert [row.receipt.status for row in box.settle(10, [])] == [Status.DROPPED]
    box.expire(11)
    assert len(box.pool) == 1
    box.expire(12)
    (row,) = box.settle(12, [])
    assert (row.receipt.status, row.receipt.reason, row.agent) == (Status.EXPIRED, "lifetime over", "agent-1")
    box.post(1, [wish(2)], 13)
    box.deliver(13, 10 * GWEI)
    box.drop(pending(box)[0], "insufficient funds")
    (row,) = box.settle(13, [])
    assert (row.receipt.status, row.receipt.reason, len(box.pool)) == (
        Status.DROPPED,
        "insufficient funds",
        0,
    )
