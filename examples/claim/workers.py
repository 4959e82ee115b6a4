"""The insurer's workers: cover, estimates, payments."""

from __future__ import annotations

from decimal import Decimal
from typing import NotRequired, TypedDict

from examples import letters
from examples.registry import Registry

from procession import BpmnError, Job

PRICES = {"window": Decimal("450.50"), "door": Decimal(900), "cellar": Decimal(8_000), "factory": Decimal(75_000)}
CLOSED_ACCOUNTS = frozenset({"closed"})


class Damage(TypedDict):
    """What was damaged, and how often."""

    part: str
    n: NotRequired[int]


def register(engine: Registry) -> None:
    """Registers the workers of the process `claim`."""
    letters.register(engine)

    @engine.worker("register-claim")
    def register_claim(policy: str, job: Job) -> dict[str, object]:
        if policy == "lapsed":
            raise BpmnError("NO_COVER", "the policy ended last year", {"reason": "lapsed"})
        return {"claimId": f"C-{job.instance}", "deductible": 300}

    @engine.worker("estimate-damage")
    def estimate_damage(damage: Damage) -> dict[str, object]:
        return {"amount": PRICES.get(damage["part"], Decimal(100)) * damage.get("n", 1)}

    @engine.worker("pay-out")
    def pay_out(payout: Decimal, job: Job, iban: str = "") -> dict[str, object]:
        if iban in CLOSED_ACCOUNTS:
            raise BpmnError("ACCOUNT_CLOSED", f"the bank refuses {payout}")
        return {"paymentId": f"P-{job.idempotency_key}"}
