# SPDX-License-Identifier: Apache-2.0
"""The command `plimsoll`: run, sweep, replay, report, margin, scenarios.

Exit codes: 0 done; 1 a run could not go on, or a replay differs; 2 the input is wrong, nothing was run; 130
interrupted by Ctrl-C, what was recorded is kept. A foreseeable error is one line on standard error.

Imports: click and rich, and every layer below.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final, NoReturn

import click
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from simulation import sweep as sweeps
from simulation.analysis import analyse, load_portfolio
from simulation.assembly import build, resolve
from simulation.config import available_scenarios, read_document
from simulation.config.scenario import ENGINES, MIXED
from simulation.errors import InputError, PlimsollError, ReplayError, RunError
from simulation.messages.progress import Progress as Step
from simulation.metrics import RunTables, applicable, compute, definitions, keepers, record, show
from simulation.reports import show_margin, venue_lines, write_comparison, write_margin, write_report

__all__ = ["main"]

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""


class Command(click.Command):
    """Turns errors of ours into one line each and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PlimsollError as error:
            for line in str(error).splitlines():
                click.echo(f"plimsoll: {line}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("plimsoll: interrupted", err=True)
            ctx.exit(INTERRUPTED)


class Group(click.Group):
    """Commands that end in an honest exit code."""

    command_class = Command


_prices = click.option(
    "--prices",
    multiple=True,
    metavar="SYMBOL=FILE",
    help="Replay a CSV or Parquet file for an asset. Repeatable.",
)
_agents = click.option(
    "--agent",
    "agents",
    multiple=True,
    metavar="FILE.py:Class",
    help="Add an agent or keeper of your own. Repeatable.",
)
_seed = click.option("--seed", type=click.IntRange(0), help="Root of all random numbers.")
_chain = click.option(
    "--chain", type=click.Choice(["revm", "tester"]), help="revm: the native EVM; tester: py-evm."
)
_out = click.option("--out", type=click.Path(path_type=Path), metavar="DIR")
_quiet = click.option("--quiet", is_flag=True, help="Print the path of the report alone.")


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="plimsoll")
def main() -> None:
    """A laboratory for margin protocols: real contracts on a real EVM, driven by agents, block by block."""


@main.command()
@click.argument("scenario")
@_seed
@_chain
@_prices
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a setting. Repeatable.")
@click.option(
    "--engine",
    type=click.Choice([*ENGINES, MIXED]),
    help="Margin system of the agents' accounts; mixed: they take turns with all of them.",
)
@_out
@_agents
@_quiet
@click.pass_context
def run(
    ctx: click.Context,
    scenario: str,
    seed: int | None,
    chain: str | None,
    prices: tuple[str, ...],
    settings: tuple[str, ...],
    engine: str | None,
    out: Path | None,
    agents: tuple[str, ...],
    quiet: bool,
) -> None:
    """Run SCENARIO, a name from `plimsoll scenarios` or a TOML file, and write a folder with its report."""
    if engine is not None:
        settings = (*settings, f"protocol.engine={engine}")
    resolved = resolve(scenario, _overrides(settings, seed, chain), prices, agents)
    folder = Path("runs") / resolved.name if out is None else out
    simulation = build(resolved, out=folder)
    console = Console(stderr=True, quiet=quiet)
    try:
        with _bar(console, "{task.fields[price]}  [dim]{task.fields[liquidations]} liquidations[/]") as bar:
            task = bar.add_task(resolved.name, total=resolved.blocks, price="", liquidations=0)
            result = simulation.run(lambda step: _advance(bar, task, step))
    except RunError:
        if (folder / "summary.json").is_file():
            _finish(folder, quiet=True)
            click.echo(f"plimsoll: what was recorded is in {folder}", err=True)
        raise
    report = _finish(folder, quiet)
    if not result.complete:
        click.echo(
            f"plimsoll: {result.reason or 'interrupted'}; {result.blocks} blocks are recorded in {folder}",
            err=True,
        )
        ctx.exit(INTERRUPTED)
    click.echo(str(report))


