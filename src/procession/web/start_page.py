"""The page at `/` of `procession dev`: static, and with nothing from elsewhere. What it lists it asks the API for."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

PAGE: Final = files(__package__ or "procession.web").joinpath("start_page.html").read_bytes()
