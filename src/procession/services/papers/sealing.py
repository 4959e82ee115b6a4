"""The seal: a signature of the server's certificate over the whole file, PAdES B-B, by pyHanko. In the jail alone."""

from __future__ import annotations

import asyncio
import io
import ssl
import urllib.request
from typing import Any, Final, cast

from asn1crypto import tsp  # type: ignore[import-untyped]
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from procession.services.papers.orders import Certificate, Refused

FIELD: Final = "ProcessionSeal"
TIMESTAMP_S: Final = 10.0
TIMESTAMP_BYTES_MAX: Final = 100_000


class Authority(TimeStamper):
    """A timestamp authority that is asked over HTTP (RFC 3161)."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._url = url

    async def async_request_tsa_response(self, req: Any) -> Any:
        """See `TimeStamper`."""
        return await asyncio.to_thread(self._ask, req.dump())

    def _ask(self, question: bytes) -> object:
        headers = {"Content-Type": "application/timestamp-query"}
        request = urllib.request.Request(self._url, question, headers)
        context = ssl.create_default_context() if self._url.startswith("https:") else None
        with urllib.request.urlopen(request, timeout=TIMESTAMP_S, context=context) as answer:
            return cast("Any", tsp).TimeStampResp.load(answer.read(TIMESTAMP_BYTES_MAX))


def sealed(pdf: bytes, certificate: Certificate, reason: str) -> bytes:
    """A PDF with a seal over all of it, which allows no change afterwards. Raises `Refused` for what cannot seal."""
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        reason=reason or None,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    stamper = Authority(certificate.timestamps) if certificate.timestamps else None
    signer = signers.PdfSigner(metadata, signer_of(certificate), timestamper=stamper)
    made = io.BytesIO()
    try:
        cast("Any", signer).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=made)
    except OSError as error:
        raise Refused(f"the timestamp authority cannot be asked: {error}"[:200]) from None
    return made.getvalue()


def signer_of(certificate: Certificate) -> signers.SimpleSigner:
    """What seals. Raises `Refused` for a certificate that cannot be used."""
    password = certificate.password.encode() or None
    try:
        if certificate.bundle:
            signer: signers.SimpleSigner | None = cast("Any", signers.SimpleSigner).load_pkcs12_data(
                certificate.bundle, (), password
            )
            if signer is None:
                raise ValueError
            return signer
        key = load_private_key_from_pemder_data(certificate.key, password)
        chain: list[Any] = list(cast("Any", load_certs_from_pemder_data)(certificate.chain))
        registry = SimpleCertificateStore.from_certs(chain)  # type: ignore[no-untyped-call]
        return signers.SimpleSigner(signing_cert=chain[0], signing_key=key, cert_registry=registry)
    except (ValueError, TypeError, IndexError, OSError):
        raise Refused("the certificate that seals, its key or its password cannot be used") from None
