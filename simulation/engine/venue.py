# SPDX-License-Identifier: Apache-2.0
"""One venue: an instance of the protocol with what the engine keeps of it. Several may share a chain.

Wallets, the mempool, the path and the oracle are common to all venues of a run; vault, books, markets, fund
and auctions are a venue's own. An account has the same number and the same owner at every venue.
Imports: other parts of engine, chain.protocol, messages, errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from simulation.engine.encoder import Encoder
from simulation.engine.mirror import Mirror
from simulation.engine.reader import RawWorld, WorldReader
from simulation.engine.reconciliation import reconcile
from simulation.engine.recorder import Figure, Recorder
from simulation.engine.stress import StressCheck
from simulation.engine.terms import Protocol
from simulation.engine.world import ViewBuilder
from simulation.errors import ReconciliationError
from simulation.messages import Books, EventColumns, Submitted, View
from simulation.messages.chain import BlockResult, Call, Logs
from simulation.messages.market import PriceTick
from simulation.messages.view import Floats

__all__ = ["Decode", "Deployed", "Taken", "Venue"]

Decode = Callable[[Logs], Sequence[EventColumns]]


@dataclass(frozen=True, slots=True)
class Deployed:
    """An instance of the protocol as the composition root hands it over."""

    name: str
    protocol: Protocol
    """Terms of what is deployed."""
    mirror: Mirror
    """That has taken in every event since deployment."""
    decode: Decode
    """Logs of the chain to events of this instance and of the tokens."""
    recorder: Recorder
    """Where its blocks go."""
    summary: Mapping[str, Any]
    """What its summary.json says of the run beside its outcome."""


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What one block left at a venue, to be recorded."""

    events: Sequence[EventColumns]
    rows: Sequence[Submitted]
    view: View
    books: Books
    fund_capacity: int
    """Cash-token units."""
    dated_changes: Floats | None
    """Of RawWorld."""
    figures: Sequence[Figure]


class Venue:
    """What the engine keeps of one instance.

    Args:
        parts: the instance.
        block_time: seconds between blocks.
        alone: no other venue in this run; its name then is in no message.
    """

    def __init__(self, parts: Deployed, block_time: int, alone: bool) -> None:
        self.name, self.protocol, self.mirror = parts.name, parts.protocol, parts.mirror
        self.recorder, self.summary, self.decode = parts.recorder, dict(parts.summary), parts.decode
        owners = self.mirror.owners
        self.encoder = Encoder(self.protocol, lambda account: owners[account - 1])
        self._reader = WorldReader(self.protocol, self.mirror.accounts)
        self.calls = tuple(Call(to, data) for to, data in self._reader.calls)
        """What is asked of the chain after every block; `read` takes the answers."""
        self.stress = StressCheck(self.protocol, self.mirror.accounts)
        self.views = ViewBuilder(self.protocol, block_time)
        self.view: View
        """After the latest block."""
        self._label = "" if alone else f"venue {self.name}: "

    def read(self, answers: bytes) -> RawWorld:
        """The world from the answers to `calls`, end to end; the same object, brought up to date."""
        return self._reader.decode(answers)

    def look(self, block: int, base_fee: int, tick: PriceTick, raw: RawWorld) -> View:
        """Makes and keeps the view after a block."""
        self.view = self.views.after(block, base_fee, tick, self.mirror, raw)
        return self.view

    def take_in(self, logs: Logs, timestamp: int) -> Sequence[EventColumns]:
        """The events of a block, the urgent ones in the mirror already."""
        events = self.decode(logs)
        self.mirror.apply_market(events, timestamp)
        self.mirror.book.levels(1, True)
        return events

    def reconcile(self, block: int, raw: RawWorld) -> None:
        """Raises ReconciliationError when the books do not agree."""
        with self._named():
            reconcile(block, self.mirror, raw, self.protocol)

    def check_stress(self, block: int, raw: RawWorld, answers: BlockResult) -> None:
        """Raises ReconciliationError when stressed deficits are not what the chain answers (StressCheck)."""
        with self._named():
            self.stress.compare(block, self.view, raw.dated_changes, answers)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Puts the name of the venue before what does not agree, where there are several."""
        try:
            yield
        except ReconciliationError as error:
            if not self._label:
                raise
            raise ReconciliationError(f"{self._label}{error}") from error
