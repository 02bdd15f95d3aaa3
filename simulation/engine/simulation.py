# SPDX-License-Identifier: Apache-2.0
"""The block loop: path, oracle, decisions, mempool, chain, books, record.

Knows the chain as a Protocol, agents as decisions, and no contract but by the terms it is given. Imports:
all of engine, agents, mempool, market, chain.protocol, config, messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from itertools import accumulate, pairwise

from simulation.agents import Agent
from simulation.chain.protocol import Chain
from simulation.config import GasSpec
from simulation.engine.abi import revert_reason
from simulation.engine.concentration import Concentration
from simulation.engine.hashing import GENESIS, block_hash, prevrandao
from simulation.engine.helper import Helper, Task
from simulation.engine.interrupt import DeferredInterrupt
from simulation.engine.outbox import Outbox, Ticket
from simulation.engine.parties import Parties
from simulation.engine.reader import RawWorld
from simulation.engine.stress import stressed_deficits
from simulation.engine.venue import Deployed, Taken, Venue
from simulation.errors import ChainError, PlimsollError
from simulation.market import MarketPath, external_gas
from simulation.mempool import Block, Mempool, Pending, next_base_fee
from simulation.messages import BlockRecord, EventColumns, Holding, Status, Submitted, View
from simulation.messages.chain import BlockEnv, BlockResult, Call, Outcome, Transaction
from simulation.messages.market import PriceTick
from simulation.messages.progress import Progress, RunResult, Watcher

__all__ = ["COINBASE", "Simulation"]

REVERTED, SUCCEEDED, HALTED = (
    int(outcome) for outcome in (Outcome.REVERTED, Outcome.SUCCESS, Outcome.HALTED)
)

COINBASE = b"\xc0" * 20
"""Receives the tips of every block."""

BACKLOG = 64
"""Blocks that may wait to be recorded while a row group is written."""

STAYS = frozenset({"nonce too high", "gas limit above what the block has left", "max fee below base fee"})
"""Exclusions that time may heal; a transaction excluded for any other reason leaves the pool."""


def _record_checked(checking: Task[None], record: Callable[[], None]) -> None:
    checking.result()
    record()


class Simulation:
    """One run, from a deployed protocol to the end of the path.

    Args:
        chain: with the protocol deployed, accounts made and endowed, and a first price in every feed.
        venues: the instances of the protocol on it; the first one's folder is the run's.
        path: prices by block; block 0 is the state in which the chain was handed over.
        agents: in the order in which they are asked; relayers are asked before all others.
        gas: block space and its price.
        seed: root of all random streams.
        first_block: number of the first simulated block.
        address: a 20-byte address as text.
    """

    def __init__(
        self,
        chain: Chain,
        venues: Sequence[Deployed],
        path: MarketPath,
        agents: Sequence[Agent],
        gas: GasSpec,
        seed: int,
        first_block: int,
        address: Callable[[bytes], str],
    ) -> None:
        self._chain, self._path, self._gas, self._seed, self._first = chain, path, gas, seed, first_block
        block_time = int(path.timestamp[1] - path.timestamp[0]) if len(path) > 1 else 1
        self._venues = [Venue(parts, block_time, len(venues) == 1) for parts in venues]
        home = self._venues[0]
        self._parties = Parties(agents, [venue.name for venue in venues], seed)
        # Owners are the same everywhere.
        owners = home.mirror.owners
        self._senders = sorted(set(owners))
        numbers = {owner: number for number, owner in enumerate(self._senders)}
        sender_of = [numbers[owner] for owner in owners]
        self._pool: Mempool[Ticket] = Mempool()
        for number, owner in enumerate(self._senders):
            self._pool.set_nonce(number, chain.nonce(owner))
        shown = [address(owner) for owner in self._senders]
        seats = self._parties.seats
        self._outbox = Outbox(
            [seat.agent for seat in seats],
            [self._venues[seat.venue].encoder for seat in seats],
            self._pool,
            lambda account: sender_of[account - 1],
            lambda number: shown[number],
        )
        self._calls = tuple(call for venue in self._venues for call in venue.calls)
        self._bounds = list(pairwise(accumulate((len(venue.calls) for venue in self._venues), initial=0)))
        """First call of every venue, and the one after its last."""
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
        self._recorded: list[View] = []
        """Views of the venues after the latest block recorded."""
        tick, before = path.tick(0), first_block - 1
        env = self._env(before, tick, gas.block_gas_limit)
        worlds = self._worlds(env)
        for venue, raw in zip(self._venues, worlds, strict=True):
            venue.reconcile(before, raw)
            venue.look(before, self._base_fee, tick, raw)
        self._concentration = Concentration.of(chain, env, self._venues, agents)

    def run(self, watch: Watcher | None = None) -> RunResult:
        """All blocks of the path; what was recorded is kept when Ctrl-C or an error ends the run early.

        Raises:
            ReconciliationError: the books of a block do not agree.
            RunError: an agent failed, or the chain refused what it must not refuse.
        """
        last, reason = len(self._path) - 1, ""
        with ExitStack() as recorders, self._scribe, self._clerk, DeferredInterrupt() as interrupt:
            for venue in self._venues:
                recorders.enter_context(venue.recorder)
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
        fee, venues = self._base_fee, self._venues
        views = [venue.views.before(venue.view, number, fee, tick) for venue in venues]
        self._parties.ask(views, self._outbox.post)
        block = self._build(number, tick)
        env = self._env(number, tick, block.gas_available)
        transactions = [self._transaction(pending) for pending in block.transactions]
        self._hand_over()
        result = self._chain.execute_block(env, transactions)
        self._await_check()
        worlds = self._worlds(env)
        events = [venue.take_in(result.logs, tick.timestamp) for venue in venues]
        rows = self._settle(number, block, result, venues[0].views.eth_price(tick))
        views = [
            venue.look(number, env.base_fee, tick, raw) for venue, raw in zip(venues, worlds, strict=True)
        ]
        for venue, raw in zip(venues, worlds, strict=True):
            if venue.stress.due(place):
                venue.check_stress(number, raw, self._answers(env, venue.stress.calls))
        sampled = venues[0].recorder.samples(number)
        taken = [
            Taken(
                events[at],
                rows
                if len(venues) == 1
                else [row for row in rows if self._parties.seats[row.seat].venue == at],
                views[at],
                raw.books,
                raw.fund_capacity,
                raw.dated_changes,
                self._parties.measures(views, at) if sampled else [],
            )
            for at, raw in enumerate(worlds)
        ]
        holdings: Sequence[Holding] = ()
        if self._concentration is not None:
            self._concentration.note(events, views)
            if sampled or place == len(self._path) - 1:
                holdings = self._concentration.read(env, views, [raw.books for raw in worlds])
        record = partial(
            self._record,
            env,
            transactions,
            result,
            taken,
            holdings,
            block.external_gas,
            len(self._pool),
            self._chain.state_hash(),
        )
        self._open = partial(self._check, number, events, worlds), record

    def _check(
        self, number: int, events: Sequence[Sequence[EventColumns]], worlds: Sequence[RawWorld]
    ) -> None:
        for venue, own, raw in zip(self._venues, events, worlds, strict=True):
            venue.mirror.apply_money(own)
            venue.reconcile(number, raw)

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
        rows = self._outbox.settle(number, executed)
        self._parties.tell(rows, eth_price)
        total = result.total_gas + block.external_gas
        self._base_fee = next_base_fee(self._base_fee, total, self._gas.block_gas_limit)
        return rows

    def _record(
        self,
        env: BlockEnv,
        transactions: Sequence[Transaction],
        result: BlockResult,
        taken: Sequence[Taken],
        holdings: Sequence[Holding],
        external: int,
        pending: int,
        state: bytes,
    ) -> None:
        self._hash = block_hash(self._hash, env, transactions, result, state)
        for at, (venue, own) in enumerate(zip(self._venues, taken, strict=True)):
            record = BlockRecord(
                number=env.number,
                timestamp=env.timestamp,
                base_fee=env.base_fee,
                gas_used=result.total_gas + external,
                gas_limit=self._gas.block_gas_limit,
                pending=pending,
                state_hash=state,
                block_hash=self._hash,
                transactions=own.rows,
                events=own.events,
                view=own.view,
                books=own.books,
                fund_assets=own.fund_capacity * 10 ** (18 - venue.protocol.assets[0].decimals),
                stressed=stressed_deficits(own.view, own.dated_changes),
                holdings=() if at else holdings,
            )
            venue.recorder.record(record, own.figures)
        self._recorded = [own.view for own in taken]

    def _answers(self, env: BlockEnv, calls: Sequence[Call]) -> BlockResult:
        """Of views; raises ChainError when one fails."""
        answers = self._chain.call_many(env, calls)
        wrong = answers.status != SUCCEEDED
        if wrong.any():
            row = int(wrong.argmax())
            raise ChainError(
                f"block {env.number}: view {row} (0x{calls[row].data[:4].hex()}) failed, "
                f"{revert_reason(answers.output(row))}; expected an answer"
            )
        return answers

    def _worlds(self, env: BlockEnv) -> list[RawWorld]:
        """What the contracts of every venue say."""
        answers = self._answers(env, self._calls)
        outputs, offsets = answers.outputs, answers.offsets
        if len(self._venues) == 1:
            return [self._venues[0].read(outputs)]
        return [
            venue.read(outputs[int(offsets[first]) : int(offsets[end])])
            for venue, (first, end) in zip(self._venues, self._bounds, strict=True)
        ]

    def _transaction(self, pending: Pending[Ticket]) -> Transaction:
        sender, nonce, tip, max_fee, gas_limit, _, _, _, ticket = pending
        to, _, data, _ = ticket.encoded
        return Transaction(self._senders[sender], to, nonce, 0, gas_limit, max_fee, tip, data)

    def _env(self, number: int, tick: PriceTick, gas_limit: int) -> BlockEnv:
        return BlockEnv(
            number, tick.timestamp, COINBASE, gas_limit, self._base_fee, prevrandao(self._seed, number)
        )

    def _progress(self, done: int, blocks: int) -> Progress:
        market = self._venues[0].view.markets[0]
        liquidations = sum(venue.mirror.liquidations for venue in self._venues)
        return Progress(done, blocks, market.symbol, market.mark, liquidations)

    def _finish(self, reason: str) -> RunResult:
        """Ends the files of all venues; the summary of the first comes last and makes the folder a run."""
        home = self._venues[0].recorder
        complete, done = not reason, home.recorded
        outcome = {
            "status": "complete" if complete else "interrupted",
            "reason": reason,
            "blocks": done,
            "first_block": self._first,
            "start": int(self._path.timestamp[min(1, len(self._path) - 1)]),
            "end": int(self._path.timestamp[done]),
            "final_hash": f"0x{self._hash.hex()}",
        }
        for at, venue in reversed(list(enumerate(self._venues))):
            measures = partial(self._parties.measures, self._recorded, at)
            venue.recorder.finish({**venue.summary, **outcome}, measures)
        return RunResult(home.folder, complete, reason, done)
