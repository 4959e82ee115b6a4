"""What the demo asks of the example processes: the n-th instance, the messages for it, and what people answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from procession.base.values import Json

Variables = dict[str, Json]


@dataclass(frozen=True)
class Order:
    """One instance to start, and the messages (name, correlation key, variables) that will come for it."""

    process: str
    variables: Variables
    messages: list[tuple[str, str, Variables]] = field(default_factory=list)


def planned(number: int) -> Order:
    """The n-th instance: always the same, so that a restarted driver knows what is missing."""
    kind, variant = number % 20, number // 20
    if kind < 8:
        return _order(f"O-{number}", variant % 10)
    if kind < 12:
        return _onboarding(f"A-{number}", variant % 5)
    if kind < 15:
        return _claim(variant % 5)
    if kind < 18:
        return _subscription(f"S-{number}", variant % 4)
    return _loan(variant % 4)


def answer(element: str, instance: int) -> Variables:
    """What a person says who completes a user task."""
    answers: dict[str, Variables] = {
        "review_case": {"approved": instance % 2 == 0},
        "inspect": {"amount": Decimal(6_500)},
        "new_account": {"iban": "DE-new"},
        "decide": {"approval": instance % 3 != 0},
    }
    return answers.get(element, {})


def _order(order_id: str, variant: int) -> Order:
    sku = "unicorn" if variant == 0 else "apple"
    variables: Variables = {"orderId": order_id, "items": [{"sku": sku, "n": 2}], "total": Decimal("24.90")}
    unpaid = variant <= 1
    paid: Variables = {"amount": Decimal("24.90")}
    return Order("order", variables, [] if unpaid else [("payment-received", order_id, paid)])


def _onboarding(application: str, variant: int) -> Order:
    variables: Variables = {"applicationId": application, "name": "Ada", "country": "XX" if variant == 2 else "DE"}
    if variant > 1:
        return Order("onboarding", variables)
    variables["photo"] = "blurred"
    messages: list[tuple[str, str, Variables]] = [("documents-received", application, {"passport": "P-77"})]
    return Order("onboarding", variables, messages if variant == 0 else [])


def _claim(variant: int) -> Order:
    damages: list[list[Json]] = [
        [{"part": "window"}],
        [{"part": "cellar"}, {"part": "door"}, {"part": "window", "n": 3}],
        [{"part": "factory"}, {"part": "window"}],
        [{"part": "door"}],
        [{"part": "fence"}],
    ]
    variables: Variables = {"policy": "lapsed" if variant == 3 else "4711", "damages": damages[variant]}
    if variant == 0:
        variables["iban"] = "closed"
    return Order("claim", variables)


def _subscription(subscription: str, variant: int) -> Order:
    variables: Variables = {"subscriptionId": subscription, "plan": "basic", "months": 0, "termMonths": 2}
    if variant == 0:
        variables["card"] = "stolen"
    messages: dict[int, list[tuple[str, str, Variables]]] = {
        1: [("plan-changed", subscription, {"wanted": "pro"})],
        2: [("subscription-cancelled", subscription, {})],
    }
    return Order("subscription", variables, messages.get(variant, []))


def _loan(variant: int) -> Order:
    amount, income, defaults = ((3_000, 4_000, 0), (120_000, 4_000, 0), (9_000, 9_000, 2), (20_000, 1_500, 1))[variant]
    return Order(
        "loan",
        {"customer": "Ada", "amount": amount, "months": 60, "monthlyIncome": income, "defaults": defaults},
    )
