"""What the server answers instead of a result, by code."""

from __future__ import annotations

from tools.reference.text import table

from procession.web.problems import OF_STATUS, STATUS, TYPES


def page() -> str:
    """The codes in the order of their statuses."""
    found = {(status, code): said for _, status, code, said in STATUS}
    found |= {(status, code): said for status, (code, said) in OF_STATUS.items()}
    rows = [(f"`{code}`", str(status), said) for (status, code), said in sorted(found.items())]
    return (
        "Every error of the REST API is a problem (RFC 9457, `application/problem+json`): `type`, `title`, `status`, "
        "`code`, `detail`, `instance`, `request_id`, and where they are known `errors` by field and `diagnostics` of a "
        f"deployment. The `code` is stable; `type` is `{TYPES}<code>`. [openapi.json](openapi.json) is the document of "
        "the API, as a server gives it under `/v1/openapi.json`.\n\n" + table(("code", "status", "says"), rows)
    )
