"""Parameters of the URL: one that an operation does not have is refused: a misspelt filter would show everything."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.exceptions import ValidationException
from litestar.handlers.base import BaseRouteHandler
from litestar.params import QueryParameter

OPEN: Final = "any_parameters"
"""The `opt` of a handler that reads parameters by itself."""
PARAMETERS_MAX: Final = 100


def check_parameters(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Raises `ValidationException` that names what the operation does not know."""
    given = connection.scope["query_string"]
    if not given or handler.opt.get(OPEN):
        return
    known = _known(handler)
    names = [name for name, _ in connection.query_params.multi_items()]
    wrong = sorted({name for name in names if name not in known})
    if wrong or len(names) > PARAMETERS_MAX:
        errors = [{"message": "there is no such parameter", "key": name[:80], "source": "query"} for name in wrong[:10]]
        raise ValidationException(extra=errors)


_KNOWN: Final[dict[object, frozenset[str]]] = {}
"""By the function of a handler: handlers belong to an application, which would never be given up."""


def _known(handler: BaseRouteHandler) -> frozenset[str]:
    found = _KNOWN.get(handler.fn)
    if found is None:
        fields = handler.parsed_fn_signature.parameters.items()
        found = _KNOWN[handler.fn] = frozenset(
            field.kwarg_definition.name or name
            for name, field in fields
            if isinstance(field.kwarg_definition, QueryParameter)
        )
    return found
