"""The OpenAPI 3.1 document, made of the handlers themselves: what they take is what msgspec will check.

A handler says more of itself by `opt`: `body` is the request body of one that reads it by itself, `example` an example
of a JSON body. Its docstring is summary and description, its name the operation's id, its module the tag.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from types import UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, cast, get_args, get_origin

import msgspec
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter, ParameterKwarg, PathParameter, QueryParameter
from litestar.response.base import ASGIResponse
from litestar.response.streaming import Stream
from litestar.routes import HTTPRoute
from litestar.types import Empty
from litestar.typing import FieldDefinition

from procession.web.body import body_type
from procession.web.envelope import REQUEST_ID
from procession.web.problems import OF_STATUS, PROBLEM_JSON, STATUS, Problem

Document: TypeAlias = dict[str, Any]

BODY: Final = "body"
EXAMPLE: Final = "example"
HIDDEN: Final = "hidden"
OPEN: Final = "open"
LOCKED: Final = "locked"
"""Words of a handler's `opt`. `open` is one that needs no caller, `hidden` is not told of, `locked` one whose thing may
not be for use just now."""
ALWAYS: Final = (400, 401, 403, 404, 405, 429, 500, 503)
WITH_BODY: Final = (408, 413, 415, 422)
WRITING: Final = (409, 412)
WITH_LOCK: Final = (409, 422, 423)
VERSION: Final = "1.0.0"
"""Of the API, not of the server."""
_REF: Final = "#/components/schemas/{name}"
_PATH: Final = re.compile(r"\{(\w+):\w+\}")
DESCRIPTION: Final = """\
The API of Procession. Names are in snake case, keys (63 bits) are decimal texts, times RFC 3339 in UTC, lists are
pages: `items`, and `next` for the parameter `after`. Errors are problems (RFC 9457) with a stable `code`. Fields and
parameters that are not known are refused. A write with an `Idempotency-Key` happens once."""


def document(app: Litestar) -> Document:
    """The document of an application. Keys are in a stable order."""
    paths: dict[str, Document] = {}
    types: list[Any] = [Problem]
    found = sorted(_handlers(app), key=lambda pair: (pair[0], pair[1]))
    for _, _, handler in found:
        types += _types(handler)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    known = dict(zip(map(_name, types), schemas, strict=True))
    ids: set[str] = set()
    for path, method, handler in found:
        operation = _operation(path, method, handler, known)
        assert operation["operationId"] not in ids, f"two handlers are called {operation['operationId']}"
        ids.add(operation["operationId"])
        paths.setdefault(path, {})[method] = operation
    tags = sorted({tag for item in paths.values() for operation in item.values() for tag in operation["tags"]})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Procession",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": _components(components),
    }


def _components(schemas: Mapping[str, Document]) -> Document:
    problem = {PROBLEM_JSON: {"schema": {"$ref": _REF.format(name="Problem")}}}
    identified = {REQUEST_ID: {"$ref": "#/components/headers/RequestId"}}
    return {
        "schemas": {name: _settled(schemas[name]) for name in sorted(schemas)},
        "responses": {
            **{
                name: {"description": _said(status), "content": problem, "headers": identified}
                for status, name in _NAMES.items()
            },
            "NotModified": {"description": "It is still what `If-None-Match` names.", "headers": identified},
        },
        "headers": {
            "RequestId": {"description": "The id of the request, as logs name it.", "schema": {"type": "string"}},
            "ETag": {"description": "Names this very content.", "schema": {"type": "string"}},
        },
        "parameters": {
            "Tenant": {
                "name": "procession-tenant",
                "in": "header",
                "description": "The tenant that is meant, by callers who have several. Others need not name theirs.",
                "schema": {"type": "string", "maxLength": 200},
            },
            "IfNoneMatch": {
                "name": "If-None-Match",
                "in": "header",
                "description": "An `ETag`: what has not changed since is answered by 304.",
                "schema": {"type": "string"},
            },
        },
        "securitySchemes": {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key of the tenant, or a token of an OpenID Connect provider that is known here.",
            }
        },
    }


_NAMES: Final[dict[int, str]] = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    408: "TooSlow",
    409: "Conflict",
    412: "PreconditionFailed",
    413: "TooLarge",
    415: "MediaType",
    422: "Unprocessable",
    423: "Locked",
    429: "TooManyRequests",
    500: "Internal",
    503: "Unavailable",
}
"""What the problems are called among the components."""


def _said(status: int) -> str:
    said = {code: title for _, at, code, title in STATUS if at == status}
    said |= dict([OF_STATUS[status]] if status in OF_STATUS else [])
    return " ".join(f"`{code}`: {title}" for code, title in said.items())


def _handlers(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            if handler.opt.get(HIDDEN) or not handler.include_in_schema:
                continue
            for method in handler.http_methods:
                if method not in {"OPTIONS", "HEAD"}:
                    yield _PATH.sub(r"{\1}", route.path), method.lower(), handler


def _types(handler: HTTPRouteHandler) -> list[Any]:
    """Every type that the handler takes or gives."""
    found = [_parameter_type(field) for _, field, _ in _parameters(handler)]
    if handler.parsed_data_field is not None and BODY not in handler.opt:
        found.append(body_type(handler.parsed_data_field))
    return found + [each for _, each, _, _ in _answers(handler) if each is not None]


def _name(wanted: Any) -> str:
    return repr(wanted)


def _operation(path: str, method: str, handler: HTTPRouteHandler, known: Mapping[str, Document]) -> Document:
    text = inspect.cleandoc(inspect.unwrap(handler.fn).__doc__ or "")
    summary, _, description = text.partition("\n\n")
    tag = next(iter(handler.tags or ()), handler.fn.__module__.rpartition(".")[2])
    operation: Document = {
        "operationId": handler.operation_id if isinstance(handler.operation_id, str) else handler.fn.__name__,
        "tags": [tag],
        "summary": " ".join(summary.split()).rstrip("."),
        "parameters": [_parameter(name, field, kwarg, known) for name, field, kwarg in _parameters(handler)],
    }
    if description:
        operation["description"] = " ".join(description.split())
    body = _body(handler, known)
    if body:
        operation["requestBody"] = body
    is_open = bool(handler.opt.get(OPEN))
    if is_open:
        operation["security"] = []
    else:
        operation["parameters"].append({"$ref": "#/components/parameters/Tenant"})
    if method == "get":
        operation["parameters"].append({"$ref": "#/components/parameters/IfNoneMatch"})
    operation["responses"] = _responses(method, handler, known, bool(body))
    return operation


def _parameters(handler: HTTPRouteHandler) -> list[tuple[str, FieldDefinition, ParameterKwarg]]:
    found: list[tuple[str, FieldDefinition, ParameterKwarg]] = []
    for name, field in handler.parsed_fn_signature.parameters.items():
        kwarg = field.kwarg_definition
        if isinstance(kwarg, PathParameter | QueryParameter | HeaderParameter):
            found.append((kwarg.name or name, field, kwarg))
    return sorted(found, key=lambda each: (type(each[2]).__name__, each[0]))


_PLACES: Final[dict[type[ParameterKwarg], str]] = {
    PathParameter: "path",
    QueryParameter: "query",
    HeaderParameter: "header",
}
_BOUNDS: Final = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length")


def _parameter_type(field: FieldDefinition) -> Any:
    kwarg = field.kwarg_definition
    assert isinstance(kwarg, ParameterKwarg)
    bounds = {name: value for name in _BOUNDS if (value := getattr(kwarg, name)) is not None}
    inner = field.annotation
    if field.is_optional:
        # In a URL nothing is null: it is not there.
        left = [each for each in field.args if each is not type(None)]
        inner = left[0] if len(left) == 1 else inner
    if not bounds:
        return inner
    return Annotated[inner, msgspec.Meta(**bounds)]


def _parameter(name: str, field: FieldDefinition, kwarg: ParameterKwarg, known: Mapping[str, Document]) -> Document:
    place = _PLACES[type(kwarg)]
    schema = dict(_settled(known[_name(_parameter_type(field))]))
    if field.default not in {Empty, inspect.Parameter.empty, None} and not callable(field.default):
        schema["default"] = field.default
    made: Document = {"name": name, "in": place, "schema": schema}
    if kwarg.description:
        made["description"] = kwarg.description
    if place == "path" or field.is_required:
        made["required"] = True
    return made


def _body(handler: HTTPRouteHandler, known: Mapping[str, Document]) -> Document:
    own: Document | None = handler.opt.get(BODY)
    if own is not None:
        return own
    field = handler.parsed_data_field
    if field is None:
        return {}
    media: Document = {"schema": _settled(known[_name(body_type(field))])}
    if EXAMPLE in handler.opt:
        media["example"] = handler.opt[EXAMPLE]
    return {"required": field.is_required, "content": {"application/json": media}}


def _answers(handler: HTTPRouteHandler) -> list[tuple[int, Any, str, str]]:
    """(status, type or None, media type, description) of each answer that is no problem."""
    first = handler.parsed_return_field.annotation
    media = str(getattr(handler.media_type, "value", handler.media_type) or "application/json")
    said = HTTPStatus(handler.status_code).phrase
    found = [(handler.status_code, *_content(first, media), said)]
    for status, spec in (handler.responses or {}).items():
        kind = str(getattr(spec.media_type, "value", spec.media_type))
        found.append((status, *_content(cast("Any", spec).data_container, kind), spec.description))
    return found


def _content(wanted: Any, media: str) -> tuple[Any, str]:
    """The type and the media type of what a handler gives."""
    origin = get_origin(wanted)
    if origin in _UNIONS:
        parts = [_content(each, media) for each in get_args(wanted)]
        return next((part for part in parts if part[0] is str), (wanted, media))
    if inspect.isclass(origin) and issubclass(origin, Response):
        wanted = get_args(wanted)[0]
    if wanted in {None, type(None), Empty}:
        return None, ""
    if inspect.isclass(wanted) and issubclass(cast("type", wanted), _RAW):
        return str, media
    return wanted, media


_UNIONS: Final[tuple[object, ...]] = (Union, UnionType)
_RAW: Final[tuple[type, ...]] = (bytes, Response, Stream, ASGIResponse)


def _responses(method: str, handler: HTTPRouteHandler, known: Mapping[str, Document], has_body: bool) -> Document:
    found: Document = {}
    for status, wanted, media, said in _answers(handler):
        headers: Document = {REQUEST_ID: {"$ref": "#/components/headers/RequestId"}}
        if method == "get":
            headers["ETag"] = {"$ref": "#/components/headers/ETag"}
        found[str(status)] = {"description": said, "headers": headers}
        if wanted is not None:
            found[str(status)]["content"] = {media: {"schema": _settled(known[_name(wanted)])}}
    if method == "get":
        found["304"] = {"$ref": "#/components/responses/NotModified"}
    statuses: Iterable[int] = ALWAYS
    if has_body:
        statuses = (*statuses, *WITH_BODY)
    if method != "get":
        statuses = (*statuses, *WRITING)
    if handler.opt.get(LOCKED):
        statuses = (*statuses, *WITH_LOCK)
    for status in statuses:
        found[str(status)] = {"$ref": f"#/components/responses/{_NAMES[status]}"}
    return dict(sorted(found.items()))


def _settled(schema: object) -> Any:
    """A schema without what Python alone means by it: the indentation of docstrings."""
    if isinstance(schema, dict):
        found = {key: _settled(value) for key, value in cast("dict[str, object]", schema).items()}
        if isinstance(found.get("description"), str):
            found["description"] = " ".join(found["description"].split())
        return found
    return [_settled(each) for each in cast("list[object]", schema)] if isinstance(schema, list) else schema
