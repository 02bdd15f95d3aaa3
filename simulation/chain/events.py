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
from numpy.typing import NDArray

from simulation.messages import EventColumns, Limbs, limbs
from simulation.messages.chain import Logs

__all__ = ["EventDecoder"]

UNKNOWN = -1
"""Place of a log that no known event matches."""


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
    in_order: bool
    """Whether the indexed fields were declared first."""


class EventDecoder:
    """Decodes the logs of known contracts; others, and events with dynamic fields, are left out.

    Args:
        contracts: 20-byte address and ABI by the name that events shall carry.
    """

    def __init__(self, contracts: Mapping[str, tuple[bytes, Sequence[Mapping[str, Any]]]]) -> None:
        self._events: list[_Event] = []
        emitters, topics = [], []
        for contract, (address, abi) in contracts.items():
            for item in abi:
                if item["type"] == "event" and (event := _read(contract, item)) is not None:
                    self._events.append(event)
                    emitters.append(address)
                    topics.append(_topic(item))
        self._emitters = np.frombuffer(b"".join(emitters), np.uint8).reshape(-1, 20)
        self._topics = limbs(b"".join(topics))
        self._places = {key: place for place, key in enumerate(_keys(self._emitters, self._topics))}

    def __call__(self, logs: Logs) -> list[EventColumns]:
        """Groups in the order of their first log."""
        if not len(logs) or not self._events:
            return []
        rows_of: dict[int, list[int]] = {}
        for row, place in enumerate(self._match(logs)):
            rows_of.setdefault(place, []).append(row)
        rows_of.pop(UNKNOWN, None)
        data = limbs(logs.data)
        start = logs.offsets // 32
        found = []
        for place, places in rows_of.items():
            event, rows = self._events[place], np.array(places, dtype=np.int64)
            indexed, others = len(event.from_topics), len(event.from_data)
            # Topics first, then data, then the order of declaration.
            words = np.empty((len(rows), indexed + others, 4), np.uint64)
            words[:, :indexed] = logs.topics[rows, 1 : 1 + indexed]
            if others:
                words[:, indexed:] = data.take(start[rows, None] + np.arange(others), axis=0)
            if not event.in_order:
                words = words[:, np.argsort(event.from_topics + event.from_data)]
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

    def _match(self, logs: Logs) -> list[int]:
        """Place of the event of every log."""
        topics = logs.topics[:, 0]
        places = [self._places.get(key, UNKNOWN) for key in _keys(logs.address, topics)]
        same = (self._topics[places] == topics).all(axis=1)
        same &= (self._emitters[places] == logs.address).all(axis=1)
        if not same.all():
            return [place if right else UNKNOWN for place, right in zip(places, same.tolist(), strict=True)]
        return places


def _keys(emitters: NDArray[np.uint8], topics: Limbs) -> list[int]:
    """64 bits of emitter and first topic: enough to find an event, which is then compared in full."""
    start = np.ascontiguousarray(emitters[:, :8]).view(np.uint64)[:, 0]
    keys: list[int] = (start ^ topics[:, 0]).tolist()
    return keys


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
    columns = from_topics + from_data
    return _Event(
        contract,
        str(item["name"]),
        fields,
        tuple(types),
        tuple(from_topics),
        tuple(from_data),
        columns == sorted(columns),
    )
