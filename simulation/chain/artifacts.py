# SPDX-License-Identifier: Apache-2.0
"""Compiled contracts: every CamelCase.vy under contracts/ becomes build/artifacts/<Name>.json.

An artifact records the hash of each source that went into it, of the compiler and of its settings, and is
made again only when one of them changes. May import the Vyper compiler; knows no EVM.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from simulation.errors import CompileError

__all__ = [
    "Artifact",
    "compile_all",
    "contract_sources",
    "load_artifact",
]

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "contracts"
ARTIFACTS = ROOT / "build" / "artifacts"

EVM_VERSION = "cancun"
RUNTIME_LIMIT = 24_576
"""Bytes of deployed code (EIP-170)."""
INITCODE_LIMIT = 49_152
"""Bytes of deployment code, constructor arguments included (EIP-3860)."""
NOT_DEPLOYABLE = ("interfaces", "math", "modules")
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract. Code is hex with 0x; sizes are in bytes."""

    name: str
    source: str
    """Path of the source file, relative to the project's root."""
    abi: list[dict[str, Any]]
    bytecode: str
    """Deployment code, without constructor arguments."""
    runtime_bytecode: str
    """Runtime code without the immutables, which deployment appends to it."""
    runtime_size: int
    """Bytes of deployed code, immutables included: what EIP-170 limits."""
    storage_layout: dict[str, Any]
    immutables: dict[str, Any]
    """Name to offset, length and type in the data section behind the runtime code."""
    key: str
    """Hash of the compiler, its settings and all sources used."""
    sources: dict[str, str]
    """Path of each source used to its SHA-256."""


def contract_sources() -> dict[str, Path]:
    """Deployable contracts by name. Raises CompileError when two files share a stem."""
    found: dict[str, Path] = {}
    for path in sorted(CONTRACTS.rglob("*.vy")):
        inside = path.relative_to(CONTRACTS).parts[:-1]
        if any(part in NOT_DEPLOYABLE for part in inside) or not path.stem[0].isupper():
            continue
        if path.stem in found:
            raise CompileError(
                f"{_shown(path)}: name taken by {_shown(found[path.stem])}; expected unique stems"
            )
        found[path.stem] = path
    return found


def compile_all(workers: int = 2) -> dict[str, Artifact]:
    """Compile what changed, on `workers` processes, and return every artifact by name.

    Raises CompileError with one line for each contract that does not compile or is too large.
    """
    sources = contract_sources()
    fresh = {name: artifact for name in sources if (artifact := _read_fresh(name)) is not None}
    stale = [name for name in sources if name not in fresh]
    if len(stale) == 1 or workers <= 1:
        outcomes = [_compile_outcome(name) for name in stale]
    elif stale:
        with ProcessPoolExecutor(max_workers=min(workers, len(stale))) as pool:
            outcomes = list(pool.map(_compile_outcome, stale))
    else:
        outcomes = []
    failures = [outcome for outcome in outcomes if isinstance(outcome, str)]
    if failures:
        raise CompileError("\n".join(failures))
    fresh.update({artifact.name: artifact for artifact in outcomes if isinstance(artifact, Artifact)})
    load_artifact.cache_clear()
    return {name: fresh[name] for name in sources}


@cache
def load_artifact(name: str) -> Artifact:
    """The artifact of one contract, compiled first when it is missing or out of date."""
    if name not in contract_sources():
        raise CompileError(
            f"contracts/: no contract `{name}`; expected one of {', '.join(contract_sources())}"
        )
    artifact = _read_fresh(name)
    if artifact is None:
        outcome = _compile_outcome(name)
        if isinstance(outcome, str):
            raise CompileError(outcome)
        artifact = outcome
    return artifact


def _shown(path: Path) -> str:
    """A path as it is stored and printed: relative to the project or to the installed packages."""
    bases = (ROOT, *(Path(entry).resolve() for entry in sys.path if entry))
    # The installed packages lie inside the project, so the innermost base is the one that was searched.
    around = max((base for base in bases if path.is_relative_to(base)), key=lambda base: len(base.parts))
    return path.relative_to(around).as_posix()


