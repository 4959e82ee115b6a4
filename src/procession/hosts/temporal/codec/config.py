"""How payloads are sealed, as one struct that a file or a program fills in."""

from __future__ import annotations

from typing import Final

import msgspec

from procession.hosts.temporal.codec.errors import CodecError

COMPRESS_OVER_BYTES: Final = 512
"""From this size on a payload is compressed, in bytes; below it there is little to win."""
CLAIM_OVER_BYTES: Final = 128 * 1024
"""From this size on a sealed payload stays in the blob store, in bytes: a replay reads all that is in the history."""
PAYLOAD_BYTES_MAX: Final = 64 * 1024 * 1024
"""Largest payload that is sealed or opened, in bytes, unless the configuration says less or more."""
CONCURRENCY_MAX: Final = 16
"""Most blobs of one call that are stored or fetched at the same time, unless the configuration says less or more."""


class CodecConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a codec does, in this order: compress, encrypt, claim.

    `key_file`: the keys, TOML or JSON (`KeyFile`); a `Keyring` given to `data_converter` takes its place.
    `encrypt`: False writes without encryption; that has to be said, a missing key never means it.
    `accept_plain`: payloads that are not encrypted may be read, such as those from before encryption was switched on.
    Whoever can write to a history can then write what was never sealed: switch it off when the old instances are gone.
    `compress_over_bytes`: sizes from which on a payload is compressed; None for never.
    `claim_over_bytes`: sizes from which on a sealed payload is stored at `blob_url`; without an address none is.
    `payload_bytes_max`, `concurrency_max`: bounds, see the constants of this module.
    """

    key_file: str = ""
    encrypt: bool = True
    accept_plain: bool = False
    compress_over_bytes: int | None = COMPRESS_OVER_BYTES
    claim_over_bytes: int = CLAIM_OVER_BYTES
    blob_url: str = ""
    payload_bytes_max: int = PAYLOAD_BYTES_MAX
    concurrency_max: int = CONCURRENCY_MAX

    def __post_init__(self) -> None:
        """Raises `CodecError` for a bound that would leave nothing."""
        low = {"claim_over_bytes": self.claim_over_bytes, "compress_over_bytes": self.compress_over_bytes or 0}
        bounds = {"payload_bytes_max": self.payload_bytes_max, "concurrency_max": self.concurrency_max}
        wrong = [name for name, value in low.items() if value < 0] + [
            name for name, value in bounds.items() if value < 1
        ]
        if wrong:
            raise CodecError(f"{', '.join(wrong)}: must be positive")
