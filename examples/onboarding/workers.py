"""The bank's workers: identity, sanctions lists, risk, accounts."""

from __future__ import annotations

import zlib

from examples import letters
from examples.registry import Registry

from procession import BpmnError, Job

SANCTIONED = frozenset({"Mallory"})
RISKY_COUNTRIES = frozenset({"XX", "YY"})


def register(engine: Registry) -> None:
    """Registers the workers of the process `onboarding`."""
    letters.register(engine)

    @engine.worker("verify-identity")
    def verify_identity(applicationId: str, photo: str = "clear") -> dict[str, object]:
        if photo != "clear":
            raise BpmnError("IDENTITY_UNCLEAR", f"the photo of {applicationId} is {photo}")
        return {"verified": True}

    @engine.worker("ask-for-documents")
    def ask_for_documents(applicationId: str) -> dict[str, object]:
        return {"asked": [f"{applicationId}/passport"]}

    @engine.worker("screen-sanctions")
    def screen_sanctions(name: str) -> dict[str, object]:
        return {"sanctioned": name in SANCTIONED}

    @engine.worker("rate-risk")
    def rate_risk(country: str) -> dict[str, object]:
        return {"risk": "high" if country in RISKY_COUNTRIES else "low"}

    @engine.worker("remind-reviewer")
    def remind_reviewer(applicationId: str) -> None:
        """Writes to the reviewer of the case."""

    @engine.worker("open-account")
    def open_account(job: Job) -> dict[str, object]:
        # The number comes from the key, so a second call opens no second account.
        return {"iban": f"DE{zlib.crc32(job.idempotency_key.encode()):020d}"}
