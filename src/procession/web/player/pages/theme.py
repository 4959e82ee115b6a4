"""Themes of brands: a style sheet of CSS variables, and whether what they say can be read.

Contrast is that of WCAG 2.2 (1.4.3 for text, 1.4.11 for what is no text). A variable that is no colour or length of the
table is never written, so a brand can name no address and close no rule.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Final

from procession.web.player.pages.sanitising import safe_url
from procession.web.player.shown import Brand

LIGHT: Final[dict[str, str]] = {
    "--ink": "#14181f",
    "--quiet": "#4b5563",
    "--paper": "#ffffff",
    "--panel": "#f3f5f8",
    "--line": "#6b7280",
    "--accent": "#0b57a4",
    "--accent-ink": "#ffffff",
    "--error": "#b3160d",
    "--good": "#12652f",
    "--focus": "#7a3ff2",
}
"""Colours of the light theme, by variable; `style.css` has the same."""
DARK: Final[dict[str, str]] = {
    "--ink": "#eef1f5",
    "--quiet": "#b4bcc8",
    "--paper": "#12161c",
    "--panel": "#1d232c",
    "--line": "#8b95a5",
    "--accent": "#7fb8f5",
    "--accent-ink": "#0b1522",
    "--error": "#ff9d94",
    "--good": "#7fd79b",
    "--focus": "#d3b8ff",
}
"""Colours of the dark theme. A brand sets them as `--dark-ink` and so on."""
LENGTHS: Final[dict[str, tuple[float, float]]] = {
    "--radius": (0, 2),
    "--text": (0.9, 1.5),
    "--gap": (0.5, 3),
    "--width": (20, 80),
}
"""Lengths, by variable: the least and the most, in rem."""
PAIRS: Final[tuple[tuple[str, str, float], ...]] = (
    ("--ink", "--paper", 4.5),
    ("--ink", "--panel", 4.5),
    ("--quiet", "--paper", 4.5),
    ("--quiet", "--panel", 4.5),
    ("--accent", "--paper", 4.5),
    ("--accent", "--panel", 4.5),
    ("--accent-ink", "--accent", 4.5),
    ("--error", "--paper", 4.5),
    ("--error", "--panel", 4.5),
    ("--good", "--paper", 4.5),
    ("--line", "--paper", 3),
    ("--line", "--panel", 3),
    ("--focus", "--paper", 3),
    ("--focus", "--panel", 3),
)
"""Two colours that meet, and the contrast that they need: texts, links, buttons, faults; lines of fields, focus."""
_PX_IN_REM: Final = 16
_COLOUR: Final = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_LENGTH: Final = re.compile(r"(0|[0-9]{1,4}(?:\.[0-9]{1,4})?)(rem|em|px)?")
_DARK: Final = "--dark-"


def theme_css(brand: Brand) -> str:
    """The style sheet of a brand; "" for one that changes nothing. What `theme_problems` refuses is left out of it, but
    for contrast: whose brand was saved before keeps it."""
    light, dark, lengths = _colours(brand, LIGHT, "--"), _colours(brand, DARK, _DARK), _lengths(brand)
    parts: list[str] = []
    if light or lengths:
        parts.append(_rule({**light, **lengths}))
    # The dark colours stand again, as the light ones of the brand would win over those of the style sheet.
    if light or dark:
        again = {name: DARK[name] for name in light} | dark
        parts.append(f"@media (prefers-color-scheme:dark){{{_rule(again)}}}")
    return "\n".join(parts)


def theme_name(brand: Brand) -> str:
    """The name of the style sheet, with the digest of what is in it; "" where there is none."""
    text = theme_css(brand)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.css" if text else ""


def theme_problems(brand: Brand) -> list[str]:
    """What is wrong with a brand: variables that are not known, values that are none, colours that cannot be read."""
    found = [text for name, value in brand.variables.items() if (text := _refused(name, value))]
    found += [
        f"`{name}` is no address of https, http or this server"
        for name, url in (("logo", brand.logo), ("fonts", brand.fonts))
        if url and not safe_url(url, "src")
    ]
    if brand.logo and not brand.name:
        found.append("`name` is missing: it is what people hear who cannot see the logo")
    found += _contrasts("light", {**LIGHT, **_colours(brand, LIGHT, "--")})
    found += _contrasts("dark", {**DARK, **_colours(brand, DARK, _DARK)})
    return found


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _contrasts(theme: str, colours: Mapping[str, str]) -> Iterator[str]:
    for one, other, least in PAIRS:
        found = contrast(colours[one], colours[other])
        if found < least:
            # Rounded down, so that nothing that fails is shown as what would do.
            has = int(found * 100) / 100
            yield f"{theme}: `{one}` on `{other}` has a contrast of {has}:1; it must be {least}:1 or more"


def _luminance(colour: str) -> float:
    digits = colour[1:]
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _refused(name: str, value: str) -> str:
    plain = "--" + name.removeprefix(_DARK) if name.startswith(_DARK) else name
    if plain in LIGHT:
        wanted = "" if _COLOUR.fullmatch(value) else "a colour such as #0b57a4"
    elif name in LENGTHS:
        low, high = LENGTHS[name]
        wanted = "" if _is_length(name, value) else f"a length of {low} to {high} rem, such as {low}rem"
    else:
        known = ", ".join([*LIGHT, *LENGTHS])
        return f"`{name[:40]}` is no variable of a theme; those are {known}, and colours also with `{_DARK}`"
    return f"`{name}` must be {wanted}" if wanted else ""


def _is_length(name: str, value: str) -> bool:
    found = _LENGTH.fullmatch(value)
    if found is None or (found[2] is None and found[1] != "0"):
        return False
    low, high = LENGTHS[name]
    return low <= float(found[1]) / (_PX_IN_REM if found[2] == "px" else 1) <= high


def _colours(brand: Brand, table: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The colours that a brand gives to a theme, in the order of the table."""
    given = {name: brand.variables.get(prefix + name.removeprefix("--"), "") for name in table}
    return {name: value for name, value in given.items() if _COLOUR.fullmatch(value)}


def _lengths(brand: Brand) -> dict[str, str]:
    given = {name: brand.variables.get(name, "") for name in LENGTHS}
    return {name: value for name, value in given.items() if _is_length(name, value)}


def _rule(variables: Mapping[str, str]) -> str:
    return ":root{" + ";".join(f"{name}:{value}" for name, value in variables.items()) + "}"
