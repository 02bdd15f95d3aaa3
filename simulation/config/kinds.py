# SPDX-License-Identifier: Apache-2.0
"""Values with units: what may stand behind a key, and the exact integer or the float that it becomes.

BPS, WEI and the kinds ending in _WAD or _NANO are integers bound for the chain and refuse what is not a whole
number of their unit. The others are floats in natural units (USD, a share of one) for agents and paths.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simulation.config.schema import FAILED, Kind, Problems
from simulation.domain.units import EXACT

__all__ = [
    "BPS",
    "EVENTS_PER_YEAR",
    "FLAG",
    "GWEI",
    "HOURLY_WAD",
    "INTEGER",
    "MOMENT",
    "NUMBER",
    "PRICE_NANO",
    "SECONDS",
    "SHARE",
    "SIZE_NANO",
    "START",
    "TEXT",
    "USD",
    "USD_WAD",
    "WAYPOINTS_NANO",
    "WAYPOINTS_SIGNED",
    "WAYPOINTS_WEI",
    "WAYPOINTS_YEARLY",
    "WEI",
    "YEARLY",
    "YEARLY_WAD",
    "choice",
]

WORST_DAY = "worst day"
"""Start of a replay: 00:00 UTC of the most volatile day that the price files hold in full."""

_NUMBER = r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*([A-Za-z%/][A-Za-z%/ ]*?)\s*")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value; `parse` raises ValueError on anything that is not one."""

    expected: str
    parse: Callable[[Any], Any]
    write: Callable[[Any], Any]

    def read(self, raw: object, key: str, problems: Problems) -> Any:
        try:
            return self.parse(raw)
        except (ValueError, ArithmeticError):
            shown = f'"{raw}"' if isinstance(raw, str) else str(raw)
            problems.add(key, f"got {shown}", self.expected)
            return FAILED

    def show(self, value: Any) -> Any:
        return self.write(value)


def _as_decimal(raw: object, units: Mapping[str, Decimal]) -> Decimal:
    match = _QUANTITY.fullmatch(raw) if isinstance(raw, str) else None
    if match is None or match[2] not in units:
        raise ValueError(raw)
    return EXACT.multiply(Decimal(match[1].replace("_", "")), units[match[2]])


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _exact(expected: str, units: Mapping[str, str], shown: str) -> Scalar:
    """A quantity that becomes an integer; the units' factors are whole numbers of the chain's unit."""
    factors = {unit: Decimal(factor) for unit, factor in units.items()}

    def parse(raw: object) -> int:
        value = _as_decimal(raw, factors)
        if value != value.to_integral_value(context=EXACT):
            raise ValueError(raw)
        return int(value)

    return Scalar(
        expected, parse, lambda value: f"{_plain(EXACT.divide(Decimal(value), factors[shown]))} {shown}"
    )


def _natural(expected: str, units: Mapping[str, str], shown: str) -> Scalar:
    """A quantity that becomes a float."""
    factors = {unit: Decimal(factor) for unit, factor in units.items()}

    def parse(raw: object) -> float:
        return float(_as_decimal(raw, factors))

    return Scalar(
        expected, parse, lambda value: f"{_plain(EXACT.divide(Decimal(repr(value)), factors[shown]))} {shown}"
    )


_DURATIONS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
_DURATION_PART = re.compile(rf"\s*({_NUMBER})\s*(d|h|min|s)(?![A-Za-z])")


def _parse_seconds(raw: object) -> int:
    if not isinstance(raw, str):
        raise ValueError(raw)
    total, position, text = Decimal(0), 0, raw.rstrip()
    while position < len(text):
        part = _DURATION_PART.match(text, position)
        if part is None:
            raise ValueError(raw)
        total += Decimal(part[1].replace("_", "")) * _DURATIONS[part[2]]
        position = part.end()
    if not text or total != total.to_integral_value():
        raise ValueError(raw)
    return int(total)


def _show_seconds(value: int) -> str:
    unit = next((name for name, length in _DURATIONS.items() if value and value % length == 0), "s")
    return f"{value // _DURATIONS[unit]} {unit}"


def _parse_moment(raw: object) -> int:
    if isinstance(raw, str):
        raw = dt.datetime.fromisoformat(raw)
    if not isinstance(raw, dt.datetime) or raw.tzinfo is None or raw.microsecond:
        raise ValueError(raw)
    return int(raw.timestamp())


