"""What was probably meant: for syntax errors, and for notes about names that nobody has declared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from procession.feel.errors import Note

_DASHED: Final = re.compile(r"[^\W\d]\w*(?:[-.][^\W\d]\w*)*-[^\W\d]\w*(?:-[^\W\d]\w*)*")
_CANDIDATES_MAX: Final = 2000


def closest(word: str, names: Iterable[str]) -> str:
    """The name that is spelled most like a word, or "" if none comes near."""
    import difflib  # Only errors need it, and most programs have none.

    candidates = [name for _, name in zip(range(_CANDIDATES_MAX), names, strict=False)]
    return next(iter(difflib.get_close_matches(word[:100], candidates, 1, 0.75)), "")


def hint(note: Note, text: str, names: Iterable[str] = ()) -> str:
    """What to try after a note: back-ticks for a name with dashes, or the name that is spelled alike, else ""."""
    if note.code != "unknown-name":
        return ""
    for match in _DASHED.finditer(text):
        if match.start() <= note.start and note.end <= match.end():
            return f"`{match[0]}` is read as a subtraction: put the name in back-ticks"
    meant = closest(text[note.start : note.end].strip("`"), names)
    return f"did you mean `{meant}`?" if meant else ""
