"""The program of `zeebe_rig`: an engine on a file and the gateway before it, until its input ends.

`python zeebe_child.py DATABASE PORT` prints the port on which it listens.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from procession.hosts.embedded.engine import Engine
from procession.web.zeebe.server import serve_gateway
from web_rig import running_site


async def main(database: str, port: int) -> None:
    """Serves until the standard input ends."""
    with Engine(database) as engine:
        engine.serve(threads=1)
        async with running_site(engine) as site:
            serving = await serve_gateway(site, "127.0.0.1", port)
            sys.stdout.write(f"{serving.port}\n")
            sys.stdout.flush()
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
            await site.desk.close()
            await serving.stop(grace=1.0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
