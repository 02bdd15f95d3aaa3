# SPDX-License-Identifier: Apache-2.0
"""Parameters that are drawn: what each shape means, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulation.config import Distribution, stream, varies
from simulation.config.kinds import SECONDS, SHARE, USD
from simulation.config.schema import FAILED, Kind, Problems


def read(kind: Kind, raw: object) -> Any:
    problems = Problems("file.toml")
    value = varies(kind).read(raw, "agents.noise.size", problems)
    problems.raise_if_any()
    return value


@pytest.mark.parametrize(
    ("kind", "raw", "mean", "deviation"),
    [
        (USD, {"uniform": ["0 USD", "12 USD"]}, 6.0, 12 / np.sqrt(12)),
        (USD, {"normal": ["5 USD", "2 USD"]}, 5.0, 2.0),
        (
            USD,
            {"lognormal": ["5_000 USD", 0.5]},
            5000 * np.exp(0.125),
            5000 * np.exp(0.125) * np.sqrt(np.expm1(0.25)),
        ),
        (SECONDS, {"exponential": ["1 min"]}, 60.0, 60.0),
        (SHARE, {"choice": ["1 %", "3 %"]}, 0.02, 0.01),
    ],
)
def test_draws_have_the_moments_of_their_shape(
    kind: Kind, raw: object, mean: float, deviation: float
) -> None:
    count = 200_000
    drawn = read(kind, raw).draw(stream(7, "sizes"), count)
    assert abs(drawn.mean() - mean) < 4 * deviation / np.sqrt(count)
    assert drawn.std() == pytest.approx(deviation, rel=0.03)


def test_a_constant_takes_nothing_from_the_stream() -> None:
    rng = stream(7, "sizes")
    assert read(USD, "250 USD").draw(rng, 3).tolist() == [250.0, 250.0, 250.0]
    assert rng.random() == stream(7, "sizes").random()


@pytest.mark.parametrize(
    "raw",
    [
        "250 USD",
        {"uniform": ["1 USD", "2.5 USD"]},
        {"normal": ["5 USD", "2 USD"]},
        {"lognormal": ["5000 USD", 1.2]},
        {"choice": ["1 USD", "3 USD"]},
    ],
)
def test_what_is_shown_reads_back(raw: object) -> None:
    value = read(USD, raw)
    assert isinstance(value, Distribution)
    assert varies(USD).show(value) == raw


@pytest.mark.parametrize(
    "raw",
    [
        "250 EUR",
        {},
        {"gamma": ["1 USD", "2 USD"]},
        {"uniform": ["1 USD"]},
        {"uniform": ["3 USD", "2 USD"]},
        {"uniform": "1 USD"},
        {"normal": ["3 USD", "-2 USD"]},
        {"lognormal": ["0 USD", 1.0]},
        {"lognormal": ["5 USD", "1 USD"]},
        {"choice": []},
        {"uniform": ["1 USD", "2 USD"], "normal": ["1 USD", "2 USD"]},
    ],
)
def test_a_malformed_distribution_is_one_problem(raw: object) -> None:
    problems = Problems("file.toml")
    assert varies(USD).read(raw, "agents.noise.size", problems) is FAILED
    assert len(problems.found) == 1
    assert problems.found[0].key.startswith("agents.noise.size")
