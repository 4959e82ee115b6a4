"""What seals papers of `procession dev`: a certificate of this machine, which nobody else believes."""

from __future__ import annotations

import datetime as dt
from importlib.util import find_spec
from pathlib import Path
from typing import Final

NAME: Final = "procession dev, not to be trusted"
DAYS: Final = 365


def seal_files(folder: Path) -> tuple[str, str]:
    """The files of the certificate and of its key in a folder, made where they are not or have ended; "" twice where
    the extra `player` is not installed, which papers need."""
    if find_spec("cryptography") is None or find_spec("pyhanko") is None:
        return "", ""
    certificate, key = folder / "seal.pem", folder / "seal.key"
    if not (certificate.exists() and key.exists() and _holds(certificate.read_bytes())):
        _make(certificate, key)
    return str(certificate), str(key)


def _holds(pem: bytes) -> bool:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(pem).not_valid_after_utc > dt.datetime.now(dt.UTC)
    except ValueError:
        return False


def _make(certificate: Path, key: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(days=DAYS))
        .add_extension(usage, critical=True)
        .sign(secret, hashes.SHA256())
    )
    key.touch(mode=0o600)
    key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
