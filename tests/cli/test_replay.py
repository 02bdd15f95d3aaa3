# SPDX-License-Identifier: Apache-2.0
"""`plimsoll replay --check` compares every block and names the first that differs."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Invoke


def test_the_same_run(invoke: Invoke) -> None:
    invoke("run", "calm", "--seed", "9")
    result = invoke("replay", "runs/calm", "--check")
    assert result.exit_code == 0
    assert result.stdout.strip() == "12 blocks, every hash is the same"


def test_the_first_block_that_differs_is_named(invoke: Invoke) -> None:
    invoke("run", "calm")
    result = invoke("replay", "runs/calm", "--check", salt="other", salt_from=7)
    assert result.exit_code == 1
    assert "plimsoll: block 107 has hash 0x" in result.stderr
    assert result.stdout == ""


def test_a_block_that_is_missing_is_named(invoke: Invoke) -> None:
    invoke("run", "calm")
    result = invoke("replay", "runs/calm", "--check", stop_after=12, salt="", error="block 111: out of gas")
    assert result.exit_code == 1
    assert "out of gas" in result.stderr


def test_an_interrupted_run_is_compared_as_far_as_it_went(invoke: Invoke) -> None:
    invoke("run", "calm", stop_after=5)
    result = invoke("replay", "runs/calm", "--check")
    assert result.exit_code == 0
    assert "5 blocks" in result.stdout


def test_an_interrupted_replay_proves_nothing(invoke: Invoke) -> None:
    invoke("run", "calm")
    result = invoke("replay", "runs/calm", "--check", stop_after=5)
    assert result.exit_code == 130
    assert "same" not in result.stdout


def test_the_replay_can_be_kept(invoke: Invoke) -> None:
    invoke("run", "calm")
    result = invoke("replay", "runs/calm", "--check", "--out", "again", "--quiet")
    assert result.exit_code == 0
    assert Path("again/report.html").is_file()


def test_neither_check_nor_out(invoke: Invoke) -> None:
    invoke("run", "calm")
    result = invoke("replay", "runs/calm")
    assert result.exit_code == 2
    assert "got neither --check nor --out" in result.stderr


def test_no_run_there(invoke: Invoke) -> None:
    result = invoke("replay", "nowhere", "--check")
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
