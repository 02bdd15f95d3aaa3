# SPDX-License-Identifier: Apache-2.0
"""Premium-based funding of Derive's perpetuals, through Oracle and Instruments: rates, payments of an hour.

The mark stands for both impact prices, as in every published case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.evm import Env
from tests.markets import deploy_instruments
from tests.prices import DEFAULT_FEED, push
from tests.unit.instruments.words import unpack

__all__ = ["NAMES", "check"]

NAMES = ("perp_funding_premium.json",)
HOUR = 3_600
NANO = 10**9
WAD = 10**18


def check(data: Mapping[str, Any]) -> None:
    """Asserts every rate, and what a long and a short pay in an hour."""
    params = data["params"]
    env = Env()
    oracle, instruments = deploy_instruments(
        env,
        convergence_hours=params["convergence_hours"],
        static_rate=round(params["static_rate"] * WAD),
        max_rate=round(params["max_rate_per_hour"] * WAD),
    )
    oracle.set_feed(1, DEFAULT_FEED.but(heartbeat=65_535, max_deviation=2_000).row())
    index = params["index"] * NANO
    assert data["one_hour"]["rate"] in [case["rate"] for case in data["cases"]]
    for case in data["cases"]:
        with env.anchor():
            assert case["impact_bid"] == case["impact_ask"]
            env.advance(1)
            push(oracle, 1, index, case["impact_bid"] * NANO)
            instruments.touch(1)
            rate = instruments.funding(1).rate
            assert rate == round(case["rate"] * WAD)
            if case["rate"] == data["one_hour"]["rate"]:
                env.advance(HOUR)
                paid = unpack(instruments.touch(1).value[0]).funding_index
                hour = data["one_hour"]
                assert -hour["long_size"] * paid == round(hour["long_funding"] * NANO)
                assert hour["long_size"] * paid == round(hour["short_funding"] * NANO)
