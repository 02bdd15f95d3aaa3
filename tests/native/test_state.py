# SPDX-License-Identifier: Apache-2.0
"""Snapshots, replicas, dumps and the state hash."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import plimsoll_evm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.native.probe import ETHER, block, calldata, header, new_evm, probe_code, row
from tests.native.reference import address_of

TRADER = address_of("trader")
MAKER = address_of("maker")
ROOT = Path(__file__).resolve().parents[2]


def deployed() -> tuple[plimsoll_evm.Evm, bytes]:
    """A chain with the probe and the probe's address."""
    evm = new_evm({TRADER: 100 * ETHER, MAKER: 100 * ETHER})
    result = evm.execute_block(header(block(1)), [row(TRADER, None, 0, probe_code(), gas_limit=5_000_000)])
    assert result.status == bytes([plimsoll_evm.SUCCESS])
    return evm, result.created


def store(evm: plimsoll_evm.Evm, probe: bytes, count: int, amount: int) -> None:
    """A block that writes the first slots of the probe."""
    data = calldata("store(uint256,uint256)", count, amount)
    result = evm.execute_block(
        header(block(2)), [row(TRADER, probe, evm.nonce(TRADER), data, gas_limit=3_000_000)]
    )
    assert result.status == bytes([plimsoll_evm.SUCCESS])


def picture(evm: plimsoll_evm.Evm) -> list[tuple[bytes, int, int, bytes, tuple[bytes, bytes]]]:
    """All of the state that can be read."""
    return [
        (address, evm.balance(address), evm.nonce(address), evm.code(address), evm.storage_items(address))
        for address in evm.addresses()
    ]


def test_nested_snapshots() -> None:
    evm, probe = deployed()
    pictures, snapshots = [], []
    for step in range(4):
        pictures.append((picture(evm), evm.state_hash()))
        snapshots.append(evm.snapshot())
        store(evm, probe, 5 + step, step)
        evm.set_balance(MAKER, step)
        evm.set_block_hash(7, bytes([step]) * 32)
    evm.revert(snapshots[2])
    assert (picture(evm), evm.state_hash()) == pictures[2]
    with pytest.raises(plimsoll_evm.SnapshotError):
        evm.revert(snapshots[3])
    store(evm, probe, 2, 9)
    evm.revert(snapshots[2])
    assert (picture(evm), evm.state_hash()) == pictures[2]
    evm.revert(snapshots[0])
    assert (picture(evm), evm.state_hash()) == pictures[0]
    assert evm.state_hash() == evm.state_hash_from_scratch()


def test_a_revert_brings_back_code_and_destroyed_storage() -> None:
    evm, probe = deployed()
    store(evm, probe, 4, 4)
    before, snapshot = picture(evm), evm.snapshot()
    evm.set_code(probe, b"")
    evm.set_nonce(probe, 0)
    evm.set_storage(probe, 1, 0)
    assert picture(evm) != before
    evm.revert(snapshot)
    assert picture(evm) == before


def test_replicas_are_independent() -> None:
    evm, probe = deployed()
    store(evm, probe, 4, 4)
    first, second = evm.copy(), evm.copy()
    assert first.state_hash() == second.state_hash() == evm.state_hash()
    store(first, probe, 4, 5)
    evm.set_balance(MAKER, 1)
    assert first.balance(MAKER) == second.balance(MAKER) == 100 * ETHER
    assert evm.storage_items(probe) == second.storage_items(probe) != first.storage_items(probe)
    assert len({evm.state_hash(), first.state_hash(), second.state_hash()}) == 3


def test_dump_and_load() -> None:
    evm = new_evm({TRADER: 2**255}, spec="prague", tx_gas_limit_cap=16_777_216)
    evm.set_code(MAKER, b"\x60\x01")
    evm.set_storage(MAKER, 2**256 - 1, 2**255)
    evm.set_block_hash(3, b"\x03" * 32)
    for twin in (plimsoll_evm.Evm.load(evm.dump()), evm.copy()):
        assert picture(twin) == picture(evm)
        assert twin.chain_id == 1337
        heavy = row(TRADER, b"\x07" * 20, 0, b"\x01" * 1000, gas_limit=16_777_216)
        above = row(TRADER, b"\x07" * 20, 1, gas_limit=16_777_217)
        result = twin.copy().execute_block(header(block(1)), [heavy, above])
        # Prague's floor of 10 gas for each token of calldata (EIP-7623), and the cap.
        assert list(result.status) == [plimsoll_evm.SUCCESS, plimsoll_evm.INVALID]
        assert result.total_gas == 61_000
        assert twin.dump() == evm.dump()
        assert twin.state_hash() == evm.state_hash()


