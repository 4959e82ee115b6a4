"""One trace from the start of an instance over its workflow and its steps to its jobs, whatever is replayed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from needs import require
from procession.testing.temporal import DevServer

PROGRAM: Final = Path(__file__).parents[1] / "temporal_traced.py"


def test_a_start_its_workflow_its_steps_and_its_jobs_are_one_trace(temporal_server: DevServer, tmp_path: Path) -> None:
    require("opentelemetry", "pip install 'procession[otel]'")
    words = [sys.executable, str(PROGRAM), temporal_server.address, temporal_server.namespace, str(tmp_path / "x.db")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["done"]
    spans = found["spans"]
    starts = [span for span in spans if span["name"] == "procession.start"]
    assert len(starts) == 1
    names = Counter(span["name"] for span in spans if span["trace"] == starts[0]["trace"])
    wanted = {
        "procession.start",
        "StartWorkflow:chain",
        "RunWorkflow:chain",
        "StartActivity:first",
        "RunActivity:first",
        "own span of a function",
        "StartActivity:second",
        "RunActivity:second",
        "CompleteWorkflow:chain",
    }
    assert {name: names[name] for name in wanted} == dict.fromkeys(wanted, 1)
    steps = [span["attributes"] for span in spans if span["name"] == "Step"]
    assert {each["procession.instance"] for each in steps} == {found["instance"]}
    assert [int(each["procession.step"]) for each in steps] == list(range(1, found["steps"] + 1))
    assert names["Step"] == len(steps)
