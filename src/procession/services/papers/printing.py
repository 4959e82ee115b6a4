"""HTML as PDF: by WeasyPrint, which fetches nothing but what it is given. In the jail alone."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final, cast

from weasyprint import HTML  # type: ignore[import-untyped]
from weasyprint.urls import URLFetcher, URLFetcherResponse  # type: ignore[import-untyped]

from procession.services.papers.orders import Refused

DATA_MAX: Final = 10_000_000
ATTACHMENT: Final = "attachment:"


class Given(URLFetcher):  # type: ignore[misc]
    """Fetches `data:` and what was given by name; everything else is refused, whatever it would be."""

    def __init__(self, attachments: Mapping[str, bytes]) -> None:
        cast("Any", super()).__init__(allowed_protocols=("data",), allow_redirects=False)
        self._attachments = attachments

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """See `URLFetcher.fetch`."""
        if url.lower().startswith("data:") and len(url) <= DATA_MAX:
            response: URLFetcherResponse = cast("Any", super()).fetch(url, headers)
            return response
        data = self._attachments.get(url.removeprefix(ATTACHMENT)) if url.startswith(ATTACHMENT) else None
        if data is None:
            raise ValueError("this address is not fetched")
        return URLFetcherResponse(url, io.BytesIO(data))


def printed(
    html: str, attachments: Mapping[str, bytes], pages_max: int, bytes_max: int, *, forms: bool = False
) -> bytes:
    """HTML as PDF. Raises `Refused` when it is too long."""
    document = cast("Any", HTML)(string=html, base_url=None, url_fetcher=Given(attachments)).render(pdf_forms=forms)
    if len(document.pages) > pages_max:
        raise Refused(f"a document has at most {pages_max} pages, this one {len(document.pages)}")
    made = document.write_pdf()
    assert made is not None
    if len(made) > bytes_max:
        raise Refused(f"a document has at most {bytes_max:,} bytes, this one {len(made):,}")
    return bytes(made)
