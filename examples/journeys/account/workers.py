"""What opening an account needs: who knows the customer, and reminders. Nothing is sent: this is an example."""

from __future__ import annotations

import logging

from procession import Engine

_LOG = logging.getLogger("examples.account")
_WANTED = frozenset({"Mallory"})


def register(engine: Engine) -> None:
    """Registers the workers of this example."""

    @engine.worker("kyc-check")
    def check(name: str, born: str) -> dict[str, object]:
        """A service that knows customers would be asked here; this one turns away who is on a list."""
        passed = name.strip() not in _WANTED
        return {"kyc": {"passed": passed, "reason": "" if passed else "on a list"}}

    @engine.worker("remind")
    def remind(email: str) -> None:
        """A letter to who has not signed yet."""
        _LOG.info("remind %s", email)
