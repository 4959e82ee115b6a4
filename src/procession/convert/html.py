"""Reports as one HTML page that needs nothing else: no script, no address, every text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from procession.convert.report import OUTCOMES, Entry, Report

_STYLE: Final = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;color:#1c1c1c;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #ddd}
th{font-weight:600}code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}td.n{text-align:right}
.mapped{color:#1b5e20}.changed{color:#7a4f00}.dropped{color:#555}.needs-work{color:#a31515;font-weight:600}
@media (prefers-color-scheme:dark){body{background:#161616;color:#e6e6e6}th,td{border-color:#3a3a3a}
.mapped{color:#8bd48f}.changed{color:#e6b35a}.dropped{color:#aaa}.needs-work{color:#ff8a80}}
""".strip()
_HEADS: Final = ("Line", "Element", "Attribute", "Value", "Outcome", "Becomes", "Note")


def report_html(reports: Sequence[Report]) -> str:
    """The page for some reports, the documents in their order."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>Import report</title><style>{_STYLE}</style></head><body><main>",
        "<h1>Import report</h1>",
        _summary(reports),
    ]
    for number, report in enumerate(reports, 1):
        parts.append(f'<section aria-labelledby="d{number}"><h2 id="d{number}">{escape(report.file)}</h2>')
        parts.append(f"<p>Written in: {escape(', '.join(report.dialects))}</p>")
        parts.append(_table(report.entries) if report.entries else "<p>Nothing had to be converted.</p>")
        parts.append("</section>")
    return "\n".join([*parts, "</main></body></html>", ""])


def _summary(reports: Sequence[Report]) -> str:
    rows = "".join(
        f'<tr><td class="{outcome}">{outcome}</td><td class="n">{sum(each.counts[outcome] for each in reports)}</td>'
        f"<td>{escape(meaning)}</td></tr>"
        for outcome, meaning in OUTCOMES.items()
    )
    heads = '<tr><th scope="col">Outcome</th><th scope="col">Number</th><th scope="col">Means</th></tr>'
    return f"<table><thead>{heads}</thead><tbody>{rows}</tbody></table>"


def _table(entries: Sequence[Entry]) -> str:
    heads = "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
    rows = "".join(_row(entry) for entry in entries)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _row(entry: Entry) -> str:
    texts = (entry.element, entry.attribute, entry.value)
    cells = "".join(f"<td><code>{escape(text)}</code></td>" for text in texts)
    return (
        f'<tr><td class="n">{entry.line}</td>{cells}<td class="{entry.outcome}">{entry.outcome}</td>'
        f"<td><code>{escape(entry.target)}</code></td><td>{escape(entry.note)}</td></tr>"
    )
