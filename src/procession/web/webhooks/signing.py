"""Secrets and signatures as Standard Webhooks has them: HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


def new_secret() -> str:
    """A secret, which its webhook is shown once."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Whether a text is a secret to sign with."""
    try:
        return len(base64.b64decode(text.removeprefix(PREFIX), validate=True)) >= SECRET_BYTES // 2
    except ValueError:
        return False


def signature(secret: str, id: str, seconds: int, body: bytes) -> str:
    """The signature of a message under one secret: `v1,` and the HMAC in base64."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join((id.encode(), str(seconds).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def headers(held: Iterable[str], id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers of a message. `seconds` is Unix time; while secrets change, there is a signature of each."""
    return {
        "webhook-id": id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signature(secret, id, seconds, body) for secret in held),
    }
