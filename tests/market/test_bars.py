# SPDX-License-Identifier: Apache-2.0
"""Price files: what is read, and one clear line for each way in which a file can be broken."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from simulation.errors import PriceFileError
from simulation.market import read_bars

HEADER = "timestamp,open,high,low,close,volume"
ROWS = [
    "1600000020,10,12,9,11,5",
    "1600000080,11,11,10,10.5,",
    "1600000140,10.5,13,10.5,12,0",
    "1600000200,12,12.5,11,11.5,7",
    "1600000260,11.5,12,11,12,7",
]


def write(folder: Path, rows: list[str], header: str = HEADER, name: str = "prices.csv") -> str:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(path)


def with_row(number: int, row: str) -> list[str]:
    """The good rows with the one in line `number` of the file replaced."""
    return [row if place + 2 == number else good for place, good in enumerate(ROWS)]


def test_a_file_is_read(tmp_path: Path) -> None:
    bars = read_bars(write(tmp_path, ROWS))
    assert (bars.start, bars.end, bars.step) == (1_600_000_020, 1_600_000_320, 60)
    assert bars.open.tolist() == [10, 11, 10.5, 12, 11.5]
    assert bars.low.tolist() == [9, 10, 10.5, 11, 11]


def test_the_order_of_columns_and_further_ones_do_not_matter(tmp_path: Path) -> None:
    header = "trades,volume,close,low,high,open,timestamp"
    rows = [",".join(["3", *reversed(row.split(","))]) for row in ROWS]
    assert read_bars(write(tmp_path, rows, header)).high.tolist() == [12, 11, 13, 12.5, 12]


def test_parquet_reads_like_csv(tmp_path: Path) -> None:
    names = HEADER.split(",")
    columns = zip(*(row.split(",") for row in ROWS), strict=True)
    table = pyarrow.table(
        {name: [float(v) if v else None for v in col] for name, col in zip(names, columns, strict=True)}
    )
    pyarrow.parquet.write_table(table, tmp_path / "prices.parquet")
    from_parquet = read_bars(str(tmp_path / "prices.parquet"))
    from_csv = read_bars(write(tmp_path, ROWS))
    assert from_parquet.timestamp.tolist() == from_csv.timestamp.tolist()
    assert from_parquet.close.tolist() == from_csv.close.tolist()


@pytest.mark.parametrize(
    ("rows", "place", "found", "expected"),
    [
        ([*ROWS[:2], *ROWS[3:]], "row 4, timestamp", "a gap of 1 bar", "60 s after the row above"),
        (
            [*ROWS[:1], *ROWS[3:], "1600000320,12,12,12,12,1"],
            "row 3, timestamp",
            "a gap of 2 bars",
            "60 s after",
        ),
        (with_row(4, "1600000080,11,11,10,10.5,1"), "row 4, timestamp", "got a duplicate", "a later time"),
        (
            with_row(4, "1600000050,11,11,10,10.5,1"),
            "row 4, timestamp",
            "got 30 s before the row above",
            "a later time",
        ),
        (
            with_row(4, "1600000141,11,11,10,10.5,1"),
            "row 4, timestamp",
            "a step of 61 s",
            "60 s after the row above",
        ),
        (
            with_row(4, "1600000140.5,11,11,10,10.5,1"),
            "row 4, timestamp",
            "got 1600000140.5",
            "whole unix seconds",
        ),
        (
            with_row(2, "1600000020000,11,11,10,10.5,1"),
            "row 2, timestamp",
            "got 1600000020000",
            "whole unix seconds",
        ),
        (with_row(4, "2020-09-13,11,11,10,10.5,1"), "row 4, timestamp", "got '2020-09-13'", "unix seconds"),
        (with_row(3, "1600000080,11,11,10,nan,1"), "row 3, close", "got nan", "a price"),
        (with_row(3, "1600000080,11,inf,10,11,1"), "row 3, high", "got inf", "a price"),
        (with_row(3, "1600000080,11,11,-10,10.5,1"), "row 3, low", "got -10", "a price above zero"),
        (with_row(3, "1600000080,0,11,0,10.5,1"), "row 3, open", "got 0", "a price above zero"),
        (with_row(3, "1600000080,,11,10,10.5,1"), "row 3, open", "got ''", "a number"),
        (with_row(3, "1600000080,11,9,10,10.5,1"), "row 3, high", "got 9", "a high not below the low"),
        (
            with_row(3, "1600000080,11,11,10.8,10.5,1"),
            "row 3, low",
            "got 10.8",
            "a low not above open and close",
        ),
        (
            with_row(3, "1600000080,11,10.7,10,10.5,1"),
            "row 3, high",
            "got 10.7",
            "a high not below open and close",
        ),
        (with_row(3, "1600000080,11,11,10,10.5,-1"), "row 3, volume", "got -1", "a volume of at least 0"),
        (with_row(3, "1600000080,11,11,10"), "row 3", "4 fields", "6 as in the header"),
        (ROWS[:1], "", "1 rows of prices", "at least 2"),
        ([], "", "0 rows of prices", "at least 2"),
    ],
)
def test_a_broken_row_is_one_line(
    tmp_path: Path, rows: list[str], place: str, found: str, expected: str
) -> None:
    file = write(tmp_path, rows)
    with pytest.raises(PriceFileError) as error:
        read_bars(file)
    problem = error.value.problem
    assert (problem.where, problem.key, problem.found) == (file, place, found)
    assert problem.expected.startswith(expected)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2


def test_the_first_broken_row_is_named(tmp_path: Path) -> None:
    rows = with_row(5, "1600000200,-1,-1,-1,-1,1")
    rows[1] = "1600000080,11,9,10,10.5,1"
    with pytest.raises(PriceFileError, match="row 3, high"):
        read_bars(write(tmp_path, rows))


@pytest.mark.parametrize("column", HEADER.split(","))
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    file = write(tmp_path, ROWS, HEADER.replace(column, "other"))
    with pytest.raises(
        PriceFileError, match=f"{file}: header: no column {column}; expected columns {HEADER}"
    ):
        read_bars(file)


@pytest.mark.parametrize("name", ["none.csv", "none.parquet", "broken.parquet", "binary.csv"])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    if not name.startswith("none"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(PriceFileError, match="not readable") as error:
        read_bars(str(tmp_path / name))
    assert "\n" not in str(error.value)
