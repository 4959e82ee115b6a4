"""Asking the jail for what is no file: the fields of a form, what seals say."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from procession.base.decoding import known
from procession.services.papers.jail import Jail
from procession.services.papers.orders import Field, Fields, Seal, Verify


async def fields_of(jail: Jail, pdf: bytes) -> list[Field]:
    """The fields of a form."""
    return msgspec.msgpack.decode(await jail.make(Fields(pdf=pdf)), type=known(list[Field]))


async def seals_of(jail: Jail, pdf: bytes, roots: Sequence[bytes] = ()) -> list[Seal]:
    """What the seals of a PDF say."""
    return msgspec.msgpack.decode(await jail.make(Verify(pdf=pdf, roots=roots)), type=known(list[Seal]))
