# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from simulation.engine import AgentIdentity, Recorder
from simulation.errors import OutputError
from simulation.messages import (
    BlockRecord,
    Books,
    CancelAll,
    Receipt,
    Status,
    StressedDeficits,
    Submitted,
    View,
)
from simulation.messages.schema import SCHEMAS
from tests.agents import views
from tests.engine.books import events, owner

AGENTS = (
    AgentIdentity("keeper", "keeper", "0xK", (1, 2)),
    AgentIdentity("noise", "trader", "0xN", (3, 4, 5, 6)),
)


def measures(view: View) -> list[tuple[str, str, str, float]]:
    return [("noise", "trader", "wealth_usd", view.block * 1.5), ("keeper", "keeper", "sent", 2.0)]


def submitted(status: Status, index: int, reason: str = "") -> Submitted:
    done = status in (Status.SUCCESS, Status.REVERTED)
    receipt = Receipt(
        CancelAll(account=1), status, 1, 50_000 if done else 0, 7 * 10**9 if done else 0, reason
    )
    return Submitted(receipt, "keeper", index, 1, "0xK", "Exchange.cancel_all", index, 90_000, 9 * 10**9, 0)


def record(number: int) -> BlockRecord:
    accounts = views.accounts(
        equity=[-5.0, 10.0, 20.0, 30.0, 40.0, 50.0],
        initial_margin=[1.0, 11.0, 1.0, 1.0, 1.0, 1.0],
        maintenance_margin=[1.0, 5.0, 1.0, 1.0, 1.0, 1.0],
    )
    rows = [
        {"account": 4, "market": 1, "delta": -(10**20), "fee": 3},
        {"account": 2, "market": 2, "delta": 2**100, "fee": 0},
    ]
    fill = [{"order_id": 2**40, "maker": 3, "taker": 4, "market": 1, "taker_buys": True}]
    made = [{"account": 1, "owner": owner(1)}]
    return BlockRecord(
        number=number,
        timestamp=1_000 + number,
        base_fee=5 * 10**9,
        gas_used=100_000,
        gas_limit=30_000_000,
        pending=3,
        state_hash=bytes([number]) * 32,
        block_hash=bytes([number + 1]) * 32,
        transactions=[
            submitted(Status.SUCCESS, 0),
            submitted(Status.REVERTED, 1, "vault: über"),
            submitted(Status.EXPIRED, 2, "lifetime over"),
        ],
        events=[
            events("Ledger", "PositionModified", rows, 2),
            events("Exchange", "OrderFilled", fill, 1),
            events("Vault", "AccountCreated", made, 0),
        ],
        view=views.view(block=number, accounts=accounts),
        books=Books(10**18, 10**18 + 1, 1, 0, 5, 0, 7, 8),
        fund_assets=250_000 * 10**18 + 1,
        stressed=StressedDeficits(np.arange(12.0), np.zeros(12), np.arange(12)),
    )


def write(folder: Path, blocks: int = 5, sample: int = 2) -> Recorder:
    recorder = Recorder(folder, AGENTS, "[scenario]\n", sample)
    with recorder:
        for number in range(1, blocks + 1):
            recorder.record(record(number), measures(record(number).view))
        recorder.finish({"status": "complete"}, lambda: measures(record(number).view))
    return recorder


def column(folder: Path, table: str, name: str) -> list[object]:
    found: list[object] = pq.read_table(folder / f"{table}.parquet")[name].to_pylist()
    return found


def test_tables_have_their_schemas_and_exact_figures(tmp_path: Path) -> None:
    write(tmp_path)
    for stem, schema in SCHEMAS.items():
        assert pq.read_schema(tmp_path / f"{stem}.parquet").equals(schema)
    assert column(tmp_path, "blocks", "block") == [1, 2, 3, 4, 5]
    assert column(tmp_path, "blocks", "fund_assets_usd")[0] == Decimal(250_000 * 10**18 + 1).scaleb(-18)
    assert column(tmp_path, "blocks", "bad_debt_usd")[0] == 5.0
    assert column(tmp_path, "blocks", "shortfall_usd")[0] == 6.0
    assert column(tmp_path, "blocks", "included")[0] == 2 and column(tmp_path, "blocks", "reverted")[0] == 1
    assert column(tmp_path, "blocks", "block_hash")[0] == "0x" + "02" * 32
    assert column(tmp_path, "transactions", "status")[:3] == ["success", "reverted", "expired"]
    assert column(tmp_path, "transactions", "gas_price_gwei")[:3] == [7.0, 7.0, 9.0]
    assert column(tmp_path, "transactions", "reason")[1] == "vault: über"
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8")) == {"status": "complete"}


