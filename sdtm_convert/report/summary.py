"""Findings by rule: one line a rule, however many records it hits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from ..findings import SEVERITIES

SUMMARY_COLUMNS = ("severity", "rule", "datasets", "count", "message", "example", "values")
WAIVED_COLUMNS = ("rule", "datasets", "count", "who", "expires", "reason")
OUTCOME_COLUMNS = ("status", "rule", "datasets", "findings", "reason")
STATUSES = ("failed", "not run", "findings", "passed", "not applicable")
LONGEST_VALUE = 80
MOST_VALUES = 5


@dataclass(frozen=True, eq=False)
class Report:
    """What a writer writes: the findings, their summary, and what is said above them.

    `outcomes` (rule, dataset, status, reason, findings) and `waived` (findings with reason, who, expires) are None where nobody gave them.
    `places`: "file" or "file:line" by dataset and variable, "" for the dataset's file. `failing`: the severities that fail a test.
    """

    findings: pd.DataFrame
    summary: pd.DataFrame  # as `summarize` returns it
    title: str
    about: dict[str, str]
    synthetic_notice: str = ""
    created: datetime | None = None
    outcomes: pd.DataFrame | None = None
    waived: pd.DataFrame | None = None
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    failing: tuple[str, ...] = ("error", "warning")

    @property
    def counts(self) -> dict[str, int]:
        """The number of findings of each severity."""
        counts = self.findings["severity"].value_counts()
        return {severity: int(counts.get(severity, 0)) for severity in SEVERITIES}

    @property
    def counted(self) -> str:
        """The counts in words, such as "2 errors, 0 warnings, 1 notice; 3 waived"."""
        words = ", ".join(f"{count:,} {severity}{'' if count == 1 else 's'}" for severity, count in self.counts.items())
        return f"{words}; {len(self.waived):,} waived" if self.waived is not None and len(self.waived) else words


def summarize(findings: pd.DataFrame) -> pd.DataFrame:
    """One row for each rule and severity: `datasets` (joined by ", "), `count`, the first `message`, an `example`, and the most frequent
    `values` where some repeat, as a cause that many records share: "AEACN = DOSE HELD (120) | HELD (3)".

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
        "example": example(first),
        "values": _frequent(group),
    }


def _frequent(group: pd.DataFrame) -> str:
    """The values that most findings of a rule share, each with its number; "" where none repeats."""
    named = group.loc[group["values"].notna() & group["values"].ne(""), ["variables", "values"]].fillna("")
    counts = named.groupby(["variables", "values"], sort=False).size().sort_values(ascending=False, kind="stable")
    if not len(counts) or counts.iloc[0] < 2:
        return ""
    names = counts.index.unique("variables")
    once = f"{names[0]} = " if len(names) == 1 and names[0] else ""
    shown = [f"{_pair('' if once else variables, values)} ({count:,})" for (variables, values), count in counts.head(MOST_VALUES).items()]
    more = len(counts) - len(shown)
    return once + " | ".join(shown + [f"{more:,} more values"] * (more > 0))


def _pair(variables: str, values: str) -> str:
    return " = ".join(_cut(text) for text in (variables, values) if text)


def summarize_waived(waived: pd.DataFrame) -> pd.DataFrame:
    """One row for each rule and waiver: the `datasets`, `count`, `who`, `expires` and `reason`."""
    groups = waived.groupby(["rule", "who", "expires", "reason"], sort=False, dropna=False)
    rows = [(rule, ", ".join(group["dataset"].dropna().unique()), len(group), who, expires, reason)
            for (rule, who, expires, reason), group in groups]
    return pd.DataFrame(rows, columns=list(WAIVED_COLUMNS))


def summarize_outcomes(outcomes: pd.DataFrame) -> pd.DataFrame:
    """One row for each rule, status and reason: the `datasets` and the number of `findings`; what could not be checked comes first."""
    groups = outcomes.fillna({"reason": "", "dataset": ""}).groupby(["rule", "status", "reason"], sort=False, dropna=False)
    rows = [(status, rule, ", ".join(name for name in group["dataset"].unique() if name), int(group["findings"].sum()), reason)
            for (rule, status, reason), group in groups]
    rank = {status: at for at, status in enumerate(STATUSES)}
    return pd.DataFrame(sorted(rows, key=lambda row: (rank.get(row[0], len(rank)), row[1])), columns=list(OUTCOME_COLUMNS))


def example(finding: pd.Series) -> str:
    """Of one finding, who or where, and which value."""
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
