# SPDX-License-Identifier: Apache-2.0
"""Paths of volatility: reproducible, around their points, up when spot falls; always fit for the chain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulation.config import SmileSpec
from simulation.domain import svi
from simulation.domain.units import WAD
from simulation.market.smiles import HIGHEST, LOWEST, smiles

QUIET = replace(SmileSpec(), deviation=0.0, carry_deviation=0.0)
FLAT = np.full(121, 2_000 * 10**9, dtype=np.int64)


def test_equal_seeds_give_equal_paths_and_others_do_not() -> None:
    one, two, other = (smiles(SmileSpec(), seed, "ETH", FLAT, 60) for seed in (1, 1, 2))
    assert one == two != other
    assert len(one) == 121


def test_without_noise_it_follows_its_points() -> None:
    spec = replace(QUIET, level=((0, 0.5), (3_600, 1.0)), reversion=1, carry=((0, 0.1), (3_600, -0.1)),
                   carry_reversion=1)  # fmt: skip
    path = smiles(spec, 1, "ETH", FLAT, 60)
    assert path[30].level == pytest.approx(0.75) and path[120].level == pytest.approx(1.0)
    assert path[30].carry == pytest.approx(0.0) and path[120].carry == pytest.approx(-0.1)


def test_a_crash_lifts_volatility_more_than_its_size() -> None:
    fallen = FLAT.copy()
    fallen[60:] = fallen[60:] * 9 // 10
    drop = -np.log(0.9)
    calm, crash = smiles(QUIET, 1, "ETH", FLAT, 60), smiles(QUIET, 1, "ETH", fallen, 60)
    assert crash[59] == calm[59]
    lifted = np.log(crash[60].level / calm[60].level)
    assert lifted == pytest.approx(1.5 * drop + 4.0 * (drop - 0.02))
    assert crash[120].level < crash[60].level, "and it comes back"


def test_every_smile_passes_the_checks_of_the_chain() -> None:
    wild = replace(SmileSpec(), deviation=3.0, tilt=-0.9)
    rng = np.random.default_rng(5)
    prices = (2_000e9 * np.exp(np.cumsum(rng.normal(0, 0.02, 121)))).astype(np.int64)
    for smile in smiles(wild, 7, "ETH", prices, 60):
        assert LOWEST <= smile.level <= HIGHEST
        for seconds in (1, 60, 86_400, 180 * 86_400):
            svi.check(
                svi.Params(*(round(value * WAD) for value in smile.parameters(seconds / (365 * 86_400))))
            )
