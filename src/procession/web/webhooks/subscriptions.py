"""What a tenant subscribes to: the record of a webhook. Data, and what is asked of it."""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.base.values import Json
from procession.runtime import codec
from procession.services.reading import Reader
from procession.web.webhooks.happenings import Happening

KIND: Final = "webhook"
"""The kind of the records."""
WEBHOOKS_MAX: Final = 100
"""Webhooks of one tenant."""


@final
class Secret(msgspec.Struct, frozen=True, omit_defaults=True):
    """What signs. An old one counts up to `until` (Unix ms), 0 for the one that is in use."""

    secret: str
    until: int = 0


@final
class Webhook(msgspec.Struct, frozen=True, omit_defaults=True):
    """A subscription. Without `types` or `processes` all are meant. Nothing up to the number `since` of the feed is
    told. `reason` is why it is disabled."""

    url: str
    secrets: tuple[Secret, ...]
    since: int
    types: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    description: str = ""
    disabled: bool = False
    reason: str = ""

    def wants(self, happening: Happening) -> bool:
        """Whether it is to be told of an event."""
        return (
            not self.disabled
            and happening.number > self.since
            and (not self.types or happening.type in self.types)
            and (not self.processes or happening.process_id in self.processes)
        )

    def signing(self, now: int) -> list[str]:
        """The secrets that count at a time (Unix ms), the newest first."""
        return [each.secret for each in self.secrets if not each.until or each.until > now]

    def body(self) -> Json:
        """The document of the record."""
        return codec.decode_json(codec.encode_json(self))


def webhooks_of(reader: Reader, tenant: str) -> dict[str, Webhook]:
    """The webhooks of a tenant by id."""
    found = reader.records.listed(tenant, KIND, limit=WEBHOOKS_MAX + 1)
    return {record.id: record.read(Webhook) for record in found}
