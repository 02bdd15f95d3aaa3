# SPDX-License-Identifier: Apache-2.0
"""Populations of one run under different margin systems: accounts are created so, and the run goes on."""

from __future__ import annotations

import json
from pathlib import Path

from eth_abi import decode, encode
from eth_hash.auto import keccak

from simulation.assembly import build, resolve
from simulation.chain.protocol import Chain
from simulation.config.scenario import SECTION_OF
from simulation.messages.chain import BlockEnv, Call

CHOSEN = {"noise": "portfolio", "momentum": "risk-based", "makers": "dynamic", "reversion": "isolated"}
SETTINGS = (
    'scenario.duration="12 min"',
    *(f"protocol.{section}={{}}" for section in SECTION_OF.values()),
    *(f'agents.{name}.engine="{engine}"' for name, engine in CHOSEN.items()),
)


def test_every_population_has_the_engine_it_chose(tmp_path: Path) -> None:
    chains: list[Chain] = []

    def keep(chain: Chain) -> Chain:
        chains.append(chain)
        return chain

    resolved = resolve("calm", SETTINGS)
    build(resolved, out=tmp_path, around=keep).run()
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["status"] == "complete"
    numbers = resolved.scenario.protocol.engines
    assert list(numbers.values()) == [1, 2, 3, 4, 5, 6]
    env = BlockEnv(10**6, resolved.scenario.start + 86_400, bytes(20), 2**40, 0, bytes(32))
    vault = bytes.fromhex(summary["deployment"]["Vault"][2:])
    selector = keccak(b"account(uint256)")[:4]
    engines = set()
    for agent in summary["agents"]:
        name = agent["agent"].rsplit("-", 1)[0] if agent["agent"] not in CHOSEN else agent["agent"]
        wanted = numbers[CHOSEN.get(name, "cross")]
        calls = [Call(vault, selector + encode(["uint256"], [account])) for account in agent["accounts"]]
        result = chains[0].call_many(env, calls)
        for row in range(len(calls)):
            found = decode(["address", "address", "uint256"], result.output(row)[:96])[2]
            assert found == wanted, agent["agent"]
            engines.add(found)
    assert engines == {1, 2, 3, 4, 5}
