# SPDX-License-Identifier: Apache-2.0
"""Logs to events, by columns: one group for each event of each contract, no Python object per log.

Imports: chain.artifacts, messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
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
        places = {key: place for place, key in enumerate(_keys(self._emitters, self._topics).tolist())}
        self._known = np.array(sorted(places), np.uint64)
        self._places = np.array([places[key] for key in sorted(places)], np.int64)
        shape = (len(self._events), max((len(event.types) for event in self._events), default=0))
        self._is_topic, self._column = np.zeros(shape, np.bool_), np.zeros(shape, np.int64)
        for place, event in enumerate(self._events):
            self._is_topic[place, list(event.from_topics)] = True
            self._column[place, list(event.from_topics)] = range(1, 1 + len(event.from_topics))
            self._column[place, list(event.from_data)] = range(len(event.from_data))

    def __call__(self, logs: Logs) -> list[EventColumns]:
        """Groups in the order of their first log."""
        if not len(logs) or not self._events:
            return []
        places = self._match(logs)
        order = places.argsort(kind="stable")
        places = places[order]
        # A word of a log by its place among all topics, with all data behind them. Events with fewer fields
        # than the longest take words of others, which are cut off again.
        topics, data = logs.topics.reshape(-1, 4), limbs(logs.data)
        start = (len(topics) + logs.offsets[:-1] // 32)[order, None]
        index = np.where(self._is_topic[places], 4 * order[:, None], start) + self._column[places]
        words = np.concatenate((topics, data)).take(index, axis=0, mode="clip")
        transaction = logs.transaction[order]
        new = np.ones(len(places) + 1, np.bool_)
        np.not_equal(places[1:], places[:-1], out=new[1:-1])
        bounds = new.nonzero()[0].tolist()
        found = []
        for first, end in pairwise(bounds):
            place = places.item(first)
            if place != UNKNOWN:
                event = self._events[place]
                found.append(
                    EventColumns(
                        event.contract,
                        event.name,
                        transaction[first:end],
                        order[first:end],
                        event.fields,
                        event.types,
                        words[first:end, : len(event.types)],
                    )
                )
        return sorted(found, key=lambda columns: columns.log.item(0))

    def _match(self, logs: Logs) -> NDArray[np.int64]:
        """Place of the event of every log."""
        topics = logs.topics[:, 0]
        near = self._known.searchsorted(_keys(logs.address, topics))
        places = self._places.take(near, mode="clip")
        same = (self._topics[places] == topics).all(axis=1)
        same &= (self._emitters[places] == logs.address).all(axis=1)
        return places if same.all() else np.where(same, places, UNKNOWN)


def _keys(emitters: NDArray[np.uint8], topics: Limbs) -> NDArray[np.uint64]:
    """64 bits of emitter and first topic: enough to find an event, which is then compared in full."""
    start = np.ascontiguousarray(emitters[:, :8]).view(np.uint64)[:, 0]
    keys: NDArray[np.uint64] = start ^ topics[:, 0]
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
    return _Event(
        contract,
        str(item["name"]),
        fields,
        tuple(types),
        tuple(from_topics),
        tuple(from_data),
    )
