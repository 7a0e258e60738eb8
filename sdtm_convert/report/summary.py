"""Findings by rule: one line a rule, however many records it hits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from ..findings import SEVERITIES

SUMMARY_COLUMNS = ("severity", "rule", "datasets", "count", "message", "example")
LONGEST_VALUE = 80


@dataclass(frozen=True, eq=False)
class Report:
    """What a writer writes: the findings, their summary, and what is said above them."""

    findings: pd.DataFrame
    summary: pd.DataFrame  # as `summarize` returns it
    title: str
    about: dict[str, str]
    synthetic_notice: str = ""
    created: datetime | None = None

    @property
    def counts(self) -> dict[str, int]:
        """The number of findings of each severity."""
        counts = self.findings["severity"].value_counts()
        return {severity: int(counts.get(severity, 0)) for severity in SEVERITIES}


def summarize(findings: pd.DataFrame) -> pd.DataFrame:
    """One row for each rule and severity: `datasets` (joined by ", "), `count`, the first `message`, an `example`.

    Most severe first, then most frequent, then by rule. The example is the first finding with a subject, else the first:
    "01-701-1015 AESEQ 3: AESTDTC = 2014-13-01".
    """
    groups = findings.groupby(["rule", "severity"], sort=False, dropna=False)
    rows = [_line(rule, severity, group) for (rule, severity), group in groups]
    rank = {severity: at for at, severity in enumerate(SEVERITIES)}
    rows.sort(key=lambda row: (rank.get(row["severity"], len(rank)), -row["count"], row["rule"]))
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS)).astype({name: "str" for name in SUMMARY_COLUMNS if name != "count"})


def _line(rule: str, severity: str, group: pd.DataFrame) -> dict[str, object]:
    with_subject = group["usubjid"].fillna("").ne("")
    first = group.iloc[int(with_subject.to_numpy().argmax())]
    return {
        "severity": severity,
        "rule": rule if isinstance(rule, str) else "",
        "datasets": ", ".join(group["dataset"].dropna().unique()),
        "count": len(group),
        "message": "" if pd.isna(first["message"]) else first["message"],
        "example": _example(first),
    }


def _example(finding: pd.Series) -> str:
    """Who or where, and which value."""
    known = finding[finding.notna() & finding.ne("")]
    dataset = known.get("dataset", "")
    where = [known["usubjid"]] if "usubjid" in known else []
    if "seq" in known:
        where.append(f"{dataset} sequence {known['seq']}".strip())
    elif "record" in known:
        where.append(f"{dataset} record {known['record']}".strip())
    what = " = ".join(_cut(str(known[name])) for name in ("variables", "values") if name in known)
    return ": ".join(part for part in (" ".join(where), what) if part)


def one_line(text: str) -> str:
    """White space runs as one blank; no control characters, which a terminal would obey."""
    return "".join(character if character.isprintable() else "\ufffd" for character in " ".join(text.split()))


def _cut(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
