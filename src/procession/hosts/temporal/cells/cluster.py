"""A connection to a cell's cluster: one call at a time, with patience for what passes and plain words for the rest."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeVar, final

from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from procession.hosts.temporal.cells.cell import Cell, CellError, Tls

PATIENCE_S: Final = 60.0
"""How long a cluster is waited for: until it answers, and until it shows what was changed."""
CALL: Final = timedelta(seconds=10)
"""How long one call may take."""
_PAUSE_S_MIN: Final = 0.05
_PAUSE_S_MAX: Final = 1.0
_PASSING: Final = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.ABORTED,
)
"""What a later try may cure."""
_DOUBTFUL: Final = (RPCStatusCode.INTERNAL, RPCStatusCode.UNKNOWN)
"""Faults of the server itself, of which some pass: a few tries."""
_TRIES_MAX: Final = 15
_REMEDIES: Final = {
    RPCStatusCode.PERMISSION_DENIED: "the key or certificate must have the role admin here",
    RPCStatusCode.UNAUTHENTICATED: "give `api_key_env` or `tls` in the file, and set the variables that it names",
    RPCStatusCode.UNIMPLEMENTED: "the server is too old: 1.29.1 is the oldest that is supported",
}


class _Paged(Protocol):
    @property
    def next_page_token(self) -> bytes: ...


_T = TypeVar("_T")
_Page = TypeVar("_Page", bound=_Paged)


@final
class Cluster:
    """The client, and until when to be patient. `of` gives a client of another namespace on the same connection."""

    __slots__ = ("_pause_s", "_until", "client", "patience_s")

    def __init__(self, client: Client, patience_s: float = PATIENCE_S) -> None:
        self.client = client
        self.patience_s = patience_s
        self.be_patient()

    def of(self, namespace: str) -> Client:
        """A client of a namespace."""
        config = self.client.config()
        return Client(self.client.service_client, namespace=namespace, data_converter=config["data_converter"])

    def be_patient(self) -> None:
        """Begins the time of waiting anew."""
        self._until = time.monotonic() + self.patience_s
        self._pause_s = _PAUSE_S_MIN

    async def waited(self) -> bool:
        """Waits a little, each time longer; False, at once, when the time is over."""
        left = self._until - time.monotonic()
        if left <= 0:
            return False
        await asyncio.sleep(min(self._pause_s, left))
        self._pause_s = min(self._pause_s * 2, _PAUSE_S_MAX)
        return True

    async def ask(
        self,
        what: str,
        call: Callable[[], Awaitable[_T]],
        *expected: RPCStatusCode,
        may_miss: bool = False,
        doubtful: tuple[RPCStatusCode, ...] = (),
    ) -> _T | RPCStatusCode:
        """The answer of a call, or the status if it is one of `expected`. Raises `CellError`, which begins with `what`.

        A namespace that was just made is unknown to some of a cluster's calls for a moment: that passes, too, unless
        the call is to tell whether there is one (`may_miss`). What is `doubtful` is tried a few times.
        """
        tries = 0
        while True:
            try:
                return await call()
            except RPCError as error:
                fresh = not may_miss and error.status is RPCStatusCode.NOT_FOUND and _is_of_namespace(error)
                if error.status in expected and not fresh:
                    return error.status
                tries += 1
                doubted = error.status in (*_DOUBTFUL, *doubtful) and tries < _TRIES_MAX
                passing = fresh or error.status in _PASSING or doubted
                if not passing or not await self.waited():
                    remedy = _REMEDIES.get(error.status, "")
                    raise CellError(f"{what}: {error.message}{f' ({remedy})' if remedy else ''}") from None

    async def do(self, what: str, call: Callable[[], Awaitable[_T]], *, doubtful: tuple[RPCStatusCode, ...] = ()) -> _T:
        """As `ask`, where no failure is expected."""
        answer = await self.ask(what, call, doubtful=doubtful)
        assert not isinstance(answer, RPCStatusCode)
        return answer

    async def pages(self, what: str, call: Callable[[bytes], Awaitable[_Page]]) -> list[_Page]:
        """All pages of a listing; `call` gets the token of one."""
        found = [await self.do(what, partial(call, b""))]
        while found[-1].next_page_token:
            found.append(await self.do(what, partial(call, found[-1].next_page_token)))
        return found


async def connect(cell: Cell, address: str = "", patience_s: float = PATIENCE_S) -> Cluster:
    """Connects to the cell's cluster, or to the one at `address`. Raises `CellError` if nobody answers there."""
    target = address or cell.address
    key, tls = credentials(cell)
    try:
        client = await Client.connect(
            target, api_key=key, tls=tls, connect_timeout=CALL, identity=f"procession cell {cell.cell}"
        )
    except (RuntimeError, RPCError, ValueError) as error:
        raise CellError(
            f"no Temporal server answers at {target}: {_reason(error)} (is the server up, and the address right?"
            " It is --address, else `address` of the file)"
        ) from None
    return Cluster(client, patience_s)


def credentials(cell: Cell) -> tuple[str | None, TLSConfig | bool]:
    """The API key, if there is one, and TLS. Raises `CellError` for a variable of the environment that is not set."""
    key = _variable(cell.api_key_env, "api_key_env") if cell.api_key_env is not None else None
    return key, _tls(cell.tls)


def _reason(error: Exception) -> str:
    """What went wrong, out of the nested text of the SDK's transport."""
    inner = re.findall(r'message: "([^"]+)"', str(error))
    return inner[-1] if inner else str(error).splitlines()[0]


def _tls(tls: Tls | bool) -> TLSConfig | bool:
    if isinstance(tls, bool):
        return tls
    return TLSConfig(
        domain=tls.server_name,
        server_root_ca_cert=_pem(tls.ca_env, "ca_env"),
        client_cert=_pem(tls.cert_env, "cert_env"),
        client_private_key=_pem(tls.key_env, "key_env"),
    )


def _pem(name: str | None, field: str) -> bytes | None:
    if name is None:
        return None
    text = _variable(name, f"tls.{field}")
    if text.lstrip().startswith("-----BEGIN"):
        return text.encode()
    try:
        return Path(text).read_bytes()
    except OSError as error:
        raise CellError(f"${name}, which `tls.{field}` names, is neither PEM nor a file: {error}") from None


def _variable(name: str, field: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise CellError(f"the variable {name}, which `{field}` names, is not set")
    return value


def _is_of_namespace(error: RPCError) -> bool:
    return any(each.Is(NamespaceNotFoundFailure.DESCRIPTOR) for each in error.grpc_status.details)
