"""The lender's workers: income, collateral, fraud, payment."""

from __future__ import annotations

from decimal import Decimal

from examples import letters
from examples.registry import Registry

from procession import Job

FRAUDSTERS = frozenset({"Mallory"})


def register(engine: Registry) -> None:
    """Registers the workers of the process `loan`."""
    letters.register(engine)

    @engine.worker("check-income")
    def check_income(monthlyIncome: Decimal) -> dict[str, object]:
        return {"verified": monthlyIncome > 1_000}

    @engine.worker("value-collateral")
    def value_collateral(amount: Decimal) -> dict[str, object]:
        return {"worth": amount * Decimal("0.8")}

    @engine.worker("check-fraud")
    def check_fraud(customer: str) -> dict[str, object]:
        return {"suspicious": customer in FRAUDSTERS}

    @engine.worker("pay-out-loan")
    def pay_out_loan(amount: Decimal, job: Job) -> dict[str, object]:
        return {"paymentId": f"L-{job.idempotency_key}"}
