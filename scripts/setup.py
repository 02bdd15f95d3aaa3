# SPDX-License-Identifier: Apache-2.0
"""Set the project up: environment, pinned packages, native EVM, compiler link. Standard library only.

Every step leaves a stamp holding the hash of what it was made from, so a second call does nothing and needs
no network. Where the native EVM cannot be built, one line says why and the set-up goes on without it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMPS = VENV / "stamps"
LOCK = ROOT / "requirements.lock"
NATIVE = ROOT / "native"
NATIVE_LOG = VENV / "native-build.log"


def digest(paths: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of the files, in order of name."""
    total = hashlib.sha256()
    for path in sorted(paths):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(ROOT).as_posix()} {content}\n".encode())
    return total.hexdigest()


def is_done(step: str, key: str) -> bool:
    stamp = STAMPS / step
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == key


def mark_done(step: str, key: str) -> None:
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / step).write_text(key, encoding="utf-8")


def say(message: str) -> None:
    print(f"set-up: {message}", flush=True)


def pip(*arguments: str) -> None:
    command = [
        str(BIN / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *arguments,
    ]
    outcome = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if outcome.returncode:
        sys.stderr.write(outcome.stdout)
        raise SystemExit(f"set-up: `pip install {' '.join(arguments)}` failed; the lines above say why")


def create_environment() -> None:
    if (BIN / "python").exists():
        return
    say("creating .venv")
    venv.create(VENV, with_pip=True)


def install_packages() -> None:
    key = digest([LOCK])
    if is_done("packages", key):
        return
    say("installing the pinned packages of requirements.lock (once, a few minutes)")
    pip("-r", str(LOCK))
    mark_done("packages", key)


def install_project() -> None:
    key = digest([ROOT / "pyproject.toml"])
    if is_done("project", key):
        return
    say("installing the `plimsoll` command")
    pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    mark_done("project", key)


def link_compiler() -> None:
    """Put the installed compiler where Ape's Vyper plugin looks for it (VVM_BINARY_PATH)."""
    link = VENV / "vvm" / "vyper-0.4.3"
    if link.exists():
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(BIN / "vyper")


def native_sources() -> list[Path]:
    named = [NATIVE / name for name in ("Cargo.toml", "Cargo.lock", "pyproject.toml", "plimsoll_evm.pyi")]
    return [
        path for path in [*named, *NATIVE.glob("src/**/*"), *NATIVE.glob("python/**/*.py*")] if path.is_file()
    ]


def reason_of_failure(log: str) -> str:
    """The first error of a build log and the cause named last, in one line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("error", "Caused by: "))]
    # Cargo writes each deeper cause on the line below a bare `Caused by:`.
    causes = [below for line, below in pairwise(lines) if line == "Caused by:"]
    first = (errors or lines or ["no output"])[0][:160]
    return f"{first} ({causes[-1][:100]})" if causes else first


def is_importable() -> bool:
    return (
        subprocess.run([str(BIN / "python"), "-c", "import plimsoll_evm"], capture_output=True).returncode
        == 0
    )


def build_native() -> None:
    key = digest(native_sources())
    if is_done("native", key):
        return
    fallback = "an older build stays in use" if is_importable() else "runs use py-evm, slower"
    cargo = shutil.which("cargo") or shutil.which("cargo", path=str(Path.home() / ".cargo" / "bin"))
    if cargo is None:
        say(f"native EVM not built: no Rust toolchain (`cargo` not found); {fallback}")
        return
    say("building the native EVM (once, about two minutes)")
    environment = dict(os.environ, VIRTUAL_ENV=str(VENV), CARGO_NET_RETRY="1")
    environment["PATH"] = os.pathsep.join([str(BIN), str(Path(cargo).parent), environment.get("PATH", "")])
    command = [
        str(BIN / "maturin"),
        "develop",
        "--release",
        "--locked",
        "--manifest-path",
        str(NATIVE / "Cargo.toml"),
    ]
    build = subprocess.run(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    NATIVE_LOG.write_text(build.stdout, encoding="utf-8")
    if build.returncode:
        log = NATIVE_LOG.relative_to(ROOT)
        say(f"native EVM not built: {reason_of_failure(build.stdout)}; {fallback} (log: {log})")
        return
    if not is_importable():
        say("native EVM built but not importable by this Python; runs use py-evm, slower")
        return
    mark_done("native", key)


def main() -> None:
    # This script is what an older interpreter meets first, so the check is not outdated here.
    if sys.version_info < (3, 11):  # noqa: UP036
        raise SystemExit(f"set-up: Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    create_environment()
    install_packages()
    install_project()
    link_compiler()
    build_native()


if __name__ == "__main__":
    main()
