"""JavaScript of Camunda 7's kind: variables are names of the script, and `execution` reads and sets them.

Here a script is given `input`, and gives an object. What stands before the script's first statement makes the one of
the other, so its own lines keep their numbers. What asks for Java stays a job.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeAlias, final

import msgspec

from procession.base.diagnostics import Refused

NAMES: Final = frozenset(
    {
        "javascript",
        "ecmascript",
        "js",
        "graal.js",
        "text/javascript",
        "application/javascript",
        "http://www.javascript.com/javascript",
    }
)
_GIVEN: Final = frozenset(
    "undefined NaN Infinity Object Array String Number Boolean Symbol BigInt Math JSON Date RegExp Map Set WeakMap"
    " WeakSet Promise Error TypeError RangeError SyntaxError ReferenceError parseInt parseFloat isNaN isFinite"
    " encodeURIComponent decodeURIComponent encodeURI decodeURI console arguments this globalThis Intl".split()
)
"""What a script has without anybody's help."""
_READS: Final = {
    "getVariable": "n=>n in $set?$set[n]:input[n]??null",
    "getVariableLocal": "n=>n in $set?$set[n]:input[n]??null",
    "hasVariable": "n=>n in $set||n in input",
    "getVariables": "()=>({...input,...$set})",
    "getProcessInstanceId": "()=>context.instance",
    "getCurrentActivityId": "()=>context.elementId",
}
_WRITES: Final = {
    "setVariable": "(n,v)=>{$set[n]=v}",
    "setVariableLocal": "(n,v)=>{$set[n]=v}",
    "setVariables": "all=>{Object.assign($set,all)}",
}
_SHIMS: Final = {"print": "(...a)=>console.log(...a)", "println": "(...a)=>console.log(...a)"}
_JAVA: Final = frozenset(
    "Java Packages java javax org com importPackage importClass load S XML JSONObject connector task caseExecution"
    " Spin beans".split()
)
"""What Camunda 7's scripts may reach of Java and of its own beans."""
_REMEDY: Final = "rewrite that part, or do the job in a worker"


class Uses(Protocol):
    """What a script uses: see `scripts.free`, which reads it."""

    @property
    def free(self) -> tuple[str, ...]: ...
    @property
    def members(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def gives(self) -> bool: ...


ReadUses: TypeAlias = Callable[[str], Uses]
"""Reads a script; raises `Refused` for what is none."""


@final
class Translated(msgspec.Struct, frozen=True, gc=False):
    """The script as it runs here, "" where it cannot; and what is said about it."""

    text: str
    note: str


def translated(text: str, result: str, read: ReadUses | None) -> Translated:
    """A script of the other kind as one of ours. With a `result` its value goes to that variable; without one what it
    sets by `execution` leaves it."""
    if read is None:
        return Translated("", "install the extra `js`, which reads JavaScript, and convert again")
    try:
        found = read(text)
    except Refused as refused:
        return Translated("", f"this cannot be read as JavaScript: {refused.diagnostics[0].message}")
    members = [each for each in found.members.get("execution", ()) if each not in {*_READS, *_WRITES}]
    if members:
        what = f"`execution.{members[0]}`" if members[0] else "`execution` as a whole"
        return Translated("", f"{what} is Java's: {_REMEDY}")
    writes = any(each in _WRITES for each in found.members.get("execution", ()))
    if writes and result:
        return Translated("", "it sets variables and has a result, of which it can give one here: set the result, too")
    if result and not found.gives:
        return Translated("", "its value is that of a statement: let it end with an expression, or `return` it")
    taken = [each for each in found.free if each in {"input", "context", "$set"}]
    if taken:
        return Translated("", f"`{taken[0]}` is what a script is given here: rename the variable")
    java = [each for each in found.free if each in _JAVA]
    if java:
        return Translated("", f"`{java[0]}` is Java's: {_REMEDY}")
    before = _before(found.free, "execution" in found.members)
    after = "" if result else "\n;$set" if writes else "\n;undefined"
    note = "variables are JSON here: dates are texts, and nothing is an object of Java"
    return Translated(f"{before}{text}{after}", note)


def _before(free: tuple[str, ...], execution: bool) -> str:
    parts: list[str] = []
    if execution:
        members = ",".join(f"{name}:{body}" for name, body in {**_READS, **_WRITES}.items())
        parts.append(f"const $set={{}},execution={{{members}}};")
    names = [each for each in free if each not in _GIVEN and each not in _SHIMS and each != "execution"]
    shims = [each for each in free if each in _SHIMS]
    given = [f"{each}=input[{json.dumps(each)}]" for each in names] + [f"{each}={_SHIMS[each]}" for each in shims]
    if given:
        # They may be assigned, which changes no variable of the process, as there.
        parts.append(f"let {','.join(given)};")
    return "".join(parts) + (" " if parts else "")
