"""What a cell's file expects of the server's dynamic config, which no API sets, as a part of that file. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from procession.hosts.temporal.cells.cell import Cell, Scalar


def dynamic_config(cell: Cell) -> str:
    """The expectations as YAML for the server's dynamic config file; what is of one namespace is limited to it."""
    lines = [f"# for the dynamic config file of the servers of cell {cell.cell}"]
    keys = [*cell.dynamic_config, *(key for each in cell.namespaces.values() for key in each.dynamic_config)]
    for key in dict.fromkeys(keys):
        lines.append(f"{key}:")
        for value, namespace in _values(cell, key):
            # JSON is YAML, and leaves no text to be taken for a number.
            lines.append(f"- value: {msgspec.json.encode(value).decode()}")
            if namespace:
                lines.append(f"  constraints: {{namespace: {msgspec.json.encode(namespace).decode()}}}")
    return "\n".join(lines) + "\n"


def _values(cell: Cell, key: str) -> Iterator[tuple[Scalar, str]]:
    """(value, the namespace it is for, or "" for all)."""
    for name, namespace in cell.namespaces.items():
        if key in namespace.dynamic_config:
            yield namespace.dynamic_config[key], name
    if key in cell.dynamic_config:
        yield cell.dynamic_config[key], ""
