# SPDX-License-Identifier: Apache-2.0
"""The market word of IInstruments, unpacked."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.domain.fixed_point import field, signed_field

__all__ = ["MarketWord", "unpack"]


@dataclass(frozen=True, slots=True)
class MarketWord:
    mark: int
    spot: int
    funding_index: int
    confidence: int
    valid: bool
    expired: bool = False
    settled: bool = False


def unpack(word: int) -> MarketWord:
    """The fields of a market word."""
    assert field(word, 254, 1) == 0
    return MarketWord(
        mark=field(word, 0, 72),
        spot=field(word, 72, 72),
        funding_index=signed_field(word, 144, 80),
        confidence=field(word, 224, 28),
        valid=field(word, 255, 1) == 1,
        expired=field(word, 252, 1) == 1,
        settled=field(word, 253, 1) == 1,
    )
