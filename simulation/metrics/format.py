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
    """Two neighbouring units: `45 s`, `12 min 30 s`, `2 h 05 min`, `3 d 04 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600:02d} h"


def _short(size: float) -> str:
    if size >= 9_999.5:
        scale, letter = next((step for step in _SCALES if size >= 0.9995 * step[0]), _SCALES[-1])
        return f"{size / scale:.3g}{letter}" if size < 999.5 * scale else f"{size / scale:,.0f}{letter}"
    if size >= 999.5:
        return f"{size:,.0f}"
    return f"{size:.3g}" if size else "0"
