# SPDX-License-Identifier: Apache-2.0
"""CreditDesk and CreditMargin, the engine that is registered last."""

from __future__ import annotations

from collections.abc import Iterator

from simulation.chain.deployment.steps import Call, Deploy, Ref, Step
from simulation.config.scenario import CreditSpec

__all__ = ["desk", "lines"]


def desk(spec: CreditSpec, guardian: str) -> Iterator[Step]:
    """The desk, which the Liquidator must know, and its engine; who lends is up to whoever plans."""
    yield Deploy("CreditMargin", "CreditMargin", (Ref("CrossMargin"), spec.share, spec.multiple))
    yield Deploy(
        "CreditDesk",
        "CreditDesk",
        (Ref("CashToken"), Ref("Vault"), Ref("Ledger"), Ref("CreditMargin"), guardian),
    )
    parameters = (
        spec.use_rate,
        spec.commitment_rate,
        spec.junior_income,
        spec.subordination,
        spec.grace,
        spec.fee_period,
        spec.max_term,
    )
    yield Call("CreditDesk", "set_parameters", (parameters,))


def lines(engine_id: int) -> Iterator[Step]:
    """Lines in force, under the engine that is registered last."""
    yield Call("Vault", "register_engine", (Ref("CreditMargin"),))
    yield Call("CreditDesk", "wire", (Ref("Liquidator"),))
    yield Call("CreditMargin", "wire", (Ref("CreditDesk"),))
    yield Call("Vault", "enable_lines", (engine_id,))
