# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The settlement average: which seconds count, at which price, and what they fix of the forward
@license AGPL-3.0-only
@notice A published price is in force from its timestamp until the next recorded one, at most `max_gap` seconds.
        A second of the window, the last 1,800 before expiry, counts when a price is in force in it. If fewer than
        `required` seconds count, seconds after expiry count too, until there are as many. The settlement price
        is the mean of all that count, floored.
        A series' state is one word: accumulated 84 | covered 12 | spot 72 | timestamp 32 | feed 8 | expiry 32 |
        settled 1, from the lowest bit; once settled the spot is the settlement price.
@dev Bounds on which every unchecked operation below rests: prices < 2**72, covered <= 1,800 < 2**11, so
     accumulated < 2**83; times < 2**33.
"""

WINDOW: constant(uint256) = 1_800

PRICE_MASK: constant(uint256) = 2**72 - 1
MASK_84: constant(uint256) = 2**84 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_12: constant(uint256) = 2**12 - 1
MASK_8: constant(uint256) = 2**8 - 1
SETTLED: constant(uint256) = 2**240
# feed, expiry and settled
IDENTITY_MASK: constant(uint256) = (2**41 - 1) << 200


struct Rules:
    max_gap: uint256    # seconds for which a price stays in force
    required: uint256   # seconds that must count
    patience: uint256   # seconds after expiry that may count


@internal
@pure
def _counted(
    since: uint256, until: uint256, covered: uint256, expiry: uint256, rules: Rules
) -> uint256:
    """
    @dev Seconds that count in [since, until) for a price published at `since`, when `covered` count before it.
         expiry >= WINDOW.
    """
    end: uint256 = min(min(until, unsafe_add(since, rules.max_gap)), unsafe_add(expiry, rules.patience))
    first: uint256 = max(since, unsafe_sub(expiry, WINDOW))
    last: uint256 = min(end, expiry)
    counted: uint256 = 0
    if last > first:
        counted = unsafe_sub(last, first)
    total: uint256 = unsafe_add(covered, counted)
    first = max(since, expiry)
    if end > first and total < rules.required:
        counted = unsafe_add(counted, min(unsafe_sub(rules.required, total), unsafe_sub(end, first)))
    return counted


@internal
@pure
def _totals(word: uint256, until: uint256, rules: Rules) -> (uint256, uint256):
    """
    @dev (accumulated, covered) with the recorded price in force until `until` at most.
    """
    covered: uint256 = (word >> 84) & MASK_12
    counted: uint256 = self._counted(
        (word >> 168) & MASK_32, until, covered, (word >> 208) & MASK_32, rules
    )
    return (
        unsafe_add(word & MASK_84, unsafe_mul((word >> 96) & PRICE_MASK, counted)),
        unsafe_add(covered, counted),
    )


@internal
@pure
def _observed(word: uint256, spot: uint256, timestamp: uint256, rules: Rules) -> uint256:
    """
    @dev The word once a price of this timestamp is recorded: the one before is in force no longer. The same word
         where the price is not newer, comes too early or too late to count, or everything is covered already.
    """
    last: uint256 = (word >> 168) & MASK_32
    expiry: uint256 = (word >> 208) & MASK_32
    if (
        word & SETTLED != 0
        or timestamp <= last
        or unsafe_add(timestamp, rules.max_gap) <= unsafe_sub(expiry, WINDOW)
        or timestamp >= unsafe_add(expiry, rules.patience)
        or (last >= expiry and (word >> 84) & MASK_12 >= rules.required)
    ):
        return word
    accumulated: uint256 = 0
    covered: uint256 = 0
    accumulated, covered = self._totals(word, timestamp, rules)
    return (
        accumulated | (covered << 84) | (spot << 96) | (timestamp << 168) | (word & IDENTITY_MASK)
    )


@internal
@pure
def _split(
    accumulated: uint256, covered: uint256, remaining: uint256, required: uint256, forward: uint256
) -> (uint256, uint256):
    """
    @dev The forward of the settlement price, as a part that is fixed already and one that moves with the price
         to come: (accumulated / total, forward * (total - covered) / total), each floored, where
         total = max(covered + remaining, required) seconds. Without missing data total is the window. Derive's
         forward feed, with the denominator corrected for missing seconds.
    """
    total: uint256 = max(unsafe_add(covered, remaining), required)
    return (
        unsafe_div(accumulated, total),
        unsafe_div(unsafe_mul(forward, unsafe_sub(total, covered)), total),
    )
