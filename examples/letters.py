"""Letters and mails, which several processes send. The template's name is a header of the task."""

from __future__ import annotations

from examples.registry import Registry
from procession import Job


def register(engine: Registry) -> None:
    """Registers the workers of this module."""

    @engine.worker("send-letter")
    def send_letter(job: Job) -> dict[str, object]:
        return {"letter": f"{job.headers['template']}/{job.element}"}

    @engine.worker("send-mail")
    def send_mail(job: Job) -> dict[str, object]:
        return {"mail": f"{job.headers['template']}/{job.element}"}
