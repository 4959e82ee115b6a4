"""What a person does at a page, with a pointer or with the keyboard alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, final

if TYPE_CHECKING:
    from playwright.sync_api import Page

MAIN: Final = "button.main"
FILE: Final = "input[type=file]"
STOPS_MAX: Final = 60
"""Stops of the Tab key after which what is looked for cannot be reached."""


def field(path: str) -> str:
    """The control of a field by its path; one in a row of a list by the end of it (`*plate`), one that is no field of a
    form by its name (`=code`)."""
    if path.startswith("="):
        return f'[name="{path[1:]}"]'
    return f'[name="f:{path}"]:not([type=hidden])' if not path.startswith("*") else f'[name$="{path[1:]}"]'


class Hands(Protocol):
    """All that a journey asks for."""

    def fill(self, path: str, value: str) -> None: ...
    def tick(self, path: str) -> None: ...
    def choose(self, n: int) -> None: ...
    def attach(self, file: Path) -> None: ...
    def main(self) -> None: ...
    def mend(self, path: str) -> None:
        """Goes to a field by the summary of errors."""
        ...


@final
class Pointer:
    """A mouse, or a finger."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def fill(self, path: str, value: str) -> None:
        self._page.fill(field(path), value)

    def tick(self, path: str) -> None:
        self._page.check(f"{field(path)}[type=checkbox]")

    def choose(self, n: int) -> None:
        self._page.check(f"input[type=radio] >> nth={n}")

    def attach(self, file: Path) -> None:
        self._page.set_input_files(f"{FILE} >> nth=0", file)

    def main(self) -> None:
        self._page.click(MAIN)

    def mend(self, path: str) -> None:
        self._page.click("#errors a >> nth=0")
        assert self._page.evaluate(_HAS_FOCUS, field(path)), f"the summary leads to {path}"


@final
class Keys:
    """The keyboard alone: what no Tab leads to is not there."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def fill(self, path: str, value: str) -> None:
        self._reach(field(path))
        if self._page.evaluate("() => document.activeElement.type") == "date":
            year, month, day = value.split("-")
            self._page.keyboard.type(month + day + year)
            return
        self._page.keyboard.press("Control+A")
        self._page.keyboard.type(value)

    def tick(self, path: str) -> None:
        self._reach(f"{field(path)}[type=checkbox]")
        self._page.keyboard.press("Space")

    def choose(self, n: int) -> None:
        self._reach("input[type=radio]")
        self._page.keyboard.press("Space")
        for _ in range(n):
            self._page.keyboard.press("ArrowDown")

    def attach(self, file: Path) -> None:
        with self._page.expect_file_chooser() as chooser:
            # A key overtakes what the page is told of dialogs, unless it is asked in between: for where the focus is.
            self._reach(FILE)
            self._page.keyboard.press("Enter")
        chooser.value.set_files(file)

    def main(self) -> None:
        self._reach(MAIN)
        self._page.keyboard.press("Enter")

    def mend(self, path: str) -> None:
        assert self._page.evaluate(_HAS_FOCUS, "#errors"), "the focus is at the summary"
        self._reach("#errors a")
        self._page.keyboard.press("Enter")
        assert self._page.evaluate(_HAS_FOCUS, field(path)), f"the summary leads to {path}"

    def _reach(self, selector: str) -> None:
        for _ in range(STOPS_MAX):
            if self._page.evaluate(_HAS_FOCUS, selector):
                return
            self._page.keyboard.press("Tab")
        raise AssertionError(f"no Tab leads to {selector}")


_HAS_FOCUS: Final = "selector => document.activeElement !== null && document.activeElement.matches(selector)"
