# SPDX-License-Identifier: Apache-2.0
"""Recorded blocks to a run folder (messages/schema.py), with bounded memory and without half-written runs.

While a run goes on its files carry the suffix `.partial` and there is no summary; they get their names when
the run ends, and summary.json comes last. Imports: engine.tables, domain, messages, errors.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from simulation.domain.stress import LADDER
from simulation.engine.tables import PARTIAL, EventTable, GrowingTable
from simulation.errors import OutputError
from simulation.messages import BlockRecord, CreditView, Status
from simulation.messages.schema import (
    ACCOUNTS,
    AGENTS,
    BLOCKS,
    HOLDINGS,
    MARKETS,
    SCHEMAS,
    STRESS,
    TRANSACTIONS,
)

__all__ = ["VENUES", "AgentIdentity", "Figure", "Measures", "Recorder"]

FLUSH_ROWS = 20_000
"""Buffered rows of a table that make a row group."""
FLUSH_BLOCKS = 1_024
VENUES = "venues"
"""Folder in that of a run with one for each venue but the first."""

SUCCESS, REVERTED = Status.SUCCESS, Status.REVERTED

Figure = tuple[str, str, str, float]
"""Agent, role, measure and value: what an agent measures of itself after a block."""
Measures = Callable[[], Sequence[Figure]]
"""The figures of all agents after the latest block recorded."""


@dataclass(frozen=True, slots=True)
class AgentIdentity:
    """Who an agent is in tables."""

    name: str
    role: str
    address: str
    """Checksummed, of the owner of its first account."""
    accounts: tuple[int, ...]


class Recorder:
    """Writes one run folder.

    Args:
        folder: made if missing; files of an earlier run in it are replaced.
        agents: everyone whose accounts and transactions appear.
        scenario: the resolved scenario, TOML.
        sample_blocks: blocks between two records of every account and agent.
        transactions: whether transactions.parquet has rows.

    Raises:
        OutputError: the folder cannot be written or holds something that is no run.
    """

    def __init__(
        self,
        folder: Path,
        agents: Sequence[AgentIdentity],
        scenario: str,
        sample_blocks: int,
        transactions: bool = True,
    ) -> None:
        self.folder, self._sample, self._with_transactions = folder, sample_blocks, transactions
        _prepare(folder)
        self._roles = {agent.name: agent.role for agent in agents}
        count = max((account for agent in agents for account in agent.accounts), default=0)
        self._account_agent = [""] * count
        for agent in agents:
            for account in agent.accounts:
                self._account_agent[account - 1] = agent.name
        self._known = np.array([bool(name) for name in self._account_agent], np.bool_)
        """Accounts of agents of this recorder; others have an account of the same number elsewhere."""
        self._unowned = np.flatnonzero(~self._known)
        """Rows of all others: what a contract has in its account others have a claim on."""
        self._account_role = [self._roles.get(name, "") for name in self._account_agent]
        try:
            (folder / "scenario.toml").write_text(scenario, encoding="utf-8")
            self._blocks = GrowingTable(folder, "blocks", BLOCKS)
            self._markets = GrowingTable(folder, "markets", MARKETS)
            self._transactions = GrowingTable(folder, "transactions", TRANSACTIONS)
            self._events = EventTable(folder)
            self._accounts = GrowingTable(folder, "accounts", ACCOUNTS)
            self._stress = GrowingTable(folder, "stress", STRESS)
            self._agents = GrowingTable(folder, "agents", AGENTS)
            self._holdings = GrowingTable(folder, "holdings", HOLDINGS)
        except OSError as error:
            raise OutputError(
                f"{folder}: {error.strerror or error}; expected a folder to write to"
            ) from error
        self._tables = (
            self._blocks,
            self._markets,
            self._transactions,
            self._events,
            self._accounts,
            self._stress,
            self._agents,
            self._holdings,
        )
        self._last: BlockRecord | None = None
        self._sampled = False
        self._first: int | None = None
        self.recorded = 0

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leaves nothing behind that looks like a run when `finish` was never reached."""
        for table in self._tables:
            table.close()

    def samples(self, number: int) -> bool:
        """Whether every account and agent of this block is recorded."""
        return self._first is None or (number - self._first) % self._sample == 0

    def record(self, record: BlockRecord, figures: Sequence[Figure]) -> None:
        """Takes in the next block, and of a sampled one the figures of all agents."""
        self._keep_last(full=self._sampled)
        self._sampled = self.samples(record.number)
        if self._first is None:
            self._first = record.number
        self._last = record
        if self._sampled:
            self._note_agents(record, figures)
        self._note_block(record)
        self._note_markets(record)
        self._note_stress(record)
        if self._with_transactions:
            self._note_transactions(record)
        self._events.note(record.number, record.events)
        self._note_holdings(record)
        self.recorded += 1
        full = self.recorded % FLUSH_BLOCKS == 0
        for table in self._tables:
            if full or len(table) >= FLUSH_ROWS:
                table.flush()

    def finish(self, summary: Mapping[str, Any], measures: Measures) -> Path:
        """Ends all files, gives them their names, and writes summary.json last.

        What was recorded until an interruption is kept like a whole run; `summary` says which it is.
        """
        self._keep_last(full=True)
        if self._last is not None and not self._sampled:
            self._note_agents(self._last, measures())
        for table in self._tables:
            table.close()
        for table in self._tables:
            table.publish()
        path = self.folder / "summary.json"
        partial = path.with_name(path.name + PARTIAL)
        partial.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(path)
        return path

    def _note_block(self, record: BlockRecord) -> None:
        accounts, books = record.view.accounts, record.books
        statuses = [row.receipt.status for row in record.transactions]
        reverted = statuses.count(REVERTED)
        in_use = (accounts.cash != 0) | (accounts.collateral_value != 0) | (accounts.notional != 0)
        in_use[self._unowned] = False
        shortfall = np.maximum(accounts.maintenance_margin - accounts.equity, 0.0)
        self._blocks.add(
            block=record.number,
            timestamp=record.timestamp,
            base_fee_gwei=record.base_fee * 1e-9,
            gas_used=record.gas_used,
            gas_limit=record.gas_limit,
            pending=record.pending,
            included=statuses.count(SUCCESS) + reverted,
            reverted=reverted,
            accounts=int(np.count_nonzero(in_use)),
            below_initial=int(np.count_nonzero(accounts.equity < accounts.initial_margin)),
            below_maintenance=int(np.count_nonzero(accounts.equity < accounts.maintenance_margin)),
            in_liquidation=int(np.count_nonzero(accounts.liquidating)),
            shortfall_usd=float(shortfall.sum()),
            bad_debt_usd=float(np.maximum(-accounts.equity, 0.0).sum()),
            equity_usd=float(accounts.equity.sum() - accounts.equity[self._unowned].sum()),
            initial_margin_usd=float(accounts.initial_margin.sum()),
            maintenance_margin_usd=float(accounts.maintenance_margin.sum()),
            fund_assets_usd=record.fund_assets,
            backing_usd=books.assets,
            claims_usd=books.claims,
            deficit_usd=books.deficit,
            fees_usd=books.fees,
            total_borrow_usd=books.total_borrow,
            total_supply_usd=books.total_supply,
            **_desk_figures(record.view.credit),
            state_hash=f"0x{record.state_hash.hex()}",
            block_hash=f"0x{record.block_hash.hex()}",
        )

    def _note_markets(self, record: BlockRecord) -> None:
        feeds = {feed.feed: feed for feed in record.view.feeds}
        for market in record.view.markets:
            size = market.tick_size
            self._markets.add(
                block=record.number,
                market=market.market,
                symbol=market.symbol,
                reference=market.reference,
                spot=market.spot,
                mark=market.mark,
                confidence=market.confidence,
                oracle_time=feeds[market.feed].timestamp,
                oracle_valid=market.valid,
                funding_rate=market.funding_rate,
                open_interest=market.open_interest,
                best_bid=market.best_bid * size if market.best_bid else None,
                best_ask=market.best_ask * size if market.best_ask else None,
                bid_depth_usd=market.notional(market.depth(True, 0.01), market.mid),
                ask_depth_usd=market.notional(market.depth(False, 0.01), market.mid),
            )

    def _note_stress(self, record: BlockRecord) -> None:
        self._stress.extend(
            {
                "block": [record.number] * len(LADDER),
                "shock_bps": LADDER,
                "deficit_usd": record.stressed.deficit.tolist(),
                "lines_usd": record.stressed.lines.tolist(),
                "insolvent": record.stressed.insolvent.tolist(),
            }
        )

    def _note_transactions(self, record: BlockRecord) -> None:
        rows = record.transactions
        if not rows:
            return
        receipts, agents, places, submitted, senders, functions, nonces, limits, max_fees, _ = zip(
            *rows, strict=True
        )
        intents, statuses, _, gas_used, gas_prices, reasons = zip(*receipts, strict=True)
        self._transactions.extend(
            {
                "block": [record.number] * len(rows),
                "index": places,
                "submitted": submitted,
                "sender": senders,
                "agent": agents,
                "role": [self._roles.get(agent, "") for agent in agents],
                "function": functions,
                "account": [intent.account for intent in intents],
                "nonce": nonces,
                "status": [status.value for status in statuses],
                "gas_limit": limits,
                "gas_used": gas_used,
                "gas_price_gwei": [
                    (price if status is SUCCESS or status is REVERTED else max_fee) * 1e-9
                    for price, status, max_fee in zip(gas_prices, statuses, max_fees, strict=True)
                ],
                "fee_eth": [gas * price * 1e-18 for gas, price in zip(gas_used, gas_prices, strict=True)],
                "reason": reasons,
            }
        )

    def _note_agents(self, record: BlockRecord, figures: Sequence[Figure]) -> None:
        for agent, role, measure, value in sorted(figures):
            self._agents.add(block=record.number, agent=agent, role=role, measure=measure, value=value)

    def _note_holdings(self, record: BlockRecord) -> None:
        for item in record.holdings:
            self._holdings.add(
                block=record.number,
                agent=item.agent,
                book=item.book,
                account=item.account,
                venue=item.venue,
                posted_usd=item.posted,
                claim_usd=item.claim,
                cash_claim_usd=item.cash_claim,
                initial_margin_usd=item.initial_margin,
                alone_usd=item.alone,
                merged_usd=item.merged,
                exchange_rate=item.rate,
                forgone_usd=item.forgone,
            )

    def _keep_last(self, full: bool) -> None:
        """Accounts of the block before, once it is known whether it is the last."""
        if self._last is None:
            return
        view = self._last.view.accounts
        wanted = np.flatnonzero(self._known[: len(view.equity)])
        if not full:
            trouble = (view.equity < view.initial_margin) | view.liquidating
            wanted = wanted[trouble[wanted]]
        if not len(wanted):
            return
        rows = wanted.tolist()
        self._accounts.extend(
            {
                "block": [self._last.number] * len(rows),
                "account": [row + 1 for row in rows],
                "agent": [self._account_agent[row] for row in rows],
                "role": [self._account_role[row] for row in rows],
                "equity_usd": view.equity[wanted].tolist(),
                "initial_margin_usd": view.initial_margin[wanted].tolist(),
                "maintenance_margin_usd": view.maintenance_margin[wanted].tolist(),
                "cash_usd": view.cash[wanted].tolist(),
                "collateral_usd": view.collateral_value[wanted].tolist(),
                "notional_usd": view.notional[wanted].tolist(),
                "in_liquidation": view.liquidating[wanted].tolist(),
            }
        )


