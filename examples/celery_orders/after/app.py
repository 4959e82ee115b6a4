"""The same shop: tasks are those of `before.py`, untouched; the processes beside this file put them in order."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from examples.celery_orders.before import app
from procession.hosts.celery import CeleryHost

MODELS = sorted(Path(__file__).parent.glob("*.bpmn"))
host = CeleryHost(app, os.environ.get("ORDERS_STORE", "orders.db"), sweep=2)
# A worker: celery -A examples.celery_orders.after.app worker


def deploy() -> None:
    """Deploys the processes. Again with the same models it changes nothing."""
    host.engine().deploy(*MODELS)


def place_order(order: dict[str, Any]) -> Any:
    """Starts what `before.place_order` started."""
    return host.engine().start("place_order", {"order": order})


def send(order: str, parcels: list[dict[str, Any]]) -> Any:
    """Starts what `before.send` started."""
    return host.engine().start("send", {"order": order, "parcels": parcels})
