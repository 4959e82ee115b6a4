"""The embedded host: the engine inside an application, on one SQLite file.

`engine.py` is the door. Behind it: `pump.py` (who may write), `writer.py` (one commit), `shard.py` (what is in
memory), `handlers.py` (what requests mean), `carry.py` (what commands mean), `crew.py` (workers), `serving.py`.
"""

from __future__ import annotations

from procession.base.job import BpmnError, Choice, Denied, Job, JobFailed
from procession.hosts.embedded.engine import Engine
from procession.hosts.embedded.instance import Instance

__all__ = ["BpmnError", "Choice", "Denied", "Engine", "Instance", "Job", "JobFailed"]
