# SPDX-License-Identifier: Apache-2.0
"""What Python may hand over, what it gets back, and what must never happen."""

from __future__ import annotations

import threading
import time

import numpy as np
import plimsoll_evm
import pytest

from tests.native.probe import (
    BASE_FEE,
    ETHER,
    block,
    calldata,
    header,
    logs_of,
    new_evm,
    outcomes_of,
    row,
)
from tests.native.reference import address_of
from tests.native.test_state import deployed

TRADER, MAKER = address_of("trader"), address_of("maker")
HEADER = header(block(2))
RECORD = np.dtype(
    [
        ("sender", "u1", 20),
        ("recipient", "u1", 20),
        ("create", "u1"),
        ("value", "u1", 32),
        ("nonce", "<u8"),
        ("gas_limit", "<u8"),
        ("max_fee", "<u8"),
        ("priority_fee", "<u8"),
        ("end", "<u8"),
    ]
)


def reason(evm: plimsoll_evm.Evm, transaction: object) -> str:
    """Why a transaction is left out; it must change nothing."""
    before = evm.state_hash()
    result = evm.execute_block(HEADER, [transaction])
    assert result.status == bytes([plimsoll_evm.INVALID]) and result.total_gas == 0
    assert evm.state_hash() == before
    return plimsoll_evm.REASONS[result.reason[0]]


def test_every_reason_to_leave_a_transaction_out() -> None:
    evm, probe = deployed()
    limited = new_evm({TRADER: ETHER}, tx_gas_limit_cap=16_777_216)
    assert reason(evm, row(TRADER, probe, 0)) == "nonce too low"
    assert reason(evm, row(TRADER, probe, 2)) == "nonce too high"
    assert reason(evm, row(TRADER, probe, 1, value=101 * ETHER)) == "insufficient funds"
    assert reason(evm, row(TRADER, probe, 1, value=2**256 - 1)) == "insufficient funds"
    assert reason(evm, row(TRADER, probe, 1, max_fee=BASE_FEE, priority_fee=0)) == "max fee below base fee"
    assert reason(evm, row(TRADER, probe, 1, max_fee=2 * BASE_FEE, priority_fee=3 * BASE_FEE)) == (
        "priority fee above max fee"
    )
    assert reason(evm, row(TRADER, probe, 1, gas_limit=30_000_001)) == (
        "gas limit above what the block has left"
    )
    assert reason(evm, row(TRADER, probe, 1, gas_limit=20_999)) == "gas limit below intrinsic gas"
    assert reason(evm, row(TRADER, None, 1, bytes(49_153), gas_limit=9_000_000)) == "init code too large"
    assert reason(evm, row(TRADER, probe, 2**64 - 1)) == "nonce overflow"
    assert reason(evm, row(probe, MAKER, 1)) == "sender has code"
    assert reason(limited, row(TRADER, MAKER, 0, gas_limit=16_777_217)) == (
        "gas limit above the transaction cap"
    )


def test_the_block_gas_limit_counts_what_was_used() -> None:
    evm = new_evm({TRADER: ETHER})
    small = header(block(2, gas_limit=50_000))
    rows = [row(TRADER, MAKER, nonce, gas_limit=29_000) for nonce in range(3)]
    result = evm.execute_block(small, rows)
    assert list(result.status) == [1, 1, 3]
    assert plimsoll_evm.REASONS[result.reason[2]] == "gas limit above what the block has left"
    assert result.total_gas == 42_000


def test_records_and_rows_are_the_same_block() -> None:
    evm, probe = deployed()
    other = evm.copy()
    rows = [
        row(TRADER, probe, 1, calldata("emit_events(uint256)", 5)),
        row(MAKER, None, 0, bytes.fromhex("5f5f5360015ff3"), value=3),
        row(TRADER, probe, 2, calldata("fail(string)", "no")),
        row(TRADER, probe, 9),
    ]
    records = np.zeros(len(rows), RECORD)
    ends = np.cumsum([len(entry[7]) for entry in rows])
    for record, entry, end in zip(records, rows, ends, strict=True):
        record["sender"] = np.frombuffer(entry[0], np.uint8)
        record["recipient"] = np.frombuffer(entry[1] or bytes(20), np.uint8)
        record["create"] = entry[1] is None
        record["value"] = np.frombuffer(entry[3].to_bytes(32, "big"), np.uint8)
        for name, place in (("nonce", 2), ("gas_limit", 4), ("max_fee", 5), ("priority_fee", 6)):
            record[name] = entry[place]
        record["end"] = end
    columns = plimsoll_evm.Transactions(records.tobytes(), b"".join(entry[7] for entry in rows))
    first, second = evm.execute_block(HEADER, rows), other.execute_block(HEADER, columns)
    assert outcomes_of(first) == outcomes_of(second)
    assert first.gas_price == second.gas_price
    assert [status for status in first.status] == [1, 1, 0, 3]
    assert evm.state_hash() == other.state_hash()


