# SPDX-License-Identifier: Apache-2.0
"""A parameter that is one number, or a distribution from which a population draws its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.config.kinds import NUMBER
from simulation.config.schema import FAILED, Kind, Problems, one_of

__all__ = ["Distribution", "varies"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """Where a population's values come from.

    Shapes and their parameters: constant (value), uniform (low, high), normal (mean, deviation), lognormal
    (median, standard deviation of the logarithm), exponential (mean), choice (the values, equally likely).
    """

    shape: str
    parameters: tuple[float, ...]

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        """`count` values in the natural unit of the parameter; a constant takes nothing from the stream."""
        values = self.parameters
        if self.shape == "constant":
            return np.full(count, values[0])
        if self.shape == "uniform":
            return rng.uniform(values[0], values[1], count)
        if self.shape == "normal":
            return rng.normal(values[0], values[1], count)
        if self.shape == "lognormal":
            return rng.lognormal(np.log(values[0]), values[1], count)
        if self.shape == "exponential":
            return rng.exponential(values[0], count)
        return rng.choice(np.asarray(values), count)


_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "uniform": ("low", "high"),
    "normal": ("mean", "deviation"),
    "lognormal": ("median", "sigma"),
    "exponential": ("mean",),
}
_PURE_NUMBERS = frozenset({("lognormal", "sigma")})


@dataclass(frozen=True, slots=True)
class Varies:
    """A value of one kind, or a table such as `{ lognormal = ["5_000 USD", 1.2] }`."""

    kind: Kind

    @property
    def expected(self) -> str:
        return f"{self.kind.expected}, or a distribution such as {{ uniform = [low, high] }} of such values"

    def read(self, raw: object, key: str, problems: Problems) -> Any:
        if not isinstance(raw, Mapping):
            value = self.kind.read(raw, key, problems)
            return FAILED if value is FAILED else Distribution("constant", (float(value),))
        shapes = (*_PARAMETERS, "choice")
        if len(raw) != 1 or next(iter(raw)) not in shapes:
            problems.add(
                key, f"got {dict(raw)}", f"a distribution, {one_of(str(next(iter(raw), '')), shapes)}"
            )
            return FAILED
        shape, arguments = next(iter(raw.items()))
        names = _PARAMETERS.get(shape, ())
        if (
            not isinstance(arguments, list | tuple)
            or not arguments
            or (names and len(arguments) != len(names))
        ):
            problems.add(f"{key}.{shape}", f"got {arguments!r}", f"a list of {', '.join(names) or 'values'}")
            return FAILED
        values = [
            self._argument_kind(shape, place).read(item, f"{key}.{shape}[{place}]", problems)
            for place, item in enumerate(arguments)
        ]
        if any(value is FAILED for value in values):
            return FAILED
        if shape == "uniform" and values[0] > values[1]:
            problems.add(f"{key}.{shape}", f"got {arguments!r}", "low not above high")
            return FAILED
        if shape == "lognormal" and values[0] <= 0:
            problems.add(f"{key}.{shape}", f"got {arguments!r}", "a median above zero")
            return FAILED
        if shape in ("normal", "lognormal") and values[1] < 0:
            problems.add(f"{key}.{shape}", f"got {arguments!r}", "a spread of at least 0")
            return FAILED
        return Distribution(shape, tuple(float(value) for value in values))

    def show(self, value: Distribution) -> Any:
        if value.shape == "constant":
            return self._shown(self.kind, value.parameters[0])
        items = [
            self._shown(self._argument_kind(value.shape, place), item)
            for place, item in enumerate(value.parameters)
        ]
        return {value.shape: items}

    def _argument_kind(self, shape: str, place: int) -> Kind:
        names = _PARAMETERS.get(shape, ())
        return NUMBER if names and (shape, names[place]) in _PURE_NUMBERS else self.kind

    @staticmethod
    def _shown(kind: Kind, value: float) -> Any:
        return kind.show(int(value) if value == int(value) else value)


def varies(kind: Kind) -> Varies:
    """A parameter of this kind that may also be given as a distribution."""
    return Varies(kind)
