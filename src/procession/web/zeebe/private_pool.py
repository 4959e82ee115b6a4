"""Classes of messages in a pool of their own: a process may hold a client's classes of the same names beside them."""

from __future__ import annotations

import zlib
from base64 import b64decode

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass


def load(file: str) -> tuple[FileDescriptor, dict[str, type[Message]]]:
    """A file of messages, and its classes by name. `file` is its descriptor, compressed, as base 64."""
    found = DescriptorPool().AddSerializedFile(zlib.decompress(b64decode(file)))
    return found, {each: GetMessageClass(message) for each, message in found.message_types_by_name.items()}
