"""Themes: what a brand may set, what is left out, and whether it can be read."""

from __future__ import annotations

import re
from typing import Final

import pytest

from procession.web.player.pages import STYLE, theme_css, theme_name, theme_problems
from procession.web.player.pages.theme import DARK, LENGTHS, LIGHT, PAIRS, contrast
from procession.web.player.shown import Brand

CONTRASTED: Final = Brand(
    name="Loud",
    variables={
        "--ink": "#000", "--quiet": "#000", "--line": "#000", "--accent": "#000", "--panel": "#fff", "--focus": "#00f",
        "--dark-ink": "#fff", "--dark-paper": "#000", "--dark-panel": "#000", "--dark-accent": "#ff0",
        "--dark-accent-ink": "#000", "--radius": "0", "--text": "18px",
    },
)  # fmt: skip


def test_our_own_themes_can_be_read_and_are_those_of_the_style_sheet() -> None:
    assert theme_problems(Brand()) == []
    assert theme_css(Brand()) == ""
    assert theme_name(Brand()) == ""
    light, dark = (
        dict(re.findall(r"(--[a-z-]+): (#[0-9a-f]{6});", part)) for part in STYLE.decode().split("@media")[:2]
    )
    assert (light, dark) == (LIGHT, DARK)


def test_a_brand_is_a_style_sheet_of_its_variables_in_both_themes() -> None:
    brand = Brand(variables={"--accent": "#8a1538", "--dark-accent": "#ffb3c7", "--radius": "4px", "--gap": "1rem"})
    assert theme_problems(brand) == []
    assert theme_css(brand) == (
        ":root{--accent:#8a1538;--radius:4px;--gap:1rem}\n@media (prefers-color-scheme:dark){:root{--accent:#ffb3c7}}"
    )
    assert theme_problems(CONTRASTED) == []
    assert re.fullmatch(r"[0-9a-f]{16}\.css", theme_name(brand))
    assert theme_name(brand) != theme_name(CONTRASTED)


def test_a_light_colour_alone_leaves_the_dark_theme_as_it_was() -> None:
    css = theme_css(Brand(variables={"--accent": "#8a1538"}))
    assert css.endswith(f"(prefers-color-scheme:dark){{:root{{--accent:{DARK['--accent']}}}}}")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("--accent", "red", "`--accent` must be a colour such as #0b57a4"),
        ("--accent", "#12345", "must be a colour"),
        ("--accent", "#fff;}body{display:none", "must be a colour"),
        ("--accent", "url(https://evil.example)", "must be a colour"),
        ("--accent", "#fff\n", "must be a colour"),
        ("--radius", "50rem", "must be a length of 0 to 2 rem"),
        ("--text", "4px", "must be a length of 0.9 to 1.5 rem"),
        ("--text", "1", "must be a length"),
        ("--gap", "calc(1px + 1rem)", "must be a length"),
        ("--dark-gap", "1rem", "is no variable of a theme"),
        ("--font", "Arial", "is no variable of a theme"),
        ("x}", "#fff", "is no variable of a theme"),
    ],
)
def test_what_is_no_colour_or_length_is_said_and_left_out(name: str, value: str, said: str) -> None:
    brand = Brand(variables={name: value})
    problems = theme_problems(brand)
    assert len(problems) == 1
    assert said in problems[0]
    assert theme_css(brand) == ""


def test_addresses_of_a_brand_are_checked_and_a_logo_needs_a_name() -> None:
    assert len(theme_problems(Brand(name="x", logo="javascript:x", fonts="data:text/css,x"))) == 2
    assert "`name` is missing" in theme_problems(Brand(logo="/logo.svg"))[0]
    assert theme_problems(Brand(name="x", logo="https://e.example/l.svg", fonts="/fonts.css")) == []


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000", "#fff", 21.0), ("#777777", "#ffffff", 4.478), ("#767676", "#fff", 4.542), ("#fff", "#fff", 1.0)],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.001)
    assert contrast(other, one) == contrast(one, other)


@pytest.mark.parametrize(("one", "other", "least"), PAIRS)
def test_every_pair_that_meets_is_checked_in_both_themes(one: str, other: str, least: float) -> None:
    for prefix, theme in (("--", "light"), ("--dark-", "dark")):
        # One colour on itself has no contrast.
        same = Brand(variables={prefix + one[2:]: "#808080", prefix + other[2:]: "#808080"})
        found = [each for each in theme_problems(same) if each.startswith(f"{theme}: `{one}` on `{other}`")]
        assert found == [f"{theme}: `{one}` on `{other}` has a contrast of 1.0:1; it must be {least}:1 or more"]


def test_lengths_of_the_style_sheet_are_within_what_a_brand_may_set() -> None:
    given = dict(re.findall(r"(--[a-z]+): ([0-9.]+rem);", STYLE.decode()))
    assert set(given) == set(LENGTHS)
    assert theme_problems(Brand(variables=given)) == []
