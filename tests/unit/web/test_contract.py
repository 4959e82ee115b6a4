"""The API is what its OpenAPI document says: requests drawn from the document, good and bad ones, against a server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from procession.hosts.embedded.engine import Engine
from procession.services.access import Caller, Unauthorized
from served import served
from web_models import DECISION
from web_rig import XML, Knows, admin

DOCUMENT: Final = json.loads((Path(__file__).parents[3] / "docs/reference/openapi.json").read_text(encoding="utf-8"))
ENDLESS: Final = frozenset({"GET /v1/events", "GET /v1/instances/{key}/events", "GET /v1/jobs/stream"})
"""Streams, which have no end that a check could wait for."""
OPERATIONS: Final = sorted(
    f"{method.upper()} {path}"
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if f"{method.upper()} {path}" not in ENDLESS
)
REQUESTS: Final = 800
"""Of the whole run, good and bad ones together."""
EXAMPLES: Final = max(3, REQUESTS // len(OPERATIONS) // 2)
ANSWER_S: Final = 10
"""How long an answer may take: a hang has to be told of, not waited for."""
KNOWN: Final = {"authorization": "Bearer secret"}
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
    unsupported_method,
]
NO_DATE: Final = "Invalid RFC3339 encoded datetime"
"""A schema knows leap seconds and the year 0000; Python's calendar does not."""
VALUE_CODES: Final = frozenset({"bad-value", "refused", "no-result"})
"""What a request of the right form may be refused with: a schema cannot say everything."""


def known(headers: Mapping[str, str]) -> Caller | Exception:
    """Who has the key."""
    if headers.get("authorization") != KNOWN["authorization"]:
        return Unauthorized("nobody is known by these credentials")
    return admin("key:test")


@pytest.fixture(scope="module")
def schema(server: tuple[str, dict[str, str]]) -> OpenApiSchema:
    """What the document says, read once: it is large."""
    schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
    found = schemathesis.openapi.from_dict(DOCUMENT)
    found.config.update(base_url=server[0])
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a server, and keys of what it has, by the first part of the path."""
    with Engine() as engine:
        deployed = engine.deploy(("p.bpmn", XML.encode()), ("d.dmn", DECISION.encode()))
        keys = {
            "deployments": str(deployed.key),
            "definitions": str(deployed.processes[0].key),
            "decisions": str(deployed.decisions[0].key),
            "instances": str(engine.start("p", {"amount": 1}).key),
        }
        with served(engine, lambda site: setattr(site, "gate", Knows(known))) as running:
            yield running.url, keys


@pytest.mark.parametrize("kind", ["good", "bad"])
@pytest.mark.parametrize("label", OPERATIONS)
def test_what_the_document_says_of_an_operation_holds(
    server: tuple[str, dict[str, str]], schema: OpenApiSchema, label: str, kind: str
) -> None:
    _, keys = server
    method, path = label.split()
    good = kind == "good"
    mode = schemathesis.GenerationMode.POSITIVE if good else schemathesis.GenerationMode.NEGATIVE

    @given(schema[path][method].as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: schemathesis.Case) -> None:
        if good:
            case.body = _whole(case.body)
            _address(case, keys)
        response = case.call(headers=KNOWN, timeout=ANSWER_S)
        checks = CHECKS if good else [*CHECKS, negative_data_rejection]
        case.validate_response(response, checks=cast("Any", checks), headers=KNOWN)
        if good and response.status_code in {400, 422}:
            problem = response.json()
            dates = [each["message"] == NO_DATE for each in problem.get("errors", [])]
            assert problem["code"] in VALUE_CODES or (dates and all(dates)), response.text

    holds()


def _address(case: schemathesis.Case, keys: dict[str, str]) -> None:
    """Lets a request be about what is there."""
    kind = case.path.split("/")[2]
    for name in case.path_parameters or {}:
        if name == "key" and kind in keys:
            case.path_parameters[name] = keys[kind]
        elif name == "decision_id":
            case.path_parameters[name] = "dish"
    if isinstance(case.body, dict) and "process_id" in case.body:
        case.body["process_id"] = "p"
    if isinstance(case.body, dict) and "request_timeout_ms" in case.body:
        # Nothing is there to be waited for.
        case.body["request_timeout_ms"] = 0
    if "wait_ms" in (case.query or {}):
        # Nobody works here.
        case.query["wait_ms"] = min(case.query["wait_ms"], 100)


def _whole(value: Any) -> Any:
    """The value with 1.0 as 1: the same number in a schema, but a decimal for who must not lose one."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return {name: _whole(each) for name, each in value.items()} if isinstance(value, dict) else value


def test_the_document_is_valid_and_every_json_body_has_an_example_that_fits() -> None:
    assert schemathesis.openapi.from_dict(DOCUMENT).validate() is None
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            media = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if media is not None:
                schema = {**media["schema"], "components": DOCUMENT["components"]}
                assert "example" in media, f"{method} {path} has no example of its body"
                jsonschema_rs.validate(schema, media["example"])
