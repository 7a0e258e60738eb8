"""Findings as plain text, for the terminal."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .summary import SUMMARY_COLUMNS, WAIVED_COLUMNS, Report, one_line, summarize, summarize_waived


def summary_text(findings: pd.DataFrame, waived: pd.DataFrame | None = None) -> str:
    """The findings by rule, one line a rule: severity, rule, datasets, count, message, and the most frequent values or else an example.
    Then the waived ones, with who accepted them, until when and why.

    >>> from sdtm_convert.findings import findings
    >>> found = findings([{"rule": "R1", "severity": "error", "dataset": "AE", "record": 4, "message": "AETERM is missing"}])
    >>> print(summary_text(found))
    severity  rule  datasets  count  message
    error     R1    AE            1  AETERM is missing (AE record 4)
    """
    table = _table(summarize(findings)) if len(findings) else "No findings."
    return table if waived is None or not len(waived) else f"{table}\n\nWaived\n{_waived_table(waived)}"


def write_text(report: Report, path: Path) -> None:
    about = [f"{name}: {value}" for name, value in report.about.items()]
    table = summary_text(report.findings, report.waived)
    head = [report.title, *([report.synthetic_notice] if report.synthetic_notice else []), *about]
    path.write_text("\n".join([*head, "", report.counted, "", table]) + "\n", encoding="utf-8", newline="\n")


def _table(summary: pd.DataFrame) -> str:
    rows = [("severity", "rule", "datasets", "count", "message")]
    for severity, rule, datasets, count, message, example, values in summary[list(SUMMARY_COLUMNS)].itertuples(index=False, name=None):
        rows.append((severity, rule, datasets, f"{count:,}", _message(message, values or example)))
    return _aligned(rows, right=3)


def _waived_table(waived: pd.DataFrame) -> str:
    lines = summarize_waived(waived).itertuples(index=False, name=None)
    return _aligned([WAIVED_COLUMNS, *(tuple(one_line(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in line) for line in lines)], right=2)


def _aligned(rows: list[tuple[str, ...]], right: int) -> str:
    """Columns as wide as their widest cell, but the last; column `right` to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    cells = [[f"{text:>{width}}" if at == right else f"{text:{width}}" for at, (text, width) in enumerate(zip(row, widths))] for row in rows]
    return "\n".join("  ".join([*line, row[-1]]).rstrip() for line, row in zip(cells, rows))


def _message(message: str, detail: str) -> str:
    return f"{one_line(message)} ({detail})" if detail else one_line(message)
