"""A server that is killed between an answer and its submit: the journey goes on with what was answered, once."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

import postgres_rig
from journey_rig import documents
from procession.hosts.embedded.engine import Engine
from procession.runtime.ports import Store
from procession.store.sqlite import SQLiteStore
from server_rig import ServerProcess

OPEN = {"PROCESSION_IDENTITY__OPEN": "true"}


def serving(folder: Path, url: str) -> ServerProcess:
    return ServerProcess(folder, "serve", "--port", "0", "--db", url, PROCESSION_GATEWAY__ENABLED="off", **OPEN).ready()


def on_sqlite(folder: Path) -> tuple[str, Store]:
    return str(folder / "store.db"), SQLiteStore(folder / "store.db")


def on_postgresql(folder: Path) -> tuple[str, Store]:
    store = postgres_rig.store()
    return postgres_rig.server().url(store.name.rpartition("/")[2]), store


@pytest.mark.parametrize("place", [on_sqlite, pytest.param(on_postgresql, marks=pytest.mark.large)])
def test_nothing_that_was_answered_is_lost_and_nothing_is_done_twice(place: Any, tmp_path: Path) -> None:
    url, store = place(tmp_path)
    with Engine(store=store) as engine:
        engine.deploy(*documents())
    with serving(tmp_path, url) as server, httpx.Client(base_url=server.url) as client:
        opened = client.post("/play/-/api/start", json={"process_id": "claim"}).json()
        headers = {"authorization": f"Bearer {opened['token']}"}
        shown = client.get(f"{opened['api']}/screen", headers=headers).json()["shown"]
        body = {"task": shown["task"], "page": "who", "sets": {"name": "Ada"}, "seq": 1, "device": "phone"}
        assert client.put(f"{opened['api']}/draft", json=body, headers=headers).json()["version"] == 1
        server.tell(signal.SIGKILL)
        server.ended()
    with serving(tmp_path, url) as server, httpx.Client(base_url=server.url) as client:
        again = client.put(f"{opened['api']}/draft", json=body, headers=headers).json()
        assert again == {"version": 1, "conflicts": []}, "sent again, it is answered again"
        submit = {"task": shown["task"], "page": "what", "sets": {"amount": 5}, "base": 1}
        done = client.post(f"{opened['api']}/submit", json=submit, headers=headers).json()
        assert done["shown"]["view"]["id"] == "sign"
        server.tell(signal.SIGKILL)
        server.ended()
    with serving(tmp_path, url) as server, httpx.Client(base_url=server.url) as client:
        twice = client.post(f"{opened['api']}/submit", json=submit, headers=headers).json()
        assert twice["shown"]["task"] == done["shown"]["task"], "and it was done once"
        [instance] = client.get("/v1/instances").json()["items"]
        variables = client.get(f"/v1/instances/{instance['key']}/variables").json()["variables"]
        assert variables == {"name": "Ada", "amount": 5}
