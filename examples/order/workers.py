"""The shop's workers: stock, payment, carrier. Each takes what it needs by name and returns what it found out."""

from __future__ import annotations

from decimal import Decimal
from typing import TypedDict

from examples import letters
from examples.registry import Registry

from procession import BpmnError, Job

STOCK = {"apple": 1_000_000, "pear": 1_000_000, "unicorn": 0}


class Item(TypedDict):
    """A line of an order."""

    sku: str
    n: int


def register(engine: Registry) -> None:
    """Registers the workers of the process `order`."""
    letters.register(engine)

    @engine.worker("check-stock")
    def check_stock(items: list[Item]) -> None:
        missing = [item["sku"] for item in items if STOCK.get(item["sku"], 0) < item["n"]]
        if missing:
            raise BpmnError("SOLD_OUT", f"not in stock: {', '.join(missing)}", {"missing": missing})

    @engine.worker("pick-goods")
    def pick_goods(items: list[Item]) -> dict[str, object]:
        return {"pieces": sum(item["n"] for item in items)}

    @engine.worker("request-payment")
    def request_payment(orderId: str, total: Decimal) -> dict[str, object]:
        return {"paymentUrl": f"https://pay.example/{orderId}?amount={total}"}

    @engine.worker("send-reminder")
    def send_reminder(orderId: str) -> None:
        """Tells the customer that the payment is still missing."""

    @engine.worker("cancel-order")
    def cancel_order(orderId: str) -> dict[str, object]:
        return {"cancelled": orderId}

    @engine.worker("ship-order")
    def ship_order(orderId: str, job: Job) -> dict[str, object]:
        # The carrier is told the key, so that asking twice sends one parcel.
        return {"parcel": f"Z-{job.idempotency_key}"}