@main.command()
@click.argument("scenario")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=A,B,C",
    help="Values of a setting; several --set make a grid. The first value is the baseline.",
)
@click.option(
    "--seeds", type=int, required=True, metavar="N", help="Runs of each arm, the same seeds in all."
)
@click.option("--workers", type=int, default=os.cpu_count() or 1, show_default=True, metavar="N")
@_seed
@_chain
@_prices
@_out
@_agents
@click.option("--keep", is_flag=True, help="Keep the folder of every run under DIR/runs.")
@_quiet
@click.pass_context
def sweep(
    ctx: click.Context,
    scenario: str,
    settings: tuple[str, ...],
    seeds: int,
    workers: int,
    seed: int | None,
    chain: str | None,
    prices: tuple[str, ...],
    out: Path | None,
    agents: tuple[str, ...],
    keep: bool,
    quiet: bool,
) -> None:
    """Run a grid of settings over many seeds and compare its arms, the same random numbers in each."""
    stem = Path(scenario).stem
    folder = Path("runs") / f"{stem}-sweep" if out is None else out
    grid = sweeps.plan(
        scenario,
        [*settings, *([f"chain.backend={chain}"] if chain else [])],
        seeds=seeds,
        first_seed=seed,
        prices=prices,
        agents=agents,
        out=folder,
        keep=keep,
    )
    console = Console(stderr=True, quiet=quiet)
    failed: list[sweeps.CellResult] = []
    try:
        with _bar(console, "[dim]{task.fields[failed]} failed[/]") as bar:
            task = bar.add_task(f"{len(grid.arms)} arms x {seeds} runs", total=len(grid.cells), failed=0)

            def watch(result: sweeps.CellResult) -> None:
                if result.error:
                    failed.append(result)
                bar.update(task, advance=1, failed=len(failed))

            sweeps.run_cells(grid, workers=workers, watch=watch)
    except KeyboardInterrupt:
        write_comparison(folder)
        click.echo(f"plimsoll: interrupted; the runs that ended are in {folder}", err=True)
        ctx.exit(INTERRUPTED)
    report = write_comparison(folder)
    for result in failed:
        click.echo(f"plimsoll: {result.arm}, seed {result.seed}: {result.error}", err=True)
    click.echo(str(report))
    if failed:
        ctx.exit(1)


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Compare the hash of every block with the recorded one.")
@_agents
@_out
@_quiet
def replay(folder: Path, check: bool, agents: tuple[str, ...], out: Path | None, quiet: bool) -> None:
    """Run a recorded run again from its resolved scenario; with --check, say whether it is the same."""
    if not check and out is None:
        raise InputError(
            "replay: got neither --check nor --out; expected --check to compare, --out to keep the run"
        )
    with RunTables(folder) as recorded:
        hashes = dict(recorded.rows("SELECT block, block_hash FROM blocks ORDER BY block"))
        own = tuple(recorded.summary.get("user_agents", ()))
    resolved = resolve(str(folder / "scenario.toml"), (), (), agents or own)
    console = Console(stderr=True, quiet=quiet)
    with tempfile.TemporaryDirectory(prefix="plimsoll-") as scratch:
        target = Path(scratch) / "run" if out is None else out
        with _bar(console, "{task.fields[price]}") as bar:
            task = bar.add_task(f"{resolved.name} again", total=resolved.blocks, price="", liquidations=0)
            result = build(resolved, out=target).run(lambda step: _advance(bar, task, step))
        if not result.complete:
            raise KeyboardInterrupt
        if check:
            _compare(hashes, target)
        if out is not None:
            _finish(out, quiet)
    if check:
        click.echo(f"{len(hashes)} blocks, every hash is the same")


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Measure a recorded run or sweep again and write its report."""
    if (folder / "sweep.json").is_file():
        click.echo(str(write_comparison(folder)))
        return
    click.echo(str(_finish(folder, quiet=True)))


@main.command()
@click.argument("portfolio", metavar="PORTFOLIO.toml")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; files are written with --out alone.")
@_out
@_chain
def margin(portfolio: str, as_json: bool, out: Path | None, chain: str | None) -> None:
    """Value one portfolio on deployed contracts under every margin system."""
    analysis = analyse(load_portfolio(portfolio), chain or "revm")
    folder = Path("runs") / f"{Path(portfolio).stem}-margin" if out is None and not as_json else out
    report = None if folder is None else write_margin(folder, analysis)
    if as_json:
        click.echo(json.dumps(analysis.as_json(), indent=2))
        return
    show_margin(analysis, Console())
    click.echo(f"\n{report}")


@main.command()
def scenarios() -> None:
    """List the scenarios that ship with Plimsoll."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Name", style="bold", no_wrap=True)
    table.add_column("Description")
    table.add_column("Duration", no_wrap=True, justify="right")
    table.add_column("Agents", no_wrap=True, justify="right")
    for name, description in available_scenarios().items():
        document = read_document(name)
        agents = sum(int(agent.get("count", 1)) for agent in document.get("agents", {}).values())
        table.add_row(name, description, str(document["scenario"]["duration"]), str(agents))
    Console().print(table)