def test_events_stand_in_the_order_of_their_logs_with_every_field(tmp_path: Path) -> None:
    write(tmp_path)
    names = column(tmp_path, "events", "event")
    assert names[:4] == ["AccountCreated", "OrderFilled", "PositionModified", "PositionModified"]
    assert column(tmp_path, "events", "block") == sorted([1, 2, 3, 4, 5] * 4)
    assert column(tmp_path, "events", "account")[:4] == [1, 3, 4, 2]
    assert column(tmp_path, "events", "counterparty")[:4] == [None, 4, None, None]
    assert column(tmp_path, "events", "market")[:4] == [None, 1, 1, 2]
    fields = [json.loads(str(text)) for text in column(tmp_path, "events", "fields")[:4]]
    assert fields[0] == {"account": 1, "owner": "0x" + owner(1).hex()}
    assert fields[1]["taker_buys"] is True and fields[1]["order_id"] == 2**40
    assert fields[2]["delta"] == -(10**20) and fields[3]["delta"] == 2**100


def test_accounts_are_sampled_and_those_in_trouble_always(tmp_path: Path) -> None:
    write(tmp_path, blocks=4, sample=10)
    blocks, accounts = column(tmp_path, "accounts", "block"), column(tmp_path, "accounts", "account")
    by_block = {
        number: [a for b, a in zip(blocks, accounts, strict=True) if b == number] for number in range(1, 5)
    }
    assert by_block == {1: [1, 2, 3, 4, 5, 6], 2: [1, 2], 3: [1, 2], 4: [1, 2, 3, 4, 5, 6]}
    assert column(tmp_path, "accounts", "agent")[:3] == ["keeper", "keeper", "noise"]
    assert column(tmp_path, "agents", "block") == [1, 1, 4, 4]
    assert column(tmp_path, "agents", "agent") == ["keeper", "noise"] * 2


def test_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write(tmp_path / name)
    for stem in SCHEMAS:
        one, other = ((tmp_path / name / f"{stem}.parquet").read_bytes() for name in ("one", "other"))
        assert one == other


def test_a_run_under_way_does_not_look_whole(tmp_path: Path) -> None:
    with Recorder(tmp_path, AGENTS, "", 2) as recorder:
        recorder.record(record(1), measures(record(1).view))
        names = {path.name for path in tmp_path.iterdir()}
        assert "summary.json" not in names
        assert names == {"scenario.toml"} | {f"{stem}.parquet.partial" for stem in SCHEMAS}
    assert not (tmp_path / "summary.json").exists() and not (tmp_path / "blocks.parquet").exists()


def test_an_old_run_is_replaced_and_its_summary_goes_first(tmp_path: Path) -> None:
    write(tmp_path, blocks=5)
    (tmp_path / "report.html").write_text("old", encoding="utf-8")
    recorder = Recorder(tmp_path, AGENTS, "", 2)
    assert not (tmp_path / "summary.json").exists() and not (tmp_path / "report.html").exists()
    with recorder:
        recorder.record(record(9), measures(record(9).view))
        recorder.finish({"status": "interrupted"}, list)
    assert column(tmp_path, "blocks", "block") == [9]


def test_an_interrupted_run_without_blocks_is_still_readable(tmp_path: Path) -> None:
    with Recorder(tmp_path, AGENTS, "", 2) as recorder:
        recorder.finish({"status": "interrupted"}, list)
    for stem, schema in SCHEMAS.items():
        assert pq.read_table(tmp_path / f"{stem}.parquet").num_rows == 0
        assert pq.read_schema(tmp_path / f"{stem}.parquet").equals(schema)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"thesis\.txt.*expected an empty folder or an old run"):
        Recorder(tmp_path, AGENTS, "", 2)
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    for place in (file, file / "below"):
        with pytest.raises(OutputError, match="expected a folder to write to"):
            Recorder(place, AGENTS, "", 2)


def test_row_groups_are_written_while_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulation.engine.recorder.FLUSH_ROWS", 8)
    write(tmp_path / "small", blocks=9)
    monkeypatch.undo()
    write(tmp_path / "large", blocks=9)
    assert pq.ParquetFile(tmp_path / "small" / "events.parquet").num_row_groups > 2
    for stem in SCHEMAS:
        small, large = (pq.read_table(tmp_path / name / f"{stem}.parquet") for name in ("small", "large"))
        assert small.equals(large)


def test_transactions_may_be_left_out(tmp_path: Path) -> None:
    with Recorder(tmp_path, AGENTS, "", 2, transactions=False) as recorder:
        recorder.record(record(1), measures(record(1).view))
        recorder.finish({}, list)
    assert (
        column(tmp_path, "transactions", "block") == [] and np.size(column(tmp_path, "blocks", "block")) == 1
    )
