# SPDX-License-Identifier: Apache-2.0
"""The pending pool: what was sent and not yet executed, by sender and nonce.

Rules are geth's: a sender's transactions execute in nonce order and a gap makes the later ones wait; a
second transaction of the same nonce replaces the first only when it raises both fees by 10 %; a block takes
again and again the best head among all senders. Ties go to the earlier arrival, so equal runs build equal
blocks.

Everyone who is not simulated shares the blocks: their demand for gas is given for each block, at one tip of
their own, and whoever bids less gets the space they leave. Gas of both counts for the base fee. Imports:
nothing of this package.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

__all__ = ["Block", "Mempool", "Pending", "Submission"]

T = TypeVar("T")

BUMP_PERCENT: Final = 10
"""Least rise of tip and maximal fee that replaces a pending transaction (geth's pricebump)."""


class Pending(NamedTuple, Generic[T]):
    """One signed transaction as the pool sees it; a tuple, because there are hundreds of thousands."""

    sender: int
    """Number of the sending address."""
    nonce: int
    tip: int
    """Maximal priority fee, wei per gas."""
    max_fee: int
    """Maximal fee, wei per gas."""
    gas_limit: int
    gas_expected: int
    """What it will probably use: space that the builder sets aside, at most `gas_limit`."""
    expires: int
    """Last block that may include it."""
    arrival: int
    """Rising with time; breaks ties."""
    payload: T


@dataclass(frozen=True, slots=True)
class Submission(Generic[T]):
    """What the pool did with a transaction."""

    accepted: bool
    reason: str = ""
    """Why it was refused; empty when accepted."""
    replaced: Pending[T] | None = None
    """The transaction that left the pool for it."""


ACCEPTED: Final[Submission[Any]] = Submission(True)


@dataclass(frozen=True, slots=True)
class Block(Generic[T]):
    """A block as built: own transactions in order, and the room others took."""

    transactions: Sequence[Pending[T]]
    external_gas: int
    """Gas of others in the block."""
    gas_available: int
    """Gas limit left for own transactions."""


class Mempool(Generic[T]):
    """Pending transactions of all senders."""

    def __init__(self) -> None:
        self._queues: dict[int, dict[int, Pending[T]]] = {}
        self._nonces: dict[int, int] = {}
        self._free: dict[int, int] = {}
        self._deadlines: dict[int, list[Pending[T]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def nonce(self, sender: int) -> int:
        """Nonce of the sender's next executed transaction, as the chain has it."""
        return self._nonces.get(sender, 0)

    def set_nonce(self, sender: int, nonce: int) -> None:
        """Tells the pool where a sender stands on chain, before it sent anything here."""
        self._nonces[sender] = self._free[sender] = nonce

    def free_nonce(self, sender: int) -> int:
        """The lowest nonce neither executed nor pending: what a wallet uses next."""
        return self._free.get(sender, 0)

    def find(self, sender: int, nonce: int) -> Pending[T] | None:
        """The pending transaction of a sender with this nonce."""
        return self._queues.get(sender, {}).get(nonce)

    def submit(self, transaction: Pending[T]) -> Submission[T]:
        """Takes a transaction in, or says why not."""
        sender, nonce, tip, max_fee, _, _, expires, _, _ = transaction
        if tip > max_fee:
            return Submission(False, "tip above maximal fee")
        if nonce < self._nonces.get(sender, 0):
            return Submission(False, "nonce too low")
        queue = self._queues.get(sender)
        if queue is None:
            queue = self._queues[sender] = {}
        old = queue.get(nonce)
        if old is not None and not (_bumped(old.tip, tip) and _bumped(old.max_fee, max_fee)):
            return Submission(False, "replacement underpriced")
        queue[nonce] = transaction
        if expires in self._deadlines:
            self._deadlines[expires].append(transaction)
        else:
            self._deadlines[expires] = [transaction]
        if old is None:
            self._count += 1
            free = self._free.get(sender, 0)
            while free in queue:
                free += 1
            self._free[sender] = free
            return ACCEPTED
        return Submission(True, replaced=old)

    def build(self, base_fee: int, gas_limit: int, external_gas: int = 0, external_tip: int = 0) -> Block[T]:
        """The next block: best heads first, the gas others want at their tip, within the gas limit.

        Takes nothing out: what the chain executed is reported with `executed`. A head that does not fit is
        passed over together with the rest of its sender's queue.
        """
        nonces = self._nonces
        heads = [
            (base_fee - head.max_fee if head.max_fee - base_fee < head.tip else -head.tip, head.arrival, head)
            for sender, queue in self._queues.items()
            if (head := queue.get(nonces.get(sender, 0))) is not None and head.max_fee >= base_fee
        ]
        heapq.heapify(heads)
        wanted, taken = external_gas, 0
        room = gas_limit
        chosen: list[Pending[T]] = []
        while heads:
            cost, _, head = heads[0]
            if wanted and -cost < external_tip:
                taken = min(wanted, room)
                room -= taken
                wanted = 0
            sender, nonce, _, _, limit, expected, _, _, _ = head
            if limit > room:
                heapq.heappop(heads)
                continue
            room -= expected
            chosen.append(head)
            following = self._queues[sender].get(nonce + 1)
            if following is None or following.max_fee < base_fee:
                heapq.heappop(heads)
                continue
            tip = min(following.tip, following.max_fee - base_fee)
            heapq.heapreplace(heads, (-tip, following.arrival, following))
        if wanted:
            taken = min(wanted, room)
        return Block(chosen, taken, gas_limit - taken)

    def executed(self, transactions: Iterable[Pending[T]]) -> None:
        """Takes out what a block executed, reverted or not, and moves its senders' nonces on."""
        queues, nonces, free = self._queues, self._nonces, self._free
        for sender, nonce, _, _, _, _, _, _, _ in transactions:
            queue = queues[sender]
            del queue[nonce]
            self._count -= 1
            nonces[sender] = following = nonce + 1
            if free.get(sender, 0) < following:
                free[sender] = following
            if not queue:
                del queues[sender]

    def drop(self, transaction: Pending[T]) -> None:
        """Takes out one pending transaction; later ones of its sender wait for its nonce."""
        self._remove(transaction)

    def expire(self, block: int) -> list[Pending[T]]:
        """Takes out what may no longer be included from `block` on, oldest first."""
        expired = []
        for deadline in sorted(last for last in self._deadlines if last < block):
            left = [
                transaction
                for transaction in self._deadlines.pop(deadline)
                if (queue := self._queues.get(transaction[0])) and queue.get(transaction[1]) is transaction
            ]
            for transaction in sorted(left, key=attrgetter("arrival")):
                self._remove(transaction)
                expired.append(transaction)
        return expired

    def pending(self) -> list[Pending[T]]:
        """All that waits, by arrival."""
        waiting = [item for queue in self._queues.values() for item in queue.values()]
        return sorted(waiting, key=lambda item: item.arrival)

    def _remove(self, transaction: Pending[T]) -> None:
        queue = self._queues[transaction.sender]
        del queue[transaction.nonce]
        self._count -= 1
        self._free[transaction.sender] = min(self._free[transaction.sender], transaction.nonce)
        if not queue:
            del self._queues[transaction.sender]


def _bumped(old: int, new: int) -> bool:
    return new * 100 >= old * (100 + BUMP_PERCENT)
