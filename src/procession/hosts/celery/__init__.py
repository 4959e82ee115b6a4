"""Processes on Celery: the SQL store, with wake-ups, jobs and timers as Celery's tasks (docs/celery.md)."""

from procession.hosts.celery.host import CeleryHost

__all__ = ["CeleryHost"]
