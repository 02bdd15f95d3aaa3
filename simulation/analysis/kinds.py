# SPDX-License-Identifier: Apache-2.0
"""Values of a portfolio file that scenarios do not have. Imports: config."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simulation.config.kinds import PRICE_NANO, SIZE_NANO
from simulation.config.schema import FAILED, Problems
from simulation.domain.units import EXACT, WAD

__all__ = ["MATRIX", "PARAMETER_WAD", "QUANTITY", "Quantity"]

NANO = Decimal(10**9)


@dataclass(frozen=True, slots=True)
class Quantity:
    """How much of an instrument is held, signed, positive long."""

    amount: int
    """Nano units."""
    unit: str
    """`base`, or `USD`: contracts of an inverse perpetual."""


@dataclass(frozen=True, slots=True)
class QuantityKind:
    """A size of any instrument."""

    expected: str = 'a size such as "-10 base", of inverse perpetuals "10_000 USD"'

    def read(self, raw: object, key: str, problems: Problems) -> Any:
        for unit, kind in (("base", SIZE_NANO), ("USD", PRICE_NANO)):
            found = kind.read(raw, key, Problems(""))
            if found is not FAILED:
                return Quantity(found, unit)
        problems.add(key, f'got "{raw}"' if isinstance(raw, str) else f"got {raw}", self.expected)
        return FAILED

    def show(self, value: Quantity) -> str:
        return f"{EXACT.divide(Decimal(value.amount), NANO):f} {value.unit}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number without unit as wad, to the nearest."""

    expected: str = "a number without unit such as 0.04"

    def read(self, raw: object, key: str, problems: Problems) -> Any:
        if isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) < 1e6:
            return int(Decimal(repr(raw)).scaleb(18, EXACT).to_integral_value(context=EXACT))
        shown = f'"{raw}"' if isinstance(raw, str) else str(raw)
        problems.add(key, f"got {shown}", self.expected)
        return FAILED

    def show(self, value: int) -> float:
        return value / WAD


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of numbers, all of one length."""

    expected: str = "rows of numbers such as [[1.0, 0.8], [0.8, 1.0]]"

    def read(self, raw: object, key: str, problems: Problems) -> Any:
        rows = raw if isinstance(raw, list | tuple) else None
        if rows is None or any(not isinstance(row, list | tuple) for row in rows):
            problems.add(key, f"got {raw}", self.expected)
            return FAILED
        numbers = [entry for row in rows for entry in row]
        if any(isinstance(entry, bool) or not isinstance(entry, int | float) for entry in numbers):
            problems.add(key, f"got {raw}", self.expected)
            return FAILED
        return tuple(tuple(float(entry) for entry in row) for row in rows)

    def show(self, value: tuple[tuple[float, ...], ...]) -> list[list[float]]:
        return [list(row) for row in value]


PARAMETER_WAD = Parameter()
MATRIX = Matrix()
QUANTITY = QuantityKind()
