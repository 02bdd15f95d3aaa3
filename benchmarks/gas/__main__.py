# SPDX-License-Identifier: Apache-2.0
"""`make gas`: receipt gas of every external function, beside Derive v2, against the committed baseline.

Exit code 1 when a figure grew by more than 2 %, when a figure to reach is missed, when cost is not linear in
positions, or when a function of an ABI is not measured. `--update` writes the baseline anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.gas.guard import GUARD_ROWS, measure_guard
from benchmarks.gas.operations import OPERATIONS, UNPRICED, Bench
from benchmarks.gas.options import OPTION_ROWS, measure_options
from benchmarks.gas.peers import DERIVE, DERIVE_OPTIONS, REACH, REACH_OPTIONS
from benchmarks.gas.services import SERVICE_ROWS, measure_services
from simulation.chain.artifacts import load_artifact

BASELINE = Path(__file__).parent / "baseline.json"
POSITIONS = (1, 8, 16, 32, 64)
CONTRACTS = (
    "Vault",
    "Ledger",
    "Exchange",
    "Liquidator",
    "InsuranceFund",
    "Oracle",
    "Instruments",
    "Surface",
    "RiskBoard",
    "EngineSwitch",
    "CreditDesk",
    "CoinPool",
    "RiskModel",
    "DynamicMargin",
    "SolvencyGuard",
)
"""OptionGreeks and the other engines change nothing but an owner's parameters."""
OPTIONS = "options"
"""Where the baseline holds the rows that have one figure each."""
TOLERANCE = 0.02
CURVATURE = 0.05
"""Largest excess of the step from 32 to 64 positions over twice the step from 16 to 32: linear is 0."""
ADMIN = frozenset(
    "accept_ownership add_strikes delist_series list_collateral list_market list_series pause "
    "register_engine set_active set_collateral set_feed set_fees set_funding set_grid set_guardian "
    "set_interest set_open_interest_cap set_parameters set_series_active set_series_caps set_signer "
    "set_stable_feed set_surface transfer_ownership unpause wire wire_engine_switch enable_lines "
    "set_delay set_underwriter add_market set_model admit_markets map_collaterals set_contingency "
    "set_scale_rules set_mode set_underlying remove_underlying".split()
)
"""Owner's and guardian's functions: rare, behind the timelock, no matter of gas."""
TOKEN = frozenset(("transfer", "transferFrom", "approve", "permit"))
"""ERC-20 functions of the fund's shares, snekmate's."""

Figures = dict[str, dict[str, int]]


def measure() -> Figures:
    """Receipt gas by operation and number of positions."""
    figures: Figures = {}
    for positions in POSITIONS:
        bench = Bench(positions)
        for name, operation in OPERATIONS.items():
            snapshot = bench.world.env.snapshot()
            figures.setdefault(name, {})[str(positions)] = operation(bench).gas_used
            bench.world.env.revert(snapshot)
        pair = figures["Liquidator.start"][str(positions)] + figures["Liquidator.bid 10 %"][str(positions)]
        figures.setdefault("Liquidator.start and bid 10 %", {})[str(positions)] = pair
    return figures


def unmeasured() -> list[str]:
    """State-changing functions of the ABIs that no operation covers."""
    measured = {
        name.split(" ")[0].split(",")[0] for name in (*OPERATIONS, *OPTION_ROWS, *SERVICE_ROWS, *GUARD_ROWS)
    }
    missing = []
    for contract in CONTRACTS:
        for item in load_artifact(contract).abi:
            if item["type"] != "function" or item["stateMutability"] in ("view", "pure"):
                continue
            name = f"{contract}.{item['name']}"
            if item["name"] in ADMIN or item["name"] in TOKEN or name in UNPRICED or name in measured:
                continue
            missing.append(name)
    return missing


def option_failures(figures: Mapping[str, int], baseline: Mapping[str, int]) -> list[str]:
    """What is wrong with the figures of options, one line each."""
    found = []
    for name, gas in figures.items():
        before = baseline.get(name)
        if before is None:
            found.append(f"{name}: no baseline; expected one, run with --update")
        elif gas > before * (1 + TOLERANCE):
            found.append(f"{name}: {gas:,} gas; expected {before:,} within 2 %")
        if gas > REACH_OPTIONS.get(name, gas):
            found.append(f"{name}: {gas:,} gas; expected at most {REACH_OPTIONS[name]:,}")
    return found


def failures(figures: Figures, baseline: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What is wrong with the figures, one line each."""
    found = [f"{name}: not measured; expected an operation in benchmarks/gas" for name in unmeasured()]
    for name, by_positions in figures.items():
        for positions, gas in by_positions.items():
            before = baseline.get(name, {}).get(positions)
            if before is None:
                found.append(f"{name} at {positions}: no baseline; expected one, run with --update")
            elif gas > before * (1 + TOLERANCE):
                found.append(f"{name} at {positions}: {gas:,} gas; expected {before:,} within 2 %")
        low, middle, high = (by_positions[key] for key in ("16", "32", "64"))
        if high - middle > 2 * (middle - low) * (1 + CURVATURE) + 2_000:
            found.append(f"{name}: {low:,}, {middle:,}, {high:,} at 16, 32, 64; expected linear in positions")
    for (name, positions), limit in REACH.items():
        gas = figures[name][str(positions)]
        if gas > limit:
            found.append(f"{name} at {positions}: {gas:,} gas; expected at most {limit:,}")
    return found


def show(figures: Figures, console: Console) -> None:
    """One row an operation; Derive's figure under ours where it has one."""
    table = Table(title="Receipt gas at cold storage, by positions held (below: Derive v2)")
    table.add_column("operation")
    for positions in POSITIONS:
        table.add_column(str(positions), justify="right")
    for name, by_positions in figures.items():
        table.add_row(name, *(f"{by_positions[str(positions)]:,}" for positions in POSITIONS))
        peer = DERIVE.get(name)
        if peer:
            cells = (f"{peer[positions]:,}" if positions in peer else "" for positions in POSITIONS)
            table.add_row("  Derive v2", *cells, style="dim")
    console.print(table)


def show_options(figures: Mapping[str, int], console: Console) -> None:
    """One row a figure, with Derive's and the figure to reach where there is one."""
    table = Table(title="Receipt gas at cold storage: options, services, and a SolvencyGuard")
    table.add_column("operation")
    for column in ("gas", "Derive v2", "reach"):
        table.add_column(column, justify="right")
    for name, gas in figures.items():
        cells = (f"{by[name]:,}" if name in by else "" for by in (DERIVE_OPTIONS, REACH_OPTIONS))
        table.add_row(name, f"{gas:,}", *cells)
    console.print(table)


@click.command()
@click.option("--update", is_flag=True, help="Write the measured figures as the new baseline.")
def main(update: bool) -> None:
    """Measure, print, compare."""
    console = Console(width=120)
    figures = measure()
    show(figures, console)
    options = measure_options() | measure_services() | measure_guard()
    show_options(options, console)
    if update:
        BASELINE.write_text(json.dumps(figures | {OPTIONS: options}, indent=1) + "\n", encoding="utf-8")
    baseline = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.exists() else {}
    problems = failures(figures, baseline) + option_failures(options, baseline.get(OPTIONS, {}))
    for problem in problems:
        console.print(f"gas: {problem}", style="red", highlight=False, soft_wrap=True)
    if problems:
        sys.exit(1)
    console.print("gas: every figure within 2 % of the baseline, every figure to reach is reached")


if __name__ == "__main__":
    main()