def test_views_see_nothing_of_each_other_and_leave_nothing() -> None:
    evm, probe = deployed()
    before = evm.state_hash()
    calls = [
        row(TRADER, probe, 0, calldata("store(uint256,uint256)", 4, 9)),
        row(TRADER, probe, 7, calldata("load(uint256)", 3)),
        row(TRADER, probe, 0, calldata("store(uint256,uint256)", 4, 9)),
        row(MAKER, probe, 0, calldata("fail(string)", "seen")),
        row(MAKER, probe, 0, calldata("unreachable()"), max_fee=0, priority_fee=0),
        row(MAKER, probe, 0, calldata("emit_events(uint256)", 3)),
        row(probe, MAKER, 0),
    ]
    result = evm.call_many(HEADER, calls * 3)
    outcomes = outcomes_of(result)
    assert evm.state_hash() == before
    assert outcomes[:7] * 3 == outcomes
    assert outcomes[0] == outcomes[2] and outcomes[1].output == bytes(32)
    assert outcomes[3].output == calldata("Error(string)", "seen")
    assert outcomes[4].gas_used == 1_000_000
    assert len(logs_of(result)) == 15
    assert all(outcome.included for outcome in outcomes)


def test_a_view_moves_only_money_that_is_there() -> None:
    evm = new_evm({TRADER: 5})
    result = evm.call_many(HEADER, [row(TRADER, MAKER, 0, value=5), row(TRADER, MAKER, 0, value=6)])
    assert list(result.status) == [plimsoll_evm.SUCCESS, plimsoll_evm.HALT]
    assert evm.balance(TRADER) == 5 and evm.balance(MAKER) == 0


def test_a_view_can_create() -> None:
    evm = new_evm({})
    result = evm.call_many(HEADER, [row(TRADER, None, 0, bytes.fromhex("5f5f5360015ff3"))])
    assert result.status == b"\x01" and result.created != bytes(20)
    assert evm.code(result.created) == b""


@pytest.mark.parametrize("spec", ["Cancun", "CANCUN", "latest", "", "shanghai"])
def test_an_unknown_hard_fork_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="spec: expected one of cancun, prague"):
        plimsoll_evm.Evm(1, spec)


def test_hard_forks_differ() -> None:
    calldata_heavy = row(TRADER, MAKER, 0, b"\x01" * 1000)
    gas = {}
    for spec in ("cancun", "prague"):
        result = new_evm({TRADER: ETHER}, spec=spec).execute_block(HEADER, [calldata_heavy])
        gas[spec] = result.total_gas
    # EIP-7623: a floor of 10 gas for each of 4,000 tokens.
    assert gas == {"cancun": 37_000, "prague": 61_000}


def test_malformed_input_is_refused_before_anything_runs() -> None:
    evm = new_evm({TRADER: ETHER})
    good = row(TRADER, MAKER, 0)
    before = evm.state_hash()
    for bad in (
        (TRADER[:19], *good[1:]),
        (TRADER, b"", *good[2:]),
        (*good[:2], -1, *good[3:]),
        (*good[:3], -1, *good[4:]),
        (*good[:3], 2**256, *good[4:]),
        (*good[:4], 2**64, *good[5:]),
        (*good[:7], "text"),
        good[:7],
        None,
    ):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            evm.execute_block(HEADER, [good, bad])
    assert evm.state_hash() == before
    for records, data in ((bytes(112), b""), (bytes(105) + b"\x02" + bytes(7), b"a"), (b"\xff" * 113, b"")):
        with pytest.raises(ValueError, match="records: expected"):
            plimsoll_evm.Transactions(records, data)
    with pytest.raises(ValueError, match="20 bytes"):
        plimsoll_evm.Header(1, 1, b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        evm.set_block_hash(1, b"short")
    with pytest.raises(plimsoll_evm.SnapshotError):
        evm.revert(1)
    with pytest.raises(IndexError):
        evm.execute_block(HEADER, []).output_of(0)


def test_accounts_can_be_written_and_read() -> None:
    evm = plimsoll_evm.Evm(chain_id=5)
    evm.set_balance(TRADER, 2**256 - 1)
    evm.set_nonce(TRADER, 2**64 - 1)
    evm.set_storage(TRADER, 2**256 - 1, 2**200)
    evm.set_code(MAKER, b"\x00\x01")
    assert evm.chain_id == 5
    assert (evm.balance(TRADER), evm.nonce(TRADER)) == (2**256 - 1, 2**64 - 1)
    assert evm.code(MAKER) == b"\x00\x01" and evm.code(TRADER) == b""
    keys = bytes(32) + b"\xff" * 32
    assert evm.storage_many(TRADER, keys) == bytes(32) + (2**200).to_bytes(32, "big")
    assert evm.addresses() == tuple(sorted((TRADER, MAKER)))
    assert evm.balance(b"\x77" * 20) == evm.nonce(b"\x77" * 20) == evm.storage(b"\x77" * 20, 1) == 0


def test_a_rich_coinbase_cannot_break_a_block() -> None:
    evm = new_evm({TRADER: ETHER})
    evm.set_balance(MAKER, 2**256 - 1)
    result = evm.execute_block(header(block(2, coinbase=MAKER)), [row(TRADER, MAKER, 0, value=1)])
    assert list(result.status) in ([2], [0])
    assert evm.nonce(TRADER) == 1


def test_other_threads_run_while_a_block_is_executed() -> None:
    evm, probe = deployed()
    rows = [row(TRADER, probe, 1 + nonce, calldata("exhaust()"), gas_limit=30_000_000) for nonce in range(40)]
    wide = header(block(3, gas_limit=10**10))
    ticks: list[float] = []
    done = threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.0005)

    watcher = threading.Thread(target=tick)
    watcher.start()
    start = time.perf_counter()
    evm.execute_block(wide, rows)
    end = time.perf_counter()
    done.set()
    watcher.join()
    inside = [moment for moment in ticks if start < moment < end]
    assert len(inside) >= 5, f"{len(inside)} ticks in {end - start:.3f} s"
