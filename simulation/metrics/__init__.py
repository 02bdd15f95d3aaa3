# SPDX-License-Identifier: Apache-2.0
"""From recorded blocks to numbers: every metric by name, with its definition, its unit and its function.

Metrics read the files of a run folder and nothing else, so that any recorded run can be measured again.
Importing this package fills `definitions()`; a new metric is a decorated function in one of its files.
"""

from simulation.metrics import (
    accounts,
    concentration,
    credit,
    exposure,
    gas,
    inverse,
    keepers,
    liquidations,
    margin_calls,
    markets,
    solvency,
)
from simulation.metrics.format import show
from simulation.metrics.record import record
from simulation.metrics.registry import Definition, applicable, compute, definitions
from simulation.metrics.tables import RunTables

__all__ = [
    "Definition",
    "RunTables",
    "accounts",
    "applicable",
    "compute",
    "concentration",
    "credit",
    "definitions",
    "exposure",
    "gas",
    "inverse",
    "keepers",
    "liquidations",
    "margin_calls",
    "markets",
    "record",
    "show",
    "solvency",
]
