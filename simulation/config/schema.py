# SPDX-License-Identifier: Apache-2.0
"""Tables of a scenario file to frozen dataclasses and back, collecting every problem on the way.

A settings class is a frozen, slotted dataclass whose fields are made by `knob`: what kind of value it is, its
default as it would stand in the file, and its range. The agents layer describes its parameters the same way.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from simulation.errors import Problem, ScenarioError

__all__ = [
    "FAILED",
    "Array",
    "Kind",
    "Problems",
    "Table",
    "Tables",
    "Variant",
    "knob",
    "read_table",
    "show_table",
]

T = TypeVar("T")


class _Marker:
    """A value that no file can hold."""


FAILED = _Marker()
"""What `Kind.read` returns after it has reported a problem."""
REQUIRED = _Marker()


@dataclass(slots=True)
class Problems:
    """Collects what is wrong in one scenario, naming the file or the override that each key came from."""

    file: str
    overrides: tuple[str, ...] = ()
    """Dotted keys that were set on the command line; the rest stands in the file."""
    found: list[Problem] = field(default_factory=list)

    def add(self, key: str, found: str, expected: str) -> None:
        where = "--set" if self._is_overridden(key) else self.file
        self.found.append(Problem(where=where, key=key, found=found, expected=expected))

    def raise_if_any(self) -> None:
        """Raise ScenarioError holding every problem, in the order of discovery."""
        if self.found:
            raise ScenarioError(self.found)

    def _is_overridden(self, key: str) -> bool:
        return any(
            key == override
            or key.startswith((f"{override}.", f"{override}["))
            or override.startswith(f"{key}.")
            for override in self.overrides
        )


class Kind(Protocol):
    """How one value of a file is read, described in an error, and written back."""

    @property
    def expected(self) -> str:
        """A phrase for error messages: `a duration such as "12 s"`."""
        ...

    def read(self, raw: object, key: str, problems: Problems) -> Any:
        """The typed value, or FAILED after adding what is wrong to `problems`."""
        ...

    def show(self, value: Any) -> Any:
        """The value as it stands in a file; `read` of it gives the same value."""
        ...


@dataclass(frozen=True, slots=True)
class _Knob:
    kind: Kind
    low: Any
    high: Any
    bounds: str

    @property
    def expected(self) -> str:
        return f"{self.kind.expected}{self.bounds}"


def knob(kind: Kind, default: object = REQUIRED, *, low: object = None, high: object = None) -> Any:
    """A field of a settings class.

    Args:
        kind: how the value is read and shown.
        default: as it would stand in the file; without one the key is required.
        low, high: bounds, both allowed, as they would stand in the file.
    """
    bounds = ""
    if low is not None:
        bounds = f" from {_quote(low)}"
    if high is not None:
        bounds += f" up to {_quote(high)}"
    metadata = {"knob": _Knob(kind, _constant(kind, low), _constant(kind, high), bounds)}
    if default is REQUIRED:
        return field(metadata=metadata, kw_only=True)
    return field(default_factory=lambda: _constant(kind, default), metadata=metadata, kw_only=True)


def _constant(kind: Kind, raw: object) -> Any:
    if raw is None:
        return None
    problems = Problems("default")
    value = kind.read(raw, "", problems)
    problems.raise_if_any()
    return value


def _quote(raw: object) -> str:
    return f'"{raw}"' if isinstance(raw, str) else str(raw)


def read_table(cls: type[T], raw: object, key: str, problems: Problems) -> T | None:
    """One table of the file as an instance of a settings class; None after problems were added."""
    before = len(problems.found)
    if not isinstance(raw, Mapping):
        problems.add(key, f"got {_quote(raw)}", "a table")
        return None
    knobs: dict[str, _Knob] = {item.name: item.metadata["knob"] for item in _fields(cls)}
    required = {item.name for item in _fields(cls) if item.default_factory is dataclasses.MISSING}
    for name in raw:
        if name not in knobs:
            problems.add(_join(key, name), "unknown key", one_of(str(name), knobs))
    values: dict[str, Any] = {}
    for name, item in knobs.items():
        place = _join(key, name)
        if name not in raw:
            if name in required:
                problems.add(place, "missing", item.expected)
            continue
        value = item.kind.read(raw[name], place, problems)
        if value is FAILED:
            continue
        if (item.low is not None and value < item.low) or (item.high is not None and value > item.high):
            problems.add(place, f"got {_quote(raw[name])}", item.expected)
        values[name] = value
    return cls(**values) if len(problems.found) == before else None


def show_table(settings: Any) -> dict[str, Any]:
    """A settings instance as the table that reads back to it, defaults included; None is left out."""
    table: dict[str, Any] = {}
    for item in _fields(type(settings)):
        value = getattr(settings, item.name)
        if value is not None:
            table[item.name] = item.metadata["knob"].kind.show(value)
    return table


def _fields(cls: type[Any]) -> list[dataclasses.Field[Any]]:
    return [item for item in dataclasses.fields(cls) if "knob" in item.metadata]


def _join(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)


def one_of(name: str, known: Iterable[str]) -> str:
    """`one of a, b, c`, with the nearest known name in front when there is one."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"one of {', '.join(names)}" + (f" (did you mean {near[0]}?)" if near else "")


