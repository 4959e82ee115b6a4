"""How soon the first page of a journey is seen on a slow network: largest contentful paint in Chromium, in ms."""

from __future__ import annotations

from typing import Any, Final

from bench.player.crowd import deploy
from bench.server import rig

ROUND_TRIP_MS: Final = 150
BYTES_A_SECOND: Final = 1_638_400 // 8
"""What Lighthouse calls slow 4G: 150 ms there and back, 1.6 Mbit/s."""
TIMES: Final = 7
_PAINT: Final = """() => new Promise(resolve => new PerformanceObserver(list =>
    resolve(list.getEntries().at(-1).startTime)).observe({type: "largest-contentful-paint", buffered: true}))"""


def painted(port: int) -> list[float]:
    """Milliseconds until the largest part of the first page is there, each time with an empty cache; sorted."""
    import browser_page_rig

    rig.run(deploy(port))
    with browser_page_rig.running() as browser:
        return sorted(_once(browser, f"http://127.0.0.1:{port}/play/-/start/claim") for _ in range(TIMES))


def _once(browser: Any, address: str) -> float:
    context = browser.new_context(viewport={"width": 360, "height": 640})
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": ROUND_TRIP_MS, "downloadThroughput": BYTES_A_SECOND}
    network.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": BYTES_A_SECOND})
    page.goto(address)
    found = float(page.evaluate(_PAINT))
    context.close()
    return found
