# SPDX-License-Identifier: Apache-2.0
"""Interleaved rounds of both EVMs, medians, one table."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import plimsoll_evm
from rich.console import Console
from rich.table import Table

from benchmarks.evm.workload import ACCOUNTS, BLOCK_SIZE, DEPLOYER, Workload, make_workload
from benchmarks.tape import pack

GWEI = 10**9
ETHER = 10**18
COINBASE = b"\xc0" * 20
GOAL = 0.9
PEER = "verbs 0.4.1, block batches"
PACKED = "native, packed records"


def header(number: int) -> plimsoll_evm.Header:
    """A block with a base fee."""
    return plimsoll_evm.Header(number, 12 * number, COINBASE, 10**9, GWEI)


def native(work: Workload, packed: bool) -> float:
    """Seconds for all blocks on the native EVM, every column of the receipts read."""
    evm = plimsoll_evm.Evm()
    for address in (DEPLOYER, *ACCOUNTS):
        evm.set_balance(address, 1000 * ETHER)
    fees = (2 * GWEI, GWEI)
    ledger = evm.execute_block(header(1), [(DEPLOYER, None, 0, 0, 5_000_000, *fees, work.code)]).created
    seeds = [
        (DEPLOYER, ledger, 1 + place, 0, 2_000_000, *fees, data) for place, data in enumerate(work.seeds)
    ]
    assert set(evm.execute_block(header(2), seeds).status) == {plimsoll_evm.SUCCESS}
    nonces = dict.fromkeys(ACCOUNTS, 0)
    blocks = []
    for operations in work.blocks:
        rows = []
        for operation in operations:
            rows.append(
                (operation.sender, ledger, nonces[operation.sender], 0, 300_000, *fees, operation.data)
            )
            nonces[operation.sender] += 1
        blocks.append(pack(rows) if packed else rows)
    headers = [header(3 + place) for place in range(len(blocks))]
    start = time.perf_counter()
    for block_header, block in zip(headers, blocks, strict=True):
        result = evm.execute_block(block_header, plimsoll_evm.Transactions(*block) if packed else block)
        np.frombuffer(result.status, np.uint8)
        np.frombuffer(result.gas_used, np.uint64)
        np.frombuffer(result.log_topics, np.uint8)
    elapsed = time.perf_counter() - start
    assert (
        set(result.status) == {plimsoll_evm.SUCCESS} and len(result.log_topic_count) == 7 * BLOCK_SIZE // 10
    )
    return elapsed


def peer(work: Workload) -> float:
    """Seconds for all blocks on verbs, submission included."""
    from verbs.envs import EmptyEnvRandom

    evm = EmptyEnvRandom(1)
    for address in (DEPLOYER, *ACCOUNTS):
        evm.create_account(address, 1000 * ETHER)
    ledger = bytes(evm.deploy_contract(DEPLOYER, "Ledger", work.code))
    for data in work.seeds:
        evm.execute(DEPLOYER, ledger, data, 0)
    blocks = [
        [(operation.sender, ledger, operation.data, True, None, None, None) for operation in operations]
        for operations in work.blocks
    ]
    start = time.perf_counter()
    for block in blocks:
        evm.submit_transactions(block)
        evm.process_block()
    return time.perf_counter() - start


def rates(blocks: int, rounds: int) -> dict[str, list[float]]:
    """Operations per second by EVM, round by round; `verbs` is left out, and said so, where it is missing."""
    work = make_workload(blocks)
    runs: dict[str, Callable[[Workload], float]] = {
        "native, rows": lambda work: native(work, packed=False),
        PACKED: lambda work: native(work, packed=True),
    }
    try:
        import verbs.envs  # noqa: F401
    except ImportError:
        print("verbs is not installed (benchmarks/requirements.txt): the native EVM is measured alone")
    else:
        runs[PEER] = peer
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(BLOCK_SIZE * blocks / run(work))
    return found


def main() -> None:
    """Runs the rounds and prints the table; exit code 1 when the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evm", description=__doc__)
    parser.add_argument("--blocks", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    measured = rates(options.blocks, options.rounds)
    theirs = measured.get(PEER)
    base = statistics.median(theirs) if theirs else None
    title = f"{BLOCK_SIZE * options.blocks:,} operations, median of {options.rounds} interleaved rounds"
    table = Table(title=title)
    for heading in ("EVM", "operations/s", "lowest to highest", "to verbs"):
        table.add_column(heading, justify="left" if heading == "EVM" else "right")
    for name, found in measured.items():
        middle = statistics.median(found)
        ratio = f"{middle / base:.2f}" if base else "–"
        table.add_row(name, f"{middle:,.0f}", f"{min(found):,.0f} to {max(found):,.0f}", ratio)
    Console().print(table)
    if base and statistics.median(measured[PACKED]) < GOAL * base:
        raise SystemExit(f"native EVM: below {GOAL} of verbs")


if __name__ == "__main__":
    main()
