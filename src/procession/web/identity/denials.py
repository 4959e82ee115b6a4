"""Who was turned away: a line in the log of the process, and a count. Nothing of what they presented is written."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Final, cast, final

from procession.services.access import Forbidden, TooMany, Unauthorized

if TYPE_CHECKING:
    from litestar.types import Scope

_LOG: Final = logging.getLogger("procession.web.access")

REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (Unauthorized, "unauthorized"),
    (Forbidden, "forbidden"),
    (TooMany, "too-many"),
)
"""What counts as turned away, and under which name it is counted."""
TOKENS: Final = "/play/"
"""Where paths hold tokens of links: of those the template is written."""


@final
class Denials:
    """Those of one application. `counts` is by the names of `REASONS`."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    async def note(self, error: Exception, scope: Scope) -> None:
        """The hook of the application after an error."""
        for kind, reason in REASONS:
            if isinstance(error, kind):
                self.counts[reason] += 1
                client = scope["client"]
                origin = client[0] if client else ""
                path = scope["path"]
                if path.startswith(TOKENS):
                    path = str(cast("dict[str, object]", scope).get("path_template") or TOKENS)
                # %r: a path holds what a stranger wrote, line ends included.
                _LOG.warning("%s: %r from %s: %s", reason, path, origin, error)
                return
