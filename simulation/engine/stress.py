# SPDX-License-Identifier: Apache-2.0
"""What accounts would owe after one relative move of all underlyings, from the arrays of the view.

The formulas are those of `Lens.stressed` (twin: domain/stress.py), in floats like all sums over accounts in
the tables, and held against the chain's answer every now and then. What a move does to the marks of dated
markets is asked of the chain (`Lens.dated_changes`), which values options by their boards. Imports:
engine.abi, engine.terms, domain, messages, errors, NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from simulation.domain.stress import LADDER
from simulation.domain.units import BPS
from simulation.engine.abi import encode_call
from simulation.engine.terms import Protocol
from simulation.errors import ReconciliationError
from simulation.messages import StressedDeficits, View, int128
from simulation.messages.chain import BlockResult, Call
from simulation.messages.view import Floats

__all__ = ["DatedChanges", "StressCheck", "stressed_deficits"]

HEADER = 2
"""Words before those of a list: where it begins, and its length."""
BATCH = 64
"""Markets of one call."""
PAGE = 256
"""Accounts of one call of `Lens.stressed`."""
EVERY = 256
"""Blocks from one check to the next: the chain runs over all accounts for it and forgets what it has kept."""
TOLERANCE = 1e-7
"""Of all cash, collateral and notional: interest since the last accrual, which the chain counts and the view
does not, came to 2e-9 of them in black-thursday; floats are finer by far."""
FIRST_ROW, ROW_WORDS, DEFICIT, LINES = 5, 4, 1, 2
"""Of ILens.Stressed: words before its rows, words of a row, places of two figures in it."""
MOVES: Floats = np.array(LADDER, np.float64) / BPS


def stressed_deficits(view: View, dated: Floats | None) -> StressedDeficits:
    """Stressed deficits of all accounts of a view, by shock.

    Args:
        view: the world after a block.
        dated: (dated markets, shocks), USD that their marks change by; None without such markets.
    """
    accounts, markets = view.accounts, view.markets
    perpetuals = len(view.perpetuals)
    mark = np.array([market.mark for market in markets[:perpetuals]])
    exposure = accounts.delta[:, :perpetuals] @ mark + accounts.collateral_value
    after = accounts.equity[:, None] + exposure[:, None] * MOVES
    if dated is not None:
        after += accounts.size[:, perpetuals:] @ dated
    owed = np.maximum(-after, 0.0)
    lines = np.zeros(len(LADDER))
    if view.credit is not None:
        lines = np.minimum(owed, view.credit.commitment[:, None]).sum(axis=0)
    return StressedDeficits(owed.sum(axis=0), lines, np.count_nonzero(owed, axis=0))


class DatedChanges:
    """The calls that say what each shock does to the marks of dated markets, and what their answers mean.

    A future's answer looks at the time, so it stands alone; an option's holds until its board is made anew.
    """

    def __init__(self, protocol: Protocol) -> None:
        self._lens = protocol.addresses["Lens"]
        numbers = protocol.numbers[protocol.perpetuals :]
        self._chunks: list[list[int]] = []
        for _, run in groupby(numbers, lambda number: (number >> 8, number & 255 == 0)):
            group = list(run)
            self._chunks += [group[first : first + BATCH] for first in range(0, len(group), BATCH)]
        self.words = sum(HEADER + len(chunk) * len(LADDER) for chunk in self._chunks)
        """Length of all answers."""

    def calls(self) -> Iterator[tuple[bytes, bytes]]:
        """Target address and calldata."""
        for chunk in self._chunks:
            yield self._lens, encode_call("dated_changes(uint256[],int256[])", chunk, LADDER)

    def decode(self, words: NDArray[np.uint64]) -> Floats | None:
        """(dated markets, shocks), USD, from the words of the answers; None without such markets."""
        parts, at = [], 0
        for chunk in self._chunks:
            end = at + HEADER + len(chunk) * len(LADDER)
            parts.append(words[at + HEADER : end])
            at = end
        if not parts:
            return None
        return int128(np.concatenate(parts).byteswap()).floats(1e-9).reshape(-1, len(LADDER))


class StressCheck:
    """`Lens.stressed` of all accounts, in pages, beside the figures made from a view.

    Args:
        protocol: the deployed contracts.
        accounts: number of accounts of the Vault.
    """

    def __init__(self, protocol: Protocol, accounts: int) -> None:
        lens = protocol.addresses["Lens"]
        signature = "stressed(int256[],uint256,uint256)"
        self.calls = tuple(
            Call(lens, encode_call(signature, LADDER, first, PAGE)) for first in range(1, accounts + 1, PAGE)
        )

    def due(self, place: int) -> bool:
        """Whether the block at this place of a run, from 1, is checked: the first and each 256th after it."""
        return place % EVERY == 1

    def compare(self, block: int, view: View, dated: Floats | None, answers: BlockResult) -> None:
        """Holds the figures made from a view (`stressed_deficits`) against the answers to `calls`.

        Raises:
            ReconciliationError: a deficit differs by more than TOLERANCE; names block, shock and figures.
        """
        accounts, found = view.accounts, stressed_deficits(view, dated)
        pages = [answers.output(row) for row in range(len(self.calls))]
        gross = np.abs(accounts.cash).sum() + accounts.collateral_value.sum() + accounts.notional.sum()
        for name, word, figures in (
            ("stressed deficit", DEFICIT, found.deficit),
            ("what credit lines bear of it", LINES, found.lines),
        ):
            for place, (shock, figure) in enumerate(zip(LADDER, figures.tolist(), strict=True)):
                at = 32 * (FIRST_ROW + ROW_WORDS * place + word)
                expected = sum(int.from_bytes(page[at : at + 32], "big") for page in pages) * 1e-18
                if not abs(expected - figure) <= TOLERANCE * gross:
                    raise ReconciliationError(
                        f"block {block}: {name} at {shock / 100:+g} % (USD): expected {expected:.6f}, "
                        f"found {figure:.6f}"
                    )
