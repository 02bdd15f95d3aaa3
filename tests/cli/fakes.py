# SPDX-License-Identifier: Apache-2.0
"""Runs without a chain: folders that a real run could have left, cells of a sweep that end in every way."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from simulation.assembly import Resolved
from simulation.config import dump_scenario
from simulation.errors import OutputError, RunError
from simulation.messages.progress import Progress, RunResult, Watcher
from simulation.sweep import Cell, CellResult
from tests.synthetic_run import RunBuilder

BLOCKS = 12


@dataclass
class FakeSimulation:
    """Writes a run folder of a few blocks whose hashes depend on seed and salt."""

    resolved: Resolved
    out: Path
    stop_after: int = BLOCKS
    error: str = ""
    salt: str = ""
    salt_from: int = 0

    def run(self, watch: Watcher | None = None) -> RunResult:
        if self.out.exists() and any(self.out.iterdir()) and not (self.out / "summary.json").exists():
            raise OutputError(f"{self.out}: holds something else; expected a new folder")
        builder = RunBuilder(self.out, blocks=BLOCKS)
        for place in range(self.stop_after):
            block = builder.first + place
            salt = self.salt if place >= self.salt_from else ""
            digest = hashlib.sha256(f"{self.resolved.seed} {block} {salt}".encode()).hexdigest()
            builder.block(block, block_hash=f"0x{digest}")
            builder.market(block)
            if watch is not None:
                watch(Progress(place + 1, BLOCKS, "ETH", 100.0, place // 4))
        for block in (builder.first, builder.first + self.stop_after - 1):
            builder.account(block, 1, "patient", "keeper", equity_usd=float(block))
        complete = self.stop_after == BLOCKS
        reason = "" if complete else f"interrupted by the user after {self.stop_after} of {BLOCKS} blocks"
        builder.summary |= {
            "scenario": self.resolved.name,
            "seed": self.resolved.seed,
            "status": "complete" if complete and not self.error else "interrupted",
            "reason": self.error or reason,
            "blocks": self.stop_after,
        }
        builder.write()
        (self.out / "scenario.toml").write_text(dump_scenario(self.resolved.scenario), encoding="utf-8")
        if self.error:
            raise RunError(self.error)
        return RunResult(self.out, complete, reason, self.stop_after)


def run_cell(cell: Cell) -> CellResult:
    """A cell whose bad debt is its seed, ten times it when no keepers are there; later seeds end earlier."""
    time.sleep(0.2 if cell.seed % 2 else 0.0)
    factor = 10 if "agents.keepers.count=0" in cell.overrides else 1
    return CellResult(cell.arm, cell.seed, (("bad_debt", float(cell.seed * factor)), ("volume", None)), "")


def run_cell_with_trouble(cell: Cell) -> CellResult:
    """Seed 3 kills its process, seed 4 ends in an error of ours."""
    if cell.seed == 3:
        os._exit(9)
    if cell.seed == 4:
        return CellResult(cell.arm, cell.seed, (), "block 7: the books differ by 1 wei")
    return run_cell(cell)
