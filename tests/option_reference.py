# SPDX-License-Identifier: Apache-2.0
"""An independent reference for option prices: the textbook formulas in 60 digits of `decimal`.

Nothing here shares a step with contracts/math: both terms of the price are computed on their own, and the
normal distribution comes from its power series or its continued fraction.
"""

from __future__ import annotations

from decimal import Context, Decimal, localcontext

__all__ = ["PRECISION", "call_and_put", "normal_cdf", "normal_pdf", "smaller_price"]

PRECISION = 60
ROOT_TWO_PI = Decimal("2.50662827463100050241576528481104525300698674060993831662992357")


def normal_pdf(x: Decimal) -> Decimal:
    """exp(-x**2 / 2) / sqrt(2 pi)."""
    with localcontext(Context(prec=PRECISION)):
        return (-x * x / 2).exp() / ROOT_TWO_PI


def normal_cdf(x: Decimal) -> Decimal:
    """N(x): 1/2 + n(x) (x + x**3/3 + x**5/15 + ...) within six deviations, outside the continued fraction
    n(x) / (x + 1/(x + 2/(x + 3/(x + ...)))) of the tail.
    """
    with localcontext(Context(prec=PRECISION)):
        if abs(x) < 6:
            term = total = x
            for odd in range(3, 1_000, 2):
                term *= x * x / odd
                total += term
                if abs(term) < Decimal(10) ** -PRECISION:
                    break
            return Decimal("0.5") + normal_pdf(x) * total
        fraction = abs(x)
        for level in range(300, 0, -1):
            fraction = abs(x) + level / fraction
        tail = normal_pdf(x) / fraction
        return tail if x < 0 else 1 - tail


def smaller_price(forward: Decimal, strike: Decimal, total_vol: Decimal) -> Decimal:
    """Undiscounted price of whichever of call and put is out of the money."""
    call, put = call_and_put(forward, strike, total_vol)
    return min(call, put)


def call_and_put(forward: Decimal, strike: Decimal, total_vol: Decimal) -> tuple[Decimal, Decimal]:
    """F N(d1) - K N(d2) and K N(-d2) - F N(-d1), undiscounted, each on its own."""
    with localcontext(Context(prec=PRECISION)):
        if forward == 0 or strike == 0 or total_vol == 0:
            return max(Decimal(0), forward - strike), max(Decimal(0), strike - forward)
        d1 = (forward / strike).ln() / total_vol + total_vol / 2
        d2 = d1 - total_vol
        call = forward * normal_cdf(d1) - strike * normal_cdf(d2)
        put = strike * normal_cdf(-d2) - forward * normal_cdf(-d1)
        return call, put
