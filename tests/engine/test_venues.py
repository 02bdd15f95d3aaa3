# SPDX-License-Identifier: Apache-2.0
"""Two venues on one chain: books of each in every block, one mempool, owners who are at both."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulation.assembly import build, resolve
from simulation.domain.margin_math import CollateralRisk, Portfolio, PositionRisk
from simulation.engine import Simulation
from simulation.engine.concentration import assess_call, read_portfolio
from simulation.errors import OutputError, ReconciliationError, ScenarioError
from simulation.messages.chain import BlockEnv, BlockResult, Call
from simulation.messages.progress import Progress
from simulation.messages.schema import SCHEMAS
from tests.engine.test_simulation import SMALL, _mapping_slots

SECOND = (
    *SMALL,
    "protocol.markets.BTC.initial_margin=20 %",
    "venues.second.protocol.insurance.seed=10 USD",
    "venues.second.protocol.markets.BTC.initial_margin=10 %",
    "agents.others.kind=market_maker",
    "agents.others.venue=second",
    "agents.others.count=2",
    "agents.spread.kind=spread_trader",
    "agents.spread.venues=['main', 'second']",
    "agents.spread.count=3",
    "agents.whole.kind=spread_trader",
    "agents.whole.count=3",
    "agents.whole.twin=spread",
)


def two(out: Path, *overrides: str) -> Simulation:
    return build(resolve("calm", (*SECOND, *overrides)), out=out)


def column(folder: Path, table: str, name: str) -> list[object]:
    found: list[object] = pq.read_table(folder / f"{table}.parquet")[name].to_pylist()
    return found


def test_both_venues_are_recorded_and_equal_on_both_evms(tmp_path: Path) -> None:
    one, other = (tmp_path / name for name in ("one", "other"))
    assert two(one, "scenario.duration=2 min").run().complete
    assert two(other, "scenario.duration=2 min", "chain.backend=tester").run().complete
    for folder in (Path(), Path("venues", "second")):
        for stem in SCHEMAS:
            assert (one / folder / f"{stem}.parquet").read_bytes() == (
                other / folder / f"{stem}.parquet"
            ).read_bytes(), stem
        assert "OrderFilled" in column(one / folder, "events", "event")
    hashes = [column(one / folder, "blocks", "block_hash") for folder in (".", "venues/second")]
    assert hashes[0] == hashes[1]
    funds = [column(one / folder, "blocks", "fund_assets_usd")[0] for folder in (".", "venues/second")]
    assert funds[0] != funds[1] == 10
    agents = [set(column(one / folder, "transactions", "agent")) for folder in (".", "venues/second")]
    assert agents[0] & agents[1] == {"spread"} and agents[1] == {"spread", "others-1", "others-2"}
    recorded = [set(column(one / folder, "accounts", "agent")) for folder in (".", "venues/second")]
    assert "others-1" not in recorded[0] and recorded[1] == {"spread", "others-1", "others-2"}
    measured = [set(column(one / folder, "agents", "agent")) for folder in (".", "venues/second")]
    assert "spread" in measured[0] and measured[1] == {"others-1", "others-2"}
    summary = json.loads((one / "venues/second/summary.json").read_text(encoding="utf-8"))
    assert summary["venue"] == "second" and [each["venue"] for each in summary["venues"]] == [
        "second",
        "main",
    ]


def test_holdings_say_what_owners_have_where(tmp_path: Path) -> None:
    two(tmp_path).run()
    rows = [
        row
        for row in pq.read_table(tmp_path / "holdings.parquet").to_pylist()
        if row["block"] == max(column(tmp_path, "holdings", "block"))  # type: ignore[type-var]
    ]
    assert [(row["agent"], row["book"], row["venue"]) for row in rows] == (
        [("spread", "spread", venue) for _ in range(3) for venue in ("main", "second")]
        + [("whole", "spread", "main")] * 3
    )
    for venue, folder in (("main", tmp_path), ("second", tmp_path / "venues" / "second")):
        accounts = {
            row["account"]: row
            for row in pq.read_table(folder / "accounts.parquet").to_pylist()
            if row["block"] == rows[0]["block"]
        }
        for row in rows:
            if row["venue"] == venue:
                account = accounts[row["account"]]
                assert row["claim_usd"] == account["equity_usd"] == row["cash_claim_usd"] > 0
                assert row["initial_margin_usd"] == account["initial_margin_usd"] > 0
                assert row["posted_usd"] == account["cash_usd"]
                # BTC, kept at the second venue, asks for 10 % there and for 20 % at the first.
                stricter = 2.0 if venue == "second" else 1.0
                assert row["alone_usd"] == pytest.approx(stricter * row["initial_margin_usd"], rel=1e-6)
    spread = [row for row in rows if row["agent"] == "spread"]
    for first, second in zip(spread[::2], spread[1::2], strict=True):
        assert first["merged_usd"] == second["merged_usd"] > 0
        assert first["exchange_rate"] == 1.0 and first["forgone_usd"] == 0.0
    assert not (tmp_path / "venues" / "second" / "holdings.parquet").stat().st_size == 0
    assert column(tmp_path / "venues" / "second", "holdings", "block") == []


def test_a_balance_changed_at_one_venue_is_found_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = two(tmp_path)
    chain, read, account = run._chain, run._chain.call_many, len(run._venues[1].mirror.owners) - 3
    vault, cash = run._venues[1].protocol.addresses["Vault"], run._venues[1].mirror.cash.item(account - 1)
    assert cash > 0
    slot = next(slot for slot in _mapping_slots(account) if chain.storage(vault, slot) & (2**127 - 1) == cash)

    def corrupted(env: BlockEnv, calls: Sequence[Call]) -> BlockResult:
        if env.number == run._first + 3 and len(calls) == len(run._calls):
            chain.set_storage(vault, slot, chain.storage(vault, slot) + 1)
        return read(env, calls)

    monkeypatch.setattr(chain, "call_many", corrupted)
    with pytest.raises(ReconciliationError, match=rf"venue second: block \d+: account {account}: cash"):
        run.run()
    for folder in (tmp_path, tmp_path / "venues" / "second"):
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        assert summary["status"] == "interrupted" and summary["blocks"] == 3


def test_ctrl_c_keeps_what_was_recorded_of_both(tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done == 4:
            os.kill(os.getpid(), signal.SIGINT)

    assert not two(tmp_path).run(interrupt).complete
    for folder in (tmp_path, tmp_path / "venues" / "second"):
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        assert (summary["status"], summary["blocks"]) == ("interrupted", 4)
        assert len(column(folder, "blocks", "block")) == 4


def test_a_run_with_one_venue_replaces_one_with_two_and_nothing_else(tmp_path: Path) -> None:
    two(tmp_path, "scenario.duration=24 s").run()
    build(resolve("calm", (*SMALL, "scenario.duration=24 s")), out=tmp_path).run()
    assert not (tmp_path / "venues").exists()
    two(tmp_path, "scenario.duration=24 s").run()
    (tmp_path / "venues" / "second" / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"holds letter\.txt"):
        two(tmp_path)


def test_a_kind_that_keeps_to_one_venue_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        ScenarioError, match=r"agents\.noise\.venues: 2 for a noise_trader; expected one venue"
    ):
        two(tmp_path, "agents.noise.venues=['main', 'second']")


def test_portfolios_travel_in_both_directions() -> None:
    portfolio = Portfolio(
        -7,
        10**9,
        (PositionRisk(3, -5, 11, 12, 13, -14, 15, 16), PositionRisk(4, 5, 21, 22, 23, 24, 25, 26)),
        (CollateralRisk(1, 31, 32, 33, 34),),
    )
    # The argument of one is what the other answers with, behind an offset and before a flag.
    argument = assess_call(portfolio)[4 + 32 :]
    answer = (64).to_bytes(32, "big") + (1).to_bytes(32, "big") + argument
    assert read_portfolio(answer) == portfolio
    assert read_portfolio((64).to_bytes(32, "big") + bytes(32) + assess_call(Portfolio(0, 1))[36:]) == (
        Portfolio(0, 1)
    )
