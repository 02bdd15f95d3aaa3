# SPDX-License-Identifier: Apache-2.0
"""Under which margin system each account is, and what the engine must know of credit lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from simulation.agents import Agent, Underwriter
from simulation.config import ProtocolSpec, Scenario
from simulation.config.scenario import MIXED
from simulation.domain.units import BPS, WAD
from simulation.engine import CreditTerms
from simulation.messages import CreditRules

__all__ = ["credit_terms", "engines_of", "underwriters_of"]


def engines_of(scenario: Scenario, agents: Sequence[Agent], venue: str) -> list[str]:
    """Margin system of every account at a venue; the user's own agents come last and have the protocol's."""
    protocol = scenario.protocol_of(venue)
    chosen = [
        (spec.engine if venue in spec.venues else None) or protocol.engine
        for spec in scenario.agents.values()
        for _ in range(spec.count)
    ]
    one_market = [agent.one_market for agent in agents for _ in agent.accounts]
    chosen += [protocol.engine] * (len(one_market) - len(chosen))
    engines, turns = [], Counter[bool]()
    for engine, one in zip(chosen, one_market, strict=True):
        name = engine
        if engine == MIXED:
            # Isolated margin permits one market: whoever trades several cannot be under it.
            fit = [each for each in protocol.engines if one or each != "isolated"]
            name = fit[turns[one] % len(fit)]
            turns[one] += 1
        engines.append(name)
    return engines


def underwriters_of(agents: Sequence[Agent], owners: Sequence[bytes], first: int) -> dict[str, bytes]:
    """Address of who grants credit lines, by venue; `owners` are those of all accounts from `first` on."""
    return {
        venue: owners[int(agent.accounts[0]) - first]
        for agent in agents
        if isinstance(agent, Underwriter)
        for venue in agent.venues
    }


def credit_terms(protocol: ProtocolSpec, first: int, engines: Sequence[str]) -> CreditTerms | None:
    """None without a desk; `engines` are those of all accounts from `first` on."""
    spec = protocol.credit
    if spec is None:
        return None
    return CreditTerms(
        accounts=tuple(account for account, engine in enumerate(engines, first) if engine == "credit"),
        rules=CreditRules(
            share=spec.share / BPS,
            multiple=spec.multiple / BPS,
            use_rate=spec.use_rate / WAD,
            commitment_rate=spec.commitment_rate / WAD,
            junior_income=spec.junior_income / BPS,
            subordination=spec.subordination / BPS,
            grace=spec.grace,
            fee_period=spec.fee_period,
            max_term=spec.max_term,
        ),
    )
