"""The process in the jail: `python -m procession.services.papers.child ORDER MEMORY SECONDS`, the order on stdin.

It limits itself first, and loads what it needs then. Its answer is a sign and the bytes, or the reason.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from importlib import import_module
from typing import Final

import msgspec

from procession.base.decoding import known
from procession.services.papers.orders import ORDERS, Refused

FILE_BYTES_MAX: Final = 32 << 20
"""Of a file that a library writes beside: caches of fonts."""


def main() -> None:
    """Carries out one order."""
    name, memory, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    _limit(memory, seconds)
    answer = os.fdopen(os.dup(1), "wb")
    # What a library prints must not stand in the answer.
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    try:
        said = b"+" + carried_out(name, sys.stdin.buffer.read())
    except Refused as error:
        said = b"-" + str(error).encode()
    except (MemoryError, RecursionError):
        said = b"!"
    answer.write(said)
    answer.flush()
    os._exit(0)


def carried_out(name: str, request: bytes) -> bytes:
    """What comes of an order, in this process."""
    kind, module = ORDERS[name]
    order = msgspec.msgpack.decode(request, type=known(kind))
    try:
        made = getattr(import_module(module), name)(order)
    except ImportError as error:
        raise Refused(f"papers need more libraries ({error.name}): pip install 'procession[player]'") from None
    except (Refused, MemoryError, RecursionError):
        raise
    except Exception as error:  # libraries fail in ways of their own on what is damaged
        raise Refused(f"it cannot be read: {type(error).__name__}") from error
    return made if isinstance(made, bytes) else msgspec.msgpack.encode(made)


def _limit(memory: int, seconds: float) -> None:
    if sys.platform == "win32":
        return
    import resource

    whole = int(seconds) + 1
    for of, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, whole),
        (resource.RLIMIT_FSIZE, FILE_BYTES_MAX),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(of, (most, most))


if __name__ == "__main__":
    main()
