"""The workers of a subscription business: plans, monthly bills, reports."""

from __future__ import annotations

from examples import letters
from examples.registry import Registry

from procession import BpmnError, Job


def register(engine: Registry) -> None:
    """Registers the workers of the process `subscription`."""
    letters.register(engine)

    @engine.worker("activate-plan")
    def activate_plan(subscriptionId: str, plan: str) -> dict[str, object]:
        return {"active": f"{subscriptionId}/{plan}"}

    @engine.worker("bill-month")
    def bill_month(subscriptionId: str, job: Job, card: str = "good") -> dict[str, object]:
        if card != "good":
            raise BpmnError("CARD_DECLINED", f"the card of {subscriptionId} was declined")
        return {"receipt": job.idempotency_key}

    @engine.worker("change-plan")
    def change_plan(wanted: str) -> dict[str, object]:
        return {"plan": wanted}

    @engine.worker("final-invoice")
    def final_invoice(subscriptionId: str, months: int) -> dict[str, object]:
        return {"invoice": f"{subscriptionId}/{months}"}

    @engine.worker("suspend-plan")
    def suspend_plan(subscriptionId: str) -> dict[str, object]:
        return {"plan": "suspended"}

    @engine.worker("usage-report")
    def usage_report(subscriptionId: str, months: int) -> dict[str, object]:
        return {"report": f"{subscriptionId} after {months} months"}
