"""Findings as plain text, for the terminal."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .summary import SUMMARY_COLUMNS, Report, one_line, summarize


def summary_text(findings: pd.DataFrame) -> str:
    """The findings by rule, one line a rule: severity, rule, datasets, count, message and an example.

    >>> from sdtm_convert.findings import findings
    >>> found = findings([{"rule": "R1", "severity": "error", "dataset": "AE", "record": 4, "message": "AETERM is missing"}])
    >>> print(summary_text(found))
    severity  rule  datasets  count  message
    error     R1    AE            1  AETERM is missing (AE record 4)
    """
    return _table(summarize(findings)) if len(findings) else "No findings."


def write_text(report: Report, path: Path) -> None:
    about = [f"{name}: {value}" for name, value in report.about.items()]
    counts = ", ".join(f"{count:,} {severity}{'' if count == 1 else 's'}" for severity, count in report.counts.items())
    table = _table(report.summary) if len(report.findings) else "No findings."
    head = [report.title, *([report.synthetic_notice] if report.synthetic_notice else []), *about]
    path.write_text("\n".join([*head, "", counts, "", table]) + "\n", encoding="utf-8", newline="\n")


def _table(summary: pd.DataFrame) -> str:
    header = ("severity", "rule", "datasets", "count", "message")
    rows = [header]
    for severity, rule, datasets, count, message, example in summary[list(SUMMARY_COLUMNS)].itertuples(index=False, name=None):
        rows.append((severity, rule, datasets, f"{count:,}", _message(message, example)))
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    return "\n".join(
        f"{severity:{widths[0]}}  {rule:{widths[1]}}  {datasets:{widths[2]}}  {count:>{widths[3]}}  {message}".rstrip()
        for severity, rule, datasets, count, message in rows
    )


def _message(message: str, example: str) -> str:
    return f"{one_line(message)} ({example})" if example else one_line(message)
