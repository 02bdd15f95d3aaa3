# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Several calls of one contract in one transaction, for tests
@license AGPL-3.0-only
@notice Stands where the Exchange stands, whose fills of one call belong together.
"""


@external
def run(target: address, calls: DynArray[Bytes[512], 16]) -> DynArray[bytes32, 16]:
    """
    @notice Makes the calls in order; a revert of one is a revert of all, with its reason.
    @return bytes32 The first word that each answered.
    """
    answers: DynArray[bytes32, 16] = []
    for payload: Bytes[512] in calls:
        answer: Bytes[32] = raw_call(target, payload, max_outsize=32)
        answers.append(convert(answer, bytes32))
    return answers
