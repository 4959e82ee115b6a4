"""docs/security.md says what the code does: its limits are the code's, and the tests that it names are there."""

from __future__ import annotations

import re
from typing import Final

from procession.base import values
from procession.convert import juel, python_feel
from procession.core import catches, jobs, modification, step, timers
from procession.core.elements import multi_instance, scopes
from procession.dmn import compiler, imports
from procession.feel import grammar, ops, runtime
from procession.feel import values as feel_values
from procession.feel.builtins import regex
from procession.forms import patterns, settling
from procession.forms import reading as forms
from procession.hosts.embedded import batches, door, residents, tickets
from procession.hosts.temporal import ids
from procession.hosts.temporal.codec import config, server
from procession.parse import reading, xml
from procession.runtime import link
from procession.scripts import library, syntax
from procession.scripts.ports import DEFAULT_LIMITS
from procession.services import deploy, standard
from procession.services.papers import orders
from procession.web.player.pages import drawing, sanitising
from tidy.source_tree import ROOT

MIB: Final = 1024 * 1024
DAY_MS: Final = 86_400_000
LIMITS: Final = {
    "one document to deploy": (deploy.RESOURCE_BYTES_MAX // MIB, " MiB"),
    "XML of one document": (xml.DOCUMENT_BYTES_MAX // MIB, " MiB"),
    "nesting of XML elements": (xml.DEPTH_MAX, ""),
    "XML elements of a document": (xml.ELEMENTS_MAX, ""),
    "documents that a DMN document imports": (imports.IMPORTS_MAX, ""),
    "elements that a DMN document imports": (compiler.IMPORTED_MAX, ""),
    "files that `check --standard` looks for, as imports": (standard.IMPORTS_MAX, ""),
    "findings shown of a document": (reading.FINDINGS_MAX, ""),
    "one variable, as JSON": (values.VARIABLE_BYTES_MAX // MIB, " MiB"),
    "nesting of a variable": (values.NESTING_MAX, ""),
    "digits of a number": (values.DIGITS_MAX, ""),
    "name of a variable": (values.NAME_CHARACTERS_MAX, " characters"),
    "a key, name, id or reason": (values.TEXT_CHARACTERS_MAX, " characters"),
    "key of a message": (catches.KEY_MAX, " characters"),
    "text of a worker's error": (values.TEXT_CHARACTERS_MAX, " characters"),
    "an expression": (grammar.TEXT_MAX, " characters"),
    "nesting of an expression": (grammar.DEPTH_MAX, ""),
    "one form": (forms.FORM_BYTES_MAX // MIB, " MiB"),
    "components of a form": (forms.COMPONENTS_MAX, ""),
    "nesting of components": (forms.DEPTH_MAX, ""),
    "a pattern of a field": (patterns.PATTERN_MAX, " characters"),
    "steps of matching a pattern": (patterns.STEPS_MAX, ""),
    "steps of all expressions of a form, for one answer": (settling.STEPS_MAX, ""),
    "rows of a list of a form": (settling.ROWS_MAX, ""),
    "HTML of one component on a page": (sanitising.HTML_MAX, " characters"),
    "nesting of elements in it": (sanitising.DEPTH_MAX, ""),
    "rows of a table on a page": (drawing.TABLE_ROWS_MAX, ""),
    "a JUEL expression of an imported model": (juel.TEXT_MAX, " characters"),
    "nesting of such an expression": (juel.DEPTH_MAX, ""),
    "operators of such an expression": (juel.OPERATORS_MAX, ""),
    "a Python script of an imported model": (python_feel.TEXT_MAX, " characters"),
    "steps of a transition's expressions": (link.STEPS_MAX, ""),
    "values in a result": (feel_values.VALUES_MAX, ""),
    "the source of a script, or of a module": (syntax.SOURCE_BYTES_MAX, " bytes"),
    "a script with its modules": (library.BUNDLE_BYTES_MAX, " bytes"),
    "modules of a script": (library.MODULES_MAX, ""),
    "what a script gives, as JSON": (DEFAULT_LIMITS.output, " characters"),
    "what a script says": (DEFAULT_LIMITS.console, " characters"),
    "a string that an expression makes": (ops.STRING_MAX, " characters"),
    "calls of functions inside each other": (runtime.CALLS_MAX, ""),
    "pattern of a regular expression": (regex.PATTERN_MAX, " characters"),
    "text for a regular expression": (regex.TEXT_MAX, " characters"),
    "text of a timer": (timers.TEXT_MAX, " characters"),
    "a duration in a model": (timers.MONTHS_MAX // 12, " years"),
    "time to live, back-off, lease of a caller": (door.DURATION_MS_MAX // DAY_MS, " days"),
    "retries of a job": (jobs.RETRIES_MAX, ""),
    "instances of a multi-instance": (multi_instance.COUNT_MAX, ""),
    "calls of processes inside each other": (scopes.DEPTH_MAX, ""),
    "transitions of one step": (step.TRANSITIONS_MAX, ""),
    "yields without a wait": (step.YIELDS_MAX, ""),
    "instructions of one modification": (modification.INSTRUCTIONS_MAX, ""),
    "element instances that one modification begins": (modification.ACTIVATIONS_MAX, ""),
    "instances that a batch names one by one": (batches.INSTANCES_MAX, ""),
    "requests that wait in a process": (tickets.WAITING_MAX, ""),
    "a payload of a Temporal workflow": (config.PAYLOAD_BYTES_MAX // MIB, " MiB"),
    "id of a Temporal workflow": (ids.WORKFLOW_ID_CHARACTERS_MAX, " characters"),
    "a request to the codec server": (server.BODY_BYTES_MAX // MIB, " MiB"),
    "payloads in such a request": (server.PAYLOADS_MAX, ""),
    "opened payloads in an answer": (server.ANSWER_BYTES_MAX // MIB, " MiB"),
    "a PDF that is given, or made": (orders.BYTES_MAX, " bytes"),
    "pages of one": (orders.PAGES_MAX, ""),
    "fields of a form": (orders.FIELDS_MAX, ""),
    "a picture": (orders.PIXELS_MAX, " pixels"),
    "a drawn signature": (orders.DRAWN_BYTES_MAX, " characters"),
    "people who sign one document": (orders.SIGNERS_MAX, ""),
    "instances in memory": (residents.RESIDENTS_MAX, ""),
    "what instances in memory hold": (residents.BYTES_MAX // MIB, " MiB"),
}
PAGE: Final = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    section = PAGE.partition("## Limits")[2].partition("## ")[0]
    shown = {cells[0]: cells[1] for cells in re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", section, re.MULTILINE)}
    del shown["what"]
    assert shown == {name: f"{value:,}{unit}" for name, (value, unit) in LIMITS.items()}


def test_the_tests_that_the_page_names_are_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", PAGE)
    assert len(named) >= 10
    assert [path for path in named if not (ROOT / path).exists()] == []
