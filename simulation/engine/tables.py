# SPDX-License-Identifier: Apache-2.0
"""Columnar files that grow while a run goes on: buffers of columns in, Parquet row groups out.

Equal columns give equal bytes: no time, no path and no order of hashing enters a file. Imports: pyarrow,
messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulation.messages import EventColumns, Wide
from simulation.messages.schema import EVENTS, USD

__all__ = ["EventTable", "GrowingTable"]

PARTIAL = ".partial"

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
        if not len(self):
            return
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
        parts = [_event_table(parts) for _, parts in sorted(self._pending.items())]
        table = pa.concat_tables(parts)
        order = np.lexsort((table["log_index"].to_numpy(), table["block"].to_numpy()))
        self._writer.write_table(table.take(pa.array(order)))
        self._pending, self._rows = {}, 0


def _event_table(parts: Sequence[tuple[int, EventColumns]]) -> pa.Table:
    first = parts[0][1]
    lengths = [len(columns) for _, columns in parts]
    joined = EventColumns(
        first.contract,
        first.name,
        np.concatenate([columns.transaction for _, columns in parts]),
        np.concatenate([columns.log for _, columns in parts]),
        first.fields,
        first.types,
        np.concatenate([columns.words for _, columns in parts]),
    )
    rows = sum(lengths)
    return pa.Table.from_arrays(
        [
            pa.array(np.repeat([block for block, _ in parts], lengths), pa.uint32()),
            pa.array(joined.transaction, pa.uint32()),
            pa.array(joined.log, pa.uint32()),
            pa.array([joined.contract] * rows, pa.string()),
            pa.array([joined.name] * rows, pa.string()),
            _number(joined, ACCOUNT_FIELDS, pa.uint32()),
            _number(joined, COUNTERPARTY_FIELDS, pa.uint32()),
            _number(joined, ("market",), pa.uint16()),
            pa.array(_json(joined), pa.string()),
        ],
        schema=EVENTS,
    )


def _number(columns: EventColumns, names: Sequence[str], kind: pa.DataType) -> pa.Array:
    for name in names:
        if name in columns.fields and columns.types[columns.fields[name]] == "uint256":
            return pa.array(columns.small(name), kind)
    return pa.nulls(len(columns), kind)


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
    if kind == USD:
        wide = Wide.of(values)
        return pa.Array.from_buffers(kind, len(wide), [None, pa.py_buffer(wide.decimals())])
    return pa.array(values, kind)
