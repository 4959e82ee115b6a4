"""Bundles of scripts run by the engine of the cage, without the cage: what a body is put into, and where it stands."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any, Final, final

import msgspec

from procession.scripts.library import Bundle
from procession.scripts.prepared import PARAMETERS, Prepared

FIRST_LINE: Final = 100
_DOOR: Final = """(parts, isModule, input) => {
  const loaded = new Map(), factories = new Map();
  for (let at = 0; at + 1 < parts.length; at += 2) factories.set(parts[at], parts[at + 1]);
  const entered = [];
  const require = (name) => {
    if (!loaded.has(name)) {
      if (!factories.has(name)) throw new Error("nothing is called " + name);
      const exports = {};
      loaded.set(name, exports);
      entered.push(name);
      factories.get(name).call(undefined, require, exports, {});
    }
    return loaded.get(name);
  };
  const own = {}, value = parts[parts.length - 1].call(undefined, require, own, {}, JSON.parse(input), {});
  const shown = (value) => JSON.stringify({ value, exports: own, entered });
  if (value instanceof Promise) { value.then((v) => { globalThis.given = shown(v); }); return ""; }
  return shown(value);
}"""


@final
class Stands(msgspec.Struct, frozen=True):
    """Where a source stands in the text that is run."""

    source: str
    first: int
    lines: int


def composed(sources: list[tuple[str, Prepared]]) -> tuple[str, tuple[Stands, ...]]:
    """One text of all factories, the entry's last, and where each body begins."""
    text, places = "\n" * (FIRST_LINE - 1) + "[\n", []
    for at, (name, source) in enumerate(sources):
        if at < len(sources) - 1:
            text += f"{json.dumps(name)}, "
        word = "async function" if source.is_async else "function"
        text += f'({word} ({", ".join(PARAMETERS)}) {{"use strict";\n'
        places.append(Stands(name, text.count("\n") + 1, source.code.count("\n") + 1))
        text += f"{source.code}\n}}),\n"
    return text + "]", tuple(places)


def run(bundle: Bundle, input: Any = None) -> dict[str, Any]:
    """What a bundle gives: its value, its exports, and the modules that were entered. Raises `_quickjs.JSException`."""
    context: Any = import_module("_quickjs").Context()
    text, _ = composed([*((module.specifier, module.prepared) for module in bundle.modules), ("", bundle.entry)])
    given = context.eval(_DOOR)(context.eval(text), bundle.entry.kind == "module", json.dumps(input))
    while not given and context.execute_pending_job():
        given = context.get("given")
    found: dict[str, Any] = json.loads(given)
    return found


def failure(bundle: Bundle, input: Any = None) -> tuple[str, tuple[Stands, ...]]:
    """The engine's text of an error, and where the sources stand in what it saw."""
    engine: Any = import_module("_quickjs")
    _, places = composed(
        [*((module.specifier, module.prepared) for module in bundle.modules), (bundle.entry.name, bundle.entry)]
    )
    try:
        run(bundle, input)
    except engine.JSException as error:
        return str(error), places
    raise AssertionError("nothing was thrown")
