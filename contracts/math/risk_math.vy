# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Parametric risk: quantile losses of a parabola, a quadratic form, positive semi-definiteness
@license AGPL-3.0-only
@notice Exposures are wad USD per relative move of one; volatilities 1e-9, quantiles bps of a standard
        deviation, so that a move is volatility * quantile in 1e-13. Correlations are 1e-9. Losses are
        rounded up.
@dev Bounds on which the unchecked arithmetic rests, asserted by the callers: deltas below 2**206, gammas and
     vegas below 2**166, volatilities below 2**32, quantiles below 2**17, moves at most one (10**13 < 2**44).
"""

from contracts.math import fixed_point

BPS: constant(uint256) = 10_000
NANO: constant(uint256) = 10**9
MOVE_ONE: constant(uint256) = NANO * BPS
MOVE_ONE_SQUARED: constant(uint256) = MOVE_ONE * MOVE_ONE

MAX_FACTORS: constant(uint256) = 32

# A loss at the quantile of more than 1.2e12 USD in one factor is refused: the form below stays under 2**254.
MAX_LOSS: constant(uint256) = 2**100

# Correlations have nine decimals, so the nearest matrix that can be stored may miss a semi-definite one by
# 32 * 0.5e-9 in its least eigenvalue. Every matrix is used with this much added to its diagonal, 1e-7, and
# that sum is what is checked: what is used is positive definite, so the form is the square of a norm.
TOLERANCE: constant(int256) = 100
DIAGONAL: constant(int256) = 10**9 + TOLERANCE

# The elimination runs in 1e-27. Each division is off by less than one such unit, so an accepted matrix is one
# whose perturbation by at most 32 units in each entry is positive definite: 32 * 32 * 1e-27 in an eigenvalue.
SCALE: constant(int256) = 10**18
ENTRY_BOUND: constant(int256) = 2 * 10**27

VEGA_PERIOD: constant(uint256) = 30 * 86_400
VEGA_FLOOR: constant(uint256) = 86_400


@internal
@pure
def _loss_up(exposure: uint256, gain: uint256) -> uint256:
    """
    @dev Largest loss within the quantile move of -exposure * r + gain * r**2 / 2 (r = 0 none, 1 the move):
         with long gamma the worst is not the far end once the gain exceeds the exposure. exposure < MAX_LOSS.
    """
    if gain <= exposure:
        return unsafe_sub(exposure, unsafe_div(gain, 2))
    return fixed_point._div_up(unsafe_mul(exposure, exposure), unsafe_mul(2, gain))


@internal
@pure
def _move_up(amount: uint256, volatility: uint256, quantile: uint256) -> uint256:
    """
    @dev An amount per move of one, at the quantile move.
    """
    return fixed_point._div_up(unsafe_mul(amount, unsafe_mul(volatility, quantile)), MOVE_ONE)


@internal
@pure
def _gain_down(gamma: uint256, volatility: uint256, quantile: uint256) -> uint256:
    """
    @dev gamma * move**2, rounded down: what a long gamma takes off a loss. Moves are at most one, so the
         product stays below 2**(166 + 88).
    """
    move: uint256 = unsafe_mul(volatility, quantile)
    return unsafe_div(unsafe_mul(gamma, unsafe_mul(move, move)), MOVE_ONE_SQUARED)


@internal
@pure
def _curvature_up(gamma: uint256, volatility: uint256, quantile: uint256) -> uint256:
    """
    @dev gamma * move**2 / 2, rounded up: what a short gamma loses in either direction.
    """
    move: uint256 = unsafe_mul(volatility, quantile)
    return fixed_point._div_up(unsafe_mul(gamma, unsafe_mul(move, move)), 2 * MOVE_ONE_SQUARED)


@internal
@pure
def _term_scale(time: uint256) -> uint256:
    """
    @dev sqrt(30 days / time) in 1e-9, times under a day being a day: implied volatilities of far expiries
         move less.
    """
    return isqrt(VEGA_PERIOD * NANO * NANO // max(time, VEGA_FLOOR))


@internal
@pure
def _root_up(square: uint256) -> uint256:
    root: uint256 = isqrt(square)
    if root * root < square:
        root += 1
    return root


@internal
@pure
def _stressed(
    given: uint256, prices: int256, vols: int256, total: uint256, together: uint256, apart: uint256
) -> (uint256, uint256):
    """
    @dev The largest of three forms, and its number: 0 the given correlations; 1 the share `together` of the
         way to a block of ones for prices and one for volatilities; 2 the share `apart` of the way to the
         matrix of the exposures' signs. Both ends are sums of squares, so every mixture with a definite
         matrix is definite.
    @param given The form, wad**2 * 1e9.
    @param prices Sum of the exposures to prices; `vols` to volatilities; `total` of all magnitudes.
    @return The form in wad**2 * 1e13.
    """
    worst: uint256 = given * BPS
    scenario: uint256 = 0
    blocks: uint256 = NANO * convert(prices * prices + vols * vols, uint256)
    mixed: uint256 = (BPS - together) * given + together * blocks
    if mixed > worst:
        worst = mixed
        scenario = 1
    mixed = (BPS - apart) * given + apart * NANO * (total * total)
    if mixed > worst:
        worst = mixed
        scenario = 2
    return worst, scenario


@internal
@pure
def _is_positive_definite(lower: DynArray[int256, 496], size: uint256) -> bool:
    """
    @dev Elimination without pivoting (Golub and Van Loan, Matrix Computations, 4.1 and 4.2): the matrix is
         positive definite exactly if every pivot is positive. Entries of what remains of such a matrix are at
         most its diagonal, so a larger one ends the attempt, and no product overflows.
    @param lower Correlations in 1e-9, |entry| <= 1e9, by rows, without the diagonal, which is DIAGONAL.
    @param size Rows; len(lower) == size * (size - 1) / 2.
    """
    matrix: int256[MAX_FACTORS][MAX_FACTORS] = empty(int256[MAX_FACTORS][MAX_FACTORS])
    at: uint256 = 0
    for i: uint256 in range(size, bound=MAX_FACTORS):
        for j: uint256 in range(i, bound=MAX_FACTORS):
            matrix[i][j] = lower[at] * SCALE
            at += 1
        matrix[i][i] = DIAGONAL * SCALE
    for k: uint256 in range(size, bound=MAX_FACTORS):
        pivot: int256 = matrix[k][k]
        if pivot <= 0:
            return False
        for i: uint256 in range(k + 1, size, bound=MAX_FACTORS):
            factor: int256 = matrix[i][k]
            for j: uint256 in range(k + 1, i + 1, bound=MAX_FACTORS):
                entry: int256 = matrix[i][j] - fixed_point._div_floor(factor * matrix[j][k], pivot)
                if abs(entry) > ENTRY_BOUND:
                    return False
                matrix[i][j] = entry
    return True
