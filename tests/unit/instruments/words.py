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


def unpack(word: int) -> MarketWord:
    """The fields of a market word."""
    valid = field(word, 252, 4)
    assert valid in (0, 8)
    return MarketWord(
        field(word, 0, 72), field(word, 72, 72), signed_field(word, 144, 80), field(word, 224, 28), valid == 8
    )
