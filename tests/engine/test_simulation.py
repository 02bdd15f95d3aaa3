# SPDX-License-Identifier: Apache-2.0
"""The block loop on the real contracts: short runs that end well, badly, or early."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from simulation.agents import Agent, Endowment, NoiseTraders
from simulation.assembly import build, resolve
from simulation.engine import Simulation
from simulation.errors import ReconciliationError, RunError
from simulation.messages import Intent, PlaceOrder, Receipt, Status, View
from simulation.messages.chain import BlockEnv, BlockResult, Call
from simulation.messages.progress import Progress
from simulation.messages.schema import SCHEMAS

SMALL = (
    "scenario.duration=4 min",
    "agents.noise.count=6",
    "agents.noise.interval=30 s",
    "agents.momentum.count=2",
    "agents.reversion.count=2",
    "agents.makers.count=2",
    "agents.depositors.count=1",
    "agents.keepers.count=2",
)
BLOCKS = 20


def simulation(out: Path, *overrides: str) -> Simulation:
    return build(resolve("calm", (*SMALL, *overrides)), out=out)


def column(folder: Path, table: str, name: str) -> list[object]:
    found: list[object] = pq.read_table(folder / f"{table}.parquet")[name].to_pylist()
    return found


def test_a_run_is_whole_and_equal_to_its_repetition(tmp_path: Path) -> None:
    seen: list[Progress] = []
    result = simulation(tmp_path / "one").run(seen.append)
    assert (result.complete, result.blocks) == (True, BLOCKS)
    assert [progress.done for progress in seen] == list(range(1, BLOCKS + 1))
    simulation(tmp_path / "two").run()
    for stem in SCHEMAS:
        one, two = ((tmp_path / name / f"{stem}.parquet").read_bytes() for name in ("one", "two"))
        assert one == two, stem
    statuses = column(tmp_path / "one", "transactions", "status")
    assert statuses.count("success") > 30
    assert "OrderFilled" in column(tmp_path / "one", "events", "event")
    assert len(set(column(tmp_path / "one", "blocks", "block_hash"))) == BLOCKS
    summary = json.loads((tmp_path / "one" / "summary.json").read_text(encoding="utf-8"))
    assert summary["status"] == "complete"
    assert summary["final_hash"] == column(tmp_path / "one", "blocks", "block_hash")[-1]


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("two", 2)):
        simulation(tmp_path / name, f"scenario.seed={seed}", "scenario.duration=1 min").run()
    hashes = [column(tmp_path / name, "blocks", "block_hash") for name in ("one", "two")]
    assert hashes[0] != hashes[1]


def test_an_added_agent_changes_no_other_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draws: dict[str, list[float]] = {}
    decide = NoiseTraders.decide

    def watched(self: NoiseTraders, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        intents = decide(self, view, rng)
        draws.setdefault(current, []).append(float(np.random.Generator(rng.bit_generator).random()))
        return intents

    monkeypatch.setattr(NoiseTraders, "decide", watched)
    short = ("scenario.duration=1 min", "agents.noise.interval=1000 d")
    for current, extra in (
        ("alone", ()),
        ("beside", ("agents.other.kind=momentum_trader", "agents.other.count=3")),
    ):
        simulation(tmp_path / current, *short, *extra).run()
    assert draws["alone"] == draws["beside"] and len(draws["alone"]) == 5


def test_a_balance_changed_behind_the_books_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = simulation(tmp_path)
    chain, vault, read = run._chain, run._venues[0].protocol.addresses["Vault"], run._chain.call_many
    # Which slot the account's word has is found by its value.
    cash = run._venues[0].mirror.cash.item(4)
    slot = next(slot for slot in _mapping_slots(5) if chain.storage(vault, slot) & (2**127 - 1) == cash)

    def corrupted(env: BlockEnv, calls: Sequence[Call]) -> BlockResult:
        # After the block's transactions, so that no event of theirs can state the new balance.
        if env.number == run._first + 3:
            chain.set_storage(vault, slot, chain.storage(vault, slot) + 1)
        return read(env, calls)

    monkeypatch.setattr(chain, "call_many", corrupted)
    with pytest.raises(
        ReconciliationError, match=r"block \d+: account 5: cash \(wad\): expected \d+, found \d+"
    ):
        run.run()
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["status"] == "interrupted" and "account 5" in summary["reason"]
    assert summary["blocks"] == len(column(tmp_path, "blocks", "block")) == 3


def _mapping_slots(key: int) -> Iterator[int]:
    """Where a Vyper map of the first 64 slots keeps an integer key."""
    from eth_hash.auto import keccak

    for slot in range(64):
        yield int.from_bytes(keccak(slot.to_bytes(32, "big") + key.to_bytes(32, "big")), "big")


def test_ctrl_c_keeps_what_was_recorded_and_says_so(tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done == 7:
            os.kill(os.getpid(), signal.SIGINT)

    result = simulation(tmp_path).run(interrupt)
    assert (result.complete, result.blocks) == (False, 7)
    assert result.reason == f"interrupted by the user after 7 of {BLOCKS} blocks"
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert (summary["status"], summary["blocks"]) == ("interrupted", 7)
    assert len(column(tmp_path, "blocks", "block")) == 7


class Clumsy(Agent):
    """Places an order that the market refuses and one beyond its margin."""

    receipts: list[Receipt]

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.receipts = []

    def endowments(self) -> Sequence[Endowment]:
        return [Endowment(cash=1_000.0) for _ in self.accounts]

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        if self.receipts or view.markets[0].best_ask == 0:
            return []
        account, tick = int(self.accounts[0]), view.markets[0].best_ask
        return [
            PlaceOrder(account=account, market=1, is_bid=True, tick=0, lots=5),
            PlaceOrder(account=account, market=1, is_bid=True, tick=tick, lots=100_000_000),
            PlaceOrder(account=account, market=1, is_bid=True, tick=tick + 50, lots=1),
        ]

    def on_receipt(self, receipt: Receipt, rng: np.random.Generator) -> None:
        self.receipts.append(receipt)


def with_agent(tmp_path: Path, content: str, name: str) -> Simulation:
    file = tmp_path / "mine.py"
    file.write_text(content, encoding="utf-8")
    return build(resolve("calm", SMALL, agents=(f"{file}:{name}",)), out=tmp_path / "run")


def test_a_revert_is_data(tmp_path: Path) -> None:
    run = with_agent(tmp_path, "from tests.engine.test_simulation import Clumsy\n", "Clumsy")
    run.run()
    agent = run._parties.seats[-1].agent
    found = [(receipt.status, receipt.reason) for receipt in agent.receipts[:3]]  # type: ignore[attr-defined]
    assert found[0] == (Status.REVERTED, "exchange: order out of range")
    assert found[1][0] is Status.REVERTED and "margin" in found[1][1]
    assert found[2] == (Status.SUCCESS, "")
    assert all(receipt.paid > 0 for receipt in agent.receipts[:3])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("raise KeyError('price')", "agent Mine failed to decide, KeyError: 'price'"),
        ("return [CancelAll(account=1)]", "agent Mine acts for account 1; expected one of its own"),
    ],
)
def test_an_agent_that_fails_or_forges_ends_the_run_in_one_line(
    tmp_path: Path, body: str, expected: str
) -> None:
    content = (
        "from simulation.agents import Agent\nfrom simulation.messages import CancelAll\n"
        f"class Mine(Agent):\n    def decide(self, view, rng):\n        {body}\n"
    )
    with pytest.raises(RunError) as caught:
        with_agent(tmp_path, content, "Mine").run()
    assert expected in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["accounts.equity", "orders.lots", "markets[0].bid_lots"])
def test_agents_are_kept_from_changing_the_shared_view(tmp_path: Path, place: str) -> None:
    content = (
        "from simulation.agents import Agent\n"
        "class Mine(Agent):\n    def decide(self, view, rng):\n"
        f"        view.{place}[:] = 0\n        return []\n"
    )
    with pytest.raises(RunError, match="read-only"):
        with_agent(tmp_path, content, "Mine").run()


def test_an_intent_of_money_moves_money(tmp_path: Path) -> None:
    content = (
        "from simulation.agents import Agent, Endowment\nfrom simulation.messages import TransferCash\n"
        "class Mine(Agent):\n    def endowments(self):\n        return [Endowment(cash=100.0)]\n"
        "    def decide(self, view, rng):\n"
        "        me = int(self.accounts[0])\n"
        "        sent = view.accounts.cash[me - 1] < 100.0\n"
        "        return [] if sent else [TransferCash(account=me, receiver=1, amount=30 * 10**18)]\n"
    )
    run = with_agent(tmp_path, content, "Mine")
    run.run()
    assert run._venues[0].mirror.cash.ints()[-1] <= 70 * 10**18
    assert "CashMoved" in column(tmp_path / "run", "events", "event")