def _locate(shown: str) -> Path | None:
    for base in (ROOT, *(Path(entry) for entry in sys.path if entry)):
        if (base / shown).is_file():
            return base / shown
    return None


@cache
def _toolchain() -> str:
    import vyper

    return f"format {FORMAT}, vyper {vyper.__version__}, evm {EVM_VERSION}"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _key(sources: dict[str, str]) -> str:
    listing = "\n".join([_toolchain(), *(f"{path} {digest}" for path, digest in sorted(sources.items()))])
    return hashlib.sha256(listing.encode()).hexdigest()


def _read_fresh(name: str) -> Artifact | None:
    """The stored artifact when all that went into it is unchanged, else None."""
    path = ARTIFACTS / f"{name}.json"
    try:
        artifact = Artifact(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
    if artifact.source != _shown(contract_sources()[name]):
        return None
    now: dict[str, str] = {}
    for shown in artifact.sources:
        located = _locate(shown)
        if located is None:
            return None
        now[shown] = _sha256(located)
    return artifact if _key(now) == artifact.key else None


def _compile_outcome(name: str) -> Artifact | str:
    """Compile and store one contract; a failure comes back as its message so that all can be told at once."""
    try:
        artifact = _compile(contract_sources()[name])
    except CompileError as error:
        return str(error)
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTIFACTS / f"{name}.json"
    # Written aside and moved, so that a reader in another process never meets half a file.
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(asdict(artifact), indent=1, sort_keys=True), encoding="utf-8")
    draft.replace(path)
    return artifact


def _compile(path: Path) -> Artifact:
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.compiler.output import build_abi_output
    from vyper.compiler.phases import CompilerData
    from vyper.compiler.settings import Settings, anchor_settings
    from vyper.exceptions import VyperException

    # The last search path wins: the project's root stands before the installed packages (snekmate).
    packages = [Path(entry) for entry in reversed(sys.path) if entry and Path(entry).is_dir()]
    bundle = FilesystemInputBundle([*packages, ROOT])
    try:
        data = CompilerData(bundle.load_file(path), bundle, Settings(evm_version=EVM_VERSION))
        with anchor_settings(data.settings):
            abi = build_abi_output(data)
            bytecode, runtime = data.bytecode, data.bytecode_runtime
            layout = data.storage_layout
            immutable_bytes = data.global_ctx.immutable_section_bytes
    except (VyperException, ValueError, FileNotFoundError) as error:
        raise CompileError(f"{_shown(path)}: does not compile: {' '.join(str(error).split())}") from error
    size = len(runtime) + immutable_bytes
    if size > RUNTIME_LIMIT:
        raise CompileError(
            f"{_shown(path)}: runtime of {size:,} bytes; expected at most {RUNTIME_LIMIT:,} (EIP-170)"
        )
    if len(bytecode) > INITCODE_LIMIT:
        raise CompileError(
            f"{_shown(path)}: deployment code of {len(bytecode):,} bytes; "
            f"expected at most {INITCODE_LIMIT:,} (EIP-3860)"
        )
    used = {path, *(Path(item.resolved_path) for item in data.resolved_imports.compiler_inputs)}
    sources = {_shown(item.resolve()): _sha256(item) for item in sorted(used)}
    return Artifact(
        name=path.stem,
        source=_shown(path),
        abi=abi,
        bytecode="0x" + bytecode.hex(),
        runtime_bytecode="0x" + runtime.hex(),
        runtime_size=size,
        storage_layout=layout.get("storage_layout", {}),
        immutables=layout.get("code_layout", {}),
        key=_key(sources),
        sources=sources,
    )


def _table(artifacts: Iterable[Artifact]) -> str:
    rows = sorted(artifacts, key=lambda artifact: -artifact.runtime_size)
    width = max((len(artifact.name) for artifact in rows), default=0)
    sizes = ((artifact.name, artifact.runtime_size) for artifact in rows)
    return "\n".join(
        f"{name:<{width}}  {size:>6,} bytes  {size / RUNTIME_LIMIT:>4.0%}" for name, size in sizes
    )


def main() -> int:
    """Compile everything and print each contract's runtime size beside its share of the limit."""
    try:
        artifacts = compile_all()
    except CompileError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(_table(artifacts.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
