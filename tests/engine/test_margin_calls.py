# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from simulation.engine.margin_calls import CallMirror
from simulation.messages import ESCALATED, HALF_TIME, NOTICE, QUIET
from tests.engine.books import events


def of(mirror: CallMirror, account: int) -> tuple[int, ...]:
    return tuple(
        int(column[account - 1]) for column in (mirror.told, mirror.stage, mirror.deadline, mirror.lapses)
    )


def test_a_call_follows_its_events() -> None:
    mirror = CallMirror()
    mirror.create(1)
    mirror.create(2)

    def note(timestamp: int, name: str, **values: int) -> tuple[int, ...]:
        mirror.apply({name: events("Liquidator", name, [{"account": 2, **values}])}, timestamp)
        return of(mirror, 2)

    times = {"deadline": 300, "lapses": 400}
    assert of(mirror, 2) == (0, QUIET, 0, 0)
    assert note(100, "MarginCalled", stage=NOTICE, **times) == (100, NOTICE, 300, 400)
    assert note(200, "MarginCalled", stage=HALF_TIME, **times) == (200, HALF_TIME, 300, 400)
    assert note(300, "MarginCallEscalated", equity=1) == (200, ESCALATED, 300, 400)
    assert note(310, "MarginCallCured", equity=1) == (200, QUIET, 300, 400)
    assert note(500, "MarginCalled", stage=NOTICE, deadline=700, lapses=800) == (500, NOTICE, 700, 800)
    assert note(510, "AuctionStarted", insolvent=0) == (500, QUIET, 700, 800)
    assert of(mirror, 1) == of(mirror, 3) == (0, QUIET, 0, 0)


def test_several_steps_of_a_block_count_in_the_order_of_their_logs() -> None:
    mirror = CallMirror()
    mirror.create(2)
    called = {"stage": NOTICE, "deadline": 9, "lapses": 9}
    mirror.apply(
        {
            "MarginCalled": events("Liquidator", "MarginCalled", [{"account": 1, **called}], 5),
            "MarginCallCured": events("Liquidator", "MarginCallCured", [{"account": 1}], 3),
            "MarginCallEscalated": events("Liquidator", "MarginCallEscalated", [{"account": 2}], 1),
            "AuctionStarted": events("Liquidator", "AuctionStarted", [{"account": 2}], 2),
        },
        7,
    )
    assert mirror.stage.tolist() == [NOTICE, QUIET]
