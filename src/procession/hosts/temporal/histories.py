"""Histories that were kept, as files: each with the facts that it made, beside the programs by their hash.

A bundle is JSON, compressed where its name ends in `.zst`. A plain history, as Temporal's command line and its user
interface save it, is read too; it has no facts beside it, and its programs lie in `programs/{hash}`. What must not
live here: replaying.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final, cast, final

import msgspec
from temporalio.client import WorkflowHistory

from procession.base.decoding import known
from procession.base.failure import Unreadable
from procession.core.linked import Linked
from procession.ir.program import foreign, from_bytes, hash_of
from procession.runtime.decisions import decide_by_hash
from procession.runtime.elsewhere import Step
from procession.runtime.link import link

PROGRAMS: Final = "programs"
"""The folder of programs and decisions beside plain histories."""
LEVEL: Final = 19
SUFFIXES: Final = (".json", ".json.zst")


@final
class Kept(msgspec.Struct, frozen=True):
    """One run of one workflow. `facts` are the steps that it made, by instance; None where nobody kept them.

    `whole`: they are all steps of this run and none else, with what they mean; if not, they are what a store has.
    """

    name: str
    workflow: str
    history: msgspec.Raw
    facts: dict[int, list[Step]] | None = None
    whole: bool = True

    def read(self) -> WorkflowHistory:
        """The history as the SDK wants it. Raises `Unreadable` for JSON that is none."""
        try:
            return WorkflowHistory.from_json(self.workflow, bytes(self.history).decode())
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(f"{self.name} is no history of a workflow: {error}") from error


@final
class Bundle(msgspec.Struct, frozen=True):
    """Histories and all the programs and decisions that they need, as base64 of their canonical bytes."""

    programs: dict[str, str]
    histories: list[Kept]


# As the codec of what is stored (runtime.codec): numbers are exact.
_ENCODE: Final = msgspec.json.Encoder(decimal_format="number").encode
_BUNDLE: Final[msgspec.json.Decoder[Bundle]] = msgspec.json.Decoder(known(Bundle), float_hook=Decimal)


@final
class ByHash:
    """Programs, linked once, from whatever gives bytes by their hash. See `workflow.Surroundings.linked`."""

    def __init__(self, find: Callable[[str], bytes]) -> None:
        self._find = find
        self._decide = decide_by_hash(self.data)
        self._known: dict[str, Linked] = {}
        self.asked: dict[str, bytes] = {}
        """What was found so far."""

    def data(self, hash: str) -> bytes:
        """The bytes behind a hash. Raises `Unreadable` for bytes that do not have it."""
        found = self.asked.get(hash)
        if found is None:
            found = self._find(hash)
            if hash_of(found) != hash:
                raise Unreadable(f"what is kept as the program {hash} is not what has this hash")
            self.asked[hash] = found
        return found

    def linked(self, tenant: str, hash: str) -> Linked:
        """The program, ready to run. Raises `Unreadable` for one that is missing or of a newer version."""
        found = self._known.get(hash)
        if found is None:
            try:
                program = from_bytes(self.data(hash))
            except msgspec.DecodeError as error:
                raise Unreadable(f"the program {hash} cannot be read: {error}") from error
            reason = foreign(program)
            if reason:
                raise Unreadable(f"the program {hash} was compiled by a newer version: {reason}")
            found = self._known[hash] = link(program, hash, self._decide)
        return found


def of_bundle(bundle: Bundle) -> Callable[[str], bytes]:
    """Finds the programs of a bundle."""

    def find(hash: str) -> bytes:
        found = bundle.programs.get(hash)
        if found is None:
            raise Unreadable(f"the program {hash} is not kept with the histories")
        return base64.b64decode(found)

    return find


def of_folder(folder: Path) -> Callable[[str], bytes]:
    """Finds the files `programs/{hash}` of a folder."""

    def find(hash: str) -> bytes:
        path = folder / PROGRAMS / hash
        if not (hash.isalnum() and path.is_file()):
            raise Unreadable(f"the program {hash} is missing: no file {path}")
        return path.read_bytes()

    return find


def write(path: Path, programs: dict[str, bytes], histories: list[Kept]) -> None:
    """Writes a bundle."""
    texts = {hash: base64.b64encode(data).decode() for hash, data in sorted(programs.items())}
    data = _ENCODE(Bundle(texts, histories))
    if path.suffix == ".zst":
        import zstandard

        data = zstandard.ZstdCompressor(level=LEVEL).compress(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def has_histories(path: Path) -> bool:
    """Whether there are files of histories in a folder, or whether a file is one, by its name."""
    return bool(_files(path)) if path.is_dir() else path.name.endswith(SUFFIXES)


def _files(folder: Path) -> list[Path]:
    found = sorted(each for each in folder.rglob("*") if each.name.endswith(SUFFIXES) and each.is_file())
    return [each for each in found if PROGRAMS not in each.relative_to(folder).parts[:-1]]


def files(path: Path) -> list[Path]:
    """The files of histories in a folder and below, in order; of a file itself. Raises `Unreadable` for none."""
    found = _files(path) if path.is_dir() else [path] if path.is_file() else []
    if not found:
        raise Unreadable(f"no histories at {path}: files that end in {' or '.join(SUFFIXES)}")
    return found


def read(path: Path) -> tuple[ByHash, Iterator[Kept]]:
    """What a file holds, and the programs for it. Raises `Unreadable` for a file that holds no history."""
    data = path.read_bytes()
    if path.suffix == ".zst":
        import zstandard

        try:
            data = zstandard.ZstdDecompressor().decompress(data)
        except zstandard.ZstdError as error:
            raise Unreadable(f"{path}: {error}") from error
    try:
        found = msgspec.json.decode(data, type=known(dict[str, msgspec.Raw]))
        if "histories" in found:
            bundle = _BUNDLE.decode(data)
            return ByHash(of_bundle(bundle)), iter(bundle.histories)
    except msgspec.MsgspecError as error:
        raise Unreadable(f"{path} is no file of histories: {error}") from error
    if "events" not in found:
        raise Unreadable(f"{path} is no file of histories: it has neither `histories` nor `events`")
    name = path.name.removesuffix(".zst").removesuffix(".json")
    plain = Kept(name, _workflow_of(found["events"], name), msgspec.Raw(data))
    return ByHash(of_folder(path.parent)), iter([plain])


def _workflow_of(events: msgspec.Raw, otherwise: str) -> str:
    """The id of the workflow, which newer servers write into its first event."""
    first = cast("list[dict[str, object]]", msgspec.json.decode(events))[:1]
    for attributes in first[0].values() if first else ():
        if isinstance(attributes, dict) and "workflowId" in attributes:
            return str(cast("dict[str, object]", attributes)["workflowId"])
    return otherwise
