"""FEEL in the browser: an expression as a program of JSON, which `clients/player/src/feel` runs with the same verdict.

What is not in the subset is asked from the server; docs/design/0017 tells why it is programs and not JavaScript.
"""

from __future__ import annotations

from procession.feel.javascript.emit import Program, Reason, subset
from procession.feel.javascript.functions import FUNCTIONS

__all__ = ["FUNCTIONS", "Program", "Reason", "subset"]
