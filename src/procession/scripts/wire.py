"""Frames between the pool and a cage: a header of fixed size, then texts. Standard library alone: cages load it."""

from __future__ import annotations

import struct
from typing import Final

ASK: Final = struct.Struct("<32sddQIIQIIIB")
"""Key of the code; seconds; time (ms); memory; output and console (characters); seed; bytes of code, context and input;
1 for a module. The bytes of code are 0 where the cage is thought to have it."""
ANSWER: Final = struct.Struct("<BIII")
"""Status, µs of the processor, bytes of the value and of what was said."""
CODE_BYTES: Final = 2 * 1024 * 1024
INPUT_BYTES: Final = 16 * 1024 * 1024

DONE, THROWN, PROCESS_ERROR, TOO_MUCH, PENDING, SYNTAX, TIME, MEMORY, UNKNOWN = range(9)
"""How a call ended; the first five as the prelude counts them. UNKNOWN: the code must be sent along."""
LAST: Final = frozenset({TIME, MEMORY, SYNTAX})
"""What the cage does not go on after, in a context that could be damaged."""
