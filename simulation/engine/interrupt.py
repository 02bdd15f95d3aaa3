# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C between blocks instead of inside one. Imports: nothing of this package."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["DeferredInterrupt"]


class DeferredInterrupt:
    """While entered, Ctrl-C only sets `raised`; a second one interrupts at once, as usual."""

    def __init__(self) -> None:
        self.raised = False
        self._before: Any = None

    def __enter__(self) -> DeferredInterrupt:
        # Python delivers signals to the main thread alone; elsewhere there is nothing to defer.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.raised = True
        self._restore()

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
