"""Findings as JUnit XML, which build servers show as tests: a suite for each dataset, a test for each rule.

A rule that found something at a failing severity is a failure, one that found lesser things passes and tells them; one that did not run
or does not apply is skipped with the reason; one that could not be carried out is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pandas as pd

from .summary import Report, counted, example, one_line, summarize

SAMPLES = 10
STUDY = "STUDY"  # the suite of what is about no one dataset
OUTCOME = ("rule", "dataset", "status", "reason", "findings")
KINDS = ("failure", "error", "skipped")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(report: Report, path: Path) -> None:
    suites: dict[str, list[tuple[str, str]]] = {}
    for dataset, kind, case in _cases(report):
        suites.setdefault(dataset, []).append((kind, case))
    texts = [_suite(dataset, cases, report) for dataset, cases in sorted(suites.items())]
    every = [case for cases in suites.values() for case in cases]
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name={_attribute(report.title)} {_counts(every)}>\n{"".join(texts)}</testsuites>\n'
    path.write_text(text, encoding="utf-8", newline="\n")


def _suite(dataset: str, cases: list[tuple[str, str]], report: Report) -> str:
    time = f' timestamp="{report.created:%Y-%m-%dT%H:%M:%S}"' if report.created else ""
    return f'<testsuite name={_attribute(dataset)} {_counts(cases)}{time}>\n{"".join(case for _, case in cases)}</testsuite>\n'


def _counts(cases: list[tuple[str, str]]) -> str:
    failures, errors, skipped = (sum(1 for kind, _ in cases if kind == wanted) for wanted in KINDS)
    return f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="{skipped}" time="0"'


def _cases(report: Report) -> Iterator[tuple[str, str, str]]:
    """Dataset, kind ("" = passed) and text of every test: of every outcome, then of findings that no rule's outcome tells of."""
    table = report.findings.assign(dataset=report.findings["dataset"].fillna(STUDY).replace("", STUDY))
    groups = {key: group for key, group in table.groupby(["rule", "dataset"], sort=False)}
    outcomes = report.outcomes if report.outcomes is not None else pd.DataFrame(columns=list(OUTCOME))
    for rule, dataset, status, reason, count in outcomes.fillna("")[list(OUTCOME)].itertuples(index=False, name=None):
        dataset = dataset or STUDY
        group = groups.pop((rule, dataset), None)
        if group is not None:
            yield dataset, *_found(rule, dataset, group, report)
        elif status in ("failed", "not run", "not applicable"):
            kind = "error" if status == "failed" else "skipped"
            yield dataset, kind, _case(rule, dataset, f'<{kind} message={_attribute(f"{status}: {reason}")}/>')
        elif status == "findings":
            told = f"{count:,} findings, none of them here: waived, known from the baseline, or told under the parts of the dataset."
            yield dataset, "", _case(rule, dataset, f"<system-out>{told}</system-out>")
        else:
            yield dataset, "", _case(rule, dataset)
    for (rule, dataset), group in groups.items():
        yield dataset, *_found(rule, dataset, group, report)


def _found(rule: str, dataset: str, group: pd.DataFrame, report: Report) -> tuple[str, str]:
    severities = [severity for severity in ("error", "warning", "notice") if severity in set(group["severity"])]
    fails = any(severity in report.failing for severity in severities)
    causes = summarize(group, report.records)
    extent = next((f" ({cause.extent})" for cause in causes if cause.extent), "")
    head = f"{counted(len(group), 'finding')}{extent}: {one_line(causes[0].message) or rule}"
    lines = [f"{cause.count:,} x {one_line(cause.message)}" for cause in causes] if len(causes) > 1 else []
    lines += [cause.values for cause in causes if cause.values]
    lines += [example(finding) or dataset for _, finding in group.head(SAMPLES).iterrows()]
    lines += [f"and {len(group) - SAMPLES:,} more"] * (len(group) > SAMPLES)
    body = _text("\n".join(lines))
    if fails:
        return "failure", _case(rule, dataset, f'<failure type="{severities[0]}" message={_attribute(head)}>{body}</failure>')
    return "", _case(rule, dataset, f"<system-out>{_text(f'{severities[0] if severities else str()}: {head}')}\n{body}</system-out>")


def _case(rule: str, dataset: str, content: str = "") -> str:
    start = f"<testcase classname={_attribute(dataset)} name={_attribute(rule)} time=\"0\""
    return f"{start}>{content}</testcase>\n" if content else f"{start}/>\n"


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
