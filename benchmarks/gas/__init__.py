# SPDX-License-Identifier: Apache-2.0
"""Receipt gas of the protocol at cold storage, beside Derive v2 and against the committed baseline."""
