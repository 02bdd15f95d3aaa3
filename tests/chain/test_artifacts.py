# SPDX-License-Identifier: Apache-2.0
"""Compiling: what is a contract, when it is compiled again, and what is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulation.chain import artifacts
from simulation.errors import CompileError

DOUBLE = """# pragma version ~=0.4.3
@internal
@pure
def _double(x: uint256) -> uint256:
    return x * 2
"""

DOUBLER = """# pragma version ~=0.4.3
from contracts.math import doubling
from snekmate.auth import ownable
initializes: ownable
exports: ownable.owner
LIMIT: immutable(uint256)
total: uint256
@deploy
def __init__(limit: uint256):
    ownable.__init__()
    LIMIT = limit
@external
def add(x: uint256):
    assert x < LIMIT, "doubler: too large"
    self.total += doubling._double(x)
"""

ENGINE = """# pragma version ~=0.4.3
# pragma optimize codesize
from ..math import doubling
@external
@pure
def twice(x: uint256) -> uint256:
    return doubling._double(x)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with two contracts and a module; imports are absolute in one and relative in the other."""
    for path, text in {
        "contracts/math/doubling.vy": DOUBLE,
        "contracts/Doubler.vy": DOUBLER,
        "contracts/engines/Twice.vy": ENGINE,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    monkeypatch.setattr(artifacts, "ROOT", tmp_path)
    monkeypatch.setattr(artifacts, "CONTRACTS", tmp_path / "contracts")
    monkeypatch.setattr(artifacts, "ARTIFACTS", tmp_path / "build" / "artifacts")
    artifacts.load_artifact.cache_clear()
    yield tmp_path
    artifacts.load_artifact.cache_clear()


def written_at(project: Path) -> dict[str, int]:
    return {path.stem: path.stat().st_mtime_ns for path in (project / "build" / "artifacts").glob("*.json")}


def test_contracts_are_the_camel_case_files(project: Path) -> None:
    (project / "contracts" / "modules").mkdir()
    (project / "contracts" / "modules" / "Strange.vy").write_text(DOUBLE, encoding="utf-8")
    (project / "contracts" / "helper.vy").write_text(DOUBLE, encoding="utf-8")
    assert sorted(artifacts.contract_sources()) == ["Doubler", "Twice"]


def test_an_artifact_tells_what_deployment_needs(project: Path) -> None:
    doubler = artifacts.compile_all(workers=1)["Doubler"]
    assert [entry["name"] for entry in doubler.abi if entry["type"] == "function"] == ["owner", "add"]
    assert doubler.source == "contracts/Doubler.vy"
    assert sorted(doubler.sources) == [
        "contracts/Doubler.vy",
        "contracts/math/doubling.vy",
        "snekmate/auth/ownable.vy",
    ]
    assert doubler.immutables == {"LIMIT": {"length": 32, "offset": 0, "type": "uint256"}}
    assert doubler.storage_layout["total"]["type"] == "uint256"
    assert doubler.runtime_size == len(doubler.runtime_bytecode) // 2 - 1 + 32
    assert doubler.runtime_bytecode[2:] in doubler.bytecode


def test_absolute_and_relative_imports_work_on_two_processes(project: Path) -> None:
    assert artifacts.compile_all(workers=1) == artifacts.compile_all(workers=2)


def test_only_what_changed_is_compiled_again(project: Path) -> None:
    artifacts.compile_all(workers=1)
    first = written_at(project)
    artifacts.compile_all(workers=1)
    assert written_at(project) == first
    source = project / "contracts" / "Doubler.vy"
    source.write_text(DOUBLER.replace("too large", "too much"), encoding="utf-8")
    changed = artifacts.compile_all(workers=1)["Doubler"]
    assert written_at(project)["Twice"] == first["Twice"]
    assert b"too much".hex() in changed.runtime_bytecode


def test_a_changed_module_reaches_all_who_import_it(project: Path) -> None:
    before = artifacts.compile_all(workers=1)
    module = project / "contracts" / "math" / "doubling.vy"
    module.write_text(DOUBLE.replace("x * 2", "x * 2 + 1"), encoding="utf-8")
    after = artifacts.compile_all(workers=1)
    assert all(before[name].bytecode != after[name].bytecode for name in before)


def test_loading_compiles_when_it_must(project: Path) -> None:
    assert artifacts.load_artifact("Twice").name == "Twice"
    assert sorted(written_at(project)) == ["Twice"]
    with pytest.raises(CompileError, match="no contract `Thrice`; expected one of Doubler, Twice"):
        artifacts.load_artifact("Thrice")


@pytest.mark.parametrize("damage", ["", "{", '{"name": "Twice"}'])
def test_a_damaged_artifact_is_made_again(project: Path, damage: str) -> None:
    good = artifacts.compile_all(workers=1)["Twice"]
    stored = project / "build" / "artifacts" / "Twice.json"
    stored.write_text(damage, encoding="utf-8")
    assert artifacts.compile_all(workers=1)["Twice"] == good
    assert json.loads(stored.read_text(encoding="utf-8"))["name"] == "Twice"


def test_every_contract_that_does_not_compile_is_one_line(project: Path) -> None:
    (project / "contracts" / "Doubler.vy").write_text("x: uint257\n", encoding="utf-8")
    (project / "contracts" / "engines" / "Twice.vy").write_text("import nowhere\n", encoding="utf-8")
    with pytest.raises(CompileError) as error:
        artifacts.compile_all(workers=1)
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["contracts/Doubler.vy", "contracts/engines/Twice.vy"]
    assert all("does not compile" in line for line in lines)


def test_a_contract_past_the_size_limit_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = artifacts.compile_all(workers=1)["Doubler"].runtime_size
    monkeypatch.setattr(artifacts, "RUNTIME_LIMIT", size - 1)
    (project / "build" / "artifacts" / "Doubler.json").unlink()
    with pytest.raises(
        CompileError, match=rf"^contracts/Doubler\.vy: runtime of {size} bytes; expected at most"
    ):
        artifacts.compile_all(workers=1)


def test_two_contracts_of_one_name_are_refused(project: Path) -> None:
    (project / "contracts" / "Twice.vy").write_text(ENGINE, encoding="utf-8")
    with pytest.raises(CompileError, match="name taken by"):
        artifacts.contract_sources()


def test_the_printed_table_has_every_contract(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert artifacts.main() == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["Doubler", "Twice"]
    (project / "contracts" / "Doubler.vy").write_text("x: uint257\n", encoding="utf-8")
    assert artifacts.main() == 1
    assert capsys.readouterr().err.count("\n") == 1
