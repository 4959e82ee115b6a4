"""What tests of papers share: forms, pictures, certificates, and what a PDF shows as text."""

from __future__ import annotations

import asyncio
import io
import struct
import threading
import warnings
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

import msgspec
from asn1crypto import tsp  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.sign.timestamps import DummyTimeStamper
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from procession.services.papers.child import carried_out
from procession.services.papers.jail import Bounds, Jail
from procession.services.papers.orders import ORDERS, Certificate, Order

PASSWORD: Final = "of the bundle"


def jailed(order: Order, bounds: Bounds | None = None) -> bytes:
    """What the jail makes of an order."""

    async def run() -> bytes:
        return await (Jail(bounds) if bounds else Jail()).make(order)

    return asyncio.run(run())


def made(order: Order) -> bytes:
    """What the child makes of an order, in this process: a process of its own for each takes a second."""
    name = next(name for name, (kind, _) in ORDERS.items() if isinstance(order, kind))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries, when they are loaded
        return carried_out(name, msgspec.msgpack.encode(order))


def text_of(pdf: bytes, page: int | None = None) -> str:
    """What stands in a PDF, in the order of its content."""
    pages = PdfReader(io.BytesIO(pdf)).pages
    # Some fonts give a zero byte with each letter.
    return "\n".join(each.extract_text() for each in (pages if page is None else [pages[page]])).replace("\0", "")


def form(*, scripts: bool = False) -> bytes:
    """A form: a text, lines, a check, two radios, a choice, a place to sign in, and one that nobody may change."""
    writer = PdfWriter()
    writer.add_blank_page(400, 600)
    fields = [
        _field("name", "/Tx", (50, 550, 250, 570)),
        _field("story", "/Tx", (50, 450, 350, 540), Ff=1 << 12, DA="/Helv 9 Tf 0 g"),
        _field("short", "/Tx", (50, 420, 150, 440), MaxLen=3),
        _field("agreed", "/Btn", (50, 390, 70, 410), states=("Yes",)),
        _field("colour", "/Btn", (50, 360, 70, 380), Ff=1 << 15, states=("red",), more=((80, 360, 99, 380), ("blue",))),
        _field("city", "/Ch", (50, 330, 200, 350), Ff=1 << 17, options=("Berlin", "تل أبيب", "東京")),
        _field("signature", "/Sig", (50, 200, 250, 260)),
        _field("fixed", "/Tx", (50, 150, 150, 170), Ff=1),
    ]
    kids = ArrayObject()
    annotations = ArrayObject()
    for field in fields:
        reference = writer._add_object(field)
        kids.append(reference)
        inner = field.get("/Kids")
        if inner is None:
            annotations.append(reference)
            continue
        for widget in inner:
            widget[NameObject("/Parent")] = reference
        own = ArrayObject(writer._add_object(widget) for widget in inner)
        field[NameObject("/Kids")] = own
        annotations.extend(own)
    for each in annotations:
        _looks(writer, each.get_object())
    writer.pages[0][NameObject("/Annots")] = annotations
    resources = DictionaryObject()
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject(
        {NameObject("/Fields"): kids, NameObject("/DR"): resources}
    )
    if scripts:
        action = DictionaryObject()
        action[NameObject("/S")], action[NameObject("/JS")] = (
            NameObject("/JavaScript"),
            TextStringObject("app.alert(1)"),
        )
        names = DictionaryObject({NameObject("/Names"): ArrayObject([TextStringObject("a"), action])})
        writer.root_object[NameObject("/OpenAction")] = action
        writer.root_object[NameObject("/Names")] = DictionaryObject({NameObject("/JavaScript"): names})
    return _written(writer)


def _written(writer: PdfWriter) -> bytes:
    done = io.BytesIO()
    writer.write(done)
    return done.getvalue()


