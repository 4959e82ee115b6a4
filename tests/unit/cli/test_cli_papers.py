"""`procession papers`: what each command prints and writes, and with which code it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click import unstyle
from typer.testing import CliRunner

from paper_rig import certificate, form, made, picture, plain_pdf, root, text_of
from procession.cli.app import app
from procession.services.papers.orders import Mark, Sign, Signer


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["papers", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == code, f"{arguments}: exit {done.exit_code}\n{done.stdout}\n{done.stderr}"
    return unstyle(done.stdout + done.stderr)


def signed() -> bytes:
    mark = Mark(Signer("Ann", "signed in", "here", 1_790_000_000_000), typed="Ann", page=1, box=(50, 50, 100, 40))
    return made(Sign(pdf=plain_pdf(), marks=[mark], certificate=certificate(), title="t"))


@pytest.mark.large
def test_a_seal_is_told_and_a_change_of_what_it_covers_is_an_error() -> None:
    pdf = signed()
    Path("good.pdf").write_bytes(pdf)
    Path("root.pem").write_bytes(root())
    assert "nothing was changed" in run("verify", "good.pdf")
    assert "believed" in run("verify", "good.pdf", "--root", "root.pem")
    record = json.loads(run("verify", "good.pdf", "--json"))
    assert (record["intact"], record["whole"], record["trusted"]) == (True, True, False)
    place = pdf.index(b"/MediaBox")
    Path("bad.pdf").write_bytes(pdf[:place] + pdf[place:].replace(b"300", b"301", 1))
    assert "CHANGED" in run("verify", "bad.pdf", code=1)
    Path("plain.pdf").write_bytes(plain_pdf())
    assert "nothing seals" in run("verify", "plain.pdf", code=1)
    Path("no.pdf").write_bytes(b"no pdf")
    assert "no PDF" in run("verify", "no.pdf", code=1)
    assert "cannot be read" in run("verify", "missing.pdf", code=2)


def test_a_seal_by_nobody_who_is_believed_is_an_error() -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    from paper_rig import authority

    Path("good.pdf").write_bytes(signed())
    Path("other.pem").write_bytes(authority("Another Root")[1].public_bytes(Encoding.PEM))
    assert "nobody who is believed" in run("verify", "good.pdf", "--root", "other.pem", code=1)


@pytest.mark.large
def test_a_form_is_looked_at_and_filled() -> None:
    Path("form.pdf").write_bytes(form())
    assert "colour  radio  red, blue" in run("fields", "form.pdf")
    Path("v.json").write_text(json.dumps({"name": "Ann Smith", "agreed": True}))
    assert "out.pdf" in run("fill", "form.pdf", "--values", "v.json", "--flatten", "-o", "out.pdf")
    assert "Ann Smith" in text_of(Path("out.pdf").read_bytes())
    Path("v.json").write_text('{"nothing": "x"}')
    assert "no field" in run("fill", "form.pdf", "--values", "v.json", "-o", "x.pdf", code=1)
    Path("v.json").write_text("[]")
    assert "v.json" in run("fill", "form.pdf", "--values", "v.json", "-o", "x.pdf", code=2)
    assert not Path("x.pdf").exists()


def test_a_page_is_printed_with_what_is_attached() -> None:
    Path("photo.png").write_bytes(picture())
    Path("page.html").write_text("<h1>{{ who }}</h1><img src='attachment:photo.png'>")
    Path("v.json").write_text('{"who": "<b>Ann"}')
    run("print", "page.html", "--values", "v.json", "--attach", "photo.png", "-o", "out.pdf")
    assert "<b>Ann" in text_of(Path("out.pdf").read_bytes())
    assert "who" in run("print", "page.html", "-o", "x.pdf", code=1)
