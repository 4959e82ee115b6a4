"""Short texts of processes that break a rule: an element in the place where the rule looks for it."""

from __future__ import annotations

from typing import Final

from unit.compile.snippets import flow

START: Final = '<startEvent id="s"/>'
TIMER: Final = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
MSG: Final = '<messageEventDefinition messageRef="m"/>'
ERR: Final = '<errorEventDefinition errorRef="err"/>'
ESC: Final = '<escalationEventDefinition escalationRef="esc"/>'
SIG: Final = '<signalEventDefinition signalRef="sig"/>'


def after(body: str, id: str = "x") -> str:
    """The element `id` behind a start event."""
    return f"{START}{body}{flow('s', id)}"


def extended(tag: str, extensions: str, attributes: str = "", inner: str = "") -> str:
    return after(f'<{tag} id="x" {attributes}><extensionElements>{extensions}</extensionElements>{inner}</{tag}>')


def caught(definition: str) -> str:
    return after(f'<intermediateCatchEvent id="x">{definition}</intermediateCatchEvent>')


def thrown(definition: str) -> str:
    return after(f'<intermediateThrowEvent id="x">{definition}</intermediateThrowEvent>')


def ended(definition: str) -> str:
    return after(f'<endEvent id="x">{definition}</endEvent>')


def bordered(definition: str, host: str = "task", attributes: str = "") -> str:
    inner = '<startEvent id="hs"/>' if host == "subProcess" else ""
    return after(
        f'<{host} id="h">{inner}</{host}>'
        f'<boundaryEvent id="x" attachedToRef="h" {attributes}>{definition}</boundaryEvent>',
        "h",
    )


def handler(start: str, attributes: str = "", more: str = "") -> str:
    return (
        f'{START}<subProcess id="e" triggeredByEvent="true">'
        f'<startEvent id="x" {attributes}>{start}</startEvent>{more}</subProcess>'
    )


def nested(body: str) -> str:
    return after(f'<subProcess id="u">{body}</subProcess>', "u")


def cycle(text: str) -> str:
    return f"<timerEventDefinition><timeCycle>{text}</timeCycle></timerEventDefinition>"


def looped(loop: str) -> str:
    return after(f'<task id="x">{loop}</task>')


def collection(attributes: str, more: str = "") -> str:
    return looped(
        f"<multiInstanceLoopCharacteristics><extensionElements><zeebe:loopCharacteristics {attributes}/>"
        f"</extensionElements>{more}</multiInstanceLoopCharacteristics>"
    )


def chosen(*flows: str, kind: str = "exclusiveGateway", attributes: str = "") -> str:
    return after(f'<{kind} id="x" {attributes}/><task id="a"/><task id="b"/>{"".join(flows)}')


def catching(id: str, definition: str) -> str:
    return f'<intermediateCatchEvent id="{id}">{definition}</intermediateCatchEvent>'


def border(id: str, definition: str, host: str = "h") -> str:
    return f'<boundaryEvent id="{id}" attachedToRef="{host}">{definition}</boundaryEvent>'


def events(*targets: str) -> str:
    """An event-based gateway `x` that leads to the elements `a` and, if there are more than one, `b`."""
    flows = "".join(flow("x", id) for id, _ in zip("ab", targets, strict=False))
    return after(f'<eventBasedGateway id="x"/>{"".join(targets)}') + flows


def mapped(tag: str, kind: str, source: str, target: str, inner: str = "") -> str:
    mapping = f'<zeebe:{kind} source="{source}" target="{target}"/>'
    return extended(tag, f"<zeebe:ioMapping>{mapping}</zeebe:ioMapping>", inner=inner)


def listening(tag: str, sort: str, *rows: tuple[str, str], inner: str = "") -> str:
    each = "".join(f'<zeebe:{sort}Listener eventType="{event}" type="{type}"/>' for event, type in rows)
    return extended(tag, f"<zeebe:{sort}Listeners>{each}</zeebe:{sort}Listeners>", inner=inner)


def headed(tag: str, *keys: str, task: str = "") -> str:
    each = "".join(f'<zeebe:header key="{key}" value="1"/>' for key in keys)
    return extended(tag, f"{task}<zeebe:taskHeaders>{each}</zeebe:taskHeaders>")


def repeated(attributes: str, inner: str = "") -> str:
    loop = f"<loopCardinality>2</loopCardinality>{inner}"
    return looped(f"<multiInstanceLoopCharacteristics {attributes}>{loop}</multiInstanceLoopCharacteristics>")


def multiple(cardinality: str, attributes: str = "") -> str:
    inner = f"<loopCardinality>{cardinality}</loopCardinality>"
    return f"<multiInstanceLoopCharacteristics {attributes}>{inner}</multiInstanceLoopCharacteristics>"
