"""JSON with exact numbers: a fraction in a body is a Decimal and no float, and leaves as the number that it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, final

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import ClientException
from litestar.types import Empty

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


@final
class ExactRequest(Request[Any, Any, State]):
    """A request whose JSON is read with exact numbers. `web.app` makes it that of every route."""

    async def json(self) -> Any:
        """The body as JSON; raises `ClientException` for what is none."""
        if self._json is Empty:
            try:
                self._json = _DECODER.decode(await self.body() or b"null")
            except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
                raise ClientException(f"the body is no JSON: {error}") from error
        return self._json


def exactly(value: object) -> bytes:
    """The JSON text of an answer, decimals as numbers."""
    return _ENCODER.encode(value)
