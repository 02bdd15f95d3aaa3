# SPDX-License-Identifier: Apache-2.0
"""Decoded logs: as columns on the hot path, as rows for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.messages.words import Limbs, Wide, int128

__all__ = ["Event", "EventColumns"]


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded log."""

    block: int
    transaction: int
    """Place of the transaction in the block."""
    log: int
    """Place of the log in the block."""
    contract: str
    name: str
    values: Mapping[str, int | bool | str]
    """By field name: exact integers, booleans, addresses as 0x and 40 hex digits."""


@dataclass(frozen=True, slots=True, eq=False)
class EventColumns:
    """All logs of one event of one contract in one block, in their order."""

    contract: str
    name: str
    transaction: NDArray[np.int64]
    log: NDArray[np.int64]
    fields: Mapping[str, int]
    """Field name to its column in `words`, in the order of declaration."""
    types: tuple[str, ...]
    """ABI type of each field: uint256, int256, address, bool, bytes32."""
    words: Limbs
    """Shape (rows, fields, 4)."""

    def __len__(self) -> int:
        return len(self.log)

    def small(self, name: str) -> NDArray[np.int64]:
        """An unsigned field below 2**63: an account, a market, a tick, a count, a flag."""
        return self.words[:, self.fields[name], 3].astype(np.int64)

    def wide(self, name: str) -> Wide:
        """A field of at most 128 signed bits: an amount, a size, a price."""
        return int128(self.words[:, self.fields[name]])

    def address(self, name: str) -> list[bytes]:
        """An address field, 20 bytes a row."""
        data = self.words[:, self.fields[name]].astype(">u8").tobytes()
        return [data[start + 12 : start + 32] for start in range(0, len(data), 32)]

    def values(self, name: str) -> list[int] | list[bool] | list[str]:
        """Any field for people: exact integers, booleans, 0x and hex digits for all else."""
        column = self.fields[name]
        kind, words = self.types[column], self.words[:, column]
        if kind == "bool":
            return [bool(value) for value in words[:, 3].tolist()]
        if "int" in kind and not words[:, :3].any():
            small_values: list[int] = words[:, 3].tolist()
            return small_values
        data = words.astype(">u8").tobytes()
        if "int" in kind:
            signed = kind.startswith("int")
            rows = [data[start : start + 32] for start in range(0, len(data), 32)]
            return [int.from_bytes(row, "big", signed=signed) for row in rows]
        digits, skipped = data.hex(), 24 if kind == "address" else 0
        return [f"0x{digits[start + skipped : start + 64]}" for start in range(0, len(digits), 64)]

    def rows(self, block: int) -> list[Event]:
        """One Event for each log."""
        columns = {name: self.values(name) for name in self.fields}
        return [
            Event(
                block,
                int(self.transaction[place]),
                int(self.log[place]),
                self.contract,
                self.name,
                {name: column[place] for name, column in columns.items()},
            )
            for place in range(len(self))
        ]
