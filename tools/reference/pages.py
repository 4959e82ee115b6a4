"""The pages by file name, and the index of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tools.reference import (
    api,
    commands,
    dialects,
    elements,
    extensions,
    facts,
    forms,
    functions,
    imports,
    incidents,
    libraries,
    limits,
    permissions,
    pictures,
    problems,
    rules,
    scenarios,
    settings,
    standard,
)
from tools.reference.text import table

from procession.web.app import described

PAGES: Final[dict[str, tuple[str, Callable[[], str], str]]] = {
    "python.md": ("Python API", api.page, "Engine, AsyncEngine, Instance, Job, views, errors, the test kit"),
    "cli.md": ("Commands", commands.page, "every command with its arguments and options"),
    "settings.md": (
        "Settings of the server",
        settings.page,
        "every setting, its variable, what it takes, its default",
    ),
    "scenarios.md": ("Scenario files", scenarios.page, "every key of a scenario file"),
    "elements.md": ("BPMN elements", elements.page, "what is executed, and what is refused"),
    "extensions.md": ("Extensions", extensions.page, "the `zeebe` and `procession` words that are read"),
    "import.md": ("Import", imports.page, "what becomes of the models of other platforms, attribute by attribute"),
    "libraries.md": ("FEEL and DMN as libraries", libraries.page, "`procession.feel`, `procession.dmn`: every name"),
    "feel.md": ("FEEL functions", functions.page, "the built-in functions with their parameters"),
    "forms.md": ("Components of forms", forms.page, "every component and property, the extensions, the messages"),
    "facts.md": ("Facts", facts.page, "what the history of an instance consists of"),
    "incidents.md": ("Incident codes", incidents.page, "what stops an instance"),
    "rules.md": ("Rules", rules.page, "every rule that a diagnostic can name, with what it says and the remedy"),
    "standard.md": (
        "Rules of the standard",
        standard.page,
        "every constraint of BPMN 2.0.2 that `check --standard` applies",
    ),
    "permissions.md": ("Permissions and roles", permissions.page, "who may do what on a server"),
    "problems.md": ("Problems", problems.page, "every error that the REST API answers"),
    "limits.md": ("Limits", limits.page, "what is bounded, and by how much"),
}
"""File name to title, maker and what it holds."""

_NOTE: Final = "Made from the code by `make reference`; do not edit it here."


def pages() -> dict[str, str]:
    """Every page's text, by file name."""
    found = {name: f"# {title}\n\n{_NOTE}\n\n{make().strip()}\n" for name, (title, make, _) in PAGES.items()}
    rows = [(f"[{title}]({name})", what) for name, (title, _, what) in PAGES.items()]
    found["index.md"] = f"# Reference\n\n{_NOTE}\n\n{table(('page', 'holds'), rows)}\n"
    return found


def files() -> dict[str, str]:
    """Everything that is made from the code, by its path under docs/."""
    made = {f"reference/{name}": text for name, text in pages().items()}
    made["feel-dialects.md"] = f"# FEEL dialects\n\n{_NOTE}\n\n{dialects.page()}\n"
    made["reference/openapi.json"] = described().decode()
    return made | {f"images/{name}": text for name, text in pictures.pictures().items()}
