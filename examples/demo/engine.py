"""The engine process of the demo. It knows nothing of being killed: started again, it goes on where it was."""

from __future__ import annotations

import sys
from pathlib import Path

from examples.demo.effects import Effects
from procession import BpmnError, Engine, Job

MODELS = Path(__file__).parent.parent
BATCH = 100


def register(engine: Engine, effects: Effects) -> None:
    """The shop's workers."""

    @engine.worker("check-stock")
    def check_stock(orderId: str, quantity: int, job: Job) -> None:
        effects.record(job, orderId)
        if quantity > 90:
            raise BpmnError("SOLD_OUT", f"only 90 left, {quantity} wanted")

    @engine.worker("request-payment")
    def request_payment(orderId: str, job: Job) -> dict[str, str]:
        effects.record(job, orderId)
        return {"paymentUrl": f"https://pay.example/{orderId}"}

    for type_ in ("pick-goods", "ship-order", "send-mail", "send-reminder", "cancel-order"):

        @engine.worker(type_)
        def do(orderId: str, job: Job) -> None:
            effects.record(job, orderId)


def main(directory: Path, count: int) -> None:
    """Starts what is not started yet, pays what is to be paid, and ends when nothing is open."""
    effects = Effects(directory / "effects.db")
    with Engine(directory / "demo.db") as engine:
        engine.deploy(*sorted(MODELS.glob("*/*.bpmn")))
        register(engine, effects)
        while True:
            counts = engine.counts()
            started = sum(counts.values())
            if started < count:
                orders = range(started, min(started + BATCH, count))
                # The message payment-received carries the amount; the order's id is its correlation key.
                engine.start_many("order", [{"orderId": f"o{i}", "quantity": i % 97} for i in orders])
            engine.run_until_idle()
            unpaid = effects.unpaid()
            for order_id in unpaid:
                engine.publish("payment-received", order_id, {"amount": 10}, ttl=3600.0)
            effects.pay(unpaid)
            engine.run_until_idle()
            if started >= count and not unpaid and engine.counts().get("active", 0) == 0:
                break
    effects.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
