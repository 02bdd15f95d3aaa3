# SPDX-License-Identifier: Apache-2.0
"""A thread that does one thing after the other for the block loop. Imports: nothing of this package.

concurrent.futures would do, but costs a condition and two locks for each of three hand-overs a block.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Generic, TypeVar

__all__ = ["Helper", "Task"]

T = TypeVar("T")


class Task(Generic[T]):
    """Work that was handed over."""

    __slots__ = ("_done", "_error", "_value", "_work")

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._value: Any = None
        self._error: BaseException | None = None
        self._done = Lock()
        self._done.acquire()

    def run(self) -> None:
        """Does the work; whatever goes wrong is kept for `result`."""
        try:
            self._value = self._work()
        except BaseException as error:
            self._error = error
        finally:
            self._done.release()

    @property
    def done(self) -> bool:
        """Whether `result` would not wait."""
        return not self._done.locked()

    def wait(self) -> None:
        """Returns when the work is done, however it ended."""
        with self._done:
            pass

    def result(self) -> T:
        """Waits for the work and returns what it returned, or raises what it raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        value: T = self._value
        return value


class Helper:
    """Does tasks in the order in which they are given, from `with` on and until its end."""

    def __init__(self, name: str) -> None:
        self._tasks: SimpleQueue[Task[Any] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)

    def __enter__(self) -> Helper:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Waits until everything that was given is done."""
        self._tasks.put(None)
        self._thread.join()

    def give(self, work: Callable[[], T]) -> Task[T]:
        """Hands work over."""
        task = Task(work)
        self._tasks.put(task)
        return task

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task.run()
