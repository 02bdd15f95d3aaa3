# SPDX-License-Identifier: Apache-2.0
"""The deployment plan: from risk parameters to the transactions that build the protocol.

A plan is data, a sequence of steps that any EVM can run, so that tests, scripts and simulations deploy the
same thing. Addresses are not known in advance: `Ref("Vault")` stands for one. May import config and below.
"""

from __future__ import annotations

from simulation.chain.deployment.core import (
    CONTINGENCY,
    VARIANCE_WINDOW,
    feed_numbers,
    inverse_asset,
    inverse_numbers,
    own_accounts,
)
from simulation.chain.deployment.handover import OWNED, owned
from simulation.chain.deployment.plan import CROSS, ISOLATED, plan
from simulation.chain.deployment.series import MAX_DIFFERENCE, SETTLEMENT_RULES
from simulation.chain.deployment.steps import Call, Deploy, Deployer, Ref, Step, resolve, run

__all__ = [
    "CONTINGENCY",
    "CROSS",
    "ISOLATED",
    "MAX_DIFFERENCE",
    "OWNED",
    "SETTLEMENT_RULES",
    "VARIANCE_WINDOW",
    "Call",
    "Deploy",
    "Deployer",
    "Ref",
    "Step",
    "feed_numbers",
    "inverse_asset",
    "inverse_numbers",
    "own_accounts",
    "owned",
    "plan",
    "resolve",
    "run",
]
