"""The doctor: it names what is known against a version or a place, and touches nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

import pytest

from procession.services.doctor import examine, file_system_of, sqlite_library

MOUNTS: Final = """\
/dev/sda1 / ext4 rw 0 0
server:/share /mnt/team nfs4 rw 0 0
tmpfs /mnt/team/fast tmpfs rw 0 0
/dev/sdb1 /media/my\\040disk vfat rw 0 0
"""


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ((3, 40, 1), "warning"),
        ((3, 44, 5), "warning"),
        ((3, 44, 6), "ok"),
        ((3, 45, 0), "warning"),
        ((3, 50, 6), "warning"),
        ((3, 50, 7), "ok"),
        ((3, 51, 2), "warning"),
        ((3, 51, 3), "ok"),
        ((3, 52, 0), "warning"),
        ((3, 53, 0), "ok"),
        ((3, 54, 1), "ok"),
    ],
)
def test_a_sqlite_with_a_known_fault_is_named(version: tuple[int, ...], status: str) -> None:
    check = next(iter(sqlite_library(version)))
    assert check.status == status
    assert bool(check.remedy) is (status != "ok")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/x", "ext4"),
        ("/mnt/team/x", "nfs4"),
        ("/mnt/team/fast", "tmpfs"),
        ("/mnt/teammate", "ext4"),
        ("/media/my disk/a", "vfat"),
    ],
)
def test_the_innermost_mount_decides(path: str, kind: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    db = tmp_path / "bad.db"
    db.write_bytes(b"SQLite format 3\x00" + b"\x07" * 4096)
    assert any(check.status == "error" for check in examine(db))


def test_a_foreign_database_is_told_from_a_store_and_left_alone(tmp_path: Path) -> None:
    db = tmp_path / "other.db"
    with sqlite3.connect(db) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    before = db.read_bytes()
    found = {check.name: check for check in examine(db)}
    assert "not a store" in found["engine"].detail
    assert found["soundness"].status == "ok"
    assert db.read_bytes() == before


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    db = tmp_path / "none.db"
    assert {check.status for check in examine(db)} <= {"ok", "warning"}
    assert not db.exists()
