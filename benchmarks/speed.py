# SPDX-License-Identifier: Apache-2.0
"""`make bench`: what the laboratory costs on top of the EVM, and the EVM beside its peer.

1. `black-thursday` runs; then the same transactions, recorded from it, run from prepared calldata through
   the native EVM alone, from a copy of the state before the first block. Of the run everything counts from
   the first block to the last file: decisions, mempool, execution, state hash, decoding, reconciliation,
   Parquet. Imports, compilation and deployment do not count. Both must end in the same state.
2. On the common work of benchmarks/evm, `execute_block` beside `verbs` 0.4.1 in block batches
   (benchmarks/requirements.txt); fees, nonces, topics and true status are in the time of the first alone.

Runs and replays take turns and a run is divided by the mean of the replays around it, since what a shared
machine does to one it does to the other. Exit code 1 when a bound is missed or the states differ.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.evm.__main__ import GOAL, PACKED, PEER, rates
from benchmarks.tape import Prepared, Tape, replay
from simulation.assembly import build, resolve

SCENARIO = "black-thursday"
BOUND = 2.5
"""Largest time of a run over that of the bare EVM."""


class Laboratory:
    """Runs of the scenario and replays of its transactions."""

    def __init__(self, overrides: Sequence[str]) -> None:
        self.overrides = overrides
        self.blocks: Prepared = []
        self.transactions = 0
        self.hash = b""
        self._tape: Tape | None = None

    def run(self) -> float:
        """Seconds of one run, from its first block to its last file."""
        tapes: list[Tape] = []

        def record(chain: object) -> Tape:
            tapes.append(Tape(chain))
            return tapes[0]

        with tempfile.TemporaryDirectory() as folder:
            simulation = build(resolve(SCENARIO, self.overrides), out=Path(folder), around=record)
            start = time.perf_counter()
            simulation.run()
            elapsed = time.perf_counter() - start
        tape = tapes[0]
        if self._tape is None:
            self._tape, self.hash = tape, tape.state_hash()
            self.blocks = tape.prepare()
            self.transactions = sum(len(given) for _, given in tape.blocks)
            tape.blocks.clear()
        elif tape.state_hash() != self.hash:
            raise SystemExit("two runs of the scenario ended in different states; expected the same")
        return elapsed

    def replay(self) -> float:
        """Seconds of the same blocks on the bare EVM."""
        assert self._tape is not None
        evm = self._tape.start()
        start = time.perf_counter()
        replay(evm, self.blocks)
        elapsed = time.perf_counter() - start
        if evm.state_hash() != self.hash:
            raise SystemExit("the replay ended in another state than the run; expected the same")
        return elapsed


def measure(laboratory: Laboratory, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds of runs and of replays, and the ratio of every round."""
    runs, replays = [], []
    for _ in range(rounds):
        runs.append(laboratory.run())
        replays.append(laboratory.replay())
    around = [replays[0], *(statistics.mean(pair) for pair in pairwise(replays))]
    return runs, replays, [run / bare for run, bare in zip(runs, around, strict=True)]


def main() -> None:
    """Measures, prints one table, and exits with 1 when a bound is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of the scenario")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    options = parser.parse_args()

    Laboratory(['scenario.duration="10 min"']).run()  # imports and caches are warm from here on
    laboratory = Laboratory(options.overrides)
    runs, replays, ratios = measure(laboratory, options.rounds)
    peers = rates(blocks=100, rounds=7)
    table = Table(title="Speed: medians of interleaved rounds")
    for heading in ("what", "median", "lowest to highest", "bound"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    count = f"{len(laboratory.blocks):,} blocks, {laboratory.transactions:,} transactions"
    _row(table, f"{SCENARIO}: {count}", runs, "{:.2f} s")
    _row(table, "the same transactions on the bare EVM", replays, "{:.2f} s")
    _row(table, "run over bare EVM", ratios, "{:.2f}", f"at most {BOUND}")
    table.add_section()
    for name, found in peers.items():
        _row(table, f"common work, {name}", found, "{:,.0f} op/s")
    failures = []
    if statistics.median(ratios) > BOUND:
        failures.append(f"run over bare EVM: above {BOUND}")
    if PEER in peers:
        to_peer = [mine / theirs for mine, theirs in zip(peers[PACKED], peers[PEER], strict=True)]
        _row(table, f"{PACKED} over {PEER}", to_peer, "{:.2f}", f"at least {GOAL}")
        if statistics.median(to_peer) < GOAL:
            failures.append(f"{PACKED} over {PEER}: below {GOAL}")
    Console(width=112).print(table)
    if failures:
        sys.exit("; ".join(failures))


def _row(table: Table, what: str, found: Sequence[float], form: str, bound: str = "") -> None:
    middle, low, high = (form.format(value) for value in (statistics.median(found), min(found), max(found)))
    table.add_row(what, middle, f"{low} to {high}", bound)


if __name__ == "__main__":
    main()
