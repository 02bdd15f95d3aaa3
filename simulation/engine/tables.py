# SPDX-License-Identifier: Apache-2.0
"""Columnar files that grow while a run goes on: buffers of columns in, Parquet row groups out.

Equal columns give equal bytes: no time, no path and no order of hashing enters a file. Imports: pyarrow,
messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from simulation.messages import EventColumns, Wide
from simulation.messages.schema import EVENTS, USD

__all__ = ["EventTable", "GrowingTable"]

PARTIAL = ".partial"

NUMBERS = {
    pa.uint16(): np.uint16,
    pa.uint32(): np.uint32,
    pa.uint64(): np.uint64,
    pa.float64(): np.float64,
}

ACCOUNT_FIELDS = ("account", "maker")
COUNTERPARTY_FIELDS = ("taker", "bidder", "counterparty")


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
            self._write()

    def _write(self) -> None:
        arrays = [_array(self._columns[item.name], item.type) for item in self._schema]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._columns = {name: [] for name in self._columns}

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
        for (contract, name), parts in sorted(self._pending.items()):
            self.extend(_event_columns(contract, name, parts))
        order = np.lexsort((self._columns["log_index"], self._columns["block"])).tolist()
        self._columns = {name: [column[row] for row in order] for name, column in self._columns.items()}
        self._pending, self._rows = {}, 0
        self._write()


def _event_columns(
    contract: str, name: str, parts: Sequence[tuple[int, EventColumns]]
) -> dict[str, Sequence[Any]]:
    first = parts[0][1]
    lengths = [len(columns) for _, columns in parts]
    joined = EventColumns(
        contract,
        name,
        np.concatenate([columns.transaction for _, columns in parts]),
        np.concatenate([columns.log for _, columns in parts]),
        first.fields,
        first.types,
        np.concatenate([columns.words for _, columns in parts]),
    )
    rows = len(joined)
    return {
        "block": np.repeat([block for block, _ in parts], lengths).tolist(),
        "index": joined.transaction.tolist(),
        "log_index": joined.log.tolist(),
        "contract": [contract] * rows,
        "event": [name] * rows,
        "account": _number(joined, ACCOUNT_FIELDS),
        "counterparty": _number(joined, COUNTERPARTY_FIELDS),
        "market": _number(joined, ("market",)),
        "fields": _json(joined),
    }


def _number(columns: EventColumns, names: Sequence[str]) -> Sequence[int | None]:
    for name in names:
        if name in columns.fields and columns.types[columns.fields[name]] == "uint256":
            numbers: list[int | None] = columns.small(name).tolist()
            return numbers
    return [None] * len(columns)


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


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """An Arrow array straight from buffers: `pa.array` would import pandas and look at every value."""
    known = np.array([value is not None for value in values]) if None in values else None
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
    filled = values if known is None else [0 if value is None else value for value in values]
    if kind == pa.bool_():
        return _from_buffers(kind, len(values), [valid, _bits(np.array(filled, np.bool_))])
    return _from_buffers(kind, len(values), [valid, np.array(filled, NUMBERS[kind]).tobytes()])


def _bits(flags: NDArray[np.bool_]) -> bytes:
    return np.packbits(flags, bitorder="little").tobytes()


def _from_buffers(kind: pa.DataType, length: int, buffers: Sequence[bytes | None]) -> pa.Array:
    return pa.Array.from_buffers(
        kind, length, [None if data is None else pa.py_buffer(data) for data in buffers]
    )
