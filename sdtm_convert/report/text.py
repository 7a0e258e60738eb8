"""Findings as plain text, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from .summary import STATUSES, WAIVED_COLUMNS, Cause, Report, one_line, summarize, summarize_outcomes, summarize_waived

MOST_DATASETS = 8
MOST_UNCHECKED = 20


def summary_text(findings: pd.DataFrame, waived: pd.DataFrame | None = None, records: Mapping[str, int] | None = None) -> str:
    """The findings by cause, one line a rule and message: severity, rule, datasets, count, message; whether all records of a dataset are hit
    (`records`: how many it has); the most frequent values or else an example. Then the waived ones, with who accepted them, until when, why.

    >>> from sdtm_convert.findings import findings
    >>> found = findings([{"rule": "R1", "severity": "error", "dataset": "AE", "record": 4, "message": "AETERM is missing"}])
    >>> print(summary_text(found))
    severity  rule  datasets  count  message
    error     R1    AE            1  AETERM is missing (AE record 4)
    """
    return _causes_text(summarize(findings, records), waived)


def outcome_text(outcomes: pd.DataFrame) -> str:
    """How many rules came to what on the datasets; then, a line for each reason, what failed or did not run."""
    counts = outcomes["status"].value_counts()
    lines = [f"rules and datasets: {', '.join(f'{counts[status]:,} {status}' for status in reversed(STATUSES) if status in counts)}"]
    unchecked = outcomes[outcomes["status"].isin(["failed", "not run"])]
    each = [one_line(f"{status}: {rule} on {datasets or 'the study'}: {reason}")
            for status, rule, datasets, _, reason in summarize_outcomes(unchecked[unchecked["status"].eq("failed")]).itertuples(index=False, name=None)]
    missing = unchecked[unchecked["status"].eq("not run")].groupby("reason", sort=False)
    each += [one_line(f"not run: {reason}: {_some(list(group['rule'].unique()))}") for reason, group in missing]
    return "\n".join(lines + each[:MOST_UNCHECKED] + [f"and {len(each) - MOST_UNCHECKED:,} more"] * (len(each) > MOST_UNCHECKED))


def write_text(report: Report, path: Path) -> None:
    about = [f"{name}: {value}" for name, value in report.about.items()]
    head = [report.title, *([report.synthetic_notice] if report.synthetic_notice else []), *about]
    foot = [] if report.outcomes is None else ["", outcome_text(report.outcomes)]
    lines = [*head, "", report.counted, "", _causes_text(report.causes, report.waived), *foot]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _causes_text(causes: list[Cause], waived: pd.DataFrame | None) -> str:
    table = _table(causes) if causes else "No findings."
    return table if waived is None or not len(waived) else f"{table}\n\nWaived\n{_waived_table(waived)}"


def _table(causes: list[Cause]) -> str:
    rows = [("severity", "rule", "datasets", "count", "message")]
    for cause in causes:
        detail = "; ".join(part for part in (cause.extent, cause.detail) if part)
        message = f"{cause.message} ({detail})" if detail else cause.message
        datasets = _some([share.dataset for share in cause.shares if share.dataset])
        rows.append(tuple(one_line(text) for text in (cause.severity, cause.rule, datasets, f"{cause.count:,}", message)))
    return _aligned(rows, right=3)


def _some(names: list[str]) -> str:
    """The names, but not more than fit beside the rest of the line."""
    if len(names) <= MOST_DATASETS:
        return ", ".join(names)
    return f"{', '.join(names[: MOST_DATASETS - 2])} and {len(names) - MOST_DATASETS + 2:,} more"


def _waived_table(waived: pd.DataFrame) -> str:
    lines = summarize_waived(waived).itertuples(index=False, name=None)
    return _aligned([WAIVED_COLUMNS, *(tuple(one_line(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in line) for line in lines)], right=2)


def _aligned(rows: list[tuple[str, ...]], right: int) -> str:
    """Columns as wide as their widest cell, but the last; column `right` to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    cells = [[f"{text:>{width}}" if at == right else f"{text:{width}}" for at, (text, width) in enumerate(zip(row, widths))] for row in rows]
    return "\n".join("  ".join([*line, row[-1]]).rstrip() for line, row in zip(cells, rows))
