# SPDX-License-Identifier: Apache-2.0
"""Grids of runs: every arm with the same seeds, on a pool of processes, into one dataset.

Arms differ in settings alone and share their seeds, hence their random numbers, so that differences between
arms are paired and common noise cancels. Results do not depend on the number of workers or on the order in
which runs end. A run that fails or kills its process is reported and the others go on.

    OUT/
      results.parquet   arm, seed, metric, value; ordered by arm, seed and metric
      sweep.json        scenario, arms, seeds, and the runs that failed
      report.html       the comparison, written by reports/

Imports: assembly, metrics, config.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from simulation.assembly import build, resolve
from simulation.errors import InputError, OutputError, PlimsollError
from simulation.metrics import RunTables, compute

__all__ = ["RESULTS", "Arm", "Cell", "CellResult", "Sweep", "parse_grid", "plan", "run_cell", "run_cells"]

RESULTS: Final = pa.schema(
    [
        ("arm", pa.string()),
        ("seed", pa.int64()),
        ("metric", pa.string()),
        ("value", pa.float64()),  # null where the metric is not defined for the run
    ]
)
"""Schema of results.parquet."""

_CLOSERS: Final = {"[": "]", "{": "}", '"': '"', "'": "'"}


@dataclass(frozen=True, slots=True)
class Arm:
    """One combination of settings."""

    name: str
    """The settings that vary: `key=value, key=value`; `base` when none does."""
    overrides: tuple[str, ...]
    """All settings, those common to all arms included."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of the grid; travels to a worker process."""

    arm: str
    seed: int
    source: str
    overrides: tuple[str, ...]
    prices: tuple[str, ...]
    agents: tuple[str, ...]
    folder: Path
    keep: bool
    """Leave the run folder; otherwise it is removed once measured."""


@dataclass(frozen=True, slots=True)
class CellResult:
    """What became of one run."""

    arm: str
    seed: int
    values: tuple[tuple[str, float | None], ...]
    """Metric and value, in the order of tables; empty when it failed."""
    error: str
    """Why it failed, one line; empty when it did not."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A planned grid."""

    scenario: str
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    out: Path


def parse_grid(settings: Sequence[str]) -> tuple[Arm, ...]:
    """Every combination of `key=a,b,c` settings, the last key varying fastest.

    A comma inside brackets, braces or quotes belongs to the value.

    Raises:
        InputError: no key, no value, or the same key or value twice.
    """
    axes: dict[str, list[str]] = {}
    for text in settings:
        key, separator, rest = text.partition("=")
        key = key.strip()
        values = [value.strip() for value in _split(rest)]
        if not separator or not key or not all(values):
            raise InputError(f"--set {text}: got no key and values; expected --set key=a,b,c")
        if key in axes:
            raise InputError(f"--set {text}: {key} was set before; expected each key once")
        if len(set(values)) < len(values):
            raise InputError(f"--set {text}: a value stands there twice; expected different values")
        axes[key] = values
    varied = {key for key, values in axes.items() if len(values) > 1}
    arms = []
    for combination in itertools.product(*axes.values()):
        pairs = list(zip(axes, combination, strict=True))
        name = ", ".join(f"{key}={value}" for key, value in pairs if key in varied) or "base"
        arms.append(Arm(name, tuple(f"{key}={value}" for key, value in pairs)))
    return tuple(arms)


def plan(
    source: str,
    settings: Sequence[str],
    *,
    seeds: int,
    first_seed: int | None = None,
    prices: Sequence[str] = (),
    agents: Sequence[str] = (),
    out: Path,
    keep: bool = False,
) -> Sweep:
    """The grid, with every arm's scenario read and checked before anything runs.

    Args:
        source: scenario name or file.
        settings: `key=a,b,c` each; a single value holds in every arm.
        seeds: runs of each arm, with consecutive seeds.
        first_seed: of them; the scenario's own when None.
        prices, agents: as for a single run.
        out: folder of the sweep.
        keep: leave every run folder under `out/runs`.

    Raises:
        InputError: anything wrong in the settings, the scenario or the files.
    """
    if seeds < 1:
        raise InputError(f"--seeds {seeds}: got no runs; expected a whole number from 1")
    arms = parse_grid(settings)
    resolved = [resolve(source, arm.overrides, prices, agents) for arm in arms]
    start = resolved[0].seed if first_seed is None else first_seed
    numbers = tuple(range(start, start + seeds))
    cells = tuple(
        Cell(
            arm.name,
            seed,
            source,
            (*arm.overrides, f"scenario.seed={seed}"),
            tuple(prices),
            tuple(agents),
            out / "runs" / f"{place:02d}-{seed}",
            keep,
        )
        for place, arm in enumerate(arms)
        for seed in numbers
    )
    return Sweep(resolved[0].name, arms, numbers, cells, out)


