# SPDX-License-Identifier: Apache-2.0
"""The Surface against the model on random paths: prices come and go, anyone records at any time or never."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.domain import oracle_math
from simulation.domain import settlement_math as model
from simulation.domain.settlement_math import Observation, Rules
from tests.evm import Reverted
from tests.surfaces import FULL, NANO, SPOT, Surfaces

UNFIT = oracle_math.FLAG_CONFIDENCE | oracle_math.FLAG_BOUND | oracle_math.FLAG_JUMP
RULES = (Rules(), Rules(900, 900, 3_600), Rules(60, 1_800, 7_200))

steps = st.lists(
    st.tuples(
        st.integers(1, 400),  # seconds passed
        st.one_of(st.none(), st.integers(SPOT // 2, 2 * SPOT)),  # a price, or none
        st.integers(0, 90),  # its age
        st.sampled_from([FULL, FULL, FULL, 0]),  # its confidence
        st.booleans(),  # whether it is recorded
        st.sampled_from([None, None, -30 * NANO, 40 * NANO, SPOT]),  # a signed difference
    ),
    min_size=5,
    max_size=25,
)


@cache
def deployed(rule: Rules) -> Surfaces:
    return Surfaces(rule, heartbeat=600)


class Shadow:
    """What the model needs to know."""

    def __init__(self, world: Surfaces) -> None:
        self.world = world
        self.recorded: list[Observation] = []
        self.latest = Observation(0, 0)
        self.fit = False

    def read(self) -> None:
        tick = self.world.oracle.tick(1)
        self.latest = Observation(tick.spot, tick.timestamp)
        self.fit = tick.spot != 0 and tick.flags & UNFIT == 0

    def known(self) -> list[Observation]:
        """The records, with the oracle's latest price where it is fit."""
        newer = not self.recorded or self.latest.timestamp > self.recorded[-1].timestamp
        return [*self.recorded, self.latest] if self.fit and newer else self.recorded

    def forward(self, difference: int) -> int:
        limit = self.latest.spot // 10
        if self.world.env.timestamp >= self.world.expiry:
            difference = 0
        return self.latest.spot + max(min(difference, limit), -limit)


def check(shadow: Shadow, rule: Rules, difference: int, fixed: int | None) -> int | None:
    """Forward and settlement now; the settlement price once it is fixed."""
    world = shadow.world
    now, expiry = world.env.timestamp, world.expiry
    parts = tuple(world.surface.forward_parts(1)[:2])
    if fixed is not None:
        assert parts == (fixed, 0)
        assert world.surface.finalise(1).value == fixed
        return fixed
    assert parts == model.forward_parts(shadow.known(), shadow.forward(difference), now, expiry, rule)
    expected = model.settlement_price(shadow.known(), shadow.latest, now, expiry, rule)
    try:
        price = int(world.surface.simulate("finalise", 1))
    except Reverted as error:
        assert expected is None
        reasons = {
            "surface: not expired": now < expiry,
            "surface: price not determined yet": expiry <= now <= expiry + rule.patience,
            "surface: no price at all": now > expiry + rule.patience,
        }
        assert reasons[error.reason]
        return None
    assert price == expected
    if now <= expiry + rule.patience:
        # What is determined is what the forward has come to.
        assert parts == (price, 0)
    return None


@settings(max_examples=60)
@given(
    rule=st.sampled_from(RULES),
    start=st.integers(-2_400, -1_200),
    path=steps,
    settle_at=st.integers(0, 40),
    late=st.booleans(),
)
def test_any_path(
    rule: Rules,
    start: int,
    path: list[tuple[int, int | None, int, int, bool, int | None]],
    settle_at: int,
    late: bool,
) -> None:
    world = deployed(rule)
    with world.env.anchor():
        shadow, difference, fixed = Shadow(world), 0, None
        determined: int | None = None
        world.to(world.expiry + start)
        for step, (elapsed, spot, age, confidence, records, signed) in enumerate(path):
            world.env.advance(elapsed)
            if late and step == len(path) - 2:
                world.to(max(world.env.timestamp, world.expiry + rule.patience + elapsed))
            if spot is not None:
                world.price(spot, confidence=confidence, timestamp=world.env.timestamp - age)
                shadow.read()
            if signed is not None and world.push(forward_difference=signed).value:
                difference = signed
            if records:
                before = shadow.known()
                if world.surface.accumulate([1]).value:
                    assert shadow.fit and len(before) == len(shadow.recorded) + 1
                shadow.recorded = before
            price = model.settlement_price(
                shadow.known(), shadow.latest, world.env.timestamp, world.expiry, rule
            )
            if determined is not None and world.env.timestamp <= world.expiry + rule.patience:
                # Once determined it does not depend on when anybody fixes it.
                assert price == determined
            if world.env.timestamp <= world.expiry + rule.patience:
                determined = price
            fixed = check(shadow, rule, difference, fixed)
            if fixed is None and price is not None and step >= settle_at:
                fixed = world.surface.finalise(1).value
                assert fixed == price


@settings(max_examples=25)
@given(
    prices=st.lists(st.integers(SPOT // 2, 2 * SPOT), min_size=31, max_size=31),
    order=st.lists(st.integers(0, 59), min_size=31, max_size=31),
    twice=st.sets(st.integers(0, 30)),
)
def test_when_and_how_often_it_is_recorded_changes_nothing(
    prices: list[int], order: list[int], twice: set[int]
) -> None:
    """A price a minute, each recorded at some second of its minute: the plain mean of thirty."""
    world = deployed(Rules())
    with world.env.anchor():
        world.to(world.expiry - 1_800)
        for place, (spot, delay) in enumerate(zip(prices, order, strict=True)):
            world.price(spot)
            world.env.advance(delay)
            world.surface.accumulate([1])
            if place in twice:
                world.surface.accumulate([1, 1])
            if place < 30:
                world.env.advance(60 - delay)
        assert world.surface.finalise(1).value == sum(prices[:30]) // 30
