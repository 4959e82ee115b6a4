"""Where a Temporal server's program is looked for, and how it is built: with programs that only tell a version."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from procession.testing.temporal import ServerMissing, find_server
from procession.testing.temporal.binaries import KINDS, build_server, cached, server_version

pytestmark = pytest.mark.skipif("sys.platform == 'win32'", reason="the programs are shell scripts")

# Writes down that it ran, and puts an empty program where it is told to.
GO: Final = '#!/bin/sh\necho ran >> "$COUNT"\nwhile [ "$1" != -o ]; do shift; done\nprintf built > "$2"\n'


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a shell, and nothing of Temporal."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COUNT", str(tmp_path / "count"))
    monkeypatch.delenv("PROCESSION_TEMPORAL", raising=False)
    return tmp_path


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def of_version(path: Path, version: str) -> Path:
    return program(path, f"#!/bin/sh\necho 'temporal version 9 (Server {version}, UI 2)'\n")


def test_with_nothing_there_nothing_is_found() -> None:
    assert find_server(build=False) is None
    assert find_server("cli", build=False) is None


def test_the_variable_comes_before_the_path_and_the_path_before_the_cache(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = cached("server")
    assert kept
    of_version(kept, "1.32.1")
    assert find_server(build=False) == kept
    on_path = of_version(empty / "bin" / "temporal", "1.32.1")
    assert find_server(build=False) == on_path
    named = of_version(empty / "mine", "1.32.1")
    monkeypatch.setenv("PROCESSION_TEMPORAL", str(named))
    assert find_server(build=False) == named


def test_a_program_with_another_version_is_passed_over_when_a_kind_is_promised(empty: Path) -> None:
    on_path = of_version(empty / "bin" / "temporal", "1.29.1")
    assert find_server("cli", build=False) == on_path
    assert find_server("server", build=False) is None


def test_a_program_that_tells_no_version_has_none(empty: Path) -> None:
    assert server_version(program(empty / "dumb", "#!/bin/sh\nexit 1\n")) == ""
    assert server_version(program(empty / "broken", "no program")) == ""


def test_a_variable_that_names_no_program_is_an_error_that_says_so(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROCESSION_TEMPORAL", str(empty / "nowhere"))
    with pytest.raises(ServerMissing, match=r"PROCESSION_TEMPORAL names .*nowhere, which is no program"):
        find_server()


@pytest.mark.parametrize("kind", KINDS)
def test_a_build_runs_once_however_many_ask_for_it(kind: str, empty: Path) -> None:
    (asked,) = (each for each in KINDS if each == kind)
    program(empty / "bin" / "go", GO)
    told: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        built = set(pool.map(lambda _: build_server(asked, told.append), range(4)))
    assert built == {cached(asked)}
    assert [path.read_text() for path in built] == ["built"]
    assert (empty / "count").read_text() == "ran\n"
    assert len(told) == 1
    assert find_server(asked, build=False) in built


def test_a_build_that_fails_leaves_nothing_and_shows_what_the_compiler_said(empty: Path) -> None:
    program(empty / "bin" / "go", "#!/bin/sh\necho 'go: requires go >= 1.26.8' >&2\nexit 1\n")
    with pytest.raises(ServerMissing, match=r"(?s)`go build` failed.*needs Go 1\.26\.8.*requires go >= 1\.26\.8"):
        build_server("server")
    assert find_server("server", build=False) is None


def test_without_go_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch, empty: Path) -> None:
    monkeypatch.setenv("PATH", str(empty))
    with pytest.raises(ServerMissing, match=r"no `go` on the PATH; run `make temporal`.*PROCESSION_TEMPORAL"):
        build_server("cli")
