"""What an answer of a realm means to a caller: an output, or one of the two errors."""

from __future__ import annotations

import msgspec

from procession.base.decoding import known
from procession.base.values import Json
from procession.scripts import wire
from procession.scripts.ports import Limits, Line, Output, ScriptFailed, ScriptThrew

_SAID = msgspec.json.Decoder(known(tuple[Line, ...]))
_ERROR = msgspec.json.Decoder(known(tuple[str, str, str]))
_PROCESS_ERROR = msgspec.json.Decoder(known(tuple[str, str, dict[str, Json] | None]))


def outcome(status: int, cpu_us: int, value: bytes, heard: bytes, limits: Limits) -> Output:
    """What a call gave. Raises `ScriptFailed` and `ScriptThrew`. Nothing that comes out of a cage is believed."""
    try:
        said = _SAID.decode(heard) if heard else ()
        if status == wire.DONE:
            if len(value) > 4 * limits.output:
                raise _failure(wire.TOO_MUCH, value, limits, said, cpu_us)
            return Output(value, said, cpu_us)
        if status == wire.PROCESS_ERROR:
            code, message, variables = _PROCESS_ERROR.decode(value)
            raise ScriptThrew(code, message, variables or {}, said)
        raise _failure(status, value, limits, said, cpu_us)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ScriptFailed("died", "the process of the script answered nonsense") from error


def _failure(status: int, value: bytes, limits: Limits, said: tuple[Line, ...], cpu_us: int) -> ScriptFailed:
    if status == wire.THROWN:
        name, message, stack = _ERROR.decode(value) if value.startswith(b"[") else ("", _first(value), value.decode())
        return ScriptFailed("thrown", message, name=name, stack=stack, said=said, cpu_us=cpu_us)
    if status == wire.SYNTAX:
        return ScriptFailed("syntax", _first(value), name="SyntaxError", stack=value.decode(), cpu_us=cpu_us)
    if status == wire.TIME:
        return ScriptFailed("time", f"it computes for more than {limits.seconds:g} s", said=said, cpu_us=cpu_us)
    if status == wire.MEMORY:
        text = f"it takes more than {limits.memory} bytes of memory, or throws null"
        return ScriptFailed("memory", text, said=said, cpu_us=cpu_us)
    if status == wire.TOO_MUCH:
        text = f"it gives more than {limits.output} characters of JSON"
        return ScriptFailed("output", text, said=said, cpu_us=cpu_us)
    text = "it gives a promise that nothing settles"
    return ScriptFailed("pending", text, said=said, cpu_us=cpu_us)


def _first(value: bytes) -> str:
    return value.decode("utf-8", "replace").partition("\n")[0]
