"""Which shelf an address means. Libraries are imported when they are needed."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from procession.base.failure import BadValue
from procession.services.shelves.folder import FolderShelf
from procession.services.shelves.sealing import SealedShelf, SealsOf
from procession.services.shelves.shelf import Shelf


def shelf_at(url: str, seals: SealsOf) -> Shelf:
    """The shelf at an address: `file:///folder`, or `s3://bucket/prefix?endpoint=https://host:9000&region=eu-central-1`.

    It seals for each tenant what it is given. Raises `BadValue` for any other address, and where a library is missing.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and not parts.query and len(parts.path) > 1:
        return SealedShelf(FolderShelf(Path(unquote(parts.path))), seals)
    if parts.scheme == "s3" and parts.hostname and "@" not in parts.netloc:
        try:
            from procession.services.shelves.objects import OPTIONS, ObjectShelf, s3_store
        except ImportError:
            raise BadValue("documents in S3 need obstore: pip install 'procession[s3]'") from None
        options = dict(parse_qsl(parts.query))
        if options.keys() <= OPTIONS:
            return SealedShelf(ObjectShelf(s3_store(parts.netloc, unquote(parts.path).strip("/"), options)), seals)
    # The address may hold a password where none belongs, so it is not repeated.
    raise BadValue(
        f"the address of the documents ({parts.scheme or 'no scheme'}) is none that is known: file:///folder, or "
        "s3://bucket/prefix with the options endpoint, region, virtual_hosted; credentials come from the environment"
    )
