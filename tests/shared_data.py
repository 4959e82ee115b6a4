"""Where the shared data lies: conformance suites and models of other people, not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

_BESIDE: Final = Path(__file__).resolve().parents[2] / "shared"


def shared_data(*parts: str) -> Path:
    """The folder or file `parts` of the shared data: $PROCESSION_SHARED, else `../shared` beside the clone.

    Skips the test (at import: the module) where it is absent, in continuous integration too: a fresh clone
    has no such data.
    """
    path = shared_folder(*parts)
    if path is None:
        pytest.skip(f"no shared data at {_root().joinpath(*parts)}; set PROCESSION_SHARED", allow_module_level=True)
    return path


def shared_folder(*parts: str) -> Path | None:
    """The same, or None where it is absent."""
    path = _root().joinpath(*parts)
    return path if path.exists() else None


def _root() -> Path:
    return Path(os.environ.get("PROCESSION_SHARED") or _BESIDE)
