"""The wall: to which addresses this server speaks for a tenant. None of its own networks, unless a setting allows it.

A name is resolved once, what it gives is checked, and the connection goes to what was checked: nothing is asked again
that could be answered otherwise.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import Final, TypeAlias, final
from urllib.parse import SplitResult, urlsplit

import msgspec

from procession.base.failure import BadValue, ProcessionError

URL_MAX: Final = 2_000
RESOLVE_S: Final = 5.0
_OTHERS: Final = tuple(
    ipaddress.ip_network(text) for text in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48")
)
"""Of clouds' own services and of translators: what looks like anybody's to older tables."""
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


class Refused(ProcessionError):
    """An address to which this server does not speak."""


@final
class Reach(msgspec.Struct, frozen=True):
    """What a setting allows beside the public internet: `http`, and `networks` (CIDR) that are not public; and how long
    a receiver may take for its answer."""

    http: bool = False
    networks: tuple[str, ...] = ()
    answer_s: float = 20.0


def checked_url(url: str, reach: Reach) -> str:
    """The address of a webhook. Raises `BadValue` for what is none, or can be refused without asking anybody."""
    parts = _split(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and reach.http):
        raise BadValue("the url of a webhook begins with https://")
    if parts.username is not None or parts.password is not None:
        raise BadValue("the url of a webhook holds no user and no password")
    if parts.fragment:
        raise BadValue("the url of a webhook has no fragment")
    literal = _literal(parts.hostname or "")
    if literal is not None and not allowed(literal, reach):
        raise BadValue("the url of a webhook must lead to a public address")
    return url


def place_of(url: str) -> tuple[str, str, int, str]:
    """(scheme, host, port, path with its query) of a checked url."""
    parts = _split(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), path


async def reached(host: str, port: int, reach: Reach) -> str:
    """The address at which a host is spoken to. Raises `Refused` when one of its addresses is not allowed: a name that
    leads here and elsewhere is nobody's who means well."""
    loop = asyncio.get_running_loop()
    try:
        found = await asyncio.wait_for(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), RESOLVE_S)
    except TimeoutError:
        raise Refused("the name of the host was not resolved in time") from None
    except (OSError, UnicodeError):
        raise Refused("the name of the host is not known") from None
    addresses = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    return str(first_allowed(addresses, reach))


def first_allowed(addresses: Iterable[Address], reach: Reach) -> Address:
    """The first of the addresses of a host. Raises `Refused` unless all are allowed."""
    found = list(addresses)
    if not found or not all(allowed(each, reach) for each in found):
        raise Refused("the host has an address that is not public")
    return found[0]


def allowed(address: Address, reach: Reach) -> bool:
    """Whether an address is spoken to."""
    inner = _inner(address)
    networks = [ipaddress.ip_network(text) for text in reach.networks]
    if any(each in network for each in (address, *inner) for network in networks if each.version == network.version):
        return True
    return all(_is_public(each) for each in (address, *inner))


def _inner(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address stands for: mapped, tunnelled or translated."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[Address] = []
    if address.ipv4_mapped is not None:
        found.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found += address.teredo
    if address in _NAT64 or int(address) >> 32 == 0:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return found


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped is not None or address in _NAT64):
        return True  # as far as the address is that is inside
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and not any(address in network for network in _OTHERS if network.version == address.version)
    )


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _split(url: str) -> SplitResult:
    if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise BadValue(f"the url of a webhook is at most {URL_MAX} printable ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadValue("the url of a webhook cannot be read") from None
    if not parts.hostname or port == 0:
        raise BadValue("the url of a webhook names no host")
    return parts
