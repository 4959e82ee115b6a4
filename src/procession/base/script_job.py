"""A script's job: what its type and headers are called. The compiler writes them, who does such jobs reads them."""

from __future__ import annotations

from typing import Final

JAVASCRIPT: Final = "procession:javascript"
"""The type of the jobs that are scripts."""
HEAVY: Final = "procession:javascript:deno"
"""The type of those that ask for Deno."""
SOURCE: Final = "script"
"""The header of the text, as its author wrote it."""
FORMAT: Final = "format"
"""The header that says `javascript` or `typescript`."""
TARGET: Final = "target"
"""The header of the variable that takes the whole result; absent, the result's entries are variables."""
MODULES: Final = "modules"
"""The header of what the script imports: a JSON object of sources by the name that is required."""

FORMATS: Final[dict[str, str]] = {
    "javascript": "javascript",
    "js": "javascript",
    "ecmascript": "javascript",
    "application/javascript": "javascript",
    "application/ecmascript": "javascript",
    "application/x-javascript": "javascript",
    "text/javascript": "javascript",
    "text/ecmascript": "javascript",
    "typescript": "typescript",
    "ts": "typescript",
    "application/typescript": "typescript",
    "text/typescript": "typescript",
}
"""What a `scriptFormat` can say, in lower case, and the language that it means."""
ENGINES: Final[dict[str, str]] = {"": JAVASCRIPT, "quickjs": JAVASCRIPT, "deno": HEAVY}
"""What `procession:engine` can say, and the type of the job."""
