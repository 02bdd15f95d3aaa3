# SPDX-License-Identifier: Apache-2.0
"""The environment is the one that the lock file describes, and the set-up says in one line what failed."""

from __future__ import annotations

import importlib.util
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): pin for name, pin in pins}


@pytest.fixture(scope="module")
def setup_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_script", ROOT / "scripts" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_installed_is_what_is_locked() -> None:
    pins = locked()
    assert {name: version(name) for name in pins} == pins


def test_every_dependency_is_locked_within_its_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = locked()
    for text in [*project["dependencies"], *project["optional-dependencies"]["develop"]]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)], prereleases=True), text


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("   Compiling pyo3\nerror: linker `cc` not found\n  note: more\n", "error: linker `cc` not found"),
        ("maturin failed\n  Caused by: no such file\n", "Caused by: no such file"),
        (
            "error: failed to get `pyo3`\n\nCaused by:\n  no download\n\nCaused by:\n  no such host\nend\n",
            "error: failed to get `pyo3` (no such host)",
        ),
        ("something odd\n", "something odd"),
        ("", "no output"),
    ],
)
def test_a_failed_native_build_is_one_line(setup_script: ModuleType, log: str, reason: str) -> None:
    assert setup_script.reason_of_failure(log) == reason


def test_a_stamp_holds_until_a_source_changes(
    setup_script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_script, "ROOT", tmp_path)
    monkeypatch.setattr(setup_script, "STAMPS", tmp_path / "stamps")
    source = tmp_path / "source"
    source.write_text("one", encoding="utf-8")
    key = setup_script.digest([source])
    assert not setup_script.is_done("step", key)
    setup_script.mark_done("step", key)
    assert setup_script.is_done("step", setup_script.digest([source]))
    source.write_text("two", encoding="utf-8")
    assert not setup_script.is_done("step", setup_script.digest([source]))
