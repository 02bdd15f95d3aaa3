# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Charges of a scenario margin, and its roundings
@license AGPL-3.0-only
@notice Money is wad USD, sizes nano base, prices nano USD, values and losses of options 1e-12 USD per unit of base,
        shares bps, confidence 1e-8. Every charge is rounded up by itself.
        Parameters in one word: initial loss factor 16 | maintenance loss factor 16 | depeg factor 16 |
        confidence factor 16 | linear maintenance 16 | linear initial on top 16 | naked maintenance 16 |
        naked initial on top 16 | depeg threshold 32 | confidence threshold 28 | bounded 1, from the lowest bit.
@dev Bounds on which the unchecked arithmetic rests, asserted by the caller: sizes < 2**81, prices < 2**80, amounts
     < 2**169; shares < 2**16 and confidences < 2**27, so no product passes 2**243.
"""

from contracts.interfaces import IMarginEngine

OUT_OF_RANGE: constant(String[40]) = "portfolio_margin: out of range"

BPS: constant(uint256) = 10_000
FULL: constant(uint256) = 10**8
WAD: constant(uint256) = 10**18
IWAD: constant(int256) = 10**18
NANO: constant(uint256) = 10**9
MAX_SCENARIOS: constant(uint256) = 33
MASK_16: constant(uint256) = 2**16 - 1
MASK_28: constant(uint256) = 2**28 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_64: constant(uint256) = 2**64 - 1
BPS_TO_WAD: constant(uint256) = 10**14
BOUNDED_BIT: constant(uint256) = 188

# A value times a size is in 1e-21 USD; times a discount in wad it takes this to wad USD.
TO_WAD: constant(uint256) = 10**21
# nano USD times wad, in the unit of values
TO_UNIT: constant(uint256) = 10**15
# Added before an unsigned division, its quotient taken off after it: the division then floors. Multiples of the
# divisor, above everything that is divided.
OFFSET: constant(uint256) = TO_WAD * 2**184
OFFSET_WAD: constant(uint256) = WAD * 2**190

struct Order:
    size: uint256
    loss: uint256               # of a unit, 1e-12 USD
    linear: uint256             # notional of a unit, nano USD
    naked: uint256
    missing: uint256            # of full confidence, 1e-8


@internal
@pure
def _fractions(data: Bytes[32 * MAX_SCENARIOS]) -> uint256[2]:
    """
    @dev The share of its value that a unit of a linear instrument loses in the worst scenario: long, short; wad, up.
    """
    fractions: uint256[2] = [0, 0]
    for case: uint256 in range(MAX_SCENARIOS):
        word: uint256 = extract32(data, unsafe_mul(case, 32), output_type=uint256)
        shock: uint256 = word & MASK_64
        damping: uint256 = (word >> 64) & MASK_64
        if shock < WAD:
            fractions[0] = max(
                fractions[0], self._wad_up(unsafe_mul(unsafe_sub(WAD, shock), damping))
            )
        else:
            fractions[1] = max(
                fractions[1], self._wad_up(unsafe_mul(unsafe_sub(shock, WAD), damping))
            )
    return fractions


@internal
@pure
def _order_charge(order: Order, spot: uint256, factor: uint256, parameters: uint256) -> uint256:
    """
    @dev Initial margin of resting orders of one side as if they were all of the portfolio.
    """
    charge: uint256 = self._wad_up(
        unsafe_mul(self._up(unsafe_mul(order.size, order.loss), 1_000), factor)
    )
    share: uint256 = unsafe_add((parameters >> 64) & MASK_16, (parameters >> 80) & MASK_16)
    charge = unsafe_add(
        charge, self._up(unsafe_mul(unsafe_mul(order.size, order.linear), share), BPS)
    )
    share = unsafe_add((parameters >> 96) & MASK_16, (parameters >> 112) & MASK_16)
    charge = unsafe_add(
        charge, self._up(unsafe_mul(unsafe_mul(order.size, order.naked), share), BPS)
    )
    gross: uint256 = order.linear
    if gross == 0:
        gross = spot
    return unsafe_add(
        charge,
        self._up(
            unsafe_mul(
                self._unsure(unsafe_mul(order.size, gross), order.missing, parameters),
                (parameters >> 48) & MASK_16,
            ),
            FULL * BPS,
        ),
    )


@internal
@pure
def _unsure(notional: uint256, missing: uint256, parameters: uint256) -> uint256:
    """
    @dev Notional times what is missing of confidence, where confidence is below the threshold.
    """
    if unsafe_add(missing, (parameters >> 160) & MASK_28) <= FULL:
        return 0
    return unsafe_mul(notional, missing)


@internal
@pure
def _loss_factor(parameters: uint256, stable_price: uint256) -> uint256:
    """
    @dev Initial loss factor with the depeg term, wad.
    """
    factor: uint256 = unsafe_mul(parameters & MASK_16, BPS_TO_WAD)
    threshold: uint256 = (parameters >> 128) & MASK_32
    if stable_price < threshold:
        # Nano USD times bps is 1e-13.
        factor = unsafe_add(
            factor,
            unsafe_mul(
                unsafe_mul(unsafe_sub(threshold, stable_price), (parameters >> 32) & MASK_16), 10**5
            ),
        )
    return factor


@internal
@pure
def _haircuts(collateral: IMarginEngine.CollateralRisk, parameters: uint256) -> uint256[3]:
    """
    @dev Initial and maintenance haircut, and the confidence charge that fits into what is left of the value.
    """
    assert max(collateral.initial_haircut, collateral.maintenance_haircut) <= BPS, OUT_OF_RANGE
    initial: uint256 = self._up(
        unsafe_mul(
            collateral.value, max(collateral.initial_haircut, collateral.maintenance_haircut)
        ),
        BPS,
    )
    missing: uint256 = unsafe_sub(FULL, min(collateral.confidence, FULL))
    charge: uint256 = self._up(
        unsafe_mul(
            self._unsure(collateral.value, missing, parameters), (parameters >> 48) & MASK_16
        ),
        FULL * BPS,
    )
    return [
        initial,
        self._up(unsafe_mul(collateral.value, collateral.maintenance_haircut), BPS),
        min(charge, unsafe_sub(collateral.value, initial)),
    ]


@internal
@pure
def _relief(amount: uint256, left: uint256, fraction: uint256, factor: uint256) -> uint256:
    """
    @dev The part of a coin's value that no fall may charge, so that the worst one costs at most what is left of the
         value. 0 where haircuts, factor and grid are of a usual size. Amounts < 2**169, fraction < 2**64, factor < 2**66.
    """
    worst: uint256 = self._wad_up(unsafe_mul(fraction, factor))
    if worst == 0:
        return 0
    return unsafe_sub(amount, min(amount, unsafe_div(unsafe_mul(left, WAD), worst)))


@internal
@pure
def _base(amount: uint256, spot: uint256) -> uint256:
    """
    @dev Units of base that coin of this value is, floored; 0 where there is no price.
    """
    if spot == 0:
        return 0
    return unsafe_div(amount, spot)


@internal
@pure
def _divided_down(amount: int256, divisor: uint256) -> int256:
    """
    @dev Floored; 0 where the divisor is 0. |amount| < 2**254, divisor < 2**80.
    """
    if divisor == 0:
        return 0
    quotient: int256 = unsafe_div(amount, convert(divisor, int256))
    if unsafe_mul(quotient, convert(divisor, int256)) > amount:
        return unsafe_sub(quotient, 1)
    return quotient


@internal
@pure
def _to_wad(amount: int256) -> int256:
    """
    @dev A value in 1e-21 USD times a ratio in wad, in wad USD, floored. |amount| < 2**199.
    """
    return convert(
        convert(
            unsafe_sub(
                unsafe_div(
                    unsafe_add(convert(convert(amount, bytes32), uint256), OFFSET), TO_WAD
                ),
                OFFSET // TO_WAD,
            ),
            bytes32,
        ),
        int256,
    )


@internal
@pure
def _wad_down(amount: int256) -> int256:
    """
    @dev An amount times a ratio in wad, floored. |amount| < 2**249.
    """
    return convert(
        convert(
            unsafe_sub(
                unsafe_div(
                    unsafe_add(convert(convert(amount, bytes32), uint256), OFFSET_WAD), WAD
                ),
                OFFSET_WAD // WAD,
            ),
            bytes32,
        ),
        int256,
    )


@internal
@pure
def _wad_up(amount: uint256) -> uint256:
    return unsafe_div(unsafe_add(amount, WAD - 1), WAD)


@internal
@pure
def _up(amount: uint256, divisor: uint256) -> uint256:
    return unsafe_div(unsafe_add(amount, unsafe_sub(divisor, 1)), divisor)