def show_moment(value: int) -> str:
    """Unix seconds as `2020-03-12T00:00:00Z`."""
    return dt.datetime.fromtimestamp(value, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parse_start(raw: object) -> int | None:
    return None if raw == WORST_DAY else _parse_moment(raw)


def _parse_integer(raw: object) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise ValueError(raw)
    return raw


def _parse_number(raw: object) -> float:
    if not isinstance(raw, int | float) or isinstance(raw, bool) or raw != raw or abs(raw) == float("inf"):
        raise ValueError(raw)
    return float(raw)


def _parse_flag(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise ValueError(raw)
    return raw


def _parse_text(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError(raw)
    return raw


def choice(*options: str) -> Scalar:
    """One of a few words."""

    def parse(raw: object) -> str:
        if raw not in options:
            raise ValueError(raw)
        return str(raw)

    return Scalar(f"one of {', '.join(options)}", parse, str)


INTEGER = Scalar("a whole number", _parse_integer, int)
NUMBER = Scalar("a number without unit", _parse_number, float)
FLAG = Scalar("true or false", _parse_flag, bool)
TEXT = Scalar("text in quotes", _parse_text, str)
SECONDS = Scalar('a duration such as "12 s", "5 min", "48 h" or "2 d"', _parse_seconds, _show_seconds)
MOMENT = Scalar("a UTC time such as 2020-03-12T00:00:00Z", _parse_moment, show_moment)
START = Scalar(
    f'a UTC time such as 2020-03-12T00:00:00Z, or "{WORST_DAY}" for a replay',
    _parse_start,
    lambda value: WORST_DAY if value is None else show_moment(value),
)
USD_WAD = _exact('an amount such as "250 USD"', {"USD": "1e18"}, "USD")
USD = _natural('an amount such as "250 USD"', {"USD": "1"}, "USD")
PRICE_NANO = _exact('a price such as "0.01 USD"', {"USD": "1e9"}, "USD")
SIZE_NANO = _exact('a size in units of the base asset such as "0.001 base"', {"base": "1e9"}, "base")
BPS = _exact('a share in whole basis points such as "0.5 %" or "50 bps"', {"%": "100", "bps": "1"}, "%")
SHARE = _natural('a share such as "0.5 %" or "50 bps"', {"%": "0.01", "bps": "0.0001"}, "%")
YEARLY = _natural('a yearly rate such as "60 %/year"', {"%/year": "0.01"}, "%/year")
YEARLY_WAD = _exact('a yearly rate such as "8 %/year"', {"%/year": "1e16"}, "%/year")
HOURLY_WAD = _exact('an hourly rate such as "0.75 %/h"', {"%/h": "1e16"}, "%/h")
EVENTS_PER_YEAR = _natural(
    'a frequency such as "2 /day"',
    {"/h": "8760", "/day": "365", "/week": "52.142857142857146", "/year": "1"},
    "/year",
)
WEI = _exact('a gas price such as "30 gwei"', {"gwei": "1e9", "wei": "1"}, "gwei")
GWEI = _natural('a gas price such as "30 gwei"', {"gwei": "1"}, "gwei")


@dataclass(frozen=True, slots=True)
class Waypoints:
    """A list of [time since the start, value] in rising order of time, as a tuple of pairs."""

    value: Kind
    example: str
    signed: bool = False
    """Values may be zero and negative."""

    @property
    def expected(self) -> str:
        return f"a list of pairs [time since start, value] such as {self.example}, times rising"

    def read(self, raw: object, key: str, problems: Problems) -> Any:
        if not isinstance(raw, list | tuple):
            problems.add(key, f"got {raw!r}", self.expected)
            return FAILED
        points: list[tuple[int, Any]] = []
        failed = False
        for place, item in enumerate(raw):
            here = f"{key}[{place}]"
            if not isinstance(item, list | tuple) or len(item) != 2:
                problems.add(here, f"got {item!r}", f"a pair such as {self.example}")
                failed = True
                continue
            time = SECONDS.read(item[0], here, problems)
            value = self.value.read(item[1], here, problems)
            if time is FAILED or value is FAILED:
                failed = True
            elif points and time <= points[-1][0]:
                problems.add(here, f'got "{item[0]}" after "{_show_seconds(points[-1][0])}"', "a later time")
                failed = True
            elif value <= 0 and not self.signed:
                problems.add(here, f'got "{item[1]}"', "a value above zero")
                failed = True
            else:
                points.append((time, value))
        return FAILED if failed else tuple(points)

    def show(self, value: tuple[tuple[int, Any], ...]) -> list[list[Any]]:
        return [[_show_seconds(time), self.value.show(amount)] for time, amount in value]


WAYPOINTS_NANO = Waypoints(PRICE_NANO, '["6 h", "180 USD"]')
WAYPOINTS_YEARLY = Waypoints(YEARLY, '["6 h", "80 %/year"]')
WAYPOINTS_SIGNED = Waypoints(YEARLY, '["6 h", "-10 %/year"]', signed=True)
WAYPOINTS_WEI = Waypoints(WEI, '["6 h", "80 gwei"]')
