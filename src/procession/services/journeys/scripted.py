"""What a form's own script says of its answers: `procession.script` names a module of the tenant's library.

The module's default export is called with the answers and where they were given, when a page is left and when all is
sent. It gives faults, and values for fields of the form. Modules are those that were there when the form was deployed.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeAlias, cast, final

import msgspec

from procession.base import values
from procession.base.decoding import known
from procession.base.failure import BadValue
from procession.base.values import Json
from procession.forms import Fault
from procession.forms.languages import chain, message
from procession.scripts.ports import Call, Code, Line, Output, ScriptFailed, ScriptThrew
from procession.services.deployed import ByHash
from procession.services.modules import library
from procession.services.reading import Reader
from procession.services.scripting import Ready, ScriptReader, entry_of, ready, told_failure

_LOG: Final = logging.getLogger("procession.scripts")
KEPT_MAX: Final = 200
"""Scripts of forms that a process keeps ready."""
FAULTS_MAX: Final = 100
"""Most faults that are taken of one call."""
TEXT_MAX: Final = 1_000
"""Longest message of a fault, in characters."""
RULE: Final = "script"
_Message: TypeAlias = "str | dict[str, str]"


class Runner(Protocol):
    """Who runs a script that is no job."""

    def evaluate(self, code: Code, input: bytes, call: Call) -> Output:
        """See `scripts.ports.Runtime.evaluate`. Raises `ScriptFailed`, `ScriptThrew`."""
        ...


@final
class FormScript(msgspec.Struct, frozen=True, gc=False):
    """The script of a form, ready to be run, and whose it is."""

    ready: Ready
    tenant: str
    form: str
    name: str


@final
class Said(msgspec.Struct, frozen=True):
    """What a script says: faults, and values by path."""

    faults: tuple[Fault, ...] = ()
    values: Mapping[str, Json] = {}


@final
class At(msgspec.Struct, frozen=True, gc=False):
    """Where answers were given: `page` is "" when all is sent. `now` is Unix ms; `seed` is of the task."""

    page: str
    language: str
    now: int
    seed: str


class _Fault(msgspec.Struct):
    message: _Message
    path: str = ""


class _Answer(msgspec.Struct):
    faults: list[_Fault] = []
    values: dict[str, Any] = {}


NOTHING: Final = Said()
_READY: Final[ByHash[Ready]] = ByHash(KEPT_MAX)


def script_of(reader: Reader, tenant: str, form: str, name: str, deployment: int) -> FormScript:
    """The script that a form names, as it was at a deployment. Raises `BadValue` for one that cannot be run."""
    number = reader.views.tenant(tenant)

    def made() -> Ready:
        entry = entry_of(name)
        script = ScriptReader({}, library(reader.store, number, deployment)).read(entry, "javascript", name)
        if script.problems:
            raise ScriptFailed("syntax", script.problems[0].message)
        # Not the module's own name: places of errors are told by it.
        return ready(entry, "javascript", script.modules, f"form {form}")

    try:
        return FormScript(_READY.get(f"{number}/{deployment}/{name}", made), tenant, form, name)
    except ScriptFailed as failure:
        raise BadValue(f"the script of the form cannot be run: {failure.message}") from None


def asked(runner: Runner, script: FormScript, answers: Mapping[str, Json], at: At) -> Said:
    """What the script says. One that fails refuses the answers, which stay in the draft: nothing goes on unchecked."""
    context = {"tenant": script.tenant, "form": script.form, "page": at.page, "language": at.language, "now": at.now}
    seed = int.from_bytes(hashlib.sha256(f"{script.form}\0{at.seed}".encode()).digest()[:8], "little")
    call = Call(script.tenant, at.now, seed, msgspec.json.encode(context))
    try:
        output = runner.evaluate(script.ready.code, values.encode(cast("Json", dict(answers))), call)
        _tell(script, output.said)
        return _read(output, at.language)
    except ScriptThrew as threw:
        _tell(script, threw.said)
        return Said((Fault("", RULE, threw.message[:TEXT_MAX]),))
    except ScriptFailed as failure:
        _tell(script, failure.said)
        why = told_failure(failure, script.ready)
    except BadValue as bad:
        why = str(bad)
    _LOG.error("the script %s of form %s failed: %s", script.name, script.form, values.told(why), extra=_where(script))
    return Said((Fault("", "script-failed", message("script-failed", at.language, {})),))


def _read(output: Output, language: str) -> Said:
    """Raises `BadValue` for what is no answer."""
    result = values.decode(output.value) if output.value else None
    given = {"faults": result} if isinstance(result, list) else result
    try:
        answer = msgspec.convert(given or {}, known(_Answer))
    except msgspec.ValidationError as error:
        raise BadValue(f"it gives no list of faults and no object of `faults` and `values`: {error}") from None
    faults = [Fault(each.path, RULE, _text(each.message, language)[:TEXT_MAX]) for each in answer.faults[:FAULTS_MAX]]
    return Said(tuple(faults), values.checked_all(answer.values))


def _text(given: _Message, language: str) -> str:
    if isinstance(given, str):
        return given
    found = (given[each] for each in chain(language, "en") if each in given)
    return next(found, "") or next(iter(given.values()), "")


def _where(script: FormScript) -> dict[str, object]:
    return {"tenant": script.tenant, "form": script.form}


def _tell(script: FormScript, said: tuple[Line, ...]) -> None:
    for line in said:
        _LOG.info("script %s of form %s: %s", script.name, script.form, values.told(line.text), extra=_where(script))
