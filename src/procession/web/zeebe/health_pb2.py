"""Made from health.proto by `python -m tools.zeebe_proto`; do not edit it here."""

from __future__ import annotations

from typing import Final

from procession.web.zeebe.private_pool import load

_FILE: Final = """
eNrj4slITcwpydArKMovyRfiSy8qSNaDCpUZKulxCXmAOc4ZqcnZQamFpanFJUISXOzFqUVlmcmpEowKjBqcQTCu0kZGLmEUDcUF+XnFqUKeXGzFJYkl
pcVgDXxGhnqoFulh0aQXDDI0Lz0YrDEIaoCSPxcvioQQNxd7qJ+3n3+4nwADiBPsGhTm6ecuwCjEz8Xt5x8SDxNgEhLm4gdznF3jYVqYjaK42CC2CwVw
sYJdIKSE13ngQJBSJsILSWzgYDUGAC5scAM=
"""

DESCRIPTOR, _MESSAGES = load(_FILE)
globals().update(_MESSAGES)
