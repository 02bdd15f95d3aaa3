# SPDX-License-Identifier: Apache-2.0
"""INV-47 and INV-48: a run depends on its seed alone, and goes on after a stop as if nothing had happened."""

from __future__ import annotations

from random import Random

import plimsoll_evm

from tests.stateful.driver import Driver, Step
from tests.stateful.regimes import begin, play
from tests.stateful.rig import Rig

CALLS = 400
Sent = list[tuple[bytes, str, bytes, int]]


class Recorder(Rig):
    """Notes every transaction with its time."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: Sent = []
        self.hashes: list[bytes] = []

    def send(self, sender: bytes, contract: str, data: bytes):  # type: ignore[no-untyped-def]
        self.sent.append((sender, contract, data, self.time))
        outcome = super().send(sender, contract, data)
        self.hashes.append(self.evm.state_hash())
        return outcome


def _run() -> Recorder:
    rig = Recorder()
    driver, _ = begin(Random("replay"), "crash", rig)
    play(driver, "crash", CALLS)
    return rig


def test_the_same_seed_gives_the_same_state_after_every_call() -> None:
    """INV-47."""
    one, other = _run(), _run()
    assert one.sent == other.sent
    assert one.hashes == other.hashes
    assert one.evm.state_hash() == one.evm.state_hash_from_scratch()


def test_a_run_resumed_from_its_dump_ends_where_it_would_have() -> None:
    """INV-48: stopped after any call, loaded again, no call is lost or doubled."""
    whole = _run()
    for stop in (1, CALLS // 3, CALLS - 1):
        rig = Recorder()
        for sender, contract, data, time in whole.sent[:stop]:
            rig.time = time
            rig.send(sender, contract, data)
        resumed = Recorder()
        resumed.evm = plimsoll_evm.Evm.load(rig.evm.dump())
        resumed.number = rig.number
        for sender, contract, data, time in whole.sent[stop:]:
            resumed.time = time
            resumed.send(sender, contract, data)
        assert rig.hashes + resumed.hashes == whole.hashes


def test_two_replicas_of_a_state_do_not_touch_each_other() -> None:
    """What Monte-Carlo branches rest on: a copy goes its own way."""
    rig = _run()
    before = rig.evm.state_hash()
    branch = rig.evm.copy()
    seen: list[Step] = []
    other = Rig()
    other.evm, other.time, other.number = branch, rig.time, rig.number
    driver = Driver(Random("branch"), (lambda _, step: seen.append(step),), other)
    driver.call("keeper", "Vault", "deposit(uint256,uint256,uint256)", 7, 0, 10**6)
    assert seen[0].ok and branch.state_hash() != before
    assert rig.evm.state_hash() == before
