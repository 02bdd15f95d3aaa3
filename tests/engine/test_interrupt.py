# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from simulation.engine.interrupt import DeferredInterrupt


@pytest.fixture(autouse=True)
def plain_handler() -> Iterator[None]:
    """Whoever runs the tests may have a handler of its own."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_first_interrupt_is_noted_and_the_second_one_interrupts() -> None:
    before = signal.getsignal(signal.SIGINT)
    with DeferredInterrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.raised
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_without_interrupt_nothing_is_raised_and_the_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with DeferredInterrupt() as interrupt:
        assert signal.getsignal(signal.SIGINT) is not before
    assert not interrupt.raised and signal.getsignal(signal.SIGINT) is before


def test_other_threads_have_nothing_to_defer() -> None:
    found: list[bool] = []

    def work() -> None:
        with DeferredInterrupt() as interrupt:
            found.append(interrupt.raised)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]
