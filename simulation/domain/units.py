# SPDX-License-Identifier: Apache-2.0
"""The chain's units, and the only place where floats become integers and back. May import errors only.

size      nano base   1e-9  of the base asset, signed, positive long
price     nano USD    1e-9  USD per unit of base
money     wad USD     1e-18 USD; a product of size and price is exactly this
share     bps         1e-4
confidence            1e-8
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal

__all__ = [
    "BPS",
    "EXACT",
    "FULL_CONFIDENCE",
    "NANO",
    "WAD",
    "floor_to",
    "nano_to_float",
    "notional_wad",
    "round_to",
    "to_nano",
    "to_wad",
    "token_to_wad",
    "wad_to_decimal",
    "wad_to_float",
    "wad_to_token_down",
    "wad_to_token_up",
]

NANO = 10**9
WAD = 10**18
BPS = 10_000
FULL_CONFIDENCE = 10**8

EXACT = Context(prec=120)
"""The default context keeps 28 digits, which a large amount of wad exceeds."""


def to_nano(value: float) -> int:
    """A price in USD, or a size in units of base, in nano units; to the nearest, halves to even.

    Raises ValueError when the value is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"no finite number: {value}")
    return int(Decimal(value).scaleb(9, EXACT).to_integral_value(ROUND_HALF_EVEN, EXACT))


def to_wad(value: float | Decimal) -> int:
    """USD in wad; to the nearest, halves to even. Raises ValueError when the value is not finite."""
    if not math.isfinite(value):
        raise ValueError(f"no finite number: {value}")
    return int(Decimal(value).scaleb(18, EXACT).to_integral_value(ROUND_HALF_EVEN, EXACT))


def nano_to_float(nano: int) -> float:
    """A price in USD, or a size in units of base, as the nearest float."""
    return nano / NANO


def wad_to_float(wad: int) -> float:
    """USD as the nearest float."""
    return wad / WAD


def wad_to_decimal(wad: int) -> Decimal:
    """USD, exactly."""
    return Decimal(wad).scaleb(-18, EXACT)


def notional_wad(size_nano: int, price_nano: int) -> int:
    """Size times price, signed like the size; exact."""
    return size_nano * price_nano


def floor_to(value: int, step: int) -> int:
    """The largest multiple of `step` not above `value`: a bid's tick, a lot that is surely affordable."""
    return value - value % step


def round_to(value: int, step: int) -> int:
    """The multiple of `step` nearest to `value`, halves upward."""
    return floor_to(value + step // 2, step)


def token_to_wad(amount: int, decimals: int) -> int:
    """Units of a stable token in wad; exact."""
    return amount * _wad_per_unit(decimals)


def wad_to_token_down(wad: int, decimals: int) -> int:
    """Token units that a payout of `wad` may hand over: rounded toward minus infinity, for the protocol."""
    return wad // _wad_per_unit(decimals)


def wad_to_token_up(wad: int, decimals: int) -> int:
    """Token units that must come in to cover `wad`: rounded up, for the protocol."""
    return -(-wad // _wad_per_unit(decimals))


def _wad_per_unit(decimals: int) -> int:
    if not 0 <= decimals <= 18:
        raise ValueError(f"a stable token has 0 to 18 decimals, not {decimals}")
    scale: int = 10 ** (18 - decimals)
    return scale