def _clear_venues(folder: Path) -> None:
    """Removes the runs of other venues; raises OutputError for what is none."""
    for path in sorted(folder.iterdir()):
        _prepare(path)
    shutil.rmtree(folder)


def _desk_figures(desk: CreditView | None) -> dict[str, float | int]:
    """Columns of a block about the credit desk."""
    if desk is None:
        names = ("lent_junior_usd", "lent_senior_usd", "committed_usd", "line_use_usd", "called_lines")
        return dict.fromkeys(names, 0)
    return {
        "lent_junior_usd": desk.assets[0],
        "lent_senior_usd": desk.assets[1],
        "committed_usd": desk.committed,
        "line_use_usd": float(np.minimum(desk.use, desk.commitment).sum()),
        "called_lines": desk.open_calls,
    }


def _prepare(folder: Path) -> None:
    """An empty folder, or one that held a run; raises OutputError otherwise."""
    own = {"scenario.toml", "summary.json", "report.html"} | {f"{stem}.parquet" for stem in SCHEMAS}
    own |= {name + PARTIAL for name in own} | {VENUES}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(path.name for path in folder.iterdir())
        strangers = [name for name in found if name not in own]
        if strangers:
            raise OutputError(
                f"{folder}: holds {strangers[0]}, which is of no run; expected an empty folder or an old run"
            )
        # The summary goes first: from here on the folder holds no whole run.
        for name in sorted(found, key=lambda name: name != "summary.json"):
            if name == VENUES:
                _clear_venues(folder / name)
            else:
                (folder / name).unlink()
        probe = folder / f"summary.json{PARTIAL}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror or error}; expected a folder to write to") from error
