"""YAML to plain values, with the line of every place.

Only what JSON can hold: no tags, no anchors that expand without bound, no dates, and `no` is a word. Numbers keep
their digits (Decimal). PyYAML's C reader is used where it is installed.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, TypeAlias, cast

from procession.base.failure import ProcessionError
from procession.base.values import Json

try:
    import yaml
except ModuleNotFoundError as missing:
    raise ProcessionError("files in YAML need PyYAML: pip install 'procession[cli]'") from missing

Lines: TypeAlias = dict[str, int]
"""The line, from 1, of each place such as `$.steps[2].start`."""

NODES_MAX: Final = 100_000
"""Most values in one file, aliases counted as often as they are used."""

_INT: Final = re.compile(r"[-+]?(0|[1-9]\d*)$")
_FRACTION: Final = re.compile(r"[-+]?(?:(?:0|[1-9]\d*)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?$")
_WORDS: Final[dict[str, Json]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_QUOTED: Final = frozenset("'\"|>")
_LOADER: Final = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def read_yaml(text: str) -> tuple[Json, Lines]:
    """The one document of a text. Raises `ValueError` whose text starts with the line."""
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ValueError(f"{mark.line + 1 if mark else 1}: not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"1: not YAML: {error}") from None
    lines: Lines = {}
    if root is None:
        return None, lines
    return _value(root, "$", lines), lines


def _value(node: yaml.Node, place: str, lines: Lines) -> Json:
    lines[place] = node.start_mark.line + 1
    if len(lines) > NODES_MAX:
        raise ValueError(f"{lines[place]}: more than {NODES_MAX} values")
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        items = cast("list[yaml.Node]", node.value)
        return [_value(item, f"{place}[{index}]", lines) for index, item in enumerate(items)]
    result: dict[str, Json] = {}
    for key, item in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
        name = key.value if isinstance(key, yaml.ScalarNode) else None
        if not isinstance(name, str):
            raise ValueError(f"{key.start_mark.line + 1}: a key must be a word")
        if name in result:
            raise ValueError(f"{key.start_mark.line + 1}: `{name}` is given twice")
        result[name] = _value(item, f"{place}.{name}", lines)
        lines[f"{place}.{name}"] = key.start_mark.line + 1
    return result


def _scalar(node: yaml.ScalarNode) -> Json:
    text = cast("str", node.value)
    if node.style in _QUOTED:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _FRACTION.match(text):
        return Decimal(text)
    return text
