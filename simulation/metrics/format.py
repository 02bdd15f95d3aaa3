# SPDX-License-Identifier: Apache-2.0
"""How a number is written for people: three to four significant digits, its unit, a true minus sign.

Imports: nothing.
"""

from __future__ import annotations

from typing import Final

__all__ = ["show", "show_duration"]

_SCALES: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def show(value: float | None, unit: str) -> str:
    """`value` in `unit` as text, such as `$1.24M`, `37.5 %`, `2 h 05 min`; a dash when not defined."""
    if value is None:
        return "–"
    sign = "−" if value < 0 else ""
    size = abs(value)
    match unit:
        case "USD":
            return f"{sign}${_short(size)}"
        case "USD*s":
            return f"{sign}${_short(size)}·s"
        case "share":
            return f"{sign}{size * 100:.3g} %" if size < 0.9995 else f"{sign}{size * 100:.0f} %"
        case "ratio":
            return f"{sign}{size:.3g}×" if size < 1000 else f"{sign}{_short(size)}×"
        case "s":
            return sign + show_duration(size)
        case "count":
            return f"{sign}{size:,.0f}" if size == int(size) else f"{sign}{size:,.3g}"
        case "gas":
            return f"{sign}{size:,.0f} gas"
        case _:
            return f"{sign}{_short(size)} {unit}"


def show_duration(seconds: float) -> str:
    """Two neighbouring units, the lower one only where it is not zero: `45 s`, `2 h 05 min`, `3 d`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        upper, lower, names = 60, 1, "min s"
    elif whole < 86_400:
        upper, lower, names = 3_600, 60, "h min"
    else:
        upper, lower, names = 86_400, 3_600, "d h"
    first, second = names.split()
    rest = whole % upper // lower
    return f"{whole // upper} {first}" + (f" {rest:02d} {second}" if rest else "")


def _short(size: float) -> str:
    if size >= 9_999.5:
        scale, letter = next((step for step in _SCALES if size >= 0.9995 * step[0]), _SCALES[-1])
        return f"{size / scale:.3g}{letter}" if size < 999.5 * scale else f"{size / scale:,.0f}{letter}"
    if size >= 999.5:
        return f"{size:,.0f}"
    return f"{size:.3g}" if size else "0"
