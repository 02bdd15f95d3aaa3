# SPDX-License-Identifier: Apache-2.0
"""The command as people call it, in processes of its own, over the real exchange."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

COMMAND = str(Path(sys.executable).parent / "plimsoll")
SHORT = ("--set", "scenario.duration=3 min", "--set", "recorder.sample_blocks=5")


def plimsoll(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    result = plimsoll("run", "calm", *SHORT, "--quiet", "--out", str(folder))
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{folder}/report.html\n"
    return folder


def test_a_run_leaves_a_whole_folder(recorded: Path) -> None:
    names = {path.name for path in recorded.iterdir()}
    assert names == {
        "scenario.toml", "summary.json", "report.html", "blocks.parquet", "markets.parquet",
        "transactions.parquet", "events.parquet", "accounts.parquet", "agents.parquet", "holdings.parquet",
        "stress.parquet",
    }  # fmt: skip
    summary = json.loads((recorded / "summary.json").read_text(encoding="utf-8"))
    assert summary["status"] == "complete" and summary["blocks"] == 15
    assert summary["metrics"]["transactions"]["value"] > 10


def test_it_replays_identically_in_a_second_process(recorded: Path) -> None:
    result = plimsoll("replay", str(recorded), "--check", "--quiet")
    assert (result.returncode, result.stdout) == (0, "15 blocks, every hash is the same\n"), result.stderr


def test_the_same_seed_gives_the_same_bytes(recorded: Path, tmp_path: Path) -> None:
    result = plimsoll("run", "calm", *SHORT, "--quiet", "--out", str(tmp_path / "again"))
    assert result.returncode == 0, result.stderr
    for path in recorded.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_another_seed_is_another_run(recorded: Path, tmp_path: Path) -> None:
    result = plimsoll(
        "run", str(recorded / "scenario.toml"), "--seed", "4711", "--quiet", "--out", str(tmp_path / "other")
    )
    assert result.returncode == 0, result.stderr
    hashes = [
        pq.read_table(folder / "blocks.parquet")["block_hash"].to_pylist()
        for folder in (recorded, tmp_path / "other")
    ]
    assert hashes[0] != hashes[1]


def test_ctrl_c_keeps_what_was_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen(
        [COMMAND, "run", "calm", "--out", str(folder), "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 120
        while not (folder / "blocks.parquet.partial").exists():
            assert time.monotonic() < deadline and process.poll() is None, "the run never began"
            time.sleep(0.05)
        time.sleep(0.5)
        assert not (folder / "summary.json").exists(), "nothing looks whole while it goes on"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "blocks are recorded in" in told and "Traceback" not in told
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["status"] == "interrupted" and summary["blocks"] > 0
    assert pq.read_table(folder / "blocks.parquet").num_rows == summary["blocks"]


def test_a_sweep_over_the_real_exchange(tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    result = plimsoll(
        "sweep", "calm", *SHORT, "--set", "agents.noise.count=5,10", "--seeds", "2", "--workers", "2",
        "--quiet", "--out", str(out),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    rows = pq.read_table(out / "results.parquet").to_pylist()
    volume = {(row["arm"], row["seed"]): row["value"] for row in rows if row["metric"] == "transactions"}
    assert len(volume) == 4 and all(value > 10 for value in volume.values())
    assert sorted(path.name for path in out.iterdir()) == ["report.html", "results.parquet", "sweep.json"]


def test_a_wrong_scenario_is_one_line(tmp_path: Path) -> None:
    result = plimsoll("run", "calm", "--set", "protocol.engin=cross", "--out", str(tmp_path / "run"))
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1 and "protocol.engin: unknown key" in result.stderr
    assert not (tmp_path / "run").exists()
