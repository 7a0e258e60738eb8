"""Findings as one HTML page that needs nothing else: no network, and for the summary no JavaScript.

The findings lie in the page as JSON: for each column its distinct values and, for each finding, which of them. A hundred
thousand findings take a few megabytes so, and searching looks at each distinct value once.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from ..findings import SEVERITIES
from .summary import STATUSES, Report, one_line, summarize_known, summarize_outcomes, summarize_waived

LONGEST = 2_000  # characters of one value in the page
ALWAYS = ("rule", "severity", "dataset")  # columns that filters need; others are left out where no finding has them


def write_html(report: Report, path: Path) -> None:
    files = resources.files(__package__)
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters["one_line"] = one_line
    page = environment.from_string(files.joinpath("findings.html.jinja").read_text("utf-8")).render(
        report=report,
        datasets=_datasets(report),
        known=[] if report.known is None else summarize_known(report.known).to_dict("records"),
        waived=[] if report.waived is None else summarize_waived(report.waived).to_dict("records"),
        outcomes=[] if report.outcomes is None else summarize_outcomes(report.outcomes).to_dict("records"),
        statuses=[] if report.outcomes is None else _statuses(report.outcomes),
        style=Markup(files.joinpath("findings.css").read_text("utf-8")),
        script=Markup(files.joinpath("findings.js").read_text("utf-8")),
        data=Markup(_embedded(report.findings)),
    )
    path.write_text(page, encoding="utf-8", newline="\n")


def _statuses(outcomes: pd.DataFrame) -> list[tuple[str, int]]:
    counts = outcomes["status"].value_counts()
    return [(status, int(counts[status])) for status in STATUSES if status in counts]


def _datasets(report: Report) -> list[dict]:
    """For each dataset its records and findings of each severity; nothing where nobody said which datasets there are."""
    counts = report.findings.groupby(["dataset", "severity"]).size()
    return [{"name": name, "records": records, "counts": {severity: int(counts.get((name, severity), 0)) for severity in SEVERITIES}}
            for name, records in sorted(report.records.items())]


def _embedded(findings: pd.DataFrame) -> str:
    """The findings as JSON that may stand inside a script element: no "<" can end it."""
    columns = []
    for name, values in findings.items():
        codes, distinct = pd.factorize(values)
        if len(distinct) or name in ALWAYS:
            numeric = not pd.api.types.is_string_dtype(values)
            shown = distinct.tolist() if numeric else [_cut(text) for text in distinct]
            columns.append({"name": name, "numeric": numeric, "values": shown, "codes": codes.tolist()})
    text = json.dumps({"count": len(findings), "columns": columns}, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} [cut: {len(text):,} characters]"
