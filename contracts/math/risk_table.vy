# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Layout of the table of risk-based margin
@license AGPL-3.0-only
@notice Bytes of the table:
            0     quantiles: initial 32 | maintenance 32 | together 16 | apart 16; contingencies from bit 96:
                  confidence threshold 28 | confidence factor 16 | depeg factor 16 | depeg threshold 32;
                  number of underlyings from bit 188
            32    16 words, one for each underlying: volatility 32 | vol_volatility 32 | basis 16 |
                  short_option 16 | concentration_ratio 16 | concentration_bound 32 (thousand USD) | feed 8,
                  from the lowest bit
            544   256 bytes: place of a perpetual's underlying, counted from 1; 0 where it is not admitted
            800   256 bytes: the same of a series
            1056  32 bytes: the same of a collateral; 0 pays its haircut
            1088  496 correlations of 4 bytes, 1e-9 and shifted by 2**30, lower triangle by rows of 32
                  factors: the prices of the underlyings are 0 to 15, their volatilities 16 to 31; then a word
                  of zeros
"""

MAX_UNDERLYINGS: constant(uint256) = 16
MAX_FACTORS: constant(uint256) = 2 * MAX_UNDERLYINGS
UNDERLYING_WORD: constant(uint256) = 1
PERPETUAL_WORD: constant(uint256) = 17
SERIES_WORD: constant(uint256) = 25
COLLATERAL_WORD: constant(uint256) = 33
CORRELATION_WORD: constant(uint256) = 34
TABLE_WORDS: constant(uint256) = 97
TABLE_BYTES: constant(uint256) = 32 * TABLE_WORDS
CORRELATION_BYTE: constant(uint256) = 32 * CORRELATION_WORD
CORRELATION_SHIFT: constant(int256) = 2**30
