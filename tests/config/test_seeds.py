# SPDX-License-Identifier: Apache-2.0
"""Named streams: reproducible, independent, and untouched by the order of asking."""

from __future__ import annotations

import numpy as np

from simulation.config import stream


def test_the_same_name_gives_the_same_draws() -> None:
    assert np.array_equal(stream(1, "market", "ETH").random(8), stream(1, "market", "ETH").random(8))


def test_seed_and_every_part_of_the_name_matter() -> None:
    names = [("market", "ETH"), ("market", "BTC"), ("marketETH",), ("ETH", "market")]
    draws = {stream(seed, *name).random() for name in names for seed in (1, 2)}
    assert len(draws) == 2 * len(names)


def test_streams_do_not_depend_on_who_asked_before() -> None:
    alone = stream(1, "agents", "keepers").random(8)
    for other in range(20):
        stream(1, "agents", f"noise {other}").random(8)
    assert np.array_equal(stream(1, "agents", "keepers").random(8), alone)


def test_streams_are_uncorrelated() -> None:
    count = 100_000
    one, two = stream(1, "one").standard_normal(count), stream(1, "two").standard_normal(count)
    assert abs(np.corrcoef(one, two)[0, 1]) < 4 / np.sqrt(count)


def test_draws_are_pinned() -> None:
    """Stored runs replay only while these stay as they are."""
    drawn = stream(1, "market", "ETH").integers(0, 2**32, 3).tolist()
    assert drawn == [3604482379, 1552745475, 1337091667]
