"""The workers of this folder: `procession dev` loads them, and loads them anew when this file changes."""

from __future__ import annotations

from procession import Engine


def register(engine: Engine) -> None:
    """Registers the worker of the process `coffee`."""

    @engine.worker("brew-coffee")
    def brew_coffee(beans: str = "house blend") -> dict[str, object]:
        return {"aroma": f"that of {beans}"}
