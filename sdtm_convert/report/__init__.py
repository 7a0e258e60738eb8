"""Reports of findings: for programs (JSON, CSV), for people (HTML, Excel, text), for build servers (JUnit, SARIF).

To report in another format, write one function `(report, path) -> None` and enter it in `WRITERS` with the
name of its file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from ..errors import InputError, did_you_mean
from .excel import write_excel
from .html import write_html
from .junit import write_junit
from .sarif import write_sarif
from .summary import Report, count_words, counted, summarize
from .tables import write_csv, write_json, write_known, write_outcomes, write_outcomes_csv, write_waived
from .text import outcome_text, summary_text, write_text

__all__ = ["WRITERS", "Report", "count_words", "counted", "outcome_text", "summarize", "summary_text", "write_findings"]

# format -> its file, its writer
WRITERS = {
    "json": ("findings.json", write_json),
    "csv": ("findings.csv", write_csv),
    "html": ("findings.html", write_html),
    "xlsx": ("findings.xlsx", write_excel),
    "text": ("findings.txt", write_text),
    "junit": ("junit.xml", write_junit),
    "sarif": ("findings.sarif", write_sarif),
}

# format -> the files beside its own: their writers, and which table they hold
COMPANIONS = {
    "json": (("outcomes.json", write_outcomes, "outcomes"), ("waived.json", write_waived, "waived"), ("known.json", write_known, "known")),
    "csv": (("outcomes.csv", write_outcomes_csv, "outcomes"),),
}


def write_findings(
    findings: pd.DataFrame,
    folder: str | Path,
    formats: Iterable[str] = ("json", "csv", "html", "xlsx"),
    *,
    title: str,
    about: dict[str, str],
    synthetic_notice: str = "",
    created: datetime | None = None,
    outcomes: pd.DataFrame | None = None,
    waived: pd.DataFrame | None = None,
    known: pd.DataFrame | None = None,
    records: dict[str, int] | None = None,
    texts: dict[str, str] | None = None,
    places: dict[tuple[str, str], str] | None = None,
    failing: Iterable[str] = ("error", "warning"),
) -> list[Path]:
    """Write `findings` (columns: see `sdtm_convert.findings`) into `folder` as findings.json, findings.csv and so on.

    `title` and `about` (name -> value: study, standard, versions ...) head the reports for people, as does `synthetic_notice`
    where the data are no real ones. `created` is the date in the files' own metadata; equal input gives equal bytes.

    `outcomes` (columns: see `validation.Validation`) says what became of each rule on each dataset, `waived` are accepted findings (with
    `reason`, `who`, `expires`), `known` findings that a baseline has too; beside findings.json they are outcomes.json, waived.json and
    known.json, beside findings.csv there is outcomes.csv. `records`: the number of records by dataset, so that a rule that hits all of them
    says so. `texts`: what each rule asks for, by its id. `places` says where to point to, as "file" or "file:line", by dataset and variable,
    "" for the file of the dataset itself; by "" and the name of a file, for the files that findings name as their source; by "" and "" for
    all else. `failing`: the severities that fail a test of junit.xml.

    The files are written aside first and put in place together. Returns their paths. Raises `InputError` for an unknown format, or if
    the folder cannot be written.
    """
    folder, formats = Path(folder), list(dict.fromkeys(formats))
    for format in formats:
        if format not in WRITERS:
            hint = did_you_mean(format, WRITERS)
            raise InputError(f"{folder}: no report format '{format}'; known: {', '.join(WRITERS)}. {hint}".strip())
    report = Report(findings, summarize(findings, records), title, dict(about), synthetic_notice, _in_utc(created), outcomes, waived, known,
                    records or {}, texts or {}, places or {}, tuple(failing))
    files = [written for format in formats for written in (WRITERS[format], *_companions(format, report))]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".findings.", dir=folder) as aside:
            for file, write in files:
                write(report, Path(aside) / file)
            for file, _ in files:
                os.replace(Path(aside) / file, folder / file)
        for file in {file for format in formats for file, *_ in COMPANIONS.get(format, ())} - {file for file, _ in files}:
            (folder / file).unlink(missing_ok=True)  # an earlier run's, which does not belong to these findings
    except OSError as error:
        raise InputError(f"{folder}: the report cannot be written: {error.strerror or error}.") from error
    return [folder / file for file, _ in files]


def _companions(format: str, report: Report) -> list[tuple[str, Callable]]:
    """What is written beside findings.json and findings.csv, which are findings and nothing else."""
    given = {"outcomes": report.outcomes, "waived": report.waived, "known": report.known}
    return [(file, write) for file, write, table in COMPANIONS.get(format, ()) if given[table] is not None]


def _in_utc(moment: datetime | None) -> datetime | None:
    """Without time zone; a moment that has none is taken as UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment and moment.tzinfo else moment
