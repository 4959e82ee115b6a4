"""Reading settings: the environment over a TOML file over the defaults, and every problem of theirs at once.

Secrets come from the environment, or from the file that `<name>_file` names. What must not live here: what settings
there are (settings.py).
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, cast, final, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from procession.base.decoding import known
from procession.web.settings import SECRET, Part, Settings
from procession.web.telemetry.redaction import Redactor
from procession.web.webhooks import signing

PREFIX: Final = "PROCESSION_"
NESTS: Final = "__"
FILE: Final = "_file"
MASK: Final = "********"
DEFAULT: Final = "default"
ENVIRONMENT: Final = "environment"
OPTIONS: Final = "command line"
OTHERS: Final = frozenset({"PROCESSION_DB", "PROCESSION_CONFIG"})
"""Variables of ours that are no settings."""

Tree: TypeAlias = dict[str, Any]


@final
class SettingProblem(msgspec.Struct, frozen=True):
    """`key` as `server.port`, where it stands, what is wrong with it and what to do."""

    key: str
    source: str
    text: str
    remedy: str

    def __str__(self) -> str:
        where = f" ({self.source})" if self.source else ""
        return f"{self.key}{where}: {self.text}; {self.remedy}"


@final
class Read(msgspec.Struct, frozen=True):
    """What was read. With problems the settings are those that could be understood, and not to be used."""

    settings: Settings
    sources: dict[str, str]
    """Key to where it comes from; what is not there is the default."""
    problems: list[SettingProblem]


def read_settings(
    file: Path | None, environment: Mapping[str, str], options: Mapping[str, object] | None = None
) -> Read:
    """The settings of a file, if any, of the variables `PROCESSION_…`, and of `options` by key, the last first.

    It raises nothing: see `Read.problems`."""
    reader = _Reader()
    values: Tree = {}
    if file is not None:
        reader.take(_toml(file, reader.problems), Settings, values, source=str(file))
    reader.take(_nested(environment, reader), Settings, values, source=ENVIRONMENT)
    reader.take(_tree(options or {}), Settings, values, source=OPTIONS)
    try:
        settings = msgspec.convert(values, known(Settings))
    except msgspec.ValidationError:  # told already, with the key
        settings = Settings()
    if not reader.problems:
        reader.problems += _together(settings)
    return Read(settings, reader.sources, reader.problems)


def shown(read: Read) -> Iterator[tuple[str, object, str]]:
    """(key, value, where it comes from) of every setting, secrets masked."""
    # A URL may hold a password, where nobody should have written it.
    redactor = Redactor()
    for key, value, secret in _leaves(read.settings, ""):
        told = MASK if secret and value else redactor.value(msgspec.to_builtins(value))
        yield key, told, read.sources.get(key, DEFAULT)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def variable(key: str) -> str:
    """The environment's name of a key."""
    return PREFIX + key.upper().replace(".", NESTS)


