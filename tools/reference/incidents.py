"""The codes of incidents, from the places that raise a failure inside a step."""

from __future__ import annotations

from typing import Final

from tools.reference.rules import collected
from tools.reference.text import code, modules, table

ROOMS: Final = ("core", "runtime")
OTHERS: Final = {
    "job-no-retries": "a job failed as often as it may; the message is the error of its last attempt",
    "called-process-cancelled": "the called instance was cancelled",
    "definition": "the process or decision that is called is not there in the version that is asked for",
}
"""Codes that come with an event and not with a failure of the step itself."""


def page() -> str:
    """The whole page. Fails when a code named here is no longer in the source."""
    source = "".join(path.read_text(encoding="utf-8") for path in modules("core", "hosts"))
    assert all(f'"{each}"' in source for each in OTHERS)
    said = collected(ROOMS, frozenset({"Failure", "Undecided"}))
    texts = {each: [text for one in said[each] for text in one.message.split("<br>")] for each in said}
    texts |= {each: [text] for each, text in OTHERS.items()}
    rows = [(code(each), "<br>".join(dict.fromkeys(texts[each]))) for each in sorted(texts)]
    return "\n\n".join(
        (
            "What stops an instance until somebody resolves it; how, is told in"
            " [Resolve incidents](../how-to/incidents.md). `…` stands for what is filled in.",
            table(("code", "message"), rows),
        )
    )