@dataclass(frozen=True, slots=True)
class Table:
    """A nested table of one settings class."""

    cls: type[Any]
    expected: str = "a table"

    def read(self, raw: object, key: str, problems: Problems) -> Any:
        value = read_table(self.cls, raw, key, problems)
        return FAILED if value is None else value

    def show(self, value: Any) -> dict[str, Any]:
        return show_table(value)


@dataclass(frozen=True, slots=True)
class Tables:
    """Named tables of one kind: `[markets.ETH]`, `[markets.BTC]`."""

    kind: Kind
    least: int = 0

    @property
    def expected(self) -> str:
        return (
            f"at least {self.least} named table{'s' if self.least > 1 else ''}"
            if self.least
            else "named tables"
        )

    def read(self, raw: object, key: str, problems: Problems) -> Any:
        if not isinstance(raw, Mapping) or len(raw) < self.least:
            problems.add(
                key, f"got {_quote(raw)}" if not isinstance(raw, Mapping) else "empty", self.expected
            )
            return FAILED
        values = {str(name): self.kind.read(raw[name], _join(key, name), problems) for name in raw}
        return FAILED if any(value is FAILED for value in values.values()) else values

    def show(self, value: dict[str, Any]) -> dict[str, Any]:
        return {name: self.kind.show(value[name]) for name in value}


@dataclass(frozen=True, slots=True)
class Array:
    """A list of values of one kind, as a tuple."""

    kind: Kind

    @property
    def expected(self) -> str:
        return f"a list, each {self.kind.expected}"

    def read(self, raw: object, key: str, problems: Problems) -> Any:
        if not isinstance(raw, list | tuple):
            problems.add(key, f"got {_quote(raw)}", self.expected)
            return FAILED
        values = tuple(self.kind.read(item, f"{key}[{place}]", problems) for place, item in enumerate(raw))
        return FAILED if any(value is FAILED for value in values) else values

    def show(self, value: tuple[Any, ...]) -> list[Any]:
        return [self.kind.show(item) for item in value]


@dataclass(frozen=True, slots=True)
class Variant:
    """A table whose `kind` key says which settings class the rest belongs to."""

    classes: Mapping[str, type[Any]]

    @property
    def expected(self) -> str:
        return f"a table with kind {one_of('', self.classes)}"

    def read(self, raw: object, key: str, problems: Problems) -> Any:
        if not isinstance(raw, Mapping):
            problems.add(key, f"got {_quote(raw)}", self.expected)
            return FAILED
        name = raw.get("kind")
        if name not in self.classes:
            found = "missing" if name is None else f"got {_quote(name)}"
            problems.add(_join(key, "kind"), found, one_of(str(name), self.classes))
            return FAILED
        rest = {entry: raw[entry] for entry in raw if entry != "kind"}
        value = read_table(self.classes[str(name)], rest, key, problems)
        return FAILED if value is None else value

    def show(self, value: Any) -> dict[str, Any]:
        name = next(name for name, cls in self.classes.items() if cls is type(value))
        return {"kind": name, **show_table(value)}
