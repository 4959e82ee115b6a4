"""The test kit on Temporal clusters: a real server for a test, found or built, started and stopped.

`dev_server` is the door. What must not live here: anything a production host needs.
"""

from procession.testing.temporal.binaries import Kind, ServerMissing, find_server
from procession.testing.temporal.servers import DevServer, ServerFailed, dev_server

__all__ = ["DevServer", "Kind", "ServerFailed", "ServerMissing", "dev_server", "find_server"]
