# SPDX-License-Identifier: Apache-2.0
"""Between agents and the pool: latency, nonces, fees, and the receipts that come back.

Imports: engine.encoder, agents, mempool, messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from simulation.agents import Agent
from simulation.engine.encoder import Encoded, Encoder
from simulation.mempool import Mempool, Pending
from simulation.messages import Intent, Receipt, Reprice, Status, Submitted

__all__ = ["Outbox", "Ticket"]

LEARNING = 8
"""An average of gas used moves by one part in this with every receipt."""


@dataclass(slots=True)
class Ticket:
    """One transaction from the agent that wanted it to its end."""

    agent: int
    """Seat from which it was sent, a place in the list of agents."""
    intent: Intent
    encoded: Encoded
    submitted: int
    """Block in which it entered the pool."""


@dataclass(slots=True)
class Outbox:
    """Sends what agents want and tells them what became of it.

    Args:
        agents: one for each seat; an agent of several venues has a seat at each.
        encoders: make calldata, one for each seat.
        pool: takes the transactions.
        sender: number and address of the owner of an account.
    """

    agents: Sequence[Agent]
    encoders: Sequence[Encoder]
    pool: Mempool[Ticket]
    sender: Callable[[int], int]
    show: Callable[[int], str]
    """Checksummed address of a sender by its number."""
    _arrivals: int = 0
    _waiting: dict[int, list[tuple[int, Intent]]] = field(default_factory=dict)
    _expected: dict[str, int] = field(default_factory=dict)
    _tagged: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    _gone: list[tuple[Pending[Ticket], Status, str]] = field(default_factory=list)

    def post(self, agent: int, intents: Iterable[Intent], block: int) -> None:
        """Takes the wishes of one seat; they reach the pool after its agent's latency."""
        due = block + self.agents[agent].latency
        self._waiting.setdefault(due, []).extend([(agent, intent) for intent in intents])

    def deliver(self, block: int, base_fee: int) -> None:
        """Brings what is due to the pool: encoded, numbered, with fees."""
        due = self._waiting.pop(block, [])
        encoded = iter(self._encode([(seat, intent) for seat, intent in due if type(intent) is not Reprice]))
        sender_of, free_nonce, submit = self.sender, self.pool.free_nonce, self._submit
        for agent, intent in due:
            if type(intent) is Reprice:
                self._reprice(agent, intent, block, base_fee)
            else:
                sender = sender_of(intent.account)
                submit(
                    Ticket(agent, intent, next(encoded), block), sender, free_nonce(sender), block, base_fee
                )

    def _encode(self, due: Sequence[tuple[int, Intent]]) -> list[Encoded]:
        found: list[Encoded] = []
        for encoder, group in groupby(due, lambda item: self.encoders[item[0]]):
            found += encoder.encode([intent for _, intent in group])
        return found

    def expire(self, block: int) -> None:
        """Lets go of what has waited too long."""
        for pending in self.pool.expire(block):
            self._gone.append((pending, Status.EXPIRED, "lifetime over"))

    def drop(self, pending: Pending[Ticket], reason: str) -> None:
        """Gives up a transaction that the chain will never take."""
        self.pool.drop(pending)
        self._gone.append((pending, Status.DROPPED, reason))

    def settle(
        self,
        block: int,
        executed: Sequence[tuple[Pending[Ticket], Status, int, int, str]],
    ) -> list[Submitted]:
        """Tells every agent what became of its intents; returns one row for each transaction that ended.

        Args:
            executed: transaction, status, gas used, gas price and reason, in block order.
        """
        self.pool.executed([row[0] for row in executed])
        rows: list[Submitted] = []
        expected, row_of = self._expected, self._row
        for pending, status, gas_used, gas_price, reason in executed:
            function = pending.payload.encoded.function
            before = expected.get(function, gas_used)
            expected[function] = before + (gas_used - before) // LEARNING
            rows.append(row_of(len(rows), block, pending, status, gas_used, gas_price, reason))
        for pending, status, reason in self._gone:
            rows.append(self._row(len(rows), block, pending, status, 0, 0, reason))
        self._gone = []
        return rows

    def _row(
        self,
        index: int,
        block: int,
        pending: Pending[Ticket],
        status: Status,
        gas_used: int,
        gas_price: int,
        reason: str,
    ) -> Submitted:
        sender, nonce, _, max_fee, gas_limit, _, _, _, ticket = pending
        agent, intent = ticket.agent, ticket.intent
        if intent.tag and status is not Status.REPLACED:
            self._tagged.pop((agent, intent.tag), None)
        return Submitted(
            Receipt(intent, status, block, gas_used, gas_price, reason),
            self.agents[agent].name,
            index,
            ticket.submitted,
            self.show(sender),
            ticket.encoded.function,
            nonce,
            gas_limit,
            max_fee,
            agent,
        )

    def _submit(self, ticket: Ticket, sender: int, nonce: int, block: int, base_fee: int) -> bool:
        fees, (_, function, _, gas_limit) = ticket.intent.fees, ticket.encoded
        self._arrivals += 1
        tip, lifetime, expected = fees.tip, fees.lifetime, self._expected.get(function, gas_limit)
        pending = Pending(
            sender,
            nonce,
            tip,
            fees.max_fee or 2 * base_fee + tip,
            gas_limit,
            expected if expected < gas_limit else gas_limit,
            block + lifetime - 1 if lifetime > 1 else block,
            self._arrivals,
            ticket,
        )
        done = self.pool.submit(pending)
        if not done.accepted:
            self._gone.append((pending, Status.DROPPED, done.reason))
            return False
        if done.replaced is not None:
            self._gone.append((done.replaced, Status.REPLACED, "replaced by the same sender"))
        if ticket.intent.tag:
            self._tagged[ticket.agent, ticket.intent.tag] = (sender, nonce)
        return True

    def _reprice(self, agent: int, intent: Reprice, block: int, base_fee: int) -> None:
        place = self._tagged.get((agent, intent.tag))
        old = self.pool.find(*place) if place else None
        if place is None or old is None:
            return
        ticket = Ticket(agent, replace(old.payload.intent, fees=intent.fees), old.payload.encoded, block)
        fees = intent.fees
        raised = replace(fees, lifetime=max(1, old.expires + 1 - block, fees.lifetime))
        ticket.intent = replace(ticket.intent, fees=raised)
        # A refused raise leaves the pending transaction, and its tag, as they were.
        self._submit(ticket, place[0], place[1], block, base_fee)
        if self.pool.find(*place) is old:
            self._gone.pop()
