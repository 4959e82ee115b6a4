"""The extensions of BPMN that are read, from the tables of the dialect."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Final

from tools.reference.text import code, line, table

from procession.compile.check.extensions import FIELDS
from procession.model import extension as model
from procession.parse.dialects import zeebe

PREFIXES: Final = {zeebe.ZEEBE: "zeebe", zeebe.PROCESSION: "procession"}


def page() -> str:
    """The whole page."""
    return "\n\n".join(
        (
            f"Procession reads `zeebe` (`{zeebe.ZEEBE}`), as modelers write it, and a few words of its own,"
            f" `procession` (`{zeebe.PROCESSION}`). Values take FEEL after a leading `=`. What is misspelt, or stands"
            " where it means nothing, is reported by the rule `extension-attribute`; extensions of other engines by"
            " `foreign-extension`.",
            "## In `extensionElements`",
            table(("element", "attributes", "on", ""), sorted(_rows())),
            "## Attributes of standard elements",
            table(
                ("attribute", "on"),
                [(code(f"procession:{name.split()[-1]}"), code(tag)) for name, tag in zeebe.ATTRIBUTES.items()],
            ),
        )
    )


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for (namespace, tag), (field, struct, names) in zeebe.STRUCTS.items():
        yield _row(namespace, tag, field, names, struct)
    for (namespace, tag), (field, name) in zeebe.VALUES.items():
        yield _row(namespace, tag, field, (name,), None)
    for (namespace, holder), inner in zeebe.LISTS.items():
        for tag, (field, struct, names) in inner.items():
            yield _row(namespace, f"{holder}/{tag}", field, names, struct)
    for (namespace, holder), (field, tag) in zeebe.LISTENERS.items():
        yield _row(namespace, f"{holder}/{tag}", field, zeebe.LISTENER_FIELDS, model.Listener)
    called = (*zeebe.CALLED_FIELDS, *sorted(zeebe.CALLED_FLAGS))
    yield _row(zeebe.ZEEBE, "calledElement", "called_element", called, model.CalledElement)
    yield _row(zeebe.ZEEBE, "userTask", "user_task", (), None)


def _row(namespace: str, tag: str, field: str, names: object, struct: object) -> tuple[str, str, str, str]:
    assert isinstance(names, dict | tuple)
    kinds = FIELDS.get(field)
    places = "" if not kinds else ", ".join(code(each) for each in sorted(kinds))
    doc = line(inspect.getdoc(struct)) if struct is not None else ""
    return code(f"{PREFIXES[namespace]}:{tag}"), ", ".join(code(each) for each in names), places, doc
