# SPDX-License-Identifier: Apache-2.0
"""A recorded run executed again, as `make bench` does it: the same state, and only for the same blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.tape import Tape, replay
from simulation.assembly import build, resolve
from simulation.chain.revm import RevmChain


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    tapes: list[Tape] = []

    def record(chain: object) -> Tape:
        tapes.append(Tape(chain))
        return tapes[0]

    folder: Path = tmp_path_factory.mktemp("run")
    build(resolve("black-thursday", ['scenario.duration="20 min"']), out=folder, around=record).run()
    return tapes[0]


def test_replay_of_the_recorded_blocks_ends_in_the_state_of_the_run(tape: Tape) -> None:
    blocks = tape.prepare()
    assert len(blocks) == 20
    assert sum(len(given) for _, given in tape.blocks) > 100
    evm = tape.start()
    assert evm.state_hash() != tape.state_hash()
    replay(evm, blocks)
    assert evm.state_hash() == tape.state_hash()


def test_every_replay_starts_from_the_state_before_the_first_block(tape: Tape) -> None:
    first = tape.start()
    before = first.state_hash()
    replay(first, tape.prepare())
    assert tape.start().state_hash() == before


def test_replay_without_the_last_block_that_did_something_ends_elsewhere(tape: Tape) -> None:
    blocks = tape.prepare()
    last = max(place for place, (_, given) in enumerate(tape.blocks) if given)
    evm = tape.start()
    replay(evm, blocks[:last])
    assert evm.state_hash() != tape.state_hash()


def test_packed_transactions_get_the_receipts_and_logs_of_the_given_ones(tape: Tape) -> None:
    evm, chain = tape.start(), RevmChain(evm=tape.start())
    for (header, packed), (env, given) in zip(tape.prepare(), tape.blocks, strict=True):
        found, expected = evm.execute_block(header, packed), chain.execute_block(env, given)
        assert len(found) == len(given)
        assert found.status == expected.status.tobytes()
        assert found.output == expected.outputs
        assert found.log_data == expected.logs.data
        assert np.frombuffer(found.gas_used, np.uint64).tolist() == expected.gas_used.tolist()
