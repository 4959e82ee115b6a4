"""Payloads compressed, encrypted with the key of their tenant, and kept in a blob store if they are large.

`data_converter(CodecConfig(...))` is what clients and workers are given; `server.py` shows payloads to those who may.
"""

from __future__ import annotations

from procession.hosts.temporal.codec.blobs import Blobs, FileBlobs, ObjectBlobs, blobs_at
from procession.hosts.temporal.codec.chain import Chain
from procession.hosts.temporal.codec.config import CodecConfig
from procession.hosts.temporal.codec.converter import SealedFailures, SealingCodec, data_converter
from procession.hosts.temporal.codec.errors import (
    BlobUnavailable,
    CodecError,
    KeyUnavailable,
    NotAuthentic,
    NoTenant,
    PayloadTooLarge,
    is_codec_failure,
)
from procession.hosts.temporal.codec.key_service import ServiceKeyring
from procession.hosts.temporal.codec.keys import FileKeyring, Key, KeyFile, Keyring, KeySet, StaticKeyring

__all__ = [
    "BlobUnavailable",
    "Blobs",
    "Chain",
    "CodecConfig",
    "CodecError",
    "FileBlobs",
    "FileKeyring",
    "Key",
    "KeyFile",
    "KeySet",
    "KeyUnavailable",
    "Keyring",
    "NoTenant",
    "NotAuthentic",
    "ObjectBlobs",
    "PayloadTooLarge",
    "SealedFailures",
    "SealingCodec",
    "ServiceKeyring",
    "StaticKeyring",
    "blobs_at",
    "data_converter",
    "is_codec_failure",
]
