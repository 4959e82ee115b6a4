"""Metrics in Prometheus' format. Labels are bounded: routes, kinds of requests, the first job types, few tenants.

`FIGURES` is what an engine counts itself, by the names that it has there. docs/server.md lists all of them.
"""

from __future__ import annotations

import logging
from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias, final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

from procession.base.failure import ProcessionError, StoreError
from procession.web.telemetry.neighbours import Shares

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from procession.services.rollouts.state import Rollout
    from procession.services.shadows import ShadowReport

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds."""

PROCESSES_TOP: Final = 100
"""Processes that shadows are counted of by their id; the others are one."""
ROLLOUTS_TOP: Final = 100
"""Rollouts that are shown, by name."""
SHADOWED: Final = {
    "compared": "Instances that were done again on another host.",
    "different": "Those of them that did something else there.",
    "untold": "Those whose facts do not tell all that the outside told them.",
}

Figures: TypeAlias = Mapping[str, Mapping[str, float]]
"""Name to label ("" for none) to number."""

_LOG: Final = logging.getLogger("procession.web")


class Neighbour(Protocol):
    """What one tenant took of a writer; times in seconds."""

    @property
    def tenant(self) -> str: ...
    @property
    def waited_s(self) -> float: ...
    @property
    def waited_max_s(self) -> float: ...


class Figure(NamedTuple):
    """How a number of the engine is shown. `label` is the name of what tells several apart, "" for one alone."""

    name: str
    help: str
    label: str = ""
    gauge: bool = False


FIGURES: Final[Mapping[str, Figure]] = {
    "commits": Figure("procession_commits", "Commits of the shards that are owned here."),
    "steps": Figure("procession_steps", "Steps of instances; by commits it is the size of a batch."),
    "instances_started": Figure("procession_instances_started", "Instances that were started."),
    "instances_ended": Figure("procession_instances_ended", "Instances that ended.", "state"),
    "incidents_opened": Figure("procession_incidents_opened", "Incidents that were opened."),
    "incidents_closed": Figure("procession_incidents_closed", "Incidents that were resolved or ended."),
    "jobs_created": Figure("procession_jobs_created", "Jobs that were created.", "type"),
    "jobs_leased": Figure("procession_jobs_leased", "Jobs given to workers outside of the process.", "type"),
    "jobs_failed": Figure("procession_jobs_failed", "Attempts that failed.", "type"),
    "jobs_ended": Figure("procession_jobs_ended", "Jobs that are over: completed, thrown, cancelled.", "type"),
    "shards_owned": Figure("procession_shards_owned", "Shards that this process owns.", gauge=True),
    "due_lag": Figure("procession_due_lag_seconds", "How late the next timer or back-off is already.", gauge=True),
    "inbox_waiting": Figure("procession_inbox_rows", "Requests that wait in the inbox.", gauge=True),
    "inbox_lag": Figure("procession_inbox_lag_seconds", "Age of the oldest of them.", gauge=True),
    "silos_open": Figure("procession_silos_open", "Stores of tenants of their own that are open.", gauge=True),
    "silos_failing": Figure("procession_silos_failing", "Such stores that cannot be used.", gauge=True),
    "silo_shards_owned": Figure("procession_silo_shards_owned", "Shards of such stores owned here.", gauge=True),
}
"""By the name that the engine gives it, or who looks after silos."""


@final
class Measures:
    """One server's."""

    def __init__(self, *, tenants_top: int = 10) -> None:
        self.registry = CollectorRegistry()
        self.read: Callable[[], Figures] | None = None
        """Asks the engine for its figures, in the thread that shows the metrics."""
        self.neighbours: Callable[[], Sequence[Neighbour]] | None = None
        """Who takes how much of the engines, and how long its requests wait."""
        self.journeys: Callable[[], Mapping[tuple[str, str], int]] | None = None
        """How often what happened on pages of journeys, by (process, what)."""
        self.shadows: Callable[[], Sequence[ShadowReport]] | None = None
        """What shadow runs found, as their records tell it."""
        self.rollouts: Callable[[], Sequence[Rollout]] | None = None
        """Where rollouts are, as their records tell it."""
        self._top = tenants_top
        self.shares = {of: Shares() for of in ("requests", "steps", "jobs")}
        """What tenants use: requests over the API, steps of their instances, jobs that their workers take."""
        registry = self.registry
        self.requests = Histogram(
            "procession_request_seconds", "Requests over HTTP.", ("method", "route", "status"),
            buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        self.in_flight = Gauge("procession_requests_in_flight", "Requests over HTTP under way.", registry=registry)
        self.asked = Counter(
            "procession_asked", "Requests that engines carried out.", ("request", "outcome"), registry=registry
        )
        self.asked_seconds = Histogram(
            "procession_asked_seconds", "How long a commit took for who asked.", buckets=BUCKETS, registry=registry
        )
        self.waiting = Gauge("procession_intake_waiting", "Requests that wait for their commit.", registry=registry)
        self.store_errors = Counter("procession_store_errors", "Requests that the store failed.", registry=registry)
        self._deliveries = Counter(
            "procession_webhook_deliveries", "Webhooks that were tried.", ("outcome",), registry=registry
        )
        ProcessCollector(registry=registry)
        registry.register(self)

    def delivered(self, outcome: str) -> None:
        """A webhook was tried: `delivered`, `failed` or `given-up`."""
        self._deliveries.labels(outcome).inc()

    def answered(self, request: str, error: BaseException | None, seconds: float) -> None:
        """An engine answered a kind of request."""
        outcome = "done" if error is None else "refused" if isinstance(error, ProcessionError) else "fault"
        if isinstance(error, StoreError):
            outcome = "store"
            self.store_errors.inc()
        self.asked.labels(request, outcome).inc()
        self.asked_seconds.observe(seconds)

    def page(self) -> bytes:
        """All metrics now. It may wait for the engine: call it in a thread."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """See `prometheus_client.registry.Collector`."""
        share = GaugeMetricFamily("procession_tenant_share", "Share of all, 0 to 1.", labels=("of", "tenant"))
        for of, shares in self.shares.items():
            for tenant, part in shares.top(self._top):
                share.add_metric((of, tenant), part)
        yield share
        yield from self._waits()
        played = CounterMetricFamily(
            "procession_journey_events", "What happened on pages of journeys.", labels=("process", "what")
        )
        counts: Mapping[tuple[str, str], int] = self.journeys() if self.journeys is not None else {}
        for label, count in counts.items():
            played.add_metric(label, count)
        yield played
        yield from self._shadowed()
        yield from self._rolled()
        try:
            figures: Figures = self.read() if self.read is not None else {}
        except ProcessionError as error:
            # Metrics have to be there above all when the store is not.
            _LOG.warning("the engine's figures cannot be read: %s", error)
            figures = {}
        for name, values in figures.items():
            yield _family(FIGURES[name], values)

    def _shadowed(self) -> Iterator[Metric]:
        counts: Counts[tuple[str, str, str]] = Counts()
        try:
            reports = self.shadows() if self.shadows is not None else ()
        except ProcessionError as error:
            _LOG.warning("the reports of shadow runs cannot be read: %s", error)
            reports = ()
        known: set[str] = set()
        for report in reports:
            for process, each in report.processes.items():
                if process in known or len(known) < PROCESSES_TOP:
                    known.add(process)
                label = process if process in known else ""
                for what in SHADOWED:
                    counts[what, report.host, label] += getattr(each, what)
        for what, help in SHADOWED.items():
            family = CounterMetricFamily(f"procession_shadow_{what}", help, labels=("host", "process"))
            for (of, host, process), count in counts.items():
                if of == what:
                    family.add_metric((host, process), count)
            yield family

    def _rolled(self) -> Iterator[Metric]:
        step = GaugeMetricFamily(
            "procession_rollout_step", "At which of its steps a rollout is, from 1.", labels=("rollout", "to", "state")
        )
        try:
            rollouts = self.rollouts() if self.rollouts is not None else ()
        except ProcessionError as error:
            _LOG.warning("the records of rollouts cannot be read: %s", error)
            rollouts = ()
        for each in rollouts[:ROLLOUTS_TOP]:
            step.add_metric((each.plan.name, each.plan.to, each.state), each.step + 1)
        yield step

    def _waits(self) -> Iterator[Metric]:
        longest = GaugeMetricFamily(
            "procession_tenant_waited_max_seconds", "The longest wait for a commit so far.", labels=("tenant",)
        )
        waited = CounterMetricFamily(
            "procession_tenant_waited_seconds", "How long requests waited for their commits.", labels=("tenant",)
        )
        for each in (self.neighbours() if self.neighbours is not None else ())[: self._top]:
            longest.add_metric((each.tenant,), each.waited_max_s)
            waited.add_metric((each.tenant,), each.waited_s)
        yield from (longest, waited)

    def describe(self) -> list[Metric]:
        """See `prometheus_client.registry.Collector`: names come from `collect`, which is not asked at the start."""
        return []


def _family(figure: Figure, values: Mapping[str, float]) -> Metric:
    family: type[GaugeMetricFamily | CounterMetricFamily]
    family = GaugeMetricFamily if figure.gauge else CounterMetricFamily
    found = family(figure.name, figure.help, labels=(figure.label,) if figure.label else ())
    for label, value in values.items():
        found.add_metric((label,) if figure.label else (), value)
    return found
