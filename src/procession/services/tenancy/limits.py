"""What a tenant may have: its weight among others, and its quotas. A document of the tenant, written by the platform.

Data, and reading it. Who enforces a quota is said beside it; what must not live here: enforcing.
"""

from __future__ import annotations

from typing import Annotated, Final, final

import msgspec

from procession.base.decoding import known
from procession.base.failure import BadValue
from procession.base.values import Json

KIND: Final = "limits"
"""The kind of the record, which has this id too: a tenant has one."""
WEIGHT_MAX: Final = 100

_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]


@final
class Limits(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """Quotas of one tenant; 0 stands for none.

    The writer counts `active_instances`, `definitions`, `webhooks`, `keys`, `storage_bytes` and `payload_bytes` (what
    variables of one request take as JSON), exactly, whichever process asks. `starts_per_second` and `jobs_per_second`
    are counted at the door of each process, for itself, and so are `requests_per_second` over HTTP.
    """

    weight: Annotated[int, msgspec.Meta(ge=1, le=WEIGHT_MAX)] = 1
    """How many turns this tenant has for one of a tenant of weight 1, while both have something to do."""
    active_instances: _Count = 0
    requests_per_second: _Count = 0
    starts_per_second: _Count = 0
    jobs_per_second: _Count = 0
    storage_bytes: _Count = 0
    payload_bytes: _Count = 0
    definitions: _Count = 0
    webhooks: _Count = 0
    keys: _Count = 0


QUOTAS: Final = tuple(field for field in Limits.__struct_fields__ if field != "weight")
NONE: Final = Limits()


def completed(limits: Limits, defaults: Limits) -> Limits:
    """A tenant's limits, with the quotas of the server in the place of those that it has none of."""
    if defaults is NONE:
        return limits
    open_ = [name for name in QUOTAS if not getattr(limits, name)]
    return msgspec.structs.replace(limits, **{name: getattr(defaults, name) for name in open_})


def limits_of(body: Json) -> Limits:
    """The limits that a document says. Raises `BadValue` for what says none."""
    try:
        return msgspec.convert(body, known(Limits))
    except msgspec.ValidationError as error:
        raise BadValue(f"these are no limits: {error}") from None
