"""`procession serve` on PostgreSQL: what a tenant sees is read by a login that can see nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from bench.server import rig
from bench.server.http import Line, encoded

import postgres_rig
from procession.store.postgres.store import PostgresStore

READER: Final = "looker"


async def told(port: int) -> tuple[list[str], int]:
    """Of two tenants: the states of what one sees of its own, and the status of its look at the other's."""
    lines = {each: Line(port, each) for each in ("ours", "theirs")}
    keys = {}
    for tenant, line in lines.items():
        await rig.deploy(port, rig.model("one", 1, "noop"), tenant=tenant)
        status, answer = await line.post("/v1/instances", encoded({"process_id": "one", "variables": {}}))
        assert status == 201, answer
        keys[tenant] = msgspec.json.decode(answer)["key"]
    status, answer = await lines["ours"].get("/v1/instances")
    assert status == 200, answer
    foreign, _ = await lines["ours"].get(f"/v1/instances/{keys['theirs']}")
    for line in lines.values():
        line.close()
    return [each["state"] for each in msgspec.json.decode(answer)["items"]], foreign


def test_what_a_tenant_sees_is_read_by_a_login_of_its_own(tmp_path: Path) -> None:
    server = postgres_rig.server()
    url = server.database(migrated=False)
    PostgresStore(url, shards=2).close()
    server.execute(f"DROP ROLE IF EXISTS {READER}", f"CREATE ROLE {READER} LOGIN", f"GRANT procession_api TO {READER}")
    reader = url.replace(f"//{postgres_rig.LOGIN}@", f"//{READER}@")
    with rig.serving(tmp_path, url, PROCESSION_STORE__READER_URL=reader) as (_, port):
        assert rig.run(told(port)) == (["active"], 404)
        used = server.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'looker'")
    assert used[0][0] > 0
