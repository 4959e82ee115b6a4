"""Templates with values, as PDF. In the jail alone.

Values are text: what a template shows of them is escaped, and there is no way around it. A template can loop and
choose; it reaches nothing of Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from procession.services.papers.orders import Page, Refused

HTML_MAX: Final = 5_000_000
UNSAFE: Final = ("safe", "forceescape", "xmlattr", "urlize", "tojson")
"""Filters that give markup."""
_TURNS: Final[dict[int, None]] = dict.fromkeys((0x202D, 0x202E))


def page(order: Page) -> bytes:
    """See `Page`."""
    from procession.services.papers.printing import printed

    html = rendered(order.template, order.values)
    return printed(html, order.attachments, order.pages_max, order.bytes_max, forms=order.forms)


def rendered(template: str, values: Mapping[str, object]) -> str:
    """A template with its values. Raises `Refused` for one that is wrong, and for a value that is missing."""
    environment = ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined, finalize=_plain)
    for name in UNSAFE:
        environment.filters.pop(name, None)
    try:
        # A template could turn escaping off for a part of itself.
        if environment.parse(template).find(nodes.ScopedEvalContextModifier) is not None:
            raise Refused("a template has no tag 'autoescape'")
        text = environment.from_string(template).render({**values})
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise Refused(f"the template cannot be used: {error}"[:300]) from None
    if len(text) > HTML_MAX:
        raise Refused(f"a page has at most {HTML_MAX:,} characters of HTML")
    return text


def _plain(value: Any) -> Any:
    """A value as it is shown: letters that would turn the ones after them around are left out."""
    return value.translate(_TURNS) if type(value) is str else value
