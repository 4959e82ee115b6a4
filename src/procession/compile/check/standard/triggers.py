"""Event definitions: what a message, a signal, an error, an escalation, a timer or a condition must say (10.5.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from procession.compile.check.standard.document import Document, child, children
from procession.compile.check.standard.grammar import THROW_EVENTS
from procession.compile.check.standard.items import is_other_message
from procession.compile.check.standard.rule import Rule
from procession.model.xml import XmlElement

_TIMES: Final = "timeDate timeDuration timeCycle"
_CLOCK: Final = r"(?:T\d{2}(?::?\d{2}(?::?\d{2}(?:[.,]\d+)?)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?"
_DAY: Final = r"[+-]?\d{4,}(?:-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])|-?W\d{2}-?[1-7]|-?\d{3})"
_DATE: Final = re.compile(_DAY + _CLOCK, re.ASCII)
_UNITS: Final = (
    r"P(?=\d|T\d)(?:\d+(?:[.,]\d+)?Y)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?W)?(?:\d+(?:[.,]\d+)?D)?"
    r"(?:T(?=\d)(?:\d+(?:[.,]\d+)?H)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?S)?)?"
)
_DURATION: Final = re.compile(rf"[+-]?{_UNITS}", re.ASCII)
_INTERVAL: Final = rf"(?:{_DAY}{_CLOCK}/{_DAY}{_CLOCK}|{_DAY}{_CLOCK}/{_UNITS}|{_UNITS}/{_DAY}{_CLOCK}|{_UNITS})"
_CYCLE: Final = re.compile(rf"R\d*/{_INTERVAL}", re.ASCII)
_FORMS: Final[dict[str, tuple[re.Pattern[str], str]]] = {
    "timeDate": (_DATE, "date and time"),
    "timeDuration": (_DURATION, "duration"),
    "timeCycle": (_CYCLE, "recurring interval"),
}
_COMPUTED: Final = re.compile(r"[=$#(@\[]|\w\.\w*[A-Za-z]")
"""What only an expression has: a formula, a placeholder, a call, a path."""


def _nothing_said(document: Document, definition: XmlElement) -> Iterator[str]:
    if not document.runs(definition):
        return
    if not definition.attributes.get("messageRef"):
        yield "the message event of an executable process names no message"
    if child(definition, "operationRef") is None:
        yield "the message event of an executable process names no operation"


def _other_message(document: Document, definition: XmlElement) -> Iterator[str]:
    operation = next(iter(document.listed(definition, "operationRef")), None)
    if is_other_message(document, definition, operation):
        yield "the operation of the event has another message than the event"


def _no_signal(document: Document, definition: XmlElement) -> Iterator[str]:
    if document.runs(definition) and not definition.attributes.get("signalRef"):
        yield "the signal event of an executable process names no signal"


def _thrown(document: Document, definition: XmlElement) -> Iterator[str]:
    if document.parent(definition).name not in THROW_EVENTS or not document.runs(definition):
        return
    kind = definition.name.removesuffix("EventDefinition")
    named = document.named(definition, f"{kind}Ref")
    if not definition.attributes.get(f"{kind}Ref"):
        yield f"the event throws an {kind}, but names none"
    elif named is not None and named.name == kind and not named.attributes.get(f"{kind}Code", "").strip():
        yield f"the event throws an {kind} that has no code"


def _no_time(document: Document, definition: XmlElement) -> Iterator[str]:
    if document.runs(definition) and not children(definition, *_TIMES.split()):
        yield "the timer of an executable process says no time"


def _form(document: Document, time: XmlElement) -> Iterator[str]:
    text = time.text.strip()
    pattern, what = _FORMS[time.name]
    if text and pattern.fullmatch(text) is None and _COMPUTED.search(text) is None:
        yield f"{time.name} is {text[:40]!r}, which is no {what} of ISO 8601"


RULES: Final = (
    Rule(
        "message-event-definition",
        "10.5.5",
        "messageEventDefinition",
        "a message event of an executable process names no message, or no operation",
        "give messageRef and operationRef",
        _nothing_said,
    ),
    Rule(
        "message-event-operation",
        "10.5.5",
        "messageEventDefinition",
        "a message event and its operation name different messages",
        "name the message of the operation",
        _other_message,
    ),
    Rule(
        "signal-event-definition",
        "10.5.5",
        "signalEventDefinition",
        "a signal event of an executable process names no signal",
        "give signalRef",
        _no_signal,
    ),
    Rule(
        "thrown-code",
        "8.4.3",
        "errorEventDefinition escalationEventDefinition",
        "an executable process throws an error or an escalation that is not named or has no code",
        "name it, and give it a code",
        _thrown,
    ),
    Rule(
        "timer-event-definition",
        "10.5.5",
        "timerEventDefinition",
        "a timer of an executable process says no time",
        "give a date, a duration or a cycle",
        _no_time,
    ),
    Rule(
        "timer-format",
        "10.5.5",
        _TIMES,
        "a time is not written in the form of ISO 8601",
        "write 2030-12-24T20:00:00Z, PT1H or R3/PT1H",
        _form,
    ),
)
