"""What reporting an accident needs: a link for the other driver, and a paper, asked of the server's own API."""

from __future__ import annotations

import logging
import os
from typing import Any

import httpx

from procession import Engine, Job

_LOG = logging.getLogger("examples.accident")
REPORT = """<h1>Report of an accident</h1>
<p>Policy {{policy}}, on {{day}}: about {{amount}} EUR, of which {{excess}} EUR are not covered.</p>
<h2>The other driver says</h2><p>{{statement}}</p>
<h2>Signature of the customer</h2>"""
BOX = [60, 480, 200, 60]
"""Where the signature goes, in points: left, bottom, width and height."""


def asked(path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    """What the server answers; `procession dev` says where it is."""
    url = os.environ["PROCESSION_URL"]
    answer = httpx.post(f"{url}/v1/{path}", json=body, headers={"Idempotency-Key": key}, timeout=30)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def register(engine: Engine) -> None:
    """Registers the workers of this example."""

    @engine.worker("invite-other")
    def invite(job: Job) -> dict[str, object]:
        """A link for the other driver, who plays a party of their own. A real one would be sent by mail."""
        body = {"instance": str(job.instance), "party": "other", "uses": 3}
        link = asked("journeys/links", body, job.idempotency_key)
        _LOG.info("the other driver has a link")
        return {"otherLink": link["url"]}

    @engine.worker("accident-report")
    def report(job: Job) -> dict[str, object]:
        """The report as a PDF with the customer's signature, sealed, and kept as a document."""
        given: dict[str, Any] = job.variables
        signature = str(given.get("signature", ""))
        values = {
            "policy": given["policy"],
            "day": given["day"],
            "amount": str(given["amount"]),
            "excess": str(given["cover"]["excess"]),
            "statement": given.get("statement") or "nothing",
        }
        body = {"name": "report.pdf", "template": REPORT, "values": values}
        paper = asked("papers", body, job.idempotency_key)["id"]
        drawn = signature.startswith("data:")
        who = {"signer": f"The holder of policy {given['policy']}", "identified_by": "the link of the journey"}
        mark = {**who, "drawn" if drawn else "typed": signature, "page": 1, "box": BOX}
        order = {"name": "report-signed.pdf", "title": "Report of an accident", "signatures": [mark], "language": "en"}
        return {"report": asked(f"documents/{paper}/sign", order, f"{job.idempotency_key}:sign")["id"]}
