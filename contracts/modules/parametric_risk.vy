# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Value at risk of exposures, curvature and add-ons
@license AGPL-3.0-only
@notice With q = quantile * volatility the quantile move of an underlying, d its net delta, g its gamma and
        v its vega:
            x           exposure to the price: the largest loss of d r + g r**2 / 2 over |r| <= q where g is
                        long, d q where it is short, with the sign of d
            y           exposure to the volatility: v * quantile * vol_volatility
            VaR         sqrt((x, y)' R (x, y)), R the worst of three correlation matrices
            curvature   max(-g q**2 / 2, short_option * spot notional of short options)
            basis       ratio * min(long deltas, short deltas)
            concentration   ratio * (long deltas + short deltas - bound)
        A short gamma loses whichever way its price goes, so curvature does not net between underlyings.
        A portfolio needs no more than it would without its long options, plus their value: that is all they
        can lose. The smaller is taken, for each requirement by itself.
"""

from contracts.math import fixed_point
from contracts.math import risk_math
from contracts.math import risk_table
from contracts.modules import exposures

OUT_OF_RANGE: constant(String[40]) = "parametric_risk: loss out of range"

BPS: constant(uint256) = 10_000
MASK_16: constant(uint256) = 2**16 - 1
MASK_32: constant(uint256) = 2**32 - 1
BOUND_WAD: constant(uint256) = 1_000 * 10**18

TABLE_BYTES: constant(uint256) = risk_table.TABLE_BYTES
UNDERLYINGS: constant(uint256) = 32 * risk_table.UNDERLYING_WORD
CORRELATIONS: constant(uint256) = risk_table.CORRELATION_BYTE
SHIFT: constant(int256) = risk_table.CORRELATION_SHIFT
MAX_UNDERLYINGS: constant(uint256) = risk_table.MAX_UNDERLYINGS
MAX_FACTORS: constant(uint256) = risk_table.MAX_FACTORS
LINES: constant(uint256) = exposures.LINES

struct Requirement:
    var: uint256
    scenario: uint256           # the correlations that were worst, see risk_math._stressed
    losses: int256[MAX_FACTORS] # exposures at the quantile, by number of the factor
    curvature: uint256[MAX_UNDERLYINGS]
    basis: uint256[MAX_UNDERLYINGS]
    concentration: uint256[MAX_UNDERLYINGS]
    option_value: uint256       # what stands for long options that were left out
    total: uint256


@internal
@pure
def _requirements(lines: exposures.Line[LINES], table: Bytes[TABLE_BYTES]) -> (Requirement, Requirement):
    """
    @dev Initial and maintenance requirement of exposures, without orders, contingencies, haircuts and
         markets that were not admitted. Exposures that are long gamma do not grow in proportion to the
         quantile, so a hedge may lose more of its force than the risk does; initial VaR is therefore never
         below the other.
    """
    quantiles: uint256 = extract32(table, 0, output_type=uint256)
    top: uint256 = quantiles & MASK_32
    low: uint256 = (quantiles >> 32) & MASK_32
    count: uint256 = quantiles >> 188
    initial: Requirement = empty(Requirement)
    maintenance: Requirement = empty(Requirement)
    for leave_out: bool in [False, True]:
        high: Requirement = empty(Requirement)
        small: Requirement = empty(Requirement)
        long_options: bool = False
        for i: uint256 in range(count, bound=MAX_UNDERLYINGS):
            line: exposures.Line = lines[i + 1]
            long_options = long_options or line.long_options
            if leave_out:
                line.long = unsafe_sub(line.long, line.option_long)
                line.short = unsafe_sub(line.short, line.option_short)
                line.gamma = unsafe_sub(line.gamma, convert(line.option_gamma, int256))
                line.vega = unsafe_sub(line.vega, convert(line.option_vega, int256))
                high.option_value = unsafe_add(high.option_value, line.option_value)
            gross: uint256 = unsafe_add(line.long, line.short)
            if gross | line.shorts == 0 and line.gamma == 0 and line.vega == 0:
                continue
            word: uint256 = extract32(table, UNDERLYINGS + 32 * i, output_type=uint256)
            matched: uint256 = min(line.long, line.short)
            high.losses[i] = self._price_loss(line, unsafe_sub(gross, 2 * matched), word & MASK_32, top)
            small.losses[i] = self._price_loss(line, unsafe_sub(gross, 2 * matched), word & MASK_32, low)
            if line.vega != 0:
                high.losses[MAX_UNDERLYINGS + i] = self._vol_loss(line.vega, (word >> 32) & MASK_32, top)
                small.losses[MAX_UNDERLYINGS + i] = self._vol_loss(line.vega, (word >> 32) & MASK_32, low)
            if line.shorts != 0 or line.gamma < 0:
                high.curvature[i] = self._curvature_up(line, word, top, top)
                small.curvature[i] = self._curvature_up(line, word, low, top)
            high.basis[i] = fixed_point._div_up(unsafe_mul(matched, (word >> 64) & MASK_16), BPS)
            high.concentration[i] = self._concentration_up(gross, word)
            added: uint256 = high.basis[i] + high.concentration[i]
            high.total += added + high.curvature[i]
            small.total += added + small.curvature[i]
        if leave_out and not long_options:
            break
        small.basis = high.basis
        small.concentration = high.concentration
        small.option_value = high.option_value
        high.var, high.scenario, small.var, small.scenario = self._values_at_risk(
            high.losses, small.losses, count, table
        )
        if high.var < small.var:
            high.var = small.var
            high.scenario = small.scenario
            high.losses = small.losses
        high.total += high.var + high.option_value
        small.total += small.var + small.option_value
        if not leave_out or high.total < initial.total:
            initial = high
        if not leave_out or small.total < maintenance.total:
            maintenance = small
        if not long_options:
            break
    return initial, maintenance


@internal
@pure
def _price_loss(line: exposures.Line, net: uint256, volatility: uint256, quantile: uint256) -> int256:
    """
    @dev Exposure to the price at the quantile, with the sign of the net delta.
    """
    loss: uint256 = risk_math._move_up(net, volatility, quantile)
    assert loss < risk_math.MAX_LOSS, OUT_OF_RANGE
    if line.gamma > 0:
        loss = risk_math._loss_up(
            loss, risk_math._gain_down(convert(line.gamma, uint256), volatility, quantile)
        )
    if line.short > line.long:
        return unsafe_sub(0, convert(loss, int256))
    return convert(loss, int256)


@internal
@pure
def _vol_loss(vega: int256, vol_volatility: uint256, quantile: uint256) -> int256:
    """
    @dev Exposure to the volatility at the quantile, with the sign of the vega.
    """
    loss: uint256 = risk_math._move_up(convert(abs(vega), uint256), vol_volatility, quantile)
    assert loss < risk_math.MAX_LOSS, OUT_OF_RANGE
    if vega < 0:
        return unsafe_sub(0, convert(loss, int256))
    return convert(loss, int256)


@internal
@pure
def _values_at_risk(
    high: int256[MAX_FACTORS], low: int256[MAX_FACTORS], underlyings: uint256, table: Bytes[TABLE_BYTES]
) -> (uint256, uint256, uint256, uint256):
    """
    @dev VaR of two sets of exposures and the number of the correlations that are worst for each; both at
         once, since unpacking the correlations is most of the work. A factor without exposure in the first
         has none in the second.
    """
    factors: uint256[MAX_FACTORS] = empty(uint256[MAX_FACTORS])
    forms: int256[2] = empty(int256[2])
    sums: int256[4] = empty(int256[4])
    totals: uint256[2] = empty(uint256[2])
    count: uint256 = 0
    for i: uint256 in range(MAX_UNDERLYINGS + underlyings, bound=MAX_FACTORS):
        one: int256 = high[i]
        if one == 0:
            continue
        two: int256 = low[i]
        row: uint256 = unsafe_add(CORRELATIONS, unsafe_mul(2, unsafe_mul(i, unsafe_sub(i, 1))))
        across: int256 = 0
        across_low: int256 = 0
        for j: uint256 in range(count, bound=MAX_FACTORS):
            other: uint256 = factors[j]
            entry: int256 = unsafe_sub(
                convert(
                    extract32(table, unsafe_add(row, unsafe_mul(4, other)), output_type=uint256) >> 224,
                    int256
                ),
                SHIFT,
            )
            across = unsafe_add(across, unsafe_mul(entry, high[other]))
            across_low = unsafe_add(across_low, unsafe_mul(entry, low[other]))
        forms[0] = unsafe_add(
            forms[0],
            unsafe_mul(one, unsafe_add(unsafe_mul(2, across), unsafe_mul(risk_math.DIAGONAL, one))),
        )
        forms[1] = unsafe_add(
            forms[1],
            unsafe_mul(two, unsafe_add(unsafe_mul(2, across_low), unsafe_mul(risk_math.DIAGONAL, two))),
        )
        kind: uint256 = 0 if i < MAX_UNDERLYINGS else 2
        sums[kind] = unsafe_add(sums[kind], one)
        sums[kind + 1] = unsafe_add(sums[kind + 1], two)
        totals[0] = unsafe_add(totals[0], convert(abs(one), uint256))
        totals[1] = unsafe_add(totals[1], convert(abs(two), uint256))
        factors[count] = i
        count = unsafe_add(count, 1)
    quantiles: uint256 = extract32(table, 0, output_type=uint256)
    together: uint256 = (quantiles >> 64) & MASK_16
    apart: uint256 = (quantiles >> 80) & MASK_16
    worst: uint256[2] = empty(uint256[2])
    scenarios: uint256[2] = empty(uint256[2])
    for k: uint256 in range(2):
        # The matrix was checked to be definite when it was set, so the form is not negative.
        worst[k], scenarios[k] = risk_math._stressed(
            convert(forms[k], uint256), sums[k], sums[k + 2], totals[k], together, apart
        )
        worst[k] = risk_math._root_up(fixed_point._div_up(worst[k], risk_math.MOVE_ONE))
    return worst[0], scenarios[0], worst[1], scenarios[1]


@internal
@pure
def _curvature_up(line: exposures.Line, word: uint256, quantile: uint256, initial: uint256) -> uint256:
    """
    @dev What short gamma loses at the quantile, at least the least charge of short options: a ratio of their
         notional for initial margin, in proportion to the quantiles for maintenance margin.
    """
    least: uint256 = fixed_point._div_up(
        unsafe_mul(unsafe_mul(line.shorts, (word >> 80) & MASK_16), quantile), unsafe_mul(initial, BPS)
    )
    if line.gamma >= 0:
        return least
    sold: uint256 = convert(unsafe_sub(0, line.gamma), uint256)
    return max(least, risk_math._curvature_up(sold, word & MASK_32, quantile))


@internal
@pure
def _shares(requirement: Requirement, table: Bytes[TABLE_BYTES]) -> uint256[MAX_FACTORS]:
    """
    @dev VaR by factor: Euler's allocation x_i (R x)_i / VaR, with what hedges at nothing instead of below, in
         proportion; rounded down, and the largest takes the rest, so that the parts are the whole.
    """
    shares: uint256[MAX_FACTORS] = empty(uint256[MAX_FACTORS])
    if requirement.var == 0:
        return shares
    quantiles: uint256 = extract32(table, 0, output_type=uint256)
    stress: int256 = 0
    sums: int256[2] = empty(int256[2])
    total: int256 = 0
    for i: uint256 in range(MAX_FACTORS):
        sums[i // MAX_UNDERLYINGS] += requirement.losses[i]
        total += abs(requirement.losses[i])
    if requirement.scenario == 1:
        stress = convert((quantiles >> 64) & MASK_16, int256)
    elif requirement.scenario == 2:
        stress = convert((quantiles >> 80) & MASK_16, int256)
    weights: uint256 = 0
    largest: uint256 = 0
    for i: uint256 in range(MAX_FACTORS):
        exposure: int256 = requirement.losses[i]
        if exposure == 0:
            continue
        across: int256 = risk_math.DIAGONAL * exposure
        for j: uint256 in range(MAX_FACTORS):
            if j != i and requirement.losses[j] != 0:
                high: uint256 = max(i, j)
                at: uint256 = CORRELATIONS + 2 * high * (high - 1) + 4 * min(i, j)
                field: uint256 = extract32(table, at, output_type=uint256) >> 224
                across += (convert(field, int256) - SHIFT) * requirement.losses[j]
        moved: int256 = sums[i // MAX_UNDERLYINGS]
        if requirement.scenario == 2:
            moved = total if exposure > 0 else -total
        slope: int256 = (10_000 - stress) * across + stress * 10**9 * moved
        if (exposure > 0) == (slope > 0):
            shares[i] = convert(exposure * slope, uint256)
            weights += shares[i]
            if shares[i] > shares[largest]:
                largest = i
    unit: uint256 = weights // requirement.var + 1
    rest: uint256 = requirement.var
    for i: uint256 in range(MAX_FACTORS):
        shares[i] = shares[i] // unit
        rest -= shares[i]
    shares[largest] += rest
    return shares


@internal
@pure
def _orders_up(line: exposures.Line, word: uint256, quantile: uint256) -> uint256:
    """
    @dev What resting orders of one underlying add to the initial requirement at most.
    """
    reach: uint256 = max(line.up, line.down)
    charge: uint256 = risk_math._move_up(reach, word & MASK_32, quantile)
    charge += fixed_point._div_up(
        unsafe_mul(reach, unsafe_add((word >> 64) & MASK_16, (word >> 96) & MASK_16)), BPS
    )
    charge += risk_math._move_up(
        max(line.order_vega_up, line.order_vega_down), (word >> 32) & MASK_32, quantile
    )
    charge += risk_math._curvature_up(line.order_gamma, word & MASK_32, quantile)
    return charge + fixed_point._div_up(unsafe_mul(line.order_shorts, (word >> 80) & MASK_16), BPS)


@internal
@pure
def _concentration_up(gross: uint256, word: uint256) -> uint256:
    bound: uint256 = unsafe_mul((word >> 112) & MASK_32, BOUND_WAD)
    if gross <= bound:
        return 0
    return fixed_point._div_up(unsafe_mul(unsafe_sub(gross, bound), (word >> 96) & MASK_16), BPS)
