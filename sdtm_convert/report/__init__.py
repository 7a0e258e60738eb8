"""Reports of findings: for programs (JSON, CSV), for people (HTML, Excel, text).

To report in another format (SARIF, JUnit), write one function `(report, path) -> None` and enter it in `WRITERS` with the
name of its file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from ..errors import InputError, did_you_mean
from .excel import write_excel
from .html import write_html
from .summary import Report, summarize
from .tables import write_csv, write_json
from .text import summary_text, write_text

__all__ = ["WRITERS", "Report", "summarize", "summary_text", "write_findings"]

# format -> its file, its writer. SARIF and JUnit belong here.
WRITERS = {
    "json": ("findings.json", write_json),
    "csv": ("findings.csv", write_csv),
    "html": ("findings.html", write_html),
    "xlsx": ("findings.xlsx", write_excel),
    "text": ("findings.txt", write_text),
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
) -> list[Path]:
    """Write `findings` (columns: see `sdtm_convert.findings`) into `folder` as findings.json, findings.csv and so on.

    `title` and `about` (name -> value: study, standard, versions ...) head the reports for people, as does `synthetic_notice`
    where the data are no real ones. `created` is the date in the files' own metadata; equal input gives equal bytes. The files
    are written aside first and put in place together. Returns their paths. Raises `InputError` for an unknown format, or if
    the folder cannot be written.
    """
    folder, formats = Path(folder), list(dict.fromkeys(formats))
    for format in formats:
        if format not in WRITERS:
            hint = did_you_mean(format, WRITERS)
            raise InputError(f"{folder}: no report format '{format}'; known: {', '.join(WRITERS)}. {hint}".strip())
    report = Report(findings, summarize(findings), title, dict(about), synthetic_notice, _in_utc(created))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".findings.", dir=folder) as aside:
            for file, write in map(WRITERS.get, formats):
                write(report, Path(aside) / file)
            for file, _ in map(WRITERS.get, formats):
                os.replace(Path(aside) / file, folder / file)
    except OSError as error:
        raise InputError(f"{folder}: the report cannot be written: {error.strerror or error}.") from error
    return [folder / WRITERS[format][0] for format in formats]


def _in_utc(moment: datetime | None) -> datetime | None:
    """Without time zone; a moment that has none is taken as UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment and moment.tzinfo else moment