def _field(name: str, kind: str, box: tuple[int, ...], **more: Any) -> DictionaryObject:
    field = DictionaryObject({NameObject("/T"): TextStringObject(name), NameObject("/FT"): NameObject(kind)})
    if "Ff" in more:
        field[NameObject("/Ff")] = NumberObject(more["Ff"])
    if "MaxLen" in more:
        field[NameObject("/MaxLen")] = NumberObject(more["MaxLen"])
    if "DA" in more:
        field[NameObject("/DA")] = TextStringObject(more["DA"])
    if "options" in more:
        field[NameObject("/Opt")] = ArrayObject(TextStringObject(each) for each in more["options"])
    if "more" in more:
        field[NameObject("/Kids")] = ArrayObject([_widget(box, more["states"]), _widget(*more["more"])])
    else:
        field.update(_widget(box, more.get("states", ())))
    return field


def _widget(box: tuple[int, ...], states: tuple[str, ...]) -> DictionaryObject:
    widget = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/Widget"),
            NameObject("/Rect"): ArrayObject(FloatObject(each) for each in box),
            NameObject("/F"): NumberObject(4),
        }
    )
    if states:
        widget[NameObject("/States")] = ArrayObject(TextStringObject(each) for each in (*states, "Off"))
    return widget


def _looks(writer: PdfWriter, widget: DictionaryObject) -> None:
    """How a box looks that is ticked, and one that is not."""
    states = widget.pop("/States", None)
    if states is None:
        return
    looks = DictionaryObject()
    for state in states:
        look = DecodedStreamObject()
        look.set_data(b"0 0 m 20 20 l S" if state != "Off" else b"")
        look[NameObject("/Type")] = NameObject("/XObject")
        look[NameObject("/Subtype")] = NameObject("/Form")
        look[NameObject("/BBox")] = ArrayObject(FloatObject(each) for each in (0, 0, 20, 20))
        looks[NameObject(f"/{state}")] = writer._add_object(look)
    widget[NameObject("/AP")] = DictionaryObject({NameObject("/N"): looks})


def plain_pdf(pages: int = 1) -> bytes:
    """Empty pages."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(300, 400)
    return _written(writer)


def picture(format: str = "PNG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **more: Any) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    drawn = Image.new(mode, size, "red")
    drawn.paste(Image.new(mode, (size[0] // 2, size[1]), "blue"), (size[0] // 2, 0))
    done = io.BytesIO()
    drawn.save(done, format, **more)
    return done.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it has so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(1 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@cache
def authority(name: str = "Test Root") -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """A root of trust."""
    return issued(name, None)


@cache
def issued(name: str, by: str | None, *, stamps: bool = False) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """A key and its certificate, by a root or by itself. `stamps`: for a timestamp authority."""
    key = rsa.generate_private_key(65_537, 2_048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_key, issuer = authority(by) if by is not None else (key, None)
    now = datetime.now(UTC)
    others = "key_encipherment data_encipherment key_agreement crl_sign encipher_only decipher_only".split()
    usage = {**dict.fromkeys(others, False), "content_commitment": by is not None, "key_cert_sign": by is None}
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage, digital_signature=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if stamps:
        built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return key, built.sign(issuer_key, hashes.SHA256())


class TimestampAuthority(HTTPServer):
    """A timestamp authority (RFC 3161) on this machine; `broken`: it answers with something else."""

    broken = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Stamps)
        key, own = issued("The Clock", "Test Root", stamps=True)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.stamper = DummyTimeStamper(
            next(iter(load_certs_from_pemder_data(own.public_bytes(Encoding.PEM)))),
            load_private_key_from_pemder_data(pem, None),
        )
        self._thread = threading.Thread(target=self.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}/"

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Stamps(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, TimestampAuthority)
        question = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["content-length"])))
        answer = server.stamper.request_tsa_response(question).dump()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"no timestamp" if server.broken else answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def root() -> bytes:
    """The root in PEM."""
    return authority()[1].public_bytes(Encoding.PEM)


def certificate(kind: str = "pkcs12") -> Certificate:
    """What seals, as PKCS#12 or as PEM."""
    key, own = issued("The Server", "Test Root")
    if kind == "pkcs12":
        secret = BestAvailableEncryption(PASSWORD.encode())
        bundle = serialize_key_and_certificates(b"seal", key, own, [authority()[1]], secret)
        return Certificate(bundle=bundle, password=PASSWORD)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Certificate(key=pem, chain=own.public_bytes(Encoding.PEM) + root())
