"""Findings by cause: one line for each rule and message, however many records it hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from ..findings import SEVERITIES

WAIVED_COLUMNS = ("rule", "datasets", "count", "who", "expires", "reason")
OUTCOME_COLUMNS = ("status", "rule", "datasets", "findings", "reason")
STATUSES = ("failed", "not run", "findings", "passed", "not applicable")
LONGEST_VALUE = 80
MOST_VALUES = 5
MOST_SAMPLES = 5
MOST_MESSAGES = 20  # of one rule, each with a line of its own; beyond it the rarest share one


@dataclass(frozen=True)
class Share:
    """What a cause hits in one dataset: the number of findings, of records that have one, and of all records (0 = unknown)."""

    dataset: str
    findings: int
    hit: int = 0
    records: int = 0

    @property
    def everywhere(self) -> bool:
        """Whether every record is hit; of a dataset with one record that says nothing."""
        return self.hit == self.records > 1


@dataclass(frozen=True)
class Cause:
    """One line of a summary. `values`: the most frequent ones where some repeat, as "AEACN = DOSE HELD (120) | HELD (3)"; `samples`: single
    findings, as "01-701-1015 AE sequence 3: AESTDTC = 2014-13-01"."""

    severity: str
    rule: str
    message: str
    count: int
    shares: tuple[Share, ...]
    values: str
    samples: tuple[str, ...]

    @property
    def datasets(self) -> str:
        """The names of the datasets, joined by ", "."""
        return ", ".join(share.dataset for share in self.shares if share.dataset)

    @property
    def extent(self) -> str:
        """Where every record of a dataset is hit, that: "all 254 records", "all 1,191 records of AE, all 60 records of TS"; else ""."""
        if len(self.shares) == 1 and self.shares[0].everywhere:
            return f"all {self.shares[0].records:,} records"
        return ", ".join(f"all {share.records:,} records of {share.dataset}" for share in self.shares if share.everywhere)

    @property
    def detail(self) -> str:
        """What stands behind the message: the most frequent values, else the first sample."""
        return self.values or (self.samples[0] if self.samples else "")


@dataclass(frozen=True, eq=False)
class Report:
    """What a writer writes: the findings, their causes, and what is said above them.

    `outcomes` (rule, dataset, status, reason, findings), `waived` (findings with reason, who, expires) and `known` (findings that a baseline
    has too) are None where nobody gave them. `records`: the number of records by dataset. `texts`: what each rule asks for, by its id.
    `places`: "file" or "file:line" by dataset and variable, "" for the dataset's file. `failing`: the severities that fail a test.
    """

    findings: pd.DataFrame
    causes: list[Cause]  # as `summarize` returns them
    title: str
    about: dict[str, str]
    synthetic_notice: str = ""
    created: datetime | None = None
    outcomes: pd.DataFrame | None = None
    waived: pd.DataFrame | None = None
    known: pd.DataFrame | None = None
    records: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    failing: tuple[str, ...] = ("error", "warning")

    @property
    def counts(self) -> dict[str, int]:
        """The number of findings of each severity."""
        return severity_counts(self.findings)

    @property
    def counted(self) -> str:
        """The counts in words."""
        return count_words(self.findings, self.waived, self.known)


def severity_counts(findings: pd.DataFrame) -> dict[str, int]:
    """The number of findings of each severity, 0 too."""
    counts = findings["severity"].value_counts()
    return {severity: int(counts.get(severity, 0)) for severity in SEVERITIES}


def count_words(findings: pd.DataFrame, waived: pd.DataFrame | None = None, known: pd.DataFrame | None = None) -> str:
    """The counts in words, such as "2 errors, 0 warnings, 1 notice; 3 waived; 40 known"."""
    words = ", ".join(counted(count, severity) for severity, count in severity_counts(findings).items())
    aside = [f"{len(table):,} {what}" for table, what in ((waived, "waived"), (known, "known")) if table is not None and len(table)]
    return "; ".join([words, *aside])


def counted(count: int, what: str) -> str:
    """ "1 error", "2,000 errors"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def summarize(findings: pd.DataFrame, records: Mapping[str, int] | None = None) -> list[Cause]:
    """The causes of findings: one for each rule, severity and message. `records`: the number of records by dataset, so that a cause can
    tell that it hits all of them.

    Most severe first, then the rule with most findings. Of a rule with more than MOST_MESSAGES messages the rarest are one cause.
    """
    found = []
    for (rule, severity), group in findings.groupby(["rule", "severity"], sort=False, dropna=False):
        causes = [_cause(rule, severity, message, part, records or {}) for message, part in _by_message(group)]
        found.append((len(group), sorted(causes, key=lambda cause: -cause.count)))
    rank = {severity: at for at, severity in enumerate(SEVERITIES)}
    found.sort(key=lambda item: (rank.get(item[1][0].severity, len(rank)), -item[0], item[1][0].rule))
    return [cause for _, causes in found for cause in causes]


