# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A Surface and a RiskBoard that answer what they are told, for tests of dated markets
@license AGPL-3.0-only
"""

struct Forward:
    price: uint256
    confidence: uint256
    valid: bool

forwards: HashMap[uint256, Forward]
settlements: HashMap[uint256, uint256]
mark_words: HashMap[uint256, uint256]
expiry: uint256
open_interests: HashMap[uint256, uint256]


@external
def set_forward(series: uint256, price: uint256, confidence: uint256, valid: bool):
    """
    @notice What `forward` answers; nano USD, 1e-8.
    """
    self.forwards[series] = Forward(price=price, confidence=confidence, valid=valid)


@external
def set_settlement(series: uint256, price: uint256):
    """
    @notice What `settlement` answers, nano USD; 0 is not settled.
    """
    self.settlements[series] = price


@external
def set_marks(markets: DynArray[uint256, 128], words: DynArray[uint256, 128]):
    """
    @notice What `marks` answers (IRiskBoard).
    """
    for i: uint256 in range(len(markets), bound=128):
        self.mark_words[markets[i]] = words[i]


@external
def set_expiry(expiry: uint256):
    """
    @notice From when on mark words say expired, unix seconds; 0 is never.
    """
    self.expiry = expiry


@external
def set_open_interest(market: uint256, size: uint256):
    """
    @notice What `open_interest` answers, nano base.
    """
    self.open_interests[market] = size


@external
@view
def forward(series: uint256) -> (uint256, uint256, bool):
    """
    @notice As ISurface.forward.
    """
    found: Forward = self.forwards[series]
    return found.price, found.confidence, found.valid


@external
@view
def settlement(series: uint256) -> (uint256, bool):
    """
    @notice As ISurface.settlement.
    """
    return self.settlements[series], self.settlements[series] != 0


@external
@view
def marks(markets: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    """
    @notice As IRiskBoard.marks.
    """
    found: DynArray[uint256, 64] = []
    expired: uint256 = convert(self.expiry != 0 and block.timestamp >= self.expiry, uint256) << 236
    for market: uint256 in markets:
        word: uint256 = self.mark_words[market]
        if word != 0:
            word |= expired
        found.append(word)
    return found


@external
@view
def open_interest(market: uint256) -> uint256:
    """
    @notice As ILedger.open_interest.
    """
    return self.open_interests[market]
