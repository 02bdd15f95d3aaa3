# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading

import pytest

from simulation.engine.helper import Helper


def test_tasks_are_done_in_their_order_on_another_thread() -> None:
    seen: list[tuple[int, int]] = []
    with Helper("clerk") as helper:
        tasks = [
            helper.give(lambda number=number: seen.append((number, threading.get_ident())))
            for number in range(100)
        ]
        for task in tasks:
            task.result()
    assert [number for number, _ in seen] == list(range(100))
    assert threading.get_ident() not in {thread for _, thread in seen}


def test_a_result_is_waited_for() -> None:
    gate = threading.Event()
    with Helper("clerk") as helper:
        task = helper.give(lambda: gate.wait(10) and 7)
        assert not task.done
        gate.set()
        assert task.result() == 7
        assert task.done and task.result() == 7


def test_what_goes_wrong_is_raised_where_the_result_is_asked_for() -> None:
    with Helper("clerk") as helper:
        wrong, right = helper.give(lambda: 1 // 0), helper.give(lambda: "right")
        wrong.wait()
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                wrong.result()
        assert right.result() == "right"


def test_leaving_waits_for_everything_that_was_given() -> None:
    done: list[int] = []
    with Helper("scribe") as helper:
        for number in range(1_000):
            helper.give(lambda number=number: done.append(number))
    assert len(done) == 1_000
