"""`procession dev`: one command serves a folder, and what is changed there is what runs next."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import httpx
import pytest

import needs
from procession import Engine
from server_rig import SECONDS_MAX, ServerProcess, soon
from web_rig import XML

needs.require("server", "pip install 'procession[server]'")

ROOT: Final = Path(__file__).resolve().parents[2]
WORKER: Final = """
def register(engine):
    @engine.worker("work")
    def work():
        return {"by": "one"}
"""


def _dev(folder: Path, *arguments: str) -> ServerProcess:
    (folder.parent / "elsewhere").mkdir(exist_ok=True)
    there = folder.parent / "elsewhere"
    return ServerProcess(there, "dev", str(folder), "--port", "0", "--gateway-port", "0", *arguments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "project"
    found.mkdir()
    (found / "p.bpmn").write_text(XML)
    (found / "workers.py").write_text(WORKER)
    return found


def _completed(folder: Path, by: str) -> None:
    """An instance that is started now is completed by this function."""
    with Engine(folder / ".procession" / "dev.db") as client:
        assert not client.owner
        instance = client.start("p")
        assert client.wait_until(lambda: instance.state == "completed", SECONDS_MAX)
        assert instance.variables == {"by": by}


def test_models_and_workers_of_a_folder_run_and_are_taken_anew_when_they_change(folder: Path) -> None:
    with _dev(folder) as server:
        server.ready()
        assert server.until("deployed") == {"deployed": "p", "version": 1}
        server.until("watching")
        _completed(folder, "one")
        # What a module imports from the folder is read anew as well.
        (folder / "said.py").write_text('BY = "two or more"\n')
        (folder / "workers.py").write_text("from said import BY\n" + WORKER.replace('"one"', "BY"))
        server.until("workers")
        _completed(folder, "two or more")

        (folder / "p.bpmn").write_text(XML.replace('id="work"/>', "").replace('<endEvent id="e"/>', ""))
        refused = server.until("refused")["refused"]
        assert refused["line"] > 0
        assert refused["remedy"]
        assert Path(refused["file"]).name == "p.bpmn"
        _completed(folder, "two or more")

        (folder / "p.bpmn").write_text(XML.replace("<process ", '<process name="Better" '))
        assert server.until("deployed")["version"] == 2
        (folder / "workers.py").write_text("def register(engine):\n    this is wrong at\n")
        assert "workers.py:2: SyntaxError" in server.until("error")["error"]
        _completed(folder, "two or more")
        # Nothing lies there that could answer for a module that is saved again within the same second.
        assert not (folder / "__pycache__").exists()
        server.tell()
        assert server.ended() == 0


def test_one_broken_model_does_not_hold_the_others_back(folder: Path) -> None:
    (folder / "broken.bpmn").write_text("<definitions")
    with _dev(folder) as server:
        server.ready()
        server.until("refused")
        assert server.until("deployed")["deployed"] == "p"


def test_the_example_starts_with_its_seed_once(tmp_path: Path) -> None:
    folder = tmp_path / "dev"
    shutil.copytree(ROOT / "examples" / "dev", folder)
    seeds: list[int] = []
    for _ in range(2):
        with _dev(folder) as server:
            server.ready()
            server.until("watching")
            with Engine(folder / ".procession" / "dev.db") as client:
                soon(lambda: len(client.tasks()) == 1)
                assert len(client.instances(process_id="coffee")) == 2
            server.tell()
            assert server.ended() == 0
            seeds.append(sum("seed" in line for line in server.said))
    assert seeds == [1, 0]
    assert (folder / ".procession" / ".gitignore").read_text() == "*\n"


def test_a_seed_that_is_wrong_is_told(folder: Path) -> None:
    (folder / "seed.yaml").write_text("start:\n  - proces: p\n")
    with _dev(folder, "--memory") as server:
        server.ready()
        assert "proces" in server.until("error")["error"]
        assert not (folder / ".procession").exists()


def test_the_page_is_served_with_nothing_from_elsewhere_and_other_pages_are_refused(folder: Path) -> None:
    with _dev(folder, "--memory") as server, httpx.Client(base_url=server.ready().url) as client:
        page = client.get("/")
        assert "Procession" in page.text
        assert "http:" not in page.text
        assert "https:" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert client.get("/metrics").status_code == 200
        assert client.get("/health/ready").json()["ready"] is True
        elsewhere = {"host": "evil.example"}
        assert client.get("/v1/docs", headers=elsewhere).status_code == 403
        assert client.post("/v1/signals", json={"name": "s"}, headers={"origin": "http://evil"}).status_code == 403


def test_it_refuses_another_host_and_a_folder_that_is_not_there(folder: Path) -> None:
    with ServerProcess(folder, "dev", ".", PROCESSION_SERVER__HOST="0.0.0.0") as server:
        assert server.ended() == 2
        assert "reached from the network" in server.log
    with ServerProcess(folder, "dev", "nowhere") as server:
        assert server.ended() == 1
    assert not (folder / ".procession").exists()
