"""The second stage: AES-256-GCM with the key of a workflow's tenant, bound to the workflow.

A sealed payload is a random nonce of 96 bits and the ciphertext. The tag covers the encoding, the workflow and the id
of the key as well, so what is moved to another workflow or tenant, or said to be of another key, does not open. Random
nonces are safe for 2**32 payloads of one key (NIST SP 800-38D, 8.3): rotate before that.
"""

from __future__ import annotations

import os
from typing import Final, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload

from procession.base.failure import BadValue
from procession.hosts.temporal.codec.errors import NotAuthentic
from procession.hosts.temporal.codec.keys import Keyring, is_key_id
from procession.hosts.temporal.codec.payloads import ENCODING, KEY, SEALED, WORKFLOW, beside, parsed, text_of
from procession.hosts.temporal.ids import tenant_of

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16


@final
class Encryption:
    """Seals and opens with the keys of a keyring."""

    __slots__ = ("_keyring",)

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def seal(self, payload: Payload, workflow: str) -> Payload:
        """The payload, encrypted for `workflow` (a `binding`) with its tenant's active key."""
        key = await self._keyring.active(_tenant(workflow))
        aad = _covered(workflow, key.id)
        nonce = os.urandom(NONCE_BYTES)
        cipher = AESGCM(key.secret)
        data = nonce + await beside(lambda plain: cipher.encrypt(nonce, plain, aad), payload.SerializeToString())
        metadata = {ENCODING: SEALED, WORKFLOW: workflow.encode(), KEY: key.id.encode()}
        return Payload(metadata=metadata, data=data)

    async def open(self, payload: Payload, workflow: str) -> Payload:
        """The payload inside a sealed one.

        Raises `NotAuthentic` if it was sealed for another workflow, with another key, or was altered, and
        `KeyUnavailable` if its key is not there.
        """
        said = text_of(payload, WORKFLOW)
        if said != workflow:
            raise NotAuthentic(f"a payload that was sealed for workflow {said!r:.300} came to workflow {workflow!r}")
        key_id = text_of(payload, KEY)
        data = payload.data
        if not is_key_id(key_id) or len(data) < NONCE_BYTES + TAG_BYTES:
            raise NotAuthentic(f"a payload of workflow {workflow!r} is cut, or no sealed one")
        key = await self._keyring.find(_tenant(workflow), key_id)
        aad = _covered(workflow, key_id)
        cipher = AESGCM(key.secret)
        try:
            plain = await beside(lambda text: cipher.decrypt(data[:NONCE_BYTES], text, aad), data[NONCE_BYTES:])
        except InvalidTag:
            raise NotAuthentic(
                f"a payload of workflow {workflow!r} does not open with key {key_id!r}: it was altered, or the keyring "
                "holds another key under that id"
            ) from None
        return parsed(plain)


def _covered(workflow: str, key_id: str) -> bytes:
    """What the tag covers beside the payload. The length of each part makes sure that no two lists are the same."""
    parts = (SEALED, workflow.encode(), key_id.encode())
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _tenant(workflow: str) -> str:
    try:
        return tenant_of(workflow)
    except BadValue as error:
        raise NotAuthentic(str(error)) from None