def _by_message(group: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    messages = group["message"].fillna("")
    sizes = messages.groupby(messages, sort=False).size().sort_values(ascending=False, kind="stable")
    if len(sizes) > MOST_MESSAGES:
        rare = sizes.index[MOST_MESSAGES - 1 :]
        messages = messages.mask(messages.isin(rare), f"{len(rare):,} further messages, such as: {rare[0]}")
    yield from group.groupby(messages, sort=False)


def _cause(rule: object, severity: str, message: str, group: pd.DataFrame, records: Mapping[str, int]) -> Cause:
    shares = tuple(Share(dataset, len(part), part["record"].nunique(), records.get(dataset, 0))
                   for dataset, part in group.groupby(group["dataset"].fillna(""), sort=False))
    return Cause(severity, rule if isinstance(rule, str) else "", message, len(group), shares, _frequent(group), _samples(group, message))


def _samples(group: pd.DataFrame, message: str) -> tuple[str, ...]:
    """Some findings that differ in dataset or values: those with a subject first, then one of each dataset, then further ones. Where findings
    tell nothing, the files that they are about."""
    distinct = group.drop_duplicates(["dataset", "variables", "values"])
    order = np.lexsort((distinct.groupby("dataset", dropna=False).cumcount(), distinct["usubjid"].fillna("").eq("")))
    first = distinct.iloc[order[:MOST_SAMPLES]]
    told = [example(finding) for _, finding in first.iterrows()]
    sources = [source for source in group["source"].dropna().unique() if source and source not in message]
    more = [f"{len(sources) - MOST_VALUES:,} more"] * (len(sources) > MOST_VALUES)
    return tuple(dict.fromkeys(text for text in told if text)) or tuple([", ".join(sources[:MOST_VALUES] + more)] * bool(sources))


def summarize_known(known: pd.DataFrame) -> pd.DataFrame:
    """One row for each rule and severity of the findings that a baseline has too: the `datasets` and their `count`."""
    rows = [(severity, rule, ", ".join(group["dataset"].dropna().unique()), len(group))
            for (severity, rule), group in known.groupby(["severity", "rule"], sort=False, dropna=False)]
    return pd.DataFrame(rows, columns=["severity", "rule", "datasets", "count"])


def _frequent(group: pd.DataFrame) -> str:
    """The values that most findings of a rule share, each with its number; "" where none repeats."""
    named = group.loc[group["values"].notna() & group["values"].ne(""), ["variables", "values"]].fillna("")
    counts = named.groupby(["variables", "values"], sort=False).size().sort_values(ascending=False, kind="stable")
    if not len(counts) or counts.iloc[0] < 2:
        return ""
    names = counts.index.unique("variables")
    once = f"{names[0]} = " if len(names) == 1 and names[0] and "; " not in names[0] else ""
    shown = [f"{_pair('' if once else variables, values)} ({count:,})" for (variables, values), count in counts.head(MOST_VALUES).items()]
    more = len(counts) - len(shown)
    return once + " | ".join(shown + [counted(more, "more value")] * (more > 0))


def _pair(variables: str, values: str) -> str:
    """ "AESTDTC = 2014-02; AEENDTC = 2014-01"; where a value holds what stands between values, all names and then all values."""
    names, parts = variables.split("; "), values[: LONGEST_VALUE * 10].split("; ")
    if len(names) == len(parts) > 1:
        return _cut("; ".join(f"{name} = {part}" for name, part in zip(names, parts)), LONGEST_VALUE * 2)
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
    """Of one finding, who or where, and which value: the subject with the sequence number, else with the record."""
    known = finding[finding.notna() & finding.ne("")]
    dataset = known.get("dataset", "")
    where = [known["usubjid"]] if "usubjid" in known else []
    if "seq" in known:
        where.append(f"{dataset} sequence {known['seq']}".strip())
    elif "record" in known:
        where.append(f"{dataset} record {known['record']}".strip())
    what = _pair(str(known.get("variables", "")), str(known.get("values", "")))
    return ": ".join(part for part in (" ".join(where), what) if part)


def one_line(text: str) -> str:
    """White space runs as one blank; no control characters, which a terminal would obey."""
    return "".join(character if character.isprintable() else "\ufffd" for character in " ".join(text.split()))


def _cut(text: str, longest: int = LONGEST_VALUE) -> str:
    text = one_line(text[: longest * 10])
    return text if len(text) <= longest else text[: longest - 1] + "…"
