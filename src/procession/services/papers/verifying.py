"""Looking at the seals of a PDF: whether anything was changed since, and who stands behind them. In the jail alone."""

from __future__ import annotations

import io
from typing import Any, Final, cast

import msgspec
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext

from procession.services.papers.orders import Refused, Seal, Verify

SEALS_MAX: Final = 50


def verify(order: Verify) -> bytes:
    """See `Verify`."""
    try:
        reader = PdfFileReader(io.BytesIO(order.pdf), strict=False)
        found = list(reader.embedded_regular_signatures)
    except (PdfError, ValueError) as error:
        raise Refused(f"this is no PDF that can be read: {error}"[:200]) from None
    if len(found) > SEALS_MAX:
        raise Refused(f"a PDF has at most {SEALS_MAX} seals")
    try:
        load = cast("Any", load_certs_from_pemder_data)
        roots: list[Any] = [each for data in order.roots for each in load(data)]
    except (ValueError, TypeError):
        raise Refused("a root is no certificate in PEM or DER") from None
    return msgspec.msgpack.encode([_seal(each, roots) for each in found])


def _seal(signature: Any, roots: list[Any]) -> Seal:
    context = ValidationContext(trust_roots=roots, allow_fetching=False)
    by = signature.signer_cert.subject.human_friendly if signature.signer_cert is not None else ""
    at = signature.self_reported_timestamp
    when = at.isoformat() if at is not None else ""
    try:
        status = validate_pdf_signature(signature, context, ts_validation_context=context)
    except (SignatureValidationError, PdfError, ValueError):
        return Seal(str(signature.field_name), by, when, False, False, False, False)
    unchanged = status.modification_level in {None, ModificationLevel.NONE, ModificationLevel.LTA_UPDATES}
    stamped = status.timestamp_validity
    return Seal(
        str(signature.field_name),
        by,
        stamped.timestamp.isoformat() if stamped is not None else when,
        intact=status.intact and status.valid,
        whole=unchanged and bool(status.docmdp_ok),
        trusted=bool(status.trusted),
        timestamped=stamped is not None and stamped.valid and stamped.intact,
    )
