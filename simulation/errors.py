# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, as a tree; imports nothing.

    PlimsollError                     exit code 1
    ├── InputError                    exit code 2: the user's input is wrong; nothing was run
    │   ├── ScenarioError             a scenario file or an override; carries every problem found
    │   ├── PriceFileError            a price file: a gap, an unordered time, a price that is none
    │   └── OutputError               the output folder cannot be written, or holds something else
    └── RunError                      exit code 1: a run could not go on
        ├── CompileError              a contract does not compile or exceeds the size limit
        ├── ChainError                the EVM refused what must not be refused (deployment, block environment)
        ├── ReconciliationError       the books do not agree; names block, account and token
        └── ReplayError               a second run differs from the recorded one; names the first block

A reverted transaction is none of these: it is data (a receipt). Each message is one line saying where (file,
row or key), what was found and what was expected; the command line prints it and exits with `exit_code`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "ChainError",
    "CompileError",
    "InputError",
    "OutputError",
    "PlimsollError",
    "PriceFileError",
    "Problem",
    "ReconciliationError",
    "ReplayError",
    "RunError",
    "ScenarioError",
]


class PlimsollError(Exception):
    """Root of every error that this package raises on purpose."""

    exit_code = 1


class InputError(PlimsollError):
    """The user's input is wrong: scenario, price file, option or folder."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in an input: where it stands, what was found, what was expected."""

    where: str
    """File or command-line option."""
    key: str
    """Dotted key in the file, or row; empty when the whole file is meant."""
    found: str
    """What is there, as a phrase: `unknown key`, `got "12 apples"`."""
    expected: str
    """What would have been right, as a phrase: `a duration such as "12 s"`."""

    def __str__(self) -> str:
        place = f"{self.where}: {self.key}" if self.key else self.where
        return f"{place}: {self.found}; expected {self.expected}"


class ScenarioError(InputError):
    """One or more problems in a scenario; the message holds one line for each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PriceFileError(InputError):
    """A price file that cannot be replayed as it stands."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


class OutputError(InputError):
    """The output folder cannot be used."""


class RunError(PlimsollError):
    """A run could not start or go on for a reason that is not the user's input."""


class CompileError(RunError):
    """A contract does not compile or exceeds the size limit."""


class ChainError(RunError):
    """The EVM refused what must not be refused."""


class ReconciliationError(RunError):
    """The books do not agree after a block."""


class ReplayError(RunError):
    """A second run of the same scenario and seed differs from the recorded one."""
