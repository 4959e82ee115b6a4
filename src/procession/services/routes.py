"""Routes: on which host an instance starts. Rules that are read from a file, kept as a record, and asked at each start.

A rule speaks of what starts from now on: what already runs stays where it is, which its row says. The share of a rule
is drawn from a stable hash, so whoever is in one of 1 % is in one of 10 %, and a start that is tried again goes the
same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Final, final
from zlib import crc32

import msgspec

from procession.base.decoding import known
from procession.base.failure import BadValue
from procession.base.values import Json

KIND: Final = "routes"
"""The kind of the record that they are, and its id. It belongs to the platform."""
HERE: Final = "here"
"""The host whose store it is: an engine, or Celery's workers."""
RULES_MAX: Final = 1_000
LISTED_MAX: Final = 10_000
"""Names in one list of a rule."""
_PARTS: Final = 10_000
_SEPARATOR: Final = ":"
"""Between a tenant and its environment."""

Names = Annotated[tuple[str, ...], msgspec.Meta(max_length=LISTED_MAX)]
Reaches = Callable[[str, str], str]
"""(host, tenant) -> why instances of the tenant cannot be there; "" if they can."""


@final
class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Starts of some `tenants`, `processes`, `versions` (from, to; 0: any) and `environments` go to a host; an empty
    list means all. Of those it takes a share of `percent`, drawn with `salt`; the rest goes on to the next rule."""

    name: str
    to: str
    tenants: Names = ()
    processes: Names = ()
    versions: tuple[int, int] = (0, 0)
    environments: Names = ()
    percent: Annotated[float, msgspec.Meta(ge=0, le=100)] = 100.0
    salt: str = ""


@final
class Routes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All rules, of which the first that speaks of a start decides; where none does, `default`."""

    rules: Annotated[tuple[Rule, ...], msgspec.Meta(max_length=RULES_MAX)] = ()
    default: str = HERE


@final
class Decision(msgspec.Struct, frozen=True):
    """Where a start goes, and the rule that says so; "" for the default."""

    host: str
    rule: str = ""


@final
class Compiled:
    """Routes as they are asked, in some µs."""

    __slots__ = ("_default", "_known", "_rules")

    def __init__(self, routes: Routes) -> None:
        self._rules = tuple(_Compiled(rule) for rule in routes.rules)
        self._default = Decision(routes.default)
        self._known: dict[tuple[str, str, int], tuple[_Compiled, ...]] = {}

    def decide(self, tenant: str, process: str, version: int, key: str) -> Decision:
        """Where a start goes. `key` names it for the share: its business key, else that of its instance."""
        place = (tenant, process, version)
        found = self._known.get(place)
        if found is None:
            if len(self._known) > LISTED_MAX:
                self._known.clear()
            found = self._known[place] = tuple(rule for rule in self._rules if rule.of(*place))
        for rule in found:
            if rule.part >= _PARTS or share(rule.salt, tenant, key) < rule.part:
                return rule.decision
        return self._default


@final
class _Compiled:
    __slots__ = ("_environments", "_first", "_last", "_processes", "_tenants", "decision", "part", "salt")

    def __init__(self, rule: Rule) -> None:
        self.decision = Decision(rule.to, rule.name)
        self.part = round(rule.percent * _PARTS / 100)
        self.salt = rule.salt or rule.name
        self._tenants = frozenset(rule.tenants)
        self._processes = frozenset(rule.processes)
        self._environments = frozenset(rule.environments)
        self._first, self._last = rule.versions

    def of(self, tenant: str, process: str, version: int) -> bool:
        """Whether the rule speaks of these starts."""
        parent, _, environment = tenant.partition(_SEPARATOR)
        if self._tenants and tenant not in self._tenants and parent not in self._tenants:
            return False
        if self._environments and (environment or PRODUCTION) not in self._environments:
            return False
        if self._processes and process not in self._processes:
            return False
        return self._first <= version and (not self._last or version <= self._last)


def speaks(rule: Rule) -> Callable[[str, str, int], bool]:
    """Whether a rule speaks of starts of a (tenant, process, version), of all of them or of a share."""
    return _Compiled(rule).of


PRODUCTION: Final = "prod"
"""The environment of a tenant that names none."""


def share(salt: str, tenant: str, key: str) -> int:
    """Where a start lies among ten thousand parts; the same on every machine."""
    return crc32(f"{salt}\0{tenant}\0{key}".encode("utf-8", "surrogatepass")) % _PARTS


def read_routes(given: Json) -> Routes:
    """Routes from a document. Raises `BadValue` with the place of what is wrong."""
    try:
        routes = msgspec.convert(given, known(Routes), strict=True)
    except msgspec.ValidationError as error:
        raise BadValue(f"these are no routes: {error}") from None
    seen: set[str] = set()
    for n, rule in enumerate(routes.rules, 1):
        first, last = rule.versions
        if not rule.name or rule.name in seen:
            raise BadValue(f"rule {n} needs a name of its own, not {rule.name!r:.80}")
        if first < 0 or (last and last < first):
            raise BadValue(f"rule {rule.name!r:.80}: versions {first} to {last} are none")
        seen.add(rule.name)
    return routes


def document(routes: Routes) -> Json:
    """Routes as they are kept."""
    found: Json = msgspec.to_builtins(routes)
    return found


def stranded(routes: Routes, tenants: Iterable[str], reaches: Reaches) -> list[str]:
    """Why starts of tenants would go where nobody runs them, a sentence each; none: an empty list."""
    found: list[str] = []
    hosts = sorted({*(rule.to for rule in routes.rules), routes.default} - {HERE})
    for tenant in tenants:
        for host in hosts:
            said = _leads(routes, tenant, host)
            why = reaches(host, tenant) if said else ""
            if why:
                found.append(f"{said} sends starts of {tenant!r:.80} to {host!r:.80}, where they would wait: {why}")
    return found


def _leads(routes: Routes, tenant: str, host: str) -> str:
    """What first sends any start of a tenant to a host; "" if nothing does."""
    for rule in routes.rules:
        compiled = _Compiled(msgspec.structs.replace(rule, processes=(), versions=(0, 0)))
        if not compiled.of(tenant, "", 0) or not compiled.part:
            continue
        if rule.to == host:
            return f"rule {rule.name!r:.80}"
        if compiled.part >= _PARTS and not rule.processes and rule.versions == (0, 0):
            return ""
    return "the default" if routes.default == host else ""
