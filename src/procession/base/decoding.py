"""Types that msgspec decodes by: what it has to know of them is worked out by one thread at a time.

msgspec (0.22) puts its notes on a struct before they are complete, since structs may refer to each other. A thread that
decodes by them meanwhile follows a null pointer, and the process is gone; two workers that begin together were enough.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Final, TypeVar

import msgspec

_T = TypeVar("_T")
_ONE: Final = threading.RLock()
_KNOWN: Final[set[object]] = set()

if hasattr(os, "register_at_fork"):
    # A child of a process of which another thread was in there would wait for it for ever.
    os.register_at_fork(before=_ONE.acquire, after_in_parent=_ONE.release, after_in_child=_ONE.release)


def known(kind: _T) -> _T:
    """The type, of which msgspec knows all now. Every type that is given to msgspec passes here
    (`tests/tidy/test_source.py`). Raises `TypeError` for one that it does not support."""
    try:
        if kind in _KNOWN:
            return kind
    except TypeError:
        pass  # one without a hash is none the less a type
    with _ONE:
        msgspec.json.Decoder(kind)
        with suppress(TypeError):
            _KNOWN.add(kind)
    return kind


def taken(answer: object, kind: type[_T]) -> _T:
    """An answer as this process gave it, or as JSON brought it from another one. Raises `msgspec.ValidationError`."""
    return answer if isinstance(answer, kind) else msgspec.convert(answer, known(kind))
