# SPDX-License-Identifier: Apache-2.0
"""Columnar files that grow while a run goes on: buffers of columns in, Parquet row groups out.

Equal columns give equal bytes: no time, no path and no order of hashing enters a file. Imports: pyarrow,
messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from simulation.messages import EventColumns, Wide
from simulation.messages.schema import EVENTS, USD

__all__ = ["EventTable", "GrowingTable"]

PARTIAL = ".partial"

NUMBERS = {
    pa.int32(): np.int32,
    pa.uint16(): np.uint16,
    pa.uint32(): np.uint32,
    pa.uint64(): np.uint64,
    pa.float64(): np.float64,
}

NUMBERED = {
    "account": ("account", "maker"),
    "counterparty": ("taker", "bidder", "counterparty"),
    "market": ("market",),
}
"""Columns of events.parquet, and the fields of which each takes the first that an event has."""


class GrowingTable:
    """One Parquet file under a temporary name until it is finished."""

    def __init__(self, folder: Path, stem: str, schema: pa.Schema) -> None:
        self._path = folder / f"{stem}.parquet"
        self._partial = folder / f"{stem}.parquet{PARTIAL}"
        self._schema = schema
        self._columns: dict[str, list[Any]] = {name: [] for name in schema.names}
        self._writer = pq.ParquetWriter(
            self._partial, schema, compression="zstd", version="2.6", write_statistics=True
        )

    def __len__(self) -> int:
        return len(self._columns[self._schema.names[0]])

    def add(self, **values: Any) -> None:
        """One row; every column by name."""
        for name, column in self._columns.items():
            column.append(values[name])

    def extend(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Many rows; every column by name."""
        for name, column in self._columns.items():
            column.extend(columns[name])

    def flush(self) -> None:
        """Writes what is buffered as one row group."""
        if len(self):
            self._write(self._columns)
            self._columns = {name: [] for name in self._columns}

    def _write(self, columns: Mapping[str, Any]) -> None:
        arrays = [_array(item.type, *_filled(columns[item.name])) for item in self._schema]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Flushes and ends the file, still under its temporary name."""
        self.flush()
        self._writer.close()

    def publish(self) -> None:
        """Gives the closed file its name."""
        self._partial.replace(self._path)


class EventTable(GrowingTable):
    """events.parquet: logs are kept as words and turned into text only when they are written."""

    def __init__(self, folder: Path, stem: str = "events") -> None:
        super().__init__(folder, stem, EVENTS)
        self._pending: dict[tuple[str, str], list[tuple[int, EventColumns]]] = {}
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def note(self, block: int, events: Sequence[EventColumns]) -> None:
        """All logs of one block."""
        for columns in events:
            self._pending.setdefault((columns.contract, columns.name), []).append((block, columns))
            self._rows += len(columns)

    def flush(self) -> None:
        """Writes what is buffered, by block and place in the block."""
        if not self._rows:
            return
        groups = [_joined(key, parts) for key, parts in sorted(self._pending.items())]
        blocks = [
            np.repeat([block for block, _ in parts], [len(columns) for _, columns in parts])
            for _, parts in sorted(self._pending.items())
        ]
        self._pending, self._rows = {}, 0
        block = np.concatenate(blocks)
        log = np.concatenate([columns.log for columns in groups])
        order = np.lexsort((log, block))
        group = np.repeat(np.arange(len(groups)), [len(columns) for columns in groups])[order].tolist()
        fields = [text for columns in groups for text in _json(columns)]
        columns: dict[str, Any] = {
            "block": block[order],
            "index": np.concatenate([columns.transaction for columns in groups])[order],
            "log_index": log[order],
            "contract": [groups[number].contract for number in group],
            "event": [groups[number].name for number in group],
            "fields": [fields[row] for row in order.tolist()],
        }
        for name, names in NUMBERED.items():
            found = [_number(columns, names) for columns in groups]
            values, known = (np.concatenate(part)[order] for part in zip(*found, strict=True))
            columns[name] = _Numbers(values, known)
        self._write(columns)


class _Numbers(NamedTuple):
    """A column of numbers of which some are missing."""

    values: NDArray[np.int64]
    known: NDArray[np.bool_]


def _joined(key: tuple[str, str], parts: Sequence[tuple[int, EventColumns]]) -> EventColumns:
    first = parts[0][1]
    return EventColumns(
        *key,
        np.concatenate([columns.transaction for _, columns in parts]),
        np.concatenate([columns.log for _, columns in parts]),
        first.fields,
        first.types,
        np.concatenate([columns.words for _, columns in parts]),
    )


def _number(columns: EventColumns, names: Sequence[str]) -> _Numbers:
    """Values of the first of these fields that the event has, and whether it has any."""
    rows = len(columns)
    for name in names:
        if name in columns.fields and columns.types[columns.fields[name]] == "uint256":
            return _Numbers(columns.small(name), np.ones(rows, np.bool_))
    return _Numbers(np.zeros(rows, np.int64), np.zeros(rows, np.bool_))


def _json(columns: EventColumns) -> list[str]:
    marks, values = [], []
    for name, place in columns.fields.items():
        kind = columns.types[place]
        column: Sequence[Any] = columns.values(name)
        if kind == "bool":
            marks.append(f'"{name}":%s')
            column = ["true" if value else "false" for value in column]
        else:
            marks.append(f'"{name}":%d' if "int" in kind else f'"{name}":"%s"')
        values.append(column)
    template = "{" + ",".join(marks) + "}"
    return [template % row for row in zip(*values, strict=True)]


def _filled(column: Any) -> tuple[Any, NDArray[np.bool_] | None]:
    """Values of a column with 0 for what is missing, and which are known if not all are."""
    if isinstance(column, _Numbers):
        return column.values, None if column.known.all() else column.known
    if isinstance(column, np.ndarray) or None not in column:
        return column, None
    known = np.array([value is not None for value in column])
    return [0 if value is None else value for value in column], known


def _array(kind: pa.DataType, values: Any, known: NDArray[np.bool_] | None) -> pa.Array:
    """An Arrow array straight from buffers: `pa.array` would import pandas and look at every value."""
    valid = None if known is None else _bits(known)
    if kind == USD:
        return _from_buffers(kind, len(values), [valid, Wide.of(values).decimals()])
    if kind == pa.string():
        text = "".join(values)
        # Of plain text a character is a byte, so that nothing has to be encoded by itself to be measured.
        items: Iterable[str | bytes] = values if text.isascii() else [value.encode() for value in values]
        offsets = np.zeros(len(values) + 1, np.int32)
        np.cumsum(np.fromiter(map(len, items), np.int32, len(values)), out=offsets[1:])
        return _from_buffers(kind, len(values), [valid, offsets.tobytes(), text.encode()])
    if kind == pa.bool_():
        return _from_buffers(kind, len(values), [valid, _bits(np.array(values, np.bool_))])
    return _from_buffers(kind, len(values), [valid, np.array(values, NUMBERS[kind]).tobytes()])


def _bits(flags: NDArray[np.bool_]) -> bytes:
    return np.packbits(flags, bitorder="little").tobytes()


def _from_buffers(kind: pa.DataType, length: int, buffers: Sequence[bytes | None]) -> pa.Array:
    return pa.Array.from_buffers(
        kind, length, [None if data is None else pa.py_buffer(data) for data in buffers]
    )
