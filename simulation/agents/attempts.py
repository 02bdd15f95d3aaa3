# SPDX-License-Identifier: Apache-2.0
"""What an agent has tried: nothing twice at a time, and nothing again at once that has just reverted.

Imports: messages.
"""

from __future__ import annotations

from simulation.messages import Intent, Receipt, SettleCoin, Status

__all__ = ["Attempts"]

Key = tuple[str, int]


class Attempts:
    """Intents by kind and by what they are about: in the pool, or left alone after reverts.

    Args:
        caution: most blocks for which what reverted is left alone: 1 after the first time, then 2, 4, ...
    """

    def __init__(self, caution: int) -> None:
        self.caution = caution
        self._pending: set[Key] = set()
        self._failed: dict[Key, tuple[int, int]] = {}
        """How often in a row, and the block until which it is not tried again."""

    def allows(self, intent: Intent, block: int) -> bool:
        """Whether the like is neither in the pool nor too fresh a failure at `block`."""
        key = _key(intent)
        return key not in self._pending and block > self._failed.get(key, (0, -1))[1]

    def add(self, intent: Intent) -> None:
        """It is on its way to the pool."""
        self._pending.add(_key(intent))

    def close(self, receipt: Receipt) -> None:
        """It was executed or left the pool."""
        key = _key(receipt.intent)
        self._pending.discard(key)
        if receipt.success:
            self._failed.pop(key, None)
        elif receipt.status is Status.REVERTED:
            times, until = self._failed.get(key, (0, 0))
            times = times + 1 if receipt.block <= until + self.caution else 1
            self._failed[key] = (times, receipt.block + min(2 ** (times - 1), self.caution))


def _key(intent: Intent) -> Key:
    about = getattr(intent, "target", getattr(intent, "market", getattr(intent, "series", 0)))
    if isinstance(intent, SettleCoin):
        about = about << 16 | intent.market
    return type(intent).__name__, int(about)
