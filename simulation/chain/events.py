# SPDX-License-Identifier: Apache-2.0
"""Logs to events, by columns: one group for each event of each contract, no Python object per log.

Imports: chain.artifacts, messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from eth_hash.auto import keccak

from simulation.messages import EventColumns, limbs
from simulation.messages.chain import Logs

__all__ = ["EventDecoder"]


@dataclass(frozen=True, slots=True)
class _Event:
    contract: str
    name: str
    fields: Mapping[str, int]
    types: tuple[str, ...]
    from_topics: tuple[int, ...]
    """Columns of the indexed fields, in the order of topics."""
    from_data: tuple[int, ...]
    """Columns of the other fields, in the order of data words."""


class EventDecoder:
    """Decodes the logs of known contracts; others, and events with dynamic fields, are left out.

    Args:
        contracts: 20-byte address and ABI by the name that events shall carry.
    """

    def __init__(self, contracts: Mapping[str, tuple[bytes, Sequence[Mapping[str, Any]]]]) -> None:
        self._events: dict[tuple[bytes, bytes], _Event] = {}
        for contract, (address, abi) in contracts.items():
            for item in abi:
                if item["type"] == "event" and (event := _read(contract, item)) is not None:
                    self._events[address, _topic(item)] = event

    def __call__(self, logs: Logs) -> list[EventColumns]:
        """Groups in the order of their first log."""
        if not len(logs):
            return []
        topics = logs.topics[:, 0].astype(">u8").tobytes()
        emitters = logs.address.tobytes()
        rows_of: dict[tuple[bytes, bytes], list[int]] = {}
        for row in range(len(logs)):
            key = (emitters[20 * row : 20 * row + 20], topics[32 * row : 32 * row + 32])
            rows_of.setdefault(key, []).append(row)
        data = limbs(logs.data) if logs.data else np.zeros((0, 4), np.uint64)
        start = logs.offsets // 32
        found = []
        for key, places in rows_of.items():
            event = self._events.get(key)
            if event is None:
                continue
            rows = np.array(places, dtype=np.int64)
            words = np.empty((len(rows), len(event.fields), 4), np.uint64)
            for topic, column in enumerate(event.from_topics, start=1):
                words[:, column] = logs.topics[rows, topic]
            for place, column in enumerate(event.from_data):
                words[:, column] = data[start[rows] + place]
            found.append(
                EventColumns(
                    event.contract,
                    event.name,
                    logs.transaction[rows],
                    rows,
                    event.fields,
                    event.types,
                    words,
                )
            )
        return found


def _type(item: Mapping[str, Any]) -> str:
    kind = str(item["type"])
    if kind.startswith("tuple"):
        return f"({','.join(_type(part) for part in item['components'])}){kind[5:]}"
    return kind


def _topic(item: Mapping[str, Any]) -> bytes:
    signature = f"{item['name']}({','.join(_type(part) for part in item['inputs'])})"
    return keccak(signature.encode())


def _flat(item: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """Name and type of every word of a field; a struct's members stand in its place."""
    if item["type"] == "tuple":
        for part in item["components"]:
            yield from _flat(part, f"{name}.{part['name']}")
    else:
        yield name, str(item["type"])


def _read(contract: str, item: Mapping[str, Any]) -> _Event | None:
    names: list[str] = []
    types: list[str] = []
    from_topics: list[int] = []
    from_data: list[int] = []
    for part in item["inputs"]:
        for name, kind in _flat(part, str(part["name"])):
            if kind in ("string", "bytes") or kind.endswith("]"):
                return None
            (from_topics if part["indexed"] else from_data).append(len(names))
            names.append(name)
            types.append(kind)
    fields = {name: column for column, name in enumerate(names)}
    return _Event(contract, str(item["name"]), fields, tuple(types), tuple(from_topics), tuple(from_data))
