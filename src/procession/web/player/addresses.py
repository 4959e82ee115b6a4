"""The addresses of journeys: how a tenant, a journey, a task and a page are written in them, and read."""

from __future__ import annotations

from typing import Final, final
from urllib.parse import quote, urlencode

import msgspec

from procession.runtime.tenants import DEFAULT_TENANT

ROOT: Final = "/play"
DEFAULT: Final = "-"
_RESERVED: Final = frozenset({"", "-", "check"})
_MARK: Final = "~"


def tenant_in(text: str) -> str:
    """The tenant that an address names."""
    return DEFAULT_TENANT if text == DEFAULT else text


def segment_of(page: str) -> str:
    """A page's id in an address: one that means something else there, or begins with the mark, gets a mark."""
    return quote(_MARK + page if page in _RESERVED or page.startswith(_MARK) else page, safe="")


def page_in(segment: str) -> str:
    """The id of the page that an address names."""
    return segment.removeprefix(_MARK)


@final
class Addresses(msgspec.Struct, frozen=True):
    """Of one tenant, and of one journey where there is one."""

    tenant: str
    journey: str = ""

    @property
    def root(self) -> str:
        """Where everything of the tenant stands."""
        return f"{ROOT}/{DEFAULT if self.tenant == DEFAULT_TENANT else quote(self.tenant, safe='')}"

    @property
    def home(self) -> str:
        """The journey, wherever it is."""
        return f"{self.root}/{quote(self.journey, safe='')}"

    def start(self, process_id: str, page: str | None = None) -> str:
        """A public start, at a page of its form."""
        return f"{self.root}/start/{quote(process_id, safe='')}" + (f"?{urlencode({'page': page})}" if page else "")

    def link(self, token: str) -> str:
        """A link."""
        return f"{self.root}/l/{token}"

    def theme(self, brand: str, name: str) -> str:
        """The style sheet of a brand."""
        return f"{self.root}/theme/{quote(brand, safe='')}/{name}"

    def page(self, task: int, page: str, *, checked: bool = False) -> str:
        """A page of a task's form; `checked` leads back to "check your answers"."""
        return f"{self.home}/{task}/{segment_of(page)}" + ("?from=check" if checked else "")

    def check(self, task: int) -> str:
        """Where the answers are checked."""
        return f"{self.home}/{task}/check"

    def of(self, what: str) -> str:
        """`wait`, `end`, `code`."""
        return f"{self.home}/{what}"

    def api(self, what: str = "") -> str:
        """An operation of the headless API."""
        return f"{self.home}/api" + (f"/{what}" if what else "")
