# SPDX-License-Identifier: Apache-2.0
"""The block loop: path, oracle, decisions, mempool, chain, books, record.

Knows the chain as a Protocol, agents as decisions, and no contract but by the terms it is given. Imports:
all of engine, agents, mempool, market, chain.protocol, config, messages.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from simulation.agents import Agent
from simulation.chain.protocol import Chain
from simulation.config import GasSpec, stream
from simulation.engine.abi import revert_reason
from simulation.engine.encoder import Encoder
from simulation.engine.hashing import GENESIS, block_hash
from simulation.engine.helper import Helper, Task
from simulation.engine.interrupt import DeferredInterrupt
from simulation.engine.mirror import Mirror
from simulation.engine.outbox import Outbox, Ticket
from simulation.engine.reader import RawWorld, WorldReader
from simulation.engine.reconciliation import reconcile
from simulation.engine.recorder import Figure, Recorder
from simulation.engine.terms import Protocol
from simulation.engine.world import ViewBuilder
from simulation.errors import ChainError, PlimsollError, RunError
from simulation.market import MarketPath, external_gas
from simulation.mempool import Block, Mempool, Pending, next_base_fee
from simulation.messages import BlockRecord, Books, EventColumns, Intent, Status, Submitted, View
from simulation.messages.chain import BlockEnv, BlockResult, Call, Logs, Outcome, Transaction
from simulation.messages.market import PriceTick
from simulation.messages.progress import Progress, RunResult, Watcher

__all__ = ["COINBASE", "Decode", "Simulation", "prevrandao"]

REVERTED, SUCCEEDED, HALTED = (
    int(outcome) for outcome in (Outcome.REVERTED, Outcome.SUCCESS, Outcome.HALTED)
)

COINBASE = b"\xc0" * 20
"""Receives the tips of every block."""

Decode = Callable[[Logs], Sequence[EventColumns]]

BACKLOG = 64
"""Blocks that may wait to be recorded while a row group is written."""

STAYS = frozenset({"nonce too high", "gas limit above what the block has left", "max fee below base fee"})
"""Exclusions that time may heal; a transaction excluded for any other reason leaves the pool."""


def prevrandao(seed: int, number: int) -> bytes:
    """32 bytes that look random to contracts and are the same in every run of a seed."""
    return hashlib.sha256(f"plimsoll prevrandao {seed} {number}".encode()).digest()


def _record_checked(checking: Task[None], record: Callable[[], None]) -> None:
    checking.result()
    record()


@dataclass(slots=True)
class _Account:
    """What the engine keeps of an agent."""

    agent: Agent
    rng: np.random.Generator
    owned: frozenset[int]
    gas_wei: int = 0
    gas_usd: float = 0.0


class Simulation:
    """One run, from a deployed protocol to the end of the path.

    Args:
        chain: with the protocol deployed, accounts made and endowed, and a first price in every feed.
        protocol: terms of what is deployed.
        mirror: that has taken in every event since deployment.
        path: prices by block; block 0 is the state in which the chain was handed over.
        agents: in the order in which they are asked; relayers are asked before all others.
        gas: block space and its price.
        seed: root of all random streams.
        decode: logs to events.
        recorder: where blocks go.
        first_block: number of the first simulated block.
        summary: what summary.json says of the run beside its outcome.
        address: a 20-byte address as text.
    """

    def __init__(
        self,
        chain: Chain,
        protocol: Protocol,
        mirror: Mirror,
        path: MarketPath,
        agents: Sequence[Agent],
        gas: GasSpec,
        seed: int,
        decode: Decode,
        recorder: Recorder,
        first_block: int,
        summary: Mapping[str, Any],
        address: Callable[[bytes], str],
    ) -> None:
        self._chain, self._protocol, self._mirror, self._path = chain, protocol, mirror, path
        self._gas, self._seed, self._decode, self._recorder = gas, seed, decode, recorder
        self._first, self._summary = first_block, dict(summary)
        self._parties = [
            _Account(agent, stream(seed, "agents", agent.name), frozenset(agent.accounts.tolist()))
            for agent in agents
        ]
        self._party_of = {party.agent.name: party for party in self._parties}
        self._order = sorted(range(len(agents)), key=lambda place: agents[place].role != "relayer")
        self._senders = sorted(set(mirror.owners))
        numbers = {owner: number for number, owner in enumerate(self._senders)}
        sender_of = [numbers[owner] for owner in mirror.owners]
        self._pool: Mempool[Ticket] = Mempool()
        for number, owner in enumerate(self._senders):
            self._pool.set_nonce(number, chain.nonce(owner))
        shown = [address(owner) for owner in self._senders]
        encoder = Encoder(protocol, lambda account: mirror.owners[account - 1])
        self._outbox = Outbox(
            agents, encoder, self._pool, lambda account: sender_of[account - 1], lambda number: shown[number]
        )
        self._reader = WorldReader(protocol, mirror.accounts)
        self._calls = tuple(Call(to, data) for to, data in self._reader.calls)
        block_time = int(path.timestamp[1] - path.timestamp[0]) if len(path) > 1 else 1
        self._views = ViewBuilder(protocol, block_time)
        # What needs no EVM is done while the EVM works, by one of two helpers: nothing that decides waits for
        # it, and neither the EVM nor a helper touches what the other reads.
        self._clerk = Helper("clerk")
        self._scribe = Helper("scribe")
        self._open: tuple[Callable[[], None], Callable[[], None]] | None = None
        """Check and record of the latest block, not begun."""
        self._checking: Task[None] | None = None
        self._writing: deque[Task[None]] = deque()
        self._base_fee = gas.initial_base_fee
        self._hash = GENESIS
        tick = path.tick(0)
        env = self._env(first_block - 1, tick, gas.block_gas_limit)
        raw = self._world(env, chain.call_many(env, self._calls))
        reconcile(first_block - 1, mirror, raw, protocol)
        self._view = self._views.after(first_block - 1, self._base_fee, tick, mirror, raw)

    def run(self, watch: Watcher | None = None) -> RunResult:
        """All blocks of the path; what was recorded is kept when Ctrl-C or an error ends the run early.

        Raises:
            ReconciliationError: the books of a block do not agree.
            RunError: an agent failed, or the chain refused what it must not refuse.
        """
        last, reason = len(self._path) - 1, ""
        with self._recorder, self._scribe, self._clerk, DeferredInterrupt() as interrupt:
            try:
                for place in range(1, last + 1):
                    self.step(place)
                    if watch is not None:
                        watch(self._progress(place, last))
                    if interrupt.raised and place < last:
                        reason = f"interrupted by the user after {place} of {last} blocks"
                        break
                self._close()
            except PlimsollError as error:
                with suppress(PlimsollError):
                    self._close()
                self._finish(str(error))
                raise
            return self._finish(reason)

    def step(self, place: int) -> None:
        """One block: the path's tick at `place` becomes the block after the present one.

        The block before is checked and recorded while this one executes.
        """
        tick = self._path.tick(place)
        number = self._first + place - 1
        view = self._views.before(self._view, number, self._base_fee, tick)
        self._ask(view)
        block = self._build(number, tick)
        env = self._env(number, tick, block.gas_available)
        transactions = [self._transaction(pending) for pending in block.transactions]
        self._hand_over()
        result = self._chain.execute_block(env, transactions)
        self._await_check()
        raw = self._world(env, self._chain.call_many(env, self._calls))
        events, rows = self._take_in(number, tick, block, result)
        self._view = self._views.after(number, env.base_fee, tick, self._mirror, raw)
        record = partial(
            self._record,
            env,
            transactions,
            result,
            events,
            rows,
            self._view,
            raw.books,
            raw.fund_capacity,
            block.external_gas,
            len(self._pool),
            self._chain.state_hash(),
            self._measures(self._view) if self._recorder.samples(number) else [],
        )
        self._open = partial(self._check, number, events, raw), record

    def _take_in(
        self, number: int, tick: PriceTick, block: Block[Ticket], result: BlockResult
    ) -> tuple[Sequence[EventColumns], list[Submitted]]:
        """The events of a block, the urgent ones in the mirror already, and the end of its transactions."""
        events = self._decode(result.logs)
        self._mirror.apply_market(events, tick.timestamp)
        self._mirror.book.levels(1, True)
        return events, self._settle(number, block, result, self._views.eth_price(tick))

    def _check(self, number: int, events: Sequence[EventColumns], raw: RawWorld) -> None:
        self._mirror.apply_money(events)
        reconcile(number, self._mirror, raw, self._protocol)

    def _hand_over(self) -> None:
        """Has the block before checked and, when its books agree, recorded."""
        while self._writing and (self._writing[0].done or len(self._writing) > BACKLOG):
            self._writing.popleft().result()
        if self._open is not None:
            (check, record), self._open = self._open, None
            checking = self._checking = self._clerk.give(check)
            self._writing.append(self._scribe.give(partial(_record_checked, checking, record)))

    def _await_check(self) -> None:
        """Raises ReconciliationError when the books of the block before do not agree."""
        checking, self._checking = self._checking, None
        if checking is not None:
            checking.result()

    def _close(self) -> None:
        """Checks and records the latest block and waits for it."""
        try:
            self._hand_over()
            self._await_check()
        finally:
            writing, self._writing = list(self._writing), deque()
            for task in writing:
                task.wait()
        for task in writing:
            task.result()

    def _ask(self, view: View) -> None:
        """Everyone decides from the same view; the relayers' prices arrive first."""
        for place in self._order:
            party = self._parties[place]
            try:
                intents: list[Intent] = list(party.agent.decide(view, party.rng))
            except Exception as error:
                name, what = party.agent.name, f"{type(error).__name__}: {error}"
                raise RunError(f"block {view.block}: agent {name} failed to decide, {what}") from error
            for intent in intents:
                if intent.account not in party.owned:
                    raise RunError(
                        f"block {view.block}: agent {party.agent.name} acts for account {intent.account}; "
                        "expected one of its own"
                    )
            if intents:
                self._outbox.post(place, intents, view.block)

    def _build(self, number: int, tick: PriceTick) -> Block[Ticket]:
        """What is due enters the pool, what is too old leaves it, and the best of it makes the block."""
        gas = self._gas
        self._outbox.expire(number)
        self._outbox.deliver(number, self._base_fee)
        others = external_gas(tick.external_price, self._base_fee, gas.block_gas_limit, gas.elasticity)
        return self._pool.build(self._base_fee, gas.block_gas_limit, others, gas.external_tip)

    def _settle(
        self, number: int, block: Block[Ticket], result: BlockResult, eth_price: float
    ) -> list[Submitted]:
        """Ends what was executed or lost, tells the agents, and sets the next base fee."""
        executed = []
        columns = (result.status.tolist(), result.gas_used.tolist(), result.gas_price.tolist())
        for row, (pending, status, gas, price) in enumerate(zip(block.transactions, *columns, strict=True)):
            if status == SUCCEEDED:
                executed.append((pending, Status.SUCCESS, gas, price, ""))
            elif status == REVERTED:
                executed.append((pending, Status.REVERTED, gas, price, revert_reason(result.output(row))))
            elif status == HALTED:
                executed.append((pending, Status.REVERTED, gas, price, result.reason_of(row)))
            elif result.reason_of(row) not in STAYS:
                self._outbox.drop(pending, result.reason_of(row))
        rows, party_of, replaced = self._outbox.settle(number, executed), self._party_of, Status.REPLACED
        for submitted in rows:
            receipt = submitted[0]
            _, status, _, gas, price, _ = receipt
            if status is not replaced:
                party = party_of[submitted[1]]
                paid = gas * price
                party.gas_wei += paid
                party.gas_usd += paid * 1e-18 * eth_price
                party.agent.on_receipt(receipt, party.rng)
        total = result.total_gas + block.external_gas
        self._base_fee = next_base_fee(self._base_fee, total, self._gas.block_gas_limit)
        return rows

    def _record(
        self,
        env: BlockEnv,
        transactions: Sequence[Transaction],
        result: BlockResult,
        events: Sequence[EventColumns],
        rows: Sequence[Submitted],
        view: View,
        books: Books,
        fund_capacity: int,
        external: int,
        pending: int,
        state: bytes,
        figures: Sequence[Figure],
    ) -> None:
        self._hash = block_hash(self._hash, env, transactions, result, state)
        record = BlockRecord(
            number=env.number,
            timestamp=env.timestamp,
            base_fee=env.base_fee,
            gas_used=result.total_gas + external,
            gas_limit=self._gas.block_gas_limit,
            pending=pending,
            state_hash=state,
            block_hash=self._hash,
            transactions=rows,
            events=events,
            view=view,
            books=books,
            fund_assets=fund_capacity * 10 ** (18 - self._protocol.assets[0].decimals),
        )
        self._recorder.record(record, figures)

    def _measures(self, view: View) -> list[Figure]:
        """Wealth and gas of every agent, and what it measures of itself."""
        accounts, fund = view.accounts, view.fund
        share = fund.assets / fund.shares if fund.shares > 0 else 0.0
        outside = accounts.wallet @ np.array(view.asset_prices) + accounts.fund_shares * share
        wealth = accounts.equity + outside
        found: list[Figure] = []
        for party in self._parties:
            agent = party.agent
            figures = {
                "wealth_usd": float(wealth[agent.rows].sum()),
                "gas_eth": party.gas_wei * 1e-18,
                "gas_usd": party.gas_usd,
                **agent.measure(),
            }
            found += [(agent.name, agent.role, name, float(value)) for name, value in figures.items()]
        return found

    def _world(self, env: BlockEnv, answers: BlockResult) -> RawWorld:
        wrong = answers.status != SUCCEEDED
        if wrong.any():
            row = int(wrong.argmax())
            raise ChainError(
                f"block {env.number}: view {row} (0x{self._calls[row].data[:4].hex()}) failed, "
                f"{revert_reason(answers.output(row))}; expected an answer"
            )
        return self._reader.decode(answers.outputs)

    def _transaction(self, pending: Pending[Ticket]) -> Transaction:
        sender, nonce, tip, max_fee, gas_limit, _, _, _, ticket = pending
        to, _, data, _ = ticket.encoded
        return Transaction(self._senders[sender], to, nonce, 0, gas_limit, max_fee, tip, data)

    def _env(self, number: int, tick: PriceTick, gas_limit: int) -> BlockEnv:
        return BlockEnv(
            number, tick.timestamp, COINBASE, gas_limit, self._base_fee, prevrandao(self._seed, number)
        )

    def _progress(self, done: int, blocks: int) -> Progress:
        market = self._view.markets[0]
        return Progress(done, blocks, market.symbol, market.mark, self._mirror.liquidations)

    def _finish(self, reason: str) -> RunResult:
        complete, done = not reason, self._recorder.recorded
        summary = {
            **self._summary,
            "status": "complete" if complete else "interrupted",
            "reason": reason,
            "blocks": done,
            "first_block": self._first,
            "start": int(self._path.timestamp[min(1, len(self._path) - 1)]),
            "end": int(self._path.timestamp[done]),
            "final_hash": f"0x{self._hash.hex()}",
        }
        self._recorder.finish(summary, self._measures)
        return RunResult(self._recorder.folder, complete, reason, done)
