# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A registry with a feed and an expiry per series, for unit tests of the Surface
@license AGPL-3.0-only
"""

struct Terms:
    feed: uint256
    expiry: uint256

_terms: HashMap[uint256, Terms]


@external
def list_series(series: uint256, feed: uint256, expiry: uint256):
    """
    @notice Sets what `series` answers.
    """
    self._terms[series] = Terms(feed=feed, expiry=expiry)


@external
@view
def series(series: uint256) -> Terms:
    """
    @notice What was set; all zero where nothing was.
    """
    return self._terms[series]
