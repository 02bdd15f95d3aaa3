# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/OptionGreeks.vy: sensitivities of options from three values that a board holds.

Relative moves of spot are taken from the discounted forwards of the board, whose variable part moves with
spot. Sensitivities are nano USD per unit of base; values 1e-12 USD. Exact integers; may import nothing but
domain modules.
"""

from __future__ import annotations

from simulation.domain import svi
from simulation.domain.risk_board import BASIS_DOWN, BASIS_UP, TO_UNIT, YEAR, Board, Series
from simulation.domain.risk_model import Greeks

__all__ = ["greeks"]

NANO = 10**9
UNITS = 1_000
"""Nano USD in the unit of values."""


def greeks(series: Series, board: Board, place: int, is_call: bool, timestamp: int) -> Greeks | None:
    """Of the option at a strike's place; None where basis shocks are below a thousandth.

    Delta and gamma are those of the parabola through the values at spot and at both shocks; vega is gamma
    times volatility and time, as in Black's model.
    """
    seconds = max(series.expiry - timestamp, 0)
    variable = series.variable * board.discount // TO_UNIT
    if seconds == 0 or variable == 0:
        return Greeks(0, 0, 0, seconds)
    forward = (series.fixed + series.variable) * board.discount // TO_UNIT
    rise = board.forwards[BASIS_UP] - forward
    drop = forward - board.forwards[BASIS_DOWN]
    if min(rise, drop) <= variable // 1_000:
        return None
    strike = board.strikes[place]
    values, mark = (strike.calls, strike.call_mark) if is_call else (strike.puts, strike.put_mark)
    up = values[BASIS_UP] - mark * UNITS
    down = values[BASIS_DOWN] - mark * UNITS
    slope = (up * drop**2 - down * rise**2) // (rise * drop)
    delta = slope * variable // ((rise + drop) * UNITS)
    bend = (up * drop + down * rise) * variable // (rise * drop)
    gamma = max(2 * bend * variable // ((rise + drop) * UNITS), 0)
    vol = svi.vol(series.smile, series.reference_forward, series.reference_seconds, strike.strike) // NANO
    return Greeks(delta, gamma, gamma * vol * seconds // (NANO * YEAR), seconds)
