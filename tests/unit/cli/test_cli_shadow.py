"""The command `shadow`: what it prints of instances that are done again, and how it exits."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from procession.cli.app import app
from procession.core import facts as f
from procession.core.context import Context
from procession.core.facts import AnyFact
from unit.cli.models import APPROVE
from unit.cli.test_cli_commands import Shell, shell

__all__ = ["shell"]


def approved(shell: Shell) -> str:
    """An instance that somebody approved; its key."""
    shell.deployed(APPROVE)
    [started] = shell.json("start", "p", "--var", "amount=1")
    [task] = shell.json("list", "tasks")
    shell("complete", str(task["key"]), "--var", "approved=true")
    return str(started["instance"])


def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that loses who approved."""
    write = Context.write

    def other(cx: Context, fact: AnyFact) -> None:
        if not isinstance(fact, f.VariableSet):
            write(cx, fact)

    monkeypatch.setattr(Context, "write", other)


def test_what_is_equal_exits_0_and_is_kept(shell: Shell) -> None:
    key = approved(shell)
    assert shell("shadow", "show") == "nothing was shadowed\n"
    assert shell("shadow", "run") == "shadow: 1 shadowed on here: 1 equal, 0 different, 0 untold\n"
    assert shell("shadow", "run", "--name", "none", "--process", "q").startswith("none: 0 shadowed")
    one, report = shell.json("shadow", "run", "--anew", "--since", "2026-01-01", "--limit", "5", "--version", "1")
    assert (one["instance"], one["status"], one["differences"]) == (key, "equal", [])
    assert (report["after"], report["equal"], report["processes"]["p"]["compared"]) == (key, 1, 1)
    assert [each["name"] for each in shell.json("shadow", "show")] == ["none", "shadow"]
    assert shell("shadow", "show", "shadow").startswith("shadow: 1 shadowed on here")


def test_what_is_different_exits_1_and_is_shown_with_both_sides(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    key = approved(shell)
    forgetful(monkeypatch)
    done = CliRunner().invoke(app, ["shadow", "run"])
    assert done.exit_code == 1, done.stderr
    assert done.stdout.splitlines() == [
        f"different: <default> {key} (p)",
        "    step 2 (set): this version takes CompleteTask otherwise, from fact 1 on",
        "    p/p: variables at p",
        '        here:  {"amount":[1],"approved":[true]}',
        '        there: {"amount":[1]}',
        "shadow: 1 shadowed on here: 0 equal, 1 different, 0 untold",
        "    p/p: 1",
    ]
    shell("shadow", "run", "--anew", "--max-different", "1")


def test_a_rule_of_routes_says_what_counts(shell: Shell) -> None:
    approved(shell)
    (shell.folder / "routes.yaml").write_text("rules: [{name: acme, to: temporal, tenants: [acme]}]")
    shell("routes", "set", "routes.yaml", "--host", "temporal")
    assert "0 shadowed" in shell("shadow", "run", "--rule", "acme")
    assert "no rule is called 'all'" in shell("shadow", "run", "--rule", "all", code=1)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("run", "--to", "mars"), 2, "no host 'mars'"),
        (("run", "--since", "soon"), 2, "--since 'soon'"),
        (("run", "--db", "none.db"), 1, "no store at none.db"),
        (("run", "--name", ""), 1, "a name of 1 to"),
        (("show", "other"), 1, "no shadow run is called 'other'"),
    ],
)
def test_what_is_wrong_is_told(shell: Shell, arguments: tuple[str, ...], code: int, said: str) -> None:
    approved(shell)
    assert said in shell("shadow", *arguments, code=code)


def test_another_host_needs_another_name(shell: Shell) -> None:
    approved(shell)
    shell("shadow", "run")
    assert "take another name" in shell("shadow", "run", "--to", "celery", "--broker", "memory://", code=1)