@final
class _Reader:
    """Puts what is right of a tree into the values, and remembers what is wrong."""

    def __init__(self) -> None:
        self.problems: list[SettingProblem] = []
        self.sources: dict[str, str] = {}

    def wrong(self, key: str, source: str, text: str, remedy: str) -> None:
        self.problems.append(SettingProblem(key, source, text, remedy))

    def take(self, tree: Tree, part: type[Part], values: Tree, *, source: str, path: str = "") -> None:
        types = types_of(part)
        for name, value in tree.items():
            key = f"{path}{name}"
            place = variable(key) if source == ENVIRONMENT else source
            if name in types:
                self._take_one(key, types[name], value, values, source=source, place=place)
            elif name.endswith(FILE) and is_secret(types.get(name.removesuffix(FILE))):
                self._take_file(key, value, values, place)
            else:
                meant = _nearest(name, [*types, *(f"{each}{FILE}" for each in types if is_secret(types[each]))])
                self.wrong(key, place, "there is no such setting", meant or f"one of: {', '.join(types)}")

    def _take_one(self, key: str, type_: Any, value: Any, values: Tree, *, source: str, place: str) -> None:
        name = key.rpartition(".")[2]
        inner_type = part_of(type_)
        if inner_type is not None:
            self._take_named(key, inner_type, value, values.setdefault(name, {}), source=source, place=place)
            return
        if is_part(type_):
            if isinstance(value, dict):
                inner = values.setdefault(name, {})
                self.take(cast("Tree", value), type_, inner, source=source, path=f"{key}.")
            else:
                keys = ", ".join(f"{key}.{each}" for each in types_of(type_))
                self.wrong(key, place, "it is a group of settings, and no value", f"set one of: {keys}")
            return
        if is_secret(type_) and source not in {ENVIRONMENT, OPTIONS}:
            remedy = f"set {variable(key)}, or name a file of its own: {key}{FILE}"
            self.wrong(key, place, "a secret does not stand in the settings' file", remedy)
            return
        try:
            values[name] = _converted(value, type_, strict=source != ENVIRONMENT)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            # The text of msgspec names types and bounds, never the value.
            self.wrong(key, place, str(error), f"it takes {kind_of(type_)}")
            return
        self.sources[key] = place

    def _take_named(self, key: str, type_: type[Part], value: Any, values: Tree, *, source: str, place: str) -> None:
        """Groups that have names of their own: `tenants.acme.store`."""
        groups = cast("Tree", value) if isinstance(value, dict) else {"": value}
        for name, group in groups.items():
            if isinstance(group, dict):
                inner = values.setdefault(name, {})
                self.take(cast("Tree", group), type_, inner, source=source, path=f"{key}.{name}.")
            else:
                self.wrong(key, place, "it holds groups of settings, each with a name", f"write [{key}.<name>]")

    def _take_file(self, key: str, value: Any, values: Tree, place: str) -> None:
        secret = key.removesuffix(FILE)
        try:
            text = Path(str(value)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.wrong(key, place, f"{value}: {_reason(error)}", "name a file that this process may read")
            return
        if not text:
            self.wrong(key, place, f"{value} is empty", "write the secret into it")
            return
        values[secret.rpartition(".")[2]] = text
        self.sources[secret] = f"{place}, {value}"


def _converted(value: Any, type_: Any, *, strict: bool) -> object:
    if isinstance(value, str) and not strict and get_origin(type_) is tuple:
        if not value.lstrip().startswith("["):
            value = [part.strip() for part in value.split(",") if part.strip()]
            return msgspec.convert(value, known(type_))
        return msgspec.json.decode(value, type=known(type_))
    return msgspec.convert(value, known(type_), strict=strict)


def _toml(file: Path, problems: list[SettingProblem]) -> Tree:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(SettingProblem(str(file), "", _reason(error), "name a file that this process may read"))
    except tomllib.TOMLDecodeError as error:
        problems.append(SettingProblem(str(file), "", f"no TOML: {error}", "see https://toml.io"))
    return {}


def _nested(environment: Mapping[str, str], reader: _Reader) -> Tree:
    """The variables as a tree: `PROCESSION_SERVER__PORT` is `server.port`."""
    tree: Tree = {}
    groups = types_of(Settings)
    for name, value in environment.items():
        if not name.startswith(PREFIX) or name in OTHERS:
            continue
        path = name.removeprefix(PREFIX).lower().split(NESTS)
        if len(path) == 1 and path[0] not in groups:
            # Other programs have variables of this prefix; what looks like one of ours is told.
            head = path[0].partition("_")[0]
            if head in groups:
                meant = variable(f"{head}.{path[0].partition('_')[2]}")
                reader.wrong(path[0], name, "two underscores stand between a group and its setting", f"write {meant}")
            continue
        place = tree
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
    return tree


def _tree(options: Mapping[str, object]) -> Tree:
    tree: Tree = {}
    for key, value in options.items():
        group, _, name = key.partition(".")
        tree.setdefault(group, {})[name] = value
    return tree


def _together(settings: Settings) -> Iterator[SettingProblem]:
    """What is wrong with settings that are right, each by itself."""
    server, identity, store = settings.server, settings.identity, settings.store
    for where, host in (("server.host", server.host), ("gateway.host", settings.gateway.host)):
        if identity.open and not is_loopback(host):
            yield SettingProblem(
                where, "", f"{host} is reached from the network, and identity.open lets everybody in",
                "leave identity.open off, or listen at 127.0.0.1",
            )  # fmt: skip
    for group, certificate, key in (
        ("server", server.tls_certificate_file, server.tls_key_file),
        ("gateway", settings.gateway.tls_certificate_file, settings.gateway.tls_key_file),
    ):
        if bool(certificate) != bool(key):
            missing = "tls_key_file" if certificate else "tls_certificate_file"
            yield SettingProblem(f"{group}.{missing}", "", "TLS needs a certificate and its key", "set both, or none")
        for name, file in (("tls_certificate_file", certificate), ("tls_key_file", key)):
            if file and not Path(file).is_file():
                yield SettingProblem(f"{group}.{name}", "", f"no file {file}", "name a file that this process may read")
    try:
        ZoneInfo(store.zone)
    except (KeyError, ValueError, OSError):
        yield SettingProblem("store.zone", "", f"no time zone {store.zone!r}", "write a name as Europe/Berlin")
    yield from _stores(settings)
    papers = settings.papers
    for name in ("certificate_file", "key_file", "roots_file"):
        yield from _files(f"papers.{name}", getattr(papers, name))
    if papers.key_file and not papers.certificate_file:
        yield SettingProblem("papers.certificate_file", "", "a key has a certificate", "set both, or none")
    if settings.documents.url and urlsplit(settings.documents.url).scheme not in {"file", "s3"}:
        told = "no kind of place for documents that is known"
        yield SettingProblem("documents.url", "", told, "file:///folder, or s3://bucket/prefix")
    yield from _player(settings)
    for origin in settings.cors.origins:
        if not re.fullmatch(r"https?://[^/\s*]+", origin):
            yield SettingProblem("cors.origins", "", f"{origin!r} is no origin", "write it as https://app.example.com")


def _player(settings: Settings) -> Iterator[SettingProblem]:
    """What is wrong with the settings of journeys and their messages."""
    of, mail, sms = settings.player, settings.mail, settings.sms
    if of.url and not re.fullmatch(r"https?://[^/\s]+(/[^\s]*)?", of.url):
        yield SettingProblem("player.url", "", f"{of.url!r} is no address", "write it as https://forms.example.com")
    for origin in of.frame_ancestors:
        if not re.fullmatch(r"https?://[^/\s;,']+", origin):
            yield SettingProblem(
                "player.frame_ancestors", "", f"{origin!r} is no origin", "write it as https://www.example.com"
            )
    if mail.host and "@" not in mail.sender:
        yield SettingProblem("mail.sender", "", "e-mails need an address that they come from", "set it")
    schemes = ("https://", "http://") if settings.webhooks.allow_private else ("https://",)
    if sms.url and not sms.url.startswith(schemes):
        yield SettingProblem("sms.url", "", "codes go over TLS alone", "write it as https://sms.example.com/send")
    if sms.url and not signing.is_secret(sms.secret):
        yield SettingProblem("sms.secret", "", "it is no secret to sign with", "set whsec_ and 32 bytes in Base64")


def _stores(settings: Settings) -> Iterator[SettingProblem]:
    """What is wrong with the places of stores and of keys."""
    used = {settings.store.url: "store.url"}
    places = [("store.url", "store.password", settings.store.url)]
    for name, tenant in settings.tenants.items():
        key = f"tenants.{name}"
        places.append((f"{key}.store", f"{key}.password", tenant.store))
        if not name or name.startswith("<"):
            yield SettingProblem(key, "", "it is no tenant of anybody", "name one as [tenants.acme]")
        if not tenant.store:
            yield SettingProblem(f"{key}.store", "", "it is not said", "a path, or postgresql://…")
        elif tenant.store in used:
            told = f"it is the store of {used[tenant.store]} too"
            yield SettingProblem(f"{key}.store", "", told, "give each a store of its own")
        used[tenant.store] = f"{key}.store"
        yield from _files(f"{key}.master_keys", tenant.master_keys)
    for key, password, url in places:
        if _password_of(url):
            yield SettingProblem(
                key, "", "a password stands in the URL, which is shown and logged",
                f"take it out, and set {variable(password)}, or {password}_file",
            )  # fmt: skip
        if "://" in url and urlsplit(url).scheme not in {"postgresql", "postgres", "sqlite"}:
            yield SettingProblem(key, "", "no kind of store that is known", "a path, or postgresql://…")
    of = settings.encryption
    yield from _files("encryption.master_keys", of.master_keys)
    if of.master_keys and of.master_key:
        told = "a file of master keys and a master key are both set"
        yield SettingProblem("encryption.master_key", "", told, "unset one of them")
    if of.tenant_keys and not (of.master_keys or of.master_key):
        yield SettingProblem("encryption.tenant_keys", "", "there is no master key", "set encryption.master_keys")


def _files(key: str, file: str) -> Iterator[SettingProblem]:
    if file and not Path(file).is_file():
        yield SettingProblem(key, "", f"no file {file}", "name a file that this process may read")


def _password_of(url: str) -> bool:
    try:
        return bool(urlsplit(url).password) if "://" in url else "password=" in url
    except ValueError:
        return False


def types_of(part: type[Part]) -> dict[str, Any]:
    """Field to type of a group of settings."""
    return get_type_hints(part, include_extras=True)


def is_part(type_: Any) -> bool:
    """Whether it is a group of settings."""
    return isinstance(type_, type) and issubclass(type_, Part)


def part_of(type_: Any) -> type[Part] | None:
    """The groups that a setting holds, each under a name; None for another kind of setting."""
    inner = get_args(type_)[-1] if get_origin(type_) is dict else None
    return cast("type[Part]", inner) if is_part(inner) else None


def is_secret(type_: Any) -> bool:
    """Whether a setting of this type is a secret."""
    metadata = get_args(type_)[1:] if get_origin(type_) is Annotated else ()
    return any(isinstance(each, msgspec.Meta) and bool((each.extra or {}).get(SECRET)) for each in metadata)


def kind_of(type_: Any) -> str:
    """What a setting takes, in words."""
    if get_origin(type_) is Annotated:
        base, meta = get_args(type_)[:2]
        if is_secret(type_):
            return "a secret"
        if meta.ge is not None and meta.le is not None:
            return f"{kind_of(base)} from {meta.ge:,} to {meta.le:,}"
        return f"{kind_of(base)}, at least {meta.ge:,}" if meta.ge is not None else kind_of(base)
    if get_origin(type_) is Literal:
        return "one of " + ", ".join(map(str, get_args(type_)))
    if get_origin(type_) is tuple:
        inner = get_args(type_)[0]
        return "a list of groups" if is_part(inner) else "a list of texts"
    return _KINDS[type_]


_KINDS: Final = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _leaves(part: Part, path: str) -> Iterator[tuple[str, object, bool]]:
    types = types_of(type(part))
    for name, type_ in types.items():
        value: object = getattr(part, name)
        if isinstance(value, Part):
            yield from _leaves(value, f"{path}{name}.")
        elif part_of(type_) is not None:
            for each, inner in cast("dict[str, Part]", value).items():
                yield from _leaves(inner, f"{path}{name}.{each}.")
        else:
            yield f"{path}{name}", value, is_secret(type_)


def _nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {found[0]}?" if found else ""


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8"
