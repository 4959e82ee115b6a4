"""How large a value is, before it is walked."""

from __future__ import annotations

from typing import cast


def weight(value: object, limit: int) -> int:
    """The number of values in a value, counting up to a limit.

    Lists may hold one list many times over, so a small expression can make a value whose text would fill the disk.
    """
    if type(value) is not list and type(value) is not dict:
        return 1
    count = 0
    stack: list[object] = [value]
    while stack:
        item = stack.pop()
        count += 1
        if count > limit:
            return count
        if type(item) is list:
            stack.extend(cast("list[object]", item))
        elif type(item) is dict:
            context = cast("dict[str, object]", item)
            count += sum(map(len, context)) >> 6
            stack.extend(context.values())
        elif isinstance(item, str):
            count += len(item) >> 6
    return count