def run_cell(cell: Cell) -> CellResult:
    """Run one cell and measure it; every error of ours becomes its result. Called in a worker process."""
    try:
        resolved = resolve(cell.source, cell.overrides, cell.prices, cell.agents)
        result = build(resolved, out=cell.folder).run()
        if not result.complete:
            return CellResult(cell.arm, cell.seed, (), f"interrupted: {result.reason}")
        with RunTables(cell.folder) as run:
            values = tuple((item.name, item.value) for item in compute(run))
    except PlimsollError as error:
        return CellResult(cell.arm, cell.seed, (), " ".join(str(error).split()))
    except Exception as error:  # An agent of the user's may raise anything; the other runs must go on.
        return CellResult(cell.arm, cell.seed, (), f"{type(error).__name__}: {error}")
    finally:
        if not cell.keep:
            shutil.rmtree(cell.folder, ignore_errors=True)
    return CellResult(cell.arm, cell.seed, values, "")


def run_cells(
    sweep: Sweep,
    *,
    workers: int,
    watch: Callable[[CellResult], None] = lambda result: None,
    runner: Callable[[Cell], CellResult] = run_cell,
) -> tuple[CellResult, ...]:
    """Run every cell and write `results.parquet` and `sweep.json`.

    Args:
        sweep: from `plan`.
        workers: processes; does not change the results.
        watch: called as each run ends, in the order of ending.
        runner: picklable; replaced in tests.

    Returns:
        One result for each cell that ended, in the order of the grid. Ctrl-C stops the rest and raises
        KeyboardInterrupt after what ended has been written.

    Raises:
        InputError: fewer than one worker.
        OutputError: the folder cannot be written.
    """
    if workers < 1:
        raise InputError(f"--workers {workers}: got no process; expected a whole number from 1")
    _claim(sweep.out)
    ended: dict[tuple[str, int], CellResult] = {}
    try:
        for result in _pooled(sweep.cells, workers, runner):
            ended[result.arm, result.seed] = result
            watch(result)
    finally:
        ordered = tuple(ended[cell.arm, cell.seed] for cell in sweep.cells if (cell.arm, cell.seed) in ended)
        _write(sweep, ordered)
        runs = sweep.out / "runs"
        if runs.is_dir() and not any(runs.iterdir()):
            runs.rmdir()
    return ordered


def _pooled(
    cells: Sequence[Cell], workers: int, runner: Callable[[Cell], CellResult]
) -> Iterator[CellResult]:
    """Results as they end. A process that dies takes its pool along; its suspects are tried alone."""
    waiting = list(cells)
    suspects: list[Cell] = []
    while waiting or suspects:
        alone = bool(suspects)
        batch = [suspects.pop(0)] if alone else waiting
        size = 1 if alone else min(workers, len(batch))
        if not alone:
            waiting = []
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(size, mp_context=context, initializer=_ignore_interrupt) as pool:
            running: dict[Future[CellResult], Cell] = {}
            todo = iter(batch)
            try:
                # No more runs are handed over than there are processes, so that few come under suspicion.
                for cell in itertools.islice(todo, size):
                    running[pool.submit(runner, cell)] = cell
                while running:
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        cell = running.pop(future)
                        try:
                            yield future.result()
                        except BrokenProcessPool:
                            if alone:
                                yield CellResult(cell.arm, cell.seed, (), "its process died")
                            else:
                                suspects.append(cell)
                            continue
                        following = next(todo, None)
                        if following is not None:
                            try:
                                running[pool.submit(runner, following)] = following
                            except BrokenProcessPool:
                                waiting.append(following)
            except BaseException:
                for process in multiprocessing.active_children():
                    process.terminate()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            waiting.extend(todo)


def _ignore_interrupt() -> None:
    """Ctrl-C reaches every process of the terminal; the parent alone answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _split(text: str) -> list[str]:
    parts = [""]
    open_until: list[str] = []
    for letter in text:
        if open_until and letter == open_until[-1]:
            open_until.pop()
        elif letter in _CLOSERS and not (open_until and open_until[-1] in "\"'"):
            open_until.append(_CLOSERS[letter])
        if letter == "," and not open_until:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _claim(out: Path) -> None:
    ours = {"results.parquet", "sweep.json", "report.html", "runs"}
    try:
        if out.is_dir() and (
            foreign := sorted(entry.name for entry in out.iterdir() if entry.name not in ours)
        ):
            raise OutputError(f"{out}: holds {foreign[0]}; expected a new folder or one of an earlier sweep")
        out.mkdir(parents=True, exist_ok=True)
        for name in ("results.parquet", "sweep.json", "report.html"):
            (out / name).unlink(missing_ok=True)
        shutil.rmtree(out / "runs", ignore_errors=True)
    except OSError as error:
        raise OutputError(f"{out}: {error.strerror}; expected a folder that can be written") from error


def _write(sweep: Sweep, results: Sequence[CellResult]) -> None:
    rows = [(item.arm, item.seed, name, value) for item in results for name, value in item.values]
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, RESULTS, strict=True)]
    pq.write_table(pa.table(arrays, schema=RESULTS), sweep.out / "results.parquet")
    ended = {(item.arm, item.seed) for item in results}
    document = {
        "scenario": sweep.scenario,
        "arms": [{"name": arm.name, "overrides": list(arm.overrides)} for arm in sweep.arms],
        "seeds": list(sweep.seeds),
        "complete": len(ended) == len(sweep.cells),
        "failed": [
            {"arm": item.arm, "seed": item.seed, "error": item.error} for item in results if item.error
        ],
    }
    text = json.dumps(document, indent=2) + "\n"
    (sweep.out / "sweep.json").write_text(text, encoding="utf-8")
