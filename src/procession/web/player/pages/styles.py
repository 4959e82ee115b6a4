"""The style sheet of the player, and the name with the digest of what is in it: it may be kept for ever."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Final

STYLE: Final = files(__package__ or "").joinpath("style.css").read_bytes()
STYLE_NAME: Final = f"player.{hashlib.sha256(STYLE).hexdigest()[:16]}.css"
