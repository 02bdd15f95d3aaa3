# SPDX-License-Identifier: Apache-2.0
"""Agents as the engine keeps them: where they sit, what they want, what it has cost them.

Imports: agents, config, engine.recorder, messages, errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulation.agents import Agent
from simulation.config import stream
from simulation.engine.recorder import Figure
from simulation.errors import RunError
from simulation.messages import Intent, Status, Submitted, View

__all__ = ["Parties", "Seat"]


@dataclass(slots=True)
class _Party:
    """What the engine keeps of an agent."""

    agent: Agent
    rng: np.random.Generator
    owned: frozenset[int]
    venues: tuple[int, ...]
    """Places of the venues where it has accounts, its home first."""
    seats: range
    """Places of its seats, one for each venue."""
    gas_wei: int = 0
    gas_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Seat:
    """One agent at one venue: who sends transactions there."""

    agent: Agent
    venue: int
    """Place of the venue."""


class Parties:
    """All agents of a run.

    Args:
        agents: in the order in which they are asked; relayers are asked before all others.
        venues: names of the venues, in their order.
        seed: root of all random streams.
    """

    def __init__(self, agents: Sequence[Agent], venues: Sequence[str], seed: int) -> None:
        self.seats: list[Seat] = []
        self._parties = []
        for agent in agents:
            places = tuple(venues.index(name) for name in agent.venues)
            first = len(self.seats)
            self.seats += [Seat(agent, place) for place in places]
            self._parties.append(
                _Party(
                    agent,
                    stream(seed, "agents", agent.stream),
                    frozenset(agent.accounts.tolist()),
                    places,
                    range(first, len(self.seats)),
                )
            )
        self._of = {party.agent.name: party for party in self._parties}
        self._order = sorted(self._parties, key=lambda party: party.agent.role != "relayer")

    def ask(self, views: Sequence[View], post: Callable[[int, Sequence[Intent], int], None]) -> None:
        """Everyone decides from the same views; the relayers' prices arrive first.

        Args:
            views: by venue.
            post: takes a seat, what it wants and the number of the block.

        Raises:
            RunError: an agent failed, or acts for an account of another.
        """
        block = views[0].block
        for party in self._order:
            agent = party.agent
            try:
                if len(party.venues) == 1:
                    wanted: list[Sequence[Intent]] = [
                        list(agent.decide(views[party.venues[0]], party.rng)),
                    ]
                else:
                    wanted = [
                        list(intents)
                        for intents in agent.decide_across(
                            [views[place] for place in party.venues], party.rng
                        )
                    ]
            except Exception as error:
                what = f"{type(error).__name__}: {error}"
                raise RunError(f"block {block}: agent {agent.name} failed to decide, {what}") from error
            for seat, intents in zip(party.seats, wanted, strict=True):
                for intent in intents:
                    if intent.account not in party.owned:
                        raise RunError(
                            f"block {block}: agent {agent.name} acts for account {intent.account}; "
                            "expected one of its own"
                        )
                if intents:
                    post(seat, intents, block)

    def tell(self, rows: Sequence[Submitted], eth_price: float) -> None:
        """Every agent what became of its transactions; gas is booked at `eth_price`, USD per ETH."""
        party_of, replaced = self._of, Status.REPLACED
        for submitted in rows:
            receipt = submitted[0]
            _, status, _, gas, price, _ = receipt
            if status is not replaced:
                party = party_of[submitted[1]]
                paid = gas * price
                party.gas_wei += paid
                party.gas_usd += paid * 1e-18 * eth_price
                party.agent.on_receipt(receipt, party.rng)

    def measures(self, views: Sequence[View], home: int) -> list[Figure]:
        """Wealth and gas of every agent at home at venue `home`, and what it measures of itself.

        Wealth counts accounts and fund shares at every venue of the agent, and its wallet once.
        """
        wealth = []
        for place, view in enumerate(views):
            accounts, fund = view.accounts, view.fund
            share = fund.assets / fund.shares if fund.shares > 0 else 0.0
            outside = accounts.fund_shares * share
            if place == home:
                outside = accounts.wallet @ np.array(view.asset_prices) + outside
            if view.credit is not None:
                outside = outside + view.credit.lent_value
            wealth.append(accounts.equity + outside)
        found: list[Figure] = []
        for party in self._parties:
            if party.venues[0] != home:
                continue
            agent = party.agent
            figures = {
                "wealth_usd": sum(float(wealth[place][agent.rows].sum()) for place in party.venues),
                "gas_eth": party.gas_wei * 1e-18,
                "gas_usd": party.gas_usd,
                **agent.measure(),
            }
            found += [(agent.name, agent.role, name, float(value)) for name, value in figures.items()]
        return found
