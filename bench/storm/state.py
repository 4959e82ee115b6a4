"""What is true of the storm's instances: where they are, what they did, how often the world saw it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from procession.runtime import codec
from procession.runtime.canonical import canonical
from procession.runtime.ports import Store
from procession.runtime.rows import FactRow, InstanceRow
from procession.services.catalog import Catalog
from procession.services.histories import first_hash

PAGE: Final = 5_000
_ENCODE: Final = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


def rows(store: Store) -> Iterator[InstanceRow]:
    """All instances."""
    after = 0
    while found := store.read("instances", (0, after, PAGE), InstanceRow):
        yield from found
        after = found[-1].key


def hosts(store: Store) -> Counter[str]:
    """How many are active on which host; those that have ended are `ended`."""
    return Counter("ended" if row.state else row.host or "here" for row in rows(store))


def processes(store: Store) -> dict[int, str]:
    """The process id of every instance."""
    catalog = Catalog(store)
    return {row.key: catalog.definition(0, row.definition).process_id for row in rows(store)}


def forms(store: Store) -> Iterator[tuple[int, str]]:
    """The canonical form of every instance, without what tells it from others of its process."""
    catalog = Catalog(store)
    programs = partial(catalog.linked, 0)
    for row in rows(store):
        facts = [
            fact for each in store.read("facts", (0, row.key, 0), FactRow) for fact in codec.decode_facts(each.data)
        ]
        form = canonical(programs(first_hash(facts)).program, facts, lambda each: programs(each).program)
        key = getattr(facts[0], "variables", {}).get("k", "")
        yield row.key, _ENCODE(form).decode().replace(f'"{key}"', '"K"')


def effects(file: Path) -> tuple[Counter[int], int]:
    """How many keys the world saw of each instance, and how many lines there were beyond one a key."""
    seen = Counter(file.read_text().splitlines())
    return Counter(int(key.partition(":")[0]) for key in seen), sum(seen.values()) - len(seen)