def _overrides(settings: tuple[str, ...], seed: int | None, chain: str | None) -> tuple[str, ...]:
    """Options that are settings too; they come last and win."""
    return (
        *settings,
        *([] if seed is None else [f"scenario.seed={seed}"]),
        *([] if chain is None else [f"chain.backend={chain}"]),
    )


def _bar(console: Console, tail: str) -> Progress:
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn(tail),
        console=console,
        disable=console.quiet,
    )


def _advance(bar: Progress, task: TaskID, step: Step) -> None:
    price = f"{step.symbol} {step.price:,.2f}"
    bar.update(task, completed=step.done, total=step.blocks, price=price, liquidations=step.liquidations)


def _finish(folder: Path, quiet: bool) -> Path:
    """Measure, record, print and report a run; of other venues than its own, before."""
    for other in sorted(folder.glob("venues/*/summary.json")):
        _finish(other.parent, quiet=True)
    with RunTables(folder) as tables:
        metrics = compute(tables)
        results = keepers.keepers(tables)
    record(folder, metrics)
    path = write_report(folder, metrics)
    if quiet:
        return path
    known = definitions()
    summary = Table(box=None, pad_edge=False, show_header=False)
    summary.add_column(style="dim")
    summary.add_column(justify="right", style="bold")
    for item in applicable(metrics):
        if known[item.name].headline or known[item.name].group == "concentration":
            summary.add_row(known[item.name].title, show(item.value, item.unit))
    console = Console()
    console.print(summary)
    if results:
        table = Table(box=None, pad_edge=False, header_style="dim", title_justify="left")
        for head in ("Keeper", "Profit after gas", "Taken over", "Bids won", "Reverted", "Gas"):
            table.add_column(head, justify="left" if head == "Keeper" else "right", no_wrap=True)
        for result in sorted(results, key=lambda each: -each.profit_usd):
            table.add_row(
                result.agent,
                show(result.profit_usd, "USD"),
                show(result.notional_usd, "USD"),
                f"{result.bids_won} of {result.bids_sent}",
                show(result.revert_rate, "share"),
                show(result.gas_usd, "USD"),
            )
        console.print()
        console.print(table)
    names, lines = venue_lines(folder)
    if lines:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for head in ("Venue", *names):
            table.add_column(head, justify="left" if head == "Venue" else "right", no_wrap=True)
        for line in lines:
            table.add_row(*line)
        console.print()
        console.print(table)
    return path


def _compare(recorded: dict[int, str], folder: Path) -> None:
    """Raises ReplayError at the first block whose hash differs or that only one run has."""
    table = pq.read_table(folder / "blocks.parquet", columns=["block", "block_hash"]).to_pydict()
    again = dict(zip(table["block"], table["block_hash"], strict=True))
    for block, value in recorded.items():
        if again.get(block) != value:
            _differ(block, value, again.get(block))


def _differ(block: int, recorded: str, again: str | None) -> NoReturn:
    found = "is missing" if again is None else f"has hash {again}"
    raise ReplayError(f"block {block} {found} in the replay; expected {recorded} as recorded")
