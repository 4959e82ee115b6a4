"""The pictures of docs/images: the example `order` as drawn, and a run of it half-way, as `show --svg` draws it; and
the models of scenarios that the pages of docs/elements show.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tools.reference.text import SRC

from procession import Engine, Instance
from procession.parse import parse_bpmn
from procession.services.diagram import render_svg
from procession.services.progress import progress_of

SCENARIOS: Final = SRC.parents[1] / "tests" / "scenarios"
FAMILIES: Final[dict[str, str]] = {
    "tasks.svg": "tasks/send_script_and_rule_tasks_as_jobs.bpmn",
    "choices-and-joins.svg": "gateways/nested_parallel_and_exclusive.bpmn",
    "messages-and-signals.svg": "messages/non_interrupting_boundary_fires_again.bpmn",
    "timers.svg": "timers/non_interrupting_cycle_fires_n_times.bpmn",
    "errors-and-escalations.svg": "events/error_end_event_is_caught_outside.bpmn",
    "sub-processes.svg": "sub_process/interrupting_event_sub_process_ends_its_scope_only.bpmn",
    "multi-instance.svg": "multi_instance/sub_process_for_each_item.bpmn",
    "conditional-events.svg": "conditional/boundary_that_does_not_interrupt.bpmn",
    "complex-gateway.svg": "complex_gateways/two_of_three.bpmn",
    "standard-loop.svg": "standard_loops/sub_process_with_a_boundary_event.bpmn",
    "multiple-events.svg": "multiple_events/parallel_boundary_happens_again.bpmn",
    "compensation.svg": "compensation/booking_is_undone.bpmn",
    "transaction.svg": "transactions/order_is_cancelled.bpmn",
    "ad-hoc.svg": "ad_hoc/case_worker_chooses.bpmn",
    "instantiating-gateway.svg": "instantiation/parallel_gateway_starts.bpmn",
    "data.svg": "data/offer.bpmn",
    "collaboration.svg": "collaboration/order_and_bill.bpmn",
}
"""The pictures of docs/elements: the models of scenarios."""
MODEL: Final = SRC.parents[1] / "examples" / "order" / "order.bpmn"
AT: Final = 1_767_258_000_000
"""2026-01-01T09:00:00Z; no picture shows it."""


def pictures() -> dict[str, str]:
    """The text of each picture, by file name."""
    families = {name: _drawn(SCENARIOS / model) for name, model in FAMILIES.items()}
    return {"order.svg": _drawn(MODEL), "order-running.svg": _running(), **families}


def _drawn(model: Path) -> str:
    definitions, _ = parse_bpmn(model.read_bytes(), model.name)
    assert definitions is not None
    return render_svg(definitions)


def _running() -> str:
    """Paid for nothing yet: picked, reminded once, and the payment awaited."""
    now = AT
    with Engine(clock=lambda: now) as engine:
        for job_type in ("check-stock", "pick-goods", "request-payment", "send-reminder"):
            engine.worker(job_type)(lambda: None)
        engine.deploy(MODEL)
        instance: Instance = engine.start("order", {"orderId": "O-1", "items": [], "total": 24})
        engine.run_until_idle()
        now += 25 * 3_600_000
        engine.run_until_idle()
        seen = progress_of(engine.reader().views, "<default>", instance.key)
        return render_svg(seen.definitions, seen.marks)
