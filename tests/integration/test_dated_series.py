# SPDX-License-Identifier: Apache-2.0
"""Series of a scenario, deployed by the plan with the real Surface and RiskBoard, until they are delisted."""

from __future__ import annotations

from dataclasses import replace

from simulation.config.scenario import SeriesSpec
from tests.protocol import NANO, World, default_protocol
from tests.unit.instruments.words import MarketWord, unpack

DAY = 86_400
FUTURE, CALL = 256, 257


def world() -> World:
    strikes = (2_000 * NANO, 2_500 * NANO)
    series = SeriesSpec(
        asset="ETH",
        expiry=DAY,
        strikes=strikes,
        future_tick=10**7,
        future_lot=10**6,
        option_tick=10**7,
        option_lot=10**7,
        future_open_interest_cap=10**15,
        option_open_interest_cap=10**14,
    )
    return World(replace(default_protocol(), series={"ETH-1D": series}))


def test_the_plan_lists_the_series_of_a_scenario() -> None:
    venue = world()
    assert venue.instruments.series_count() == 1
    assert venue.instruments.strikes(1) == [2_000 * NANO, 2_500 * NANO]
    assert venue.instruments.series(1).expiry == venue.env.timestamp + DAY
    assert venue.instruments.ledger() == venue.ledger.address
    assert venue.instruments.surface() == venue.contracts["Surface"].address
    # Without a surface there is a forward, which is spot, but none that risk may use; options have no board.
    venue.prices(ETH=2_100)
    found = [unpack(word) for word in venue.instruments.words([FUTURE, CALL])]
    assert [(each.mark, each.valid) for each in found] == [(2_100 * NANO, False), (0, False)]


def test_the_settlement_price_of_the_surface_is_every_market_s_payoff() -> None:
    venue = world()
    surface = venue.contracts["Surface"]
    venue.env.advance(DAY - 1_860)
    for _ in range(33):
        venue.env.advance(60)
        venue.prices(ETH=2_200)
        surface.accumulate([1])
    assert not unpack(venue.instruments.words([CALL])[0]).settled
    assert surface.finalise(1, sender=venue.env.address("anyone")).value == 2_200 * NANO
    venue.env.advance(10 * DAY)
    marks = [2_200 * NANO, 200 * NANO, 0, 0, 300 * NANO]
    assert [unpack(word) for word in venue.instruments.words([256, 257, 258, 259, 260])] == [
        MarketWord(mark, 2_200 * NANO, 0, 10**8, True, expired=True, settled=True) for mark in marks
    ]
    venue.instruments.delist_series(1)
    assert venue.instruments.series(1).delisted
