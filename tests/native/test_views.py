# SPDX-License-Identifier: Apache-2.0
"""Answers that are kept are those that would be given anew, whatever has changed since."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plimsoll_evm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.chain.revm import pack
from tests.native.probe import COINBASE, ETHER, block, calldata, header, outcomes_of, row
from tests.native.reference import Row, address_of
from tests.native.test_state import MAKER, TRADER, deployed, store

NOBODY = address_of("nobody")


def views(probe: bytes) -> list[Row]:
    """Calls that look at slots, balances, code, the block and nothing; some write, log, revert and halt."""
    reads = [calldata("load(uint256)", slot) for slot in range(4)]
    reads += [calldata("touch(address)", account) for account in (MAKER, NOBODY)]
    others = [
        calldata("emit_environment()"),
        calldata("emit_events(uint256)", 5),
        calldata("bump_thrice()"),
        calldata("catch_failure(string)", "no"),
        calldata("unreachable()"),
        calldata("store(uint256,uint256)", 3, 8),
        calldata("pay(address,uint256)", MAKER, 0),
        b"\xff\xff\xff\xff",
    ]
    # BLOCKHASH of block 3, and the balance and the code hash of whoever sends.
    bare = [
        bytes.fromhex(code)
        for code in ("60034060005260206000f3", "333160005260206000f3", "333f60005260206000f3")
    ]
    return [row(TRADER, probe, 0, data) for data in reads + others] + [
        row(MAKER, None, 0, code) for code in bare
    ]


def run_block(evm: plimsoll_evm.Evm, probe: bytes) -> None:
    """Pays, so that balances, nonces and the counter of the probe change."""
    transaction = row(TRADER, probe, evm.nonce(TRADER), calldata("pay(address,uint256)", MAKER, 0))
    assert evm.execute_block(header(block(3)), [transaction]).status == bytes([plimsoll_evm.SUCCESS])


CHANGES: dict[str, Callable[[plimsoll_evm.Evm, bytes], None]] = {
    "a slot": lambda evm, probe: store(evm, probe, 2, 77),
    "a slot back to zero": lambda evm, probe: store(evm, probe, 2, 0),
    "a block": run_block,
    "a balance": lambda evm, probe: evm.set_balance(MAKER, evm.balance(MAKER) + 1),
    "a new account": lambda evm, probe: evm.set_balance(NOBODY, evm.balance(NOBODY) + ETHER),
    "the balance of the coinbase": lambda evm, probe: evm.set_balance(COINBASE, evm.balance(COINBASE) + 3),
    "code": lambda evm, probe: evm.set_code(probe, evm.code(probe) + b"\x00"),
    "code gone": lambda evm, probe: evm.set_code(probe, b""),
    "a block hash": lambda evm, probe: evm.set_block_hash(3, bytes([len(evm.addresses())]) * 32),
    "nothing": lambda evm, probe: None,
}


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(4, 6)), max_size=8))
def test_kept_answers_are_fresh_answers(steps: list[tuple[str, int]]) -> None:
    evm, probe = deployed()
    calls = views(probe)
    batch = plimsoll_evm.Transactions(*pack(calls))
    for change, number in steps:
        CHANGES[change](evm, probe)
        now = header(block(number))
        assert outcomes_of(evm.call_many(now, batch)) == outcomes_of(evm.call_many(now, calls))


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_after_one_change_and_its_undoing(change: str) -> None:
    evm, probe = deployed()
    store(evm, probe, 4, 5)
    calls = views(probe)
    batch, now = plimsoll_evm.Transactions(*pack(calls)), header(block(4))
    first, snapshot = outcomes_of(evm.call_many(now, batch)), evm.snapshot()
    CHANGES[change](evm, probe)
    assert outcomes_of(evm.call_many(now, batch)) == outcomes_of(evm.call_many(now, calls))
    evm.revert(snapshot)
    assert outcomes_of(evm.call_many(now, batch)) == first


def test_another_coinbase_is_another_warm_address() -> None:
    evm, probe = deployed()
    batch = plimsoll_evm.Transactions(*pack([row(TRADER, probe, 0, calldata("touch(address)", MAKER))]))
    gas = [
        np.frombuffer(evm.call_many(header(block(4, coinbase=who)), batch).gas_used, np.uint64).item()
        for who in (COINBASE, MAKER, COINBASE)
    ]
    assert gas[0] == gas[2] != gas[1]


def test_another_batch_gets_its_own_answers() -> None:
    evm, probe = deployed()
    store(evm, probe, 1, 41)
    calls = views(probe)
    packed = [plimsoll_evm.Transactions(*pack(part)) for part in (calls[:2], calls[1::-1])]
    now = header(block(4))
    first, second = (evm.call_many(now, batch).output for batch in packed)
    assert (first[:32], first[32:]) == (second[32:], second[:32]) == ((41).to_bytes(32, "big"), bytes(32))
    assert evm.copy().call_many(now, packed[1]).output == second
