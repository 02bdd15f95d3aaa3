# SPDX-License-Identifier: Apache-2.0
"""What owners who spread over venues have at each of them, and what one engine asks for all of it together.

The deployed engine answers for portfolios that no account has: those of one owner at several venues, merged.
Imports: agents, domain, other parts of engine, chain.protocol, messages, errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulation.agents import Agent
from simulation.chain.protocol import Chain
from simulation.domain.margin_math import CollateralRisk, Portfolio, PositionRisk
from simulation.domain.merged_portfolio import merged
from simulation.engine.abi import encode_call, revert_reason, selector, word
from simulation.engine.venue import Venue
from simulation.errors import ChainError
from simulation.messages import Books, EventColumns, Holding, View
from simulation.messages.chain import BlockEnv, Call, Outcome

__all__ = ["Concentration", "assess_call", "read_portfolio"]

_POSITION, _COLLATERAL = ("uint256", "int256", *["uint256"] * 3, "int256", *["uint256"] * 2), ["uint256"] * 5
_ASSESS = selector(f"assess((int256,uint256,({','.join(_POSITION)})[],({','.join(_COLLATERAL)})[]))")
_WORD = 32


def assess_call(portfolio: Portfolio) -> bytes:
    """Calldata of IMarginEngine.assess."""
    positions = [
        (
            item.market,
            item.size,
            item.mark,
            item.spot,
            item.confidence,
            item.unrealised,
            item.bids,
            item.asks,
        )
        for item in portfolio.positions
    ]
    collaterals = [
        (item.asset, item.value, item.confidence, item.maintenance_haircut, item.initial_haircut)
        for item in portfolio.collaterals
    ]
    first = 4 * _WORD
    second = first + _WORD * (1 + len(_POSITION) * len(positions))
    words = [_WORD, portfolio.cash, portfolio.stable_price, first, second]
    for rows in (positions, collaterals):
        words.append(len(rows))
        words += [value for row in rows for value in row]
    return _ASSESS + b"".join(map(word, words))


def read_portfolio(answer: bytes) -> Portfolio:
    """The portfolio in an answer of Ledger.portfolio."""
    start = _number(answer, 0)
    cash, stable = _signed(answer, start), _number(answer, start + _WORD)
    positions = tuple(
        PositionRisk(
            _number(answer, at),
            _signed(answer, at + _WORD),
            _number(answer, at + 2 * _WORD),
            _number(answer, at + 3 * _WORD),
            _number(answer, at + 4 * _WORD),
            _signed(answer, at + 5 * _WORD),
            _number(answer, at + 6 * _WORD),
            _number(answer, at + 7 * _WORD),
        )
        for at in _rows(answer, start + _number(answer, start + 2 * _WORD), len(_POSITION))
    )
    collaterals = tuple(
        CollateralRisk(*(_number(answer, at + _WORD * place) for place in range(5)))
        for at in _rows(answer, start + _number(answer, start + 3 * _WORD), len(_COLLATERAL))
    )
    return Portfolio(cash, stable, positions, collaterals)


class Concentration:
    """Follows the agents that spread over venues, and those that trade the same book at one.

    Args:
        chain: with all venues deployed.
        env: of the latest block.
        venues: in the order of their places.
        agents: those to follow.
    """

    def __init__(self, chain: Chain, env: BlockEnv, venues: Sequence[Venue], agents: Sequence[Agent]) -> None:
        self._chain, self._venues = chain, venues
        names = [venue.name for venue in venues]
        self._owners = [
            (agent, int(account), tuple(names.index(name) for name in agent.venues))
            for agent in agents
            for account in agent.accounts
        ]
        calls = [
            Call(venues[places[0]].protocol.addresses["Vault"], encode_call("account(uint256)", account))
            for _, account, places in self._owners
        ]
        self._engines = [answer[44:64] for answer in self._ask(env, calls)]
        """Address of the engine of every owner at its first venue."""
        self._forgone: dict[tuple[int, int], float] = {}

    @classmethod
    def of(
        cls, chain: Chain, env: BlockEnv, venues: Sequence[Venue], agents: Sequence[Agent]
    ) -> Concentration | None:
        """The followers of a run's agents; None where nobody spreads."""
        books = {agent.stream for agent in agents if len(agent.venues) > 1}
        followed = [agent for agent in agents if agent.stream in books]
        return cls(chain, env, venues, followed) if followed else None

    def note(self, events: Sequence[Sequence[EventColumns]], views: Sequence[View]) -> None:
        """Takes in a block: what deleveraging took from whom, by venue."""
        for place, (own, view) in enumerate(zip(events, views, strict=True)):
            for columns in own:
                if columns.name == "Deleveraged":
                    marks = {market.market: market.mark for market in view.markets}
                    for account, market, size, price in zip(
                        columns.small("counterparty").tolist(),
                        columns.small("market").tolist(),
                        columns.wide("size").ints(),
                        columns.wide("price").ints(),
                        strict=True,
                    ):
                        value = abs(size) * 1e-9 * abs(marks[market] - price * 1e-9)
                        self._forgone[place, account] = self._forgone.get((place, account), 0.0) + value

    def read(self, env: BlockEnv, views: Sequence[View], books: Sequence[Books]) -> list[Holding]:
        """A row for every owner and venue of its own, by owner, on the present state of the chain.

        Args:
            views, books: by venue, after the block of `env`.

        Raises:
            ChainError: a view refused to answer.
        """
        calls = [
            Call(
                self._venues[place].protocol.addresses["Ledger"],
                encode_call("portfolio(uint256)", account),
            )
            for _, account, places in self._owners
            for place in places
        ]
        parts = iter([read_portfolio(answer) for answer in self._ask(env, calls)])
        calls = []
        for engine, (_, _, places) in zip(self._engines, self._owners, strict=True):
            own = [next(parts) for _ in places]
            calls += [Call(engine, assess_call(portfolio)) for portfolio in (*own, merged(own))]
        margins = iter([_number(answer, 0) * 1e-18 for answer in self._ask(env, calls)])
        found = []
        for agent, account, places in self._owners:
            alone = [next(margins) for _ in places]
            together = next(margins)
            for place, margin in zip(places, alone, strict=True):
                accounts, row = views[place].accounts, account - 1
                equity, collateral = float(accounts.equity[row]), float(accounts.collateral_value[row])
                owed = books[place]
                found.append(
                    Holding(
                        agent.name,
                        agent.stream,
                        account,
                        self._venues[place].name,
                        float(accounts.cash[row]) + collateral,
                        max(equity, 0.0),
                        max(equity - collateral, 0.0),
                        float(accounts.initial_margin[row]),
                        margin,
                        together,
                        min(1.0, owed.assets / owed.claims) if owed.claims > 0 else 1.0,
                        self._forgone.get((place, account), 0.0),
                    )
                )
        return found

    def _ask(self, env: BlockEnv, calls: Sequence[Call]) -> list[bytes]:
        answers = self._chain.call_many(env, calls)
        for row in range(len(calls)):
            if answers.outcome(row) is not Outcome.SUCCESS:
                raise ChainError(
                    f"block {env.number}: view 0x{calls[row].data[:4].hex()} of a portfolio failed, "
                    f"{revert_reason(answers.output(row))}; expected an answer"
                )
        return [answers.output(row) for row in range(len(calls))]


def _rows(answer: bytes, at: int, words: int) -> Iterable[int]:
    """Where the items of a list begin, each of so many words."""
    return range(at + _WORD, at + _WORD * (1 + words * _number(answer, at)), _WORD * words)


def _number(answer: bytes, at: int) -> int:
    return int.from_bytes(answer[at : at + _WORD], "big")


def _signed(answer: bytes, at: int) -> int:
    return int.from_bytes(answer[at : at + _WORD], "big", signed=True)
