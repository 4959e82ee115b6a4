"""Promotion: what is deployed in one environment is deployed in another one, documents and nothing else.

Settings, connections, secrets and instances stay where they are. What is current in the source is compared with what is
current in the target by the bytes of the documents. A target that has something which the source never had was changed
by somebody else: that is refused, unless it is meant.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, cast, final

import msgspec

from procession.base.decoding import taken
from procession.base.failure import BadValue, Conflict
from procession.base.values import Json
from procession.runtime import codec
from procession.runtime.requests import DeployResources, PutRecord
from procession.runtime.rows import DecisionRow, DefinitionRow, FormRow
from procession.runtime.rows_of_server import ContentRow
from procession.services.backend import Backend, Who
from procession.services.deploy import Deployment
from procession.services.reading import Reader
from procession.services.tenancy.environments import are_related

KIND: Final = "promotion"
"""The kind of the source's record of what was taken from it; the id is the key of the deployment."""

What: TypeAlias = Literal["process", "decision", "form"]
State: TypeAlias = Literal["new", "changed", "same", "unknown"]
"""`unknown`: the target's latest is one that the source never had."""


@final
class Change(msgspec.Struct, frozen=True, gc=False):
    """What a promotion means for one process or decision. Versions are 0 where there is none yet."""

    what: What
    id: str
    state: State
    source_version: int
    target_version: int
    digest: str
    document: str
    """Hash and name of the source's document."""


@final
class Promotion(msgspec.Struct, frozen=True, gc=False):
    """A promotion, done or (`deployments` is empty) only planned. `only_there`: what the target alone has."""

    source: str
    target: str
    changes: tuple[Change, ...]
    only_there: tuple[str, ...]
    deployments: tuple[str, ...] = ()
    """The keys of what was deployed in the target."""


@final
class _Version(msgspec.Struct, frozen=True, gc=False):
    what: What
    id: str
    version: int
    mark: str
    digest: str
    deployment: int


@final
class _Deployed(msgspec.Struct, frozen=True, gc=False):
    """Everything of a tenant: the latest of each, and the marks that there ever were."""

    latest: dict[tuple[What, str], _Version]
    marks: dict[tuple[What, str], set[str]]
    documents: dict[int, list[tuple[str, str, bytes]]]
    """Deployment -> its documents: hash, name, bytes."""


async def promote(
    backend: Backend, source: str, target: str, who: Who, *, dry_run: bool = False, force: bool = False
) -> Promotion:
    """Deploys in `target` what is current in `source`. With `dry_run` it says what that would be.

    Raises `BadValue` for tenants that are not environments of one, `Conflict` for a target that has something newer
    which the source does not know, unless `force` says to go on.
    """
    if source == target or not are_related(source, target):
        raise BadValue(f"{source!r:.80} and {target!r:.80} are not two environments of one tenant")
    there = await backend.read(source, lambda reader: _deployed(reader, source))
    here = await backend.read(target, lambda reader: _deployed(reader, target))
    changes = tuple(_change(there, here, place) for place in sorted(there.latest))
    only_there = tuple(f"{what} {id}" for what, id in sorted(here.latest) if (what, id) not in there.latest)
    plan = Promotion(source, target, changes, only_there)
    if dry_run:
        return plan
    unknown = [f"{each.what} {each.id!r} version {each.target_version}" for each in changes if each.state == "unknown"]
    if unknown and not force:
        raise Conflict(f"{target} has what {source} does not know: {', '.join(unknown)}; look at it, or use force")
    keys: list[str] = []
    for number, documents in enumerate(_to_deploy(there, changes)):
        request = DeployResources(target, documents, f"promoted from {source}")
        found = await backend.ask(request, _under(who, number))
        deployment = taken(found, Deployment)
        keys.append(str(deployment.key))
    done = msgspec.structs.replace(plan, deployments=tuple(keys))
    if keys:
        body = cast("Json", {"to": target, "deployments": keys, "changed": [_told(each) for each in changes]})
        await backend.ask(PutRecord(source, KIND, keys[-1], body), _under(who, len(keys)))
    return done


def _deployed(reader: Reader, tenant: str) -> _Deployed:
    found = _Deployed({}, {}, {})
    number = reader.views.tenant(tenant)
    if number is None:
        return found
    versions: list[_Version] = []
    for row in reader.store.read("definitions", (number,), DefinitionRow):
        versions.append(_Version("process", row.process_id, row.version, row.digest, row.digest, row.deployment))
    for each in reader.store.read("decisions", (number,), DecisionRow):
        # What a decision imports is part of it: the hash is that of all.
        versions.append(_Version("decision", each.decision_id, each.version, each.hash, each.digest, each.deployment))
    for form in reader.store.read("forms", (number,), FormRow):
        versions.append(_Version("form", form.form_id, form.version, form.digest, form.digest, form.deployment))
    for version in sorted(versions, key=lambda one: one.version):
        place = (version.what, version.id)
        found.latest[place] = version
        found.marks.setdefault(place, set()).add(version.mark)
    for deployment in sorted({version.deployment for version in found.latest.values()}):
        resources = reader.store.read("contents", (number, deployment), ContentRow)
        found.documents[deployment] = [(each.digest, each.name, codec.unwrap(each.data)) for each in resources]
    return found


def _change(there: _Deployed, here: _Deployed, place: tuple[What, str]) -> Change:
    source = there.latest[place]
    target = here.latest.get(place)
    state: State = "new"
    if target is not None:
        known = there.marks[place]
        state = "same" if target.mark == source.mark else "changed" if target.mark in known else "unknown"
    names = {digest: name for digest, name, _ in there.documents[source.deployment]}
    version = target.version if target is not None else 0
    return Change(*place, state, source.version, version, source.digest, names.get(source.digest, ""))


def _to_deploy(there: _Deployed, changes: tuple[Change, ...]) -> list[list[tuple[str, bytes]]]:
    """The documents of each deployment of the source that holds something to take over, the oldest first: a document
    may hold an older version of what is current in a later one."""
    wanted = {there.latest[each.what, each.id].deployment for each in changes if each.state != "same"}
    return [[(name, data) for _, name, data in there.documents[deployment]] for deployment in sorted(wanted)]


def _told(change: Change) -> dict[str, object]:
    return {"what": change.what, "id": change.id, "state": change.state, "digest": change.digest}


def _under(who: Who, number: int) -> Who:
    """One key of a caller stands for all that a promotion asks."""
    return msgspec.structs.replace(who, key=f"{who.key}.{number}") if who.key else who
