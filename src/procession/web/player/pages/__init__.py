"""The player's pages as HTML, which work without JavaScript; values of what is posted; themes; "check your answers".

Needs the extra `player`. `page_html` and `form_values` are each other's inverse.
"""

from __future__ import annotations

from procession.web.player.pages.answers import answers
from procession.web.player.pages.html import page_html
from procession.web.player.pages.styles import STYLE, STYLE_NAME
from procession.web.player.pages.theme import theme_css, theme_name, theme_problems
from procession.web.player.pages.values import form_values

__all__ = [
    "STYLE",
    "STYLE_NAME",
    "answers",
    "form_values",
    "page_html",
    "theme_css",
    "theme_name",
    "theme_problems",
]
