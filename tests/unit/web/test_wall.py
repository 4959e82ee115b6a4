"""The wall before webhooks: which addresses are spoken to."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from procession.base.failure import BadValue
from procession.web.webhooks.wall import Reach, Refused, allowed, checked_url, first_allowed, place_of, reached

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.8.8.8 169.254.169.254 169.254.0.1
172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1
224.0.1.1 239.1.2.3 240.0.0.1 255.255.255.255 168.63.129.16
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
2002:7f00:1:: 2002:a00:1:: fc00::1 fd00:ec2::254 fe80::1 ff02::1 ff0e::1 2001:db8::1 100::1
2001:0:4136:e378:8000:63bf:f5ff:fffe
""".split()
PUBLIC = "1.1.1.1 8.8.8.8 172.32.0.1 192.169.0.1 2606:4700:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808".split()


@pytest.mark.parametrize("text", PRIVATE)
def test_no_address_of_a_network_of_ones_own_is_spoken_to(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert not allowed(address, Reach())
    with pytest.raises(Refused):
        first_allowed([ipaddress.ip_address("1.1.1.1"), address], Reach())


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are(text: str) -> None:
    assert allowed(ipaddress.ip_address(text), Reach())


def test_a_setting_allows_a_network_and_no_other() -> None:
    reach = Reach(networks=("10.1.0.0/16", "fd00::/8"))
    for text, wanted in (
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("10.2.0.1", False),
        ("fd00::1", True),
        ("127.0.0.1", False),
    ):
        assert allowed(ipaddress.ip_address(text), reach) is wanted, text


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "//example.com/",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://user:word@example.com/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com/#part",
        "https://127.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://exa mple.com/",
        "https://example.com/\r\nx: y",
        "https://example.com/\u00e9",
        "https://" + "a" * 2_000,
        "https://[::1",
    ],
)
def test_a_url_that_leads_nowhere_good_is_refused_before_anybody_is_asked(url: str) -> None:
    with pytest.raises(BadValue):
        checked_url(url, Reach())


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1", "0"])
def test_other_spellings_of_this_machine_are_found_out_when_they_are_resolved(host: str) -> None:
    with pytest.raises(Refused):
        asyncio.run(reached(host, 443, Reach()))


def test_a_place_keeps_its_port_path_and_query() -> None:
    assert place_of("https://example.com:8443/a/b?c=d") == ("https", "example.com", 8443, "/a/b?c=d")
    assert place_of("https://[2606:4700::1]") == ("https", "2606:4700::1", 443, "/")
    assert place_of(checked_url("http://example.com/x", Reach(http=True))) == ("http", "example.com", 80, "/x")
