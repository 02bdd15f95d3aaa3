# SPDX-License-Identifier: Apache-2.0
"""Columns of 256-bit words and of 128-bit integers, exact, without a Python integer per row.

The chain speaks in 32-byte words, the laboratory in NumPy columns. A column of words is an array of shape
(rows, 4) of uint64 limbs, most significant first. Every amount of the contracts fits in 128 signed bits, so a
column of amounts is a `Wide`: two arrays that hold the two's complement. Floats leave here for decisions and
statistics only; what is compared or summed stays exact. Imports: NumPy only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Limbs", "Wide", "field", "int128", "limbs", "small"]

Limbs = NDArray[np.uint64]
"""256-bit words, shape (rows, 4), most significant limb first."""

_FULL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_LOW_32 = np.uint64(0xFFFF_FFFF)
_TWO_64 = float(2**64)


def limbs(data: bytes | bytearray | memoryview | NDArray[np.uint8]) -> Limbs:
    """Words from their bytes, 32 big-endian bytes each; raises ValueError on a broken last word."""
    return np.frombuffer(data, dtype=">u8").astype(np.uint64).reshape(-1, 4)


def small(words: Limbs, low: int, bits: int) -> NDArray[np.int64]:
    """The unsigned field of at most 63 bits that starts at bit `low`."""
    if bits > 63:
        raise ValueError(f"a field of {bits} bits does not fit in 63")
    place, shift = divmod(low, 64)
    value = words[..., 3 - place] >> np.uint64(shift)
    if shift + bits > 64:
        value = value | (words[..., 2 - place] << np.uint64(64 - shift))
    return (value & np.uint64((1 << bits) - 1)).astype(np.int64)


def field(words: Limbs, low: int, bits: int, signed: bool = False) -> Wide:
    """The field of at most 128 bits that starts at bit `low`; an unsigned one must be below 2**127."""
    place, shift = divmod(low, 64)
    pieces = [words[..., 3 - (place + step)] for step in range(3) if place + step < 4]
    if shift:
        right, left = np.uint64(shift), np.uint64(64 - shift)
        pieces = [
            (piece >> right) | (pieces[step + 1] << left) if step + 1 < len(pieces) else piece >> right
            for step, piece in enumerate(pieces)
        ]
    bottom = pieces[0].copy()
    top = pieces[1].copy() if bits > 64 and len(pieces) > 1 else np.zeros_like(bottom)
    part, rest = (top, bits - 64) if bits > 64 else (bottom, bits)
    if rest < 64:
        part &= np.uint64((1 << rest) - 1)
    if signed:
        negative = (part >> np.uint64(rest - 1)).astype(bool)
        if rest < 64:
            part |= np.where(negative, np.uint64((2**64 - 1) ^ ((1 << rest) - 1)), np.uint64(0))
        if bits <= 64:
            top = np.where(negative, _FULL, np.uint64(0))
    return Wide(top.view(np.int64), bottom)


def int128(words: Limbs) -> Wide:
    """Whole words as integers; raises OverflowError when one does not fit in 128 signed bits."""
    wide = Wide(words[..., 2].astype(np.uint64).view(np.int64), words[..., 3].astype(np.uint64))
    sign = (wide.high >> 63).view(np.uint64)
    if not (np.array_equal(words[..., 0], sign) and np.array_equal(words[..., 1], sign)):
        raise OverflowError("a word is beyond 128 signed bits")
    return wide


@dataclass(frozen=True, slots=True, eq=False)
class Wide:
    """A column, or a matrix, of exact integers in -2**127 .. 2**127 - 1."""

    high: NDArray[np.int64]
    low: NDArray[np.uint64]

    @classmethod
    def zeros(cls, shape: int | tuple[int, ...]) -> Wide:
        """All zero."""
        return cls(np.zeros(shape, np.int64), np.zeros(shape, np.uint64))

    @classmethod
    def of(cls, values: Iterable[int]) -> Wide:
        """From Python integers; raises OverflowError beyond 128 signed bits."""
        items = list(values)
        data = b"".join(value.to_bytes(16, "big", signed=True) for value in items)
        pairs = np.frombuffer(data, dtype=">u8").astype(np.uint64).reshape(-1, 2)
        return cls(pairs[:, 0].copy().view(np.int64), pairs[:, 1].copy())

    @classmethod
    def of_int64(cls, values: NDArray[np.int64]) -> Wide:
        """From 64-bit integers."""
        return cls(values >> 63, values.astype(np.int64).view(np.uint64))

    @classmethod
    def joined(cls, parts: Sequence[Wide]) -> Wide:
        """One column after the other."""
        if not parts:
            return cls.zeros(0)
        return cls(
            np.concatenate([part.high for part in parts]), np.concatenate([part.low for part in parts])
        )

    def __len__(self) -> int:
        return len(self.low)

    def __getitem__(self, key: Any) -> Wide:
        """A part of the column, as NumPy indexes; a single row stays a column of no dimension."""
        return Wide(np.asarray(self.high[key]), np.asarray(self.low[key]))

    def reshape(self, *shape: int) -> Wide:
        """The same values in another shape; a window where NumPy can make one."""
        return Wide(self.high.reshape(shape), self.low.reshape(shape))

    def put(self, key: Any, values: Wide) -> None:
        """Overwrites rows; where a row is named twice the last value stays, as in NumPy."""
        self.high[key] = values.high
        self.low[key] = values.low

    def copy(self) -> Wide:
        """An independent column."""
        return Wide(self.high.copy(), self.low.copy())

    def differs(self, other: Wide) -> NDArray[np.bool_]:
        """True where the two are unequal."""
        unequal: NDArray[np.bool_] = (self.high != other.high) | (self.low != other.low)
        return unequal

    def is_zero(self) -> NDArray[np.bool_]:
        """True where the value is 0."""
        zero: NDArray[np.bool_] = (self.high == 0) & (self.low == 0)
        return zero

    def floats(self, scale: float | NDArray[np.float64] = 1.0) -> NDArray[np.float64]:
        """Nearest floats times `scale`; small negative values keep their precision.

        Args:
            scale: of all, or of each column.
        """
        short = self.low.view(np.int64)
        if (self.high == short >> 63).all():
            near: NDArray[np.float64] = short * scale
            return near
        negative = self.high < 0
        low = np.where(negative, ~self.low + np.uint64(1), self.low)
        bits = self.high.astype(np.uint64)
        high = np.where(negative, ~bits + (self.low == 0).astype(np.uint64), bits)
        value: NDArray[np.float64] = np.where(negative, -scale, scale) * (high * _TWO_64 + low)
        return value

    def int64(self) -> NDArray[np.int64]:
        """As 64-bit integers; raises OverflowError when one does not fit."""
        value = self.low.view(np.int64) if self.low.flags.c_contiguous else self.low.astype(np.int64)
        if not np.array_equal(self.high, value >> 63):
            raise OverflowError("an amount is beyond 64 signed bits")
        return value

    def ints(self) -> list[int]:
        """Python integers, row by row."""
        highs, lows = self.high.ravel().tolist(), self.low.ravel().tolist()
        return [high * 2**64 + low for high, low in zip(highs, lows, strict=True)]

    def item(self, key: Any = ()) -> int:
        """One value as a Python integer."""
        return int(self.high[key]) * 2**64 + int(self.low[key])

    def total(self) -> int:
        """The exact sum of all values."""
        low = int((self.low & _LOW_32).sum()) + (int((self.low >> np.uint64(32)).sum()) << 32)
        return (
            low
            + (int((self.high & np.int64(0xFFFF_FFFF)).sum()) << 64)
            + (int((self.high >> 32).sum()) << 96)
        )

    def decimals(self) -> bytes:
        """16 little-endian bytes a row, the layout of Arrow's decimal128."""
        pairs = np.empty((self.low.size, 2), dtype="<u8")
        pairs[:, 0] = self.low.ravel()
        pairs[:, 1] = self.high.ravel().view(np.uint64)
        return pairs.tobytes()
