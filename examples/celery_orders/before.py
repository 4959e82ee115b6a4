"""A shop on Celery as it was: tasks, and canvases that put them in order."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, chain, chord, group
from celery.schedules import crontab

BROKER = os.environ.get("CELERY_BROKER_URL", "redis://localhost:6379/0")
app = Celery("orders", broker=BROKER, backend=os.environ.get("CELERY_RESULT_BACKEND", BROKER))
app.conf.beat_schedule = {
    "remind": {
        "task": "examples.celery_orders.before.remind",
        "schedule": crontab(hour=8, minute=0, day_of_week="mon-fri"),
        "args": (14,),
    },
}


@app.task
def check(order: dict[str, Any]) -> dict[str, Any]:
    """Takes an order, and says what it costs."""
    price = sum(item["price"] * item["count"] for item in order["items"])
    return {"order": order["id"], "items": order["items"], "price": price}


@app.task(autoretry_for=(ConnectionError,), max_retries=5, retry_backoff=True)
def charge(checked: dict[str, Any], currency: str = "EUR") -> str:
    """Takes the money."""
    return f"{checked['price']} {currency} for {checked['order']}"


@app.task(rate_limit="50/s")
def reserve(checked: dict[str, Any]) -> list[str]:
    """Takes the goods out of the stock."""
    return [item["sku"] for item in checked["items"]]


@app.task
def confirm(done: list[Any], order: str) -> dict[str, Any]:
    """Tells the customer."""
    receipt, goods = done
    return {"order": order, "receipt": receipt, "goods": goods}


@app.task
def alert(request: Any, error: Exception, traceback: str) -> None:
    """Tells somebody that an order has failed."""


@app.task
def thank(confirmation: dict[str, Any]) -> str:
    """Asks for a review, some days later."""
    return f"thanks for {confirmation['order']}"


@app.task(bind=True, time_limit=60)
def pack(self: Any, parcel: dict[str, Any], order: str) -> float:
    """Packs one parcel; its weight."""
    return float(parcel["weight"])


@app.task
def ship(weights: list[float], order: str) -> dict[str, Any]:
    """Calls the carrier when all parcels are packed."""
    return {"order": order, "parcels": len(weights), "weight": sum(weights)}


@app.task
def collect() -> list[int]:
    """The sales of a day."""
    return [120, 80, 45]


@app.task
def sales(amounts: list[int], factor: float) -> float:
    """The sales in a currency."""
    return sum(amounts) * factor


@app.task
def report(figures: list[float]) -> str:
    """Sends the figures."""
    return ", ".join(f"{figure:g}" for figure in figures)


@app.task
def remind(days: int) -> int:
    """Reminds who has not paid for so many days."""
    return days


close_the_day = collect.s() | group(sales.s(1), sales.s(1.1)) | report.s()


def place_order(order: dict[str, Any]) -> Any:
    """Charge and reserve at the same time, then confirm; three days later ask for a review."""
    confirmed = confirm.s(order=order["id"]).on_error(alert.s())
    flow = chain(check.s(order), group(charge.s(), reserve.s()), confirmed)
    return (flow | thank.s().set(countdown=259200, queue="mail")).apply_async()


def send(order: str, parcels: list[dict[str, Any]]) -> Any:
    """Pack every parcel, then call the carrier."""
    return chord([pack.s(parcel, order) for parcel in parcels])(ship.s(order))
