"""What a decision may refuse at run time. Wrong types are null and a note instead; those are FEEL's (10.3.2)."""

from __future__ import annotations

from typing import final

from procession.base.failure import ProcessionError


@final
class DecisionError(ProcessionError):
    """A decision that has no result. `code` is a stable word, `message` names decision and rules.

    Codes: `unknown-decision`, `unique` (several rules match), `any` (rules that match disagree).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
