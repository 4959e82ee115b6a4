"""The contract of what runs scripts: text of JSON in, text of JSON out, within limits; how a call can end otherwise."""

from __future__ import annotations

from typing import Final, Literal, Protocol, TypeAlias, final

import msgspec

from procession.base.failure import ProcessionError
from procession.base.values import Json

Reason: TypeAlias = Literal["thrown", "time", "memory", "output", "syntax", "pending", "died", "unavailable"]
"""Why a call gave nothing: the script threw; a limit; it is no JavaScript; a promise that nothing settles; its process
ended by itself; there is no process to run it in."""

LIMITS_HIT: Final[frozenset[Reason]] = frozenset({"time", "memory", "output"})


@final
class Limits(msgspec.Struct, frozen=True, gc=False):
    """What one call may take. The processor's time is what the script computes; the wall's time also passes while
    others compute, so it is longer. `output` and `console` count characters."""

    seconds: float = 1.0
    wall: float = 5.0
    memory: int = 32 * 1024 * 1024
    output: int = 1024 * 1024
    console: int = 16 * 1024


DEFAULT_LIMITS: Final = Limits()


@final
class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a source stands in the text that is run: its first line there (from 1), and how many lines it has."""

    source: str
    first: int
    lines: int


@final
class Code(msgspec.Struct, frozen=True):
    """A script with all its modules, ready to be run: one text, addressed by its hash (32 bytes)."""

    key: bytes
    text: bytes
    places: tuple[Place, ...]
    is_module: bool = False


@final
class Call(msgspec.Struct, frozen=True, gc=False):
    """What a call is given beside its input. `group` shares processes with no other group; `at` (Unix ms) is what the
    script's clock shows throughout, `seed` (64 bits) what its chance comes from; `context` is a JSON object."""

    group: str = ""
    at: int = 0
    seed: int = 0
    context: bytes = b"{}"


NO_CALL: Final = Call()


@final
class Line(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a script said: `debug`, `log`, `info`, `warn` or `error`, and the text."""

    level: str
    text: str


@final
class Output(msgspec.Struct, frozen=True):
    """What a call gave: JSON, empty for undefined; what it said; the processor's time it took (µs)."""

    value: bytes
    said: tuple[Line, ...] = ()
    cpu_us: int = 0


class ScriptFailed(ProcessionError):
    """A call that gave nothing. `stack` is the engine's text of where, `name` the kind of error that was thrown."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        name: str = "",
        stack: str = "",
        said: tuple[Line, ...] = (),
        cpu_us: int = 0,
    ) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message
        self.name = name
        self.stack = stack
        self.said = said
        self.cpu_us = cpu_us


class ScriptThrew(ProcessionError):
    """A script threw `BpmnError`: an error of the process, to be caught by what the process draws."""

    def __init__(self, code: str, message: str, variables: dict[str, Json], said: tuple[Line, ...] = ()) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message
        self.variables = variables
        self.said = said


class Runtime(Protocol):
    """What runs scripts. Any thread may call it; it returns when the call is over."""

    def evaluate(self, code: Code, input: bytes, limits: Limits = DEFAULT_LIMITS, call: Call = NO_CALL) -> Output:
        """Runs a script on a JSON document. Raises `ScriptFailed` and `ScriptThrew`."""
        ...

    def close(self) -> None:
        """Ends every process. What is under way fails as `died`."""
        ...