def test_a_broken_dump_is_refused() -> None:
    dump = deployed()[0].dump()
    for broken in (
        b"",
        b"PLIMSOLL",
        dump[:-1],
        dump + b"\x00",
        dump[:12] + b"\x00\x02" + dump[14:],
        dump[:100] + bytes([dump[100] ^ 1]) + dump[101:],
    ):
        with pytest.raises(plimsoll_evm.DumpError):
            plimsoll_evm.Evm.load(broken)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 4)), max_size=30), st.randoms()
)
@settings(deadline=None, max_examples=60)
def test_the_hash_depends_on_content_alone(writes: list[tuple[int, int, int]], draw: random.Random) -> None:
    evm, other = plimsoll_evm.Evm(), plimsoll_evm.Evm()
    content: dict[tuple[int, int], int] = {}
    for account, slot, amount in writes:
        evm.set_storage(bytes([account]) * 20, slot, amount)
        content[account, slot] = amount
        if draw.random() < 0.3:
            evm.state_hash()
    items = list(content.items())
    draw.shuffle(items)
    for (account, slot), amount in items:
        other.set_storage(bytes([account]) * 20, slot, 77)
        other.set_storage(bytes([account]) * 20, slot, amount)
    assert evm.state_hash() == other.state_hash() == evm.state_hash_from_scratch()
    assert evm.dump() == other.dump()
    evm.set_storage(b"\x09" * 20, 0, 1)
    assert evm.state_hash() != other.state_hash()


@given(st.lists(st.integers(0, 7), max_size=25))
@settings(deadline=None, max_examples=60)
def test_any_sequence_of_snapshots(steps: list[int]) -> None:
    evm, expected, opened = plimsoll_evm.Evm(), {}, []
    for count, step in enumerate(steps):
        if step == 0:
            opened.append((evm.snapshot(), dict(expected)))
        elif step == 1 and opened:
            place = count % len(opened)
            snapshot, kept = opened[place]
            del opened[place + 1 :]
            evm.revert(snapshot)
            expected = dict(kept)
        elif step == 2:
            evm.state_hash()
        else:
            evm.set_storage(TRADER, step, count)
            expected[step] = count
        assert all(evm.storage(TRADER, slot) == expected.get(slot, 0) for slot in range(8))
        if step != 2:
            assert evm.copy().state_hash() == evm.state_hash_from_scratch()


def test_changed_slots_are_what_differs() -> None:
    evm, probe = deployed()
    store(evm, probe, 3, 1)
    before = evm.storage_items(probe)
    nonce = evm.nonce(TRADER)
    rows = [
        row(TRADER, probe, nonce, calldata("store(uint256,uint256)", 6, 2)),
        row(TRADER, probe, nonce + 1, calldata("store(uint256,uint256)", 2, 0)),
        row(TRADER, probe, nonce + 2, calldata("store(uint256,uint256)", 1, 1)),
    ]
    result = evm.execute_block(header(block(3)), rows, changes=True)
    assert result.slots is not None
    addresses, keys, values = result.slots
    assert len(keys) == 32 * result.changed_slots and addresses == probe * result.changed_slots
    patched = {before[0][at : at + 32]: before[1][at : at + 32] for at in range(0, len(before[0]), 32)}
    for at in range(0, len(keys), 32):
        assert patched.get(keys[at : at + 32], bytes(32)) != values[at : at + 32]
        patched[keys[at : at + 32]] = values[at : at + 32]
    kept = sorted((key, value) for key, value in patched.items() if value != bytes(32))
    assert (b"".join(key for key, _ in kept), b"".join(value for _, value in kept)) == evm.storage_items(
        probe
    )
    assert evm.execute_block(header(block(4)), []).slots is None


def test_a_large_state_hashes_the_same_with_and_without_waiting() -> None:
    often, never = plimsoll_evm.Evm(), plimsoll_evm.Evm()
    for number in range(70_000):
        often.set_storage(TRADER, number % 500, number)
        never.set_storage(TRADER, number % 500, number)
        if number % 1000 == 0:
            often.state_hash()
    assert often.state_hash() == never.state_hash() == never.state_hash_from_scratch()


SCRIPT = """
from tests.native.test_state import TRADER, deployed, store
evm, probe = deployed()
for amount in range(20):
    store(evm, probe, 60, amount)
print(evm.state_hash().hex(), __import__("hashlib").sha256(evm.dump()).hexdigest())
"""


def test_two_processes_agree() -> None:
    runs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
