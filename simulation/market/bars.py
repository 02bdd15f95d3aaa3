# SPDX-License-Identifier: Apache-2.0
"""Price files: CSV or Parquet with columns timestamp,open,high,low,close,volume, checked row by row.

`timestamp` is the time a bar opens, in unix seconds UTC; bars are equally long and follow each other without
a gap; volume is in base units and may be empty. Row numbers in messages count the header as row 1.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray

from simulation.errors import PriceFileError, Problem

__all__ = ["Bars", "read_bars"]

PRICES = ("open", "high", "low", "close")
COLUMNS = ("timestamp", *PRICES, "volume")
FIRST_ROW = 2
LATEST_SECOND = 10**11
"""A larger timestamp counts milliseconds or less."""


@dataclass(frozen=True, slots=True)
class Bars:
    """A checked price file. Prices in USD."""

    file: str
    step: int
    """Length of a bar, seconds."""
    timestamp: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]

    @property
    def start(self) -> int:
        """Unix seconds at which the first bar opens."""
        return int(self.timestamp[0])

    @property
    def end(self) -> int:
        """Unix seconds at which the last bar closes."""
        return int(self.timestamp[-1]) + self.step


def read_bars(file: str) -> Bars:
    """Read and check a price file. Raises PriceFileError naming file, row and what was expected."""
    columns = _read_parquet(file) if Path(file).suffix == ".parquet" else _read_csv(file)
    for name in COLUMNS:
        if name not in columns:
            raise _problem(file, "header", f"no column {name}", f"columns {','.join(COLUMNS)}")
    if len(columns["timestamp"]) < 2:
        raise _problem(file, "", f"{len(columns['timestamp'])} rows of prices", "at least 2")
    volume = ["0" if value in ("", None) else value for value in columns["volume"]]
    numbers = {name: _numbers(file, name, columns[name]) for name in ("timestamp", *PRICES)}
    _check_values(file, numbers, _numbers(file, "volume", volume))
    step = _check_times(file, numbers["timestamp"])
    return Bars(file, step, numbers["timestamp"].astype(np.int64), *(numbers[name] for name in PRICES))


def _problem(file: str, key: str, found: str, expected: str) -> PriceFileError:
    return PriceFileError(Problem(file, key, found, expected))


def _row(index: int) -> str:
    return f"row {index + FIRST_ROW}"


def _read_csv(file: str) -> dict[str, Sequence[object]]:
    try:
        with open(file, newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            header = [name.strip() for name in next(reader, [])]
            rows = [row for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _problem(file, "", f"not readable ({reason})", "a CSV or Parquet file") from error
    for index, row in enumerate(rows):
        if len(row) != len(header):
            raise _problem(file, _row(index), f"{len(row)} fields", f"{len(header)} as in the header")
    return dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else {name: () for name in header}


def _read_parquet(file: str) -> dict[str, Sequence[object]]:
    try:
        table = pyarrow.parquet.read_table(file)
    except (OSError, pyarrow.ArrowException) as error:
        reason = getattr(error, "strerror", None) or "no Parquet"
        raise _problem(file, "", f"not readable ({reason})", "a CSV or Parquet file") from error
    return {name: table.column(name).to_pylist() for name in table.column_names}


def _numbers(file: str, name: str, values: Sequence[object]) -> NDArray[np.float64]:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        index = next(index for index, value in enumerate(values) if not _is_number(value))
        expected = "unix seconds" if name == "timestamp" else "a number"
        raise _problem(file, f"{_row(index)}, {name}", f"got {values[index]!r}", expected) from None


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def _check_values(file: str, numbers: Mapping[str, NDArray[np.float64]], volume: NDArray[np.float64]) -> None:
    """Report the first row that holds a price that is none."""
    low, high = numbers["low"], numbers["high"]
    below = np.minimum(numbers["open"], numbers["close"]) < low
    above = np.maximum(numbers["open"], numbers["close"]) > high
    rules = [
        *((name, ~np.isfinite(numbers[name]), "a price") for name in PRICES),
        *((name, numbers[name] <= 0, "a price above zero") for name in PRICES),
        ("high", high < low, "a high not below the low"),
        ("low", below, "a low not above open and close"),
        ("high", above, "a high not below open and close"),
        ("volume", ~(volume >= 0), "a volume of at least 0, or nothing"),
    ]
    broken = [(int(np.argmax(bad)), name, expected) for name, bad, expected in rules if bad.any()]
    if broken:
        index, name, expected = min(broken, key=lambda item: item[0])
        value = volume[index] if name == "volume" else numbers[name][index]
        raise _problem(file, f"{_row(index)}, {name}", f"got {value:g}", expected)


def _check_times(file: str, times: NDArray[np.float64]) -> int:
    """The length of a bar; reports the first time that does not follow its predecessor by just that."""
    odd = ~np.isfinite(times) | (times < 0) | (times >= LATEST_SECOND) | (times != np.floor(times))
    if odd.any():
        index = int(np.argmax(odd))
        raise _problem(file, f"{_row(index)}, timestamp", f"got {times[index]:.15g}", "whole unix seconds")
    steps = np.diff(times.astype(np.int64))
    for index in np.flatnonzero(steps <= 0)[:1]:
        found = "a duplicate" if steps[index] == 0 else f"{-steps[index]} s before the row above"
        raise _problem(
            file, f"{_row(index + 1)}, timestamp", f"got {found}", "a later time than the row above"
        )
    lengths, counts = np.unique(steps, return_counts=True)
    step = int(lengths[np.argmax(counts)])
    for index in np.flatnonzero(steps != step)[:1]:
        gap = int(steps[index])
        missing = gap // step - 1
        is_gap = gap % step == 0
        found = f"a gap of {missing} bar{'s' * (missing > 1)}" if is_gap else f"a step of {gap} s"
        raise _problem(file, f"{_row(index + 1)}, timestamp", found, f"{step} s after the row above")
    return step
