"""Findings as SARIF 2.1.0 (OASIS), which code hosts and editors show beside the line at fault.

One result for each rule, severity, dataset and variables, with the number of findings and some of them as samples; of findings that are
about no record (on files, on define.xml), one for each message. It points to the line
of the mapping that made the variable where that is known, else to the line that the finding itself names, else to the dataset's file, else
to what was checked: some code hosts take no result without a place. Waived findings are suppressed results with the reason; so are those
that a baseline has too, and then every result says whether it is new.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import pandas as pd

from .summary import Cause, Report, counted, example, one_line, summarize

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "notice": "note"}
SAMPLES = 10
_FILE_AND_LINE = re.compile(r"(?P<file>[^:]+\.(?:xml|ya?ml)):(?P<line>[1-9][0-9]*)")


def write_sarif(report: Report, path: Path) -> None:
    given = ((report.findings, "new"), (report.waived, "new"), (report.known, "unchanged"))
    results = [result for table, state in given if table is not None for result in _results(table, state, report)]
    rules = list(dict.fromkeys(result["ruleId"] for result in results))
    for result in results:
        result["ruleIndex"] = rules.index(result["ruleId"])
    first = {result["ruleId"]: result for result in reversed(results)}
    driver = {"name": "sdtm-convert", "version": _version(), "rules": [_rule(rule, first[rule], report) for rule in rules]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "invocations": [_invocation(report)], "results": results,
           "properties": {"title": report.title, **({"notice": report.synthetic_notice} if report.synthetic_notice else {}), **report.about}}
    text = json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def _version() -> str:
    try:
        return version("sdtm-convert")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"


def _rule(rule: str, result: dict, report: Report) -> dict:
    text = report.texts.get(rule)
    told = {"fullDescription": {"text": text}, "help": {"text": f"{text}\nsdtm-convert explain {rule}"}} if text else {}
    return {"id": rule, "shortDescription": {"text": result["properties"]["message"]}, **told, "defaultConfiguration": {"level": result["level"]}}


def _results(table: pd.DataFrame, state: str, report: Report) -> Iterator[dict]:
    table = table.fillna({"dataset": "", "variables": ""}).assign(about=table["message"].fillna("").where(table["record"].isna(), ""))
    by = ["rule", "severity", "dataset", "variables", "about", *(name for name in ("reason", "who", "expires") if name in table.columns)]
    for key, group in table.groupby(by, sort=False, dropna=False):
        rule, severity, dataset, variables, about, *accepted = key
        causes = summarize(group, report.records)
        result = {
            "ruleId": rule,
            "level": LEVELS.get(severity, "warning"),
            "message": {"text": _message(dataset, causes, len(group))},
            "occurrenceCount": len(group),
            "partialFingerprints": {"ruleDatasetVariables/v1": _fingerprint(rule, severity, dataset, variables, about)},
            "properties": {"dataset": dataset, "variables": variables, "count": len(group), "message": one_line(causes[0].message) or rule},
            "locations": [_location(group.iloc[0], dataset, report)],
            "relatedLocations": [{"id": number, **location} for number, location in enumerate(_related(group, dataset, report), 1)],
        }
        if report.known is not None:
            result["baselineState"] = state
        if accepted:
            reason, who, expires = accepted
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": f"{reason} (accepted by {who}, until {expires})"}]
        elif state == "unchanged":
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": "The baseline has it too."}]
        yield result


def _message(dataset: str, causes: list[Cause], count: int) -> str:
    """What is wrong, how often, and the values that share it: "AE: Not a term. (12 findings, all 12 records: AESEV = SEVER (12))"."""
    extent = next((f", {cause.extent}" for cause in causes if cause.extent), "")
    values = causes[0].values if len(causes) == 1 else f"{len(causes):,} different messages"
    told = f"{counted(count, 'finding')}{extent}{f': {values}' if values else ''}"
    return f"{f'{dataset}: ' if dataset else ''}{one_line(causes[0].message) or causes[0].rule} ({told})"


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _location(finding: pd.Series, dataset: str, report: Report) -> dict:
    """Where the fault can be mended."""
    names = _variables(finding)
    mapped = _mapped(names, dataset, report)
    place = (mapped[0][1] if mapped else "") or _named_place(finding, report) or report.places.get((dataset, "")) or report.places.get(("", ""), "")
    location = {"physicalLocation": _physical(place)} if place else {}
    if dataset:
        location["logicalLocations"] = [{"name": dataset, "fullyQualifiedName": ".".join([dataset, *names[:1]]), "kind": "module"}]
    return location


def _variables(finding: pd.Series) -> list[str]:
    return [name for name in str(finding["variables"]).split("; ") if name]


def _mapped(names: list[str], dataset: str, report: Report) -> list[tuple[str, str]]:
    """The variables whose line in the mapping is known, with it."""
    return [(name, report.places[dataset, name]) for name in names if (dataset, name) in report.places]


def _related(group: pd.DataFrame, dataset: str, report: Report) -> Iterator[dict]:
    """Where the other variables were made, then some of the findings."""
    for name, place in _mapped(_variables(group.iloc[0]), dataset, report)[1:]:
        yield {"message": {"text": f"{dataset}.{name} is made here"}, "physicalLocation": _physical(place)}
    for _, finding in group.head(SAMPLES).iterrows():
        yield _sample(finding, dataset, report)


def _named_place(finding: pd.Series, report: Report) -> str:
    """The file, and the line where there is one, that the finding names as its source: "define.xml:12"; "" where it is no such file."""
    source = "" if pd.isna(finding["source"]) else str(finding["source"])
    found = _FILE_AND_LINE.fullmatch(source)
    if found is None:
        return report.places.get(("", source), "") if source else ""
    return f"{report.places.get(('', found['file']), found['file'])}:{found['line']}"


def _sample(finding: pd.Series, dataset: str, report: Report) -> dict:
    """One finding: which record and value, in the file of the dataset."""
    record = "" if pd.isna(finding["record"]) else f"[{finding['record']}]"
    variables = "" if pd.isna(finding["variables"]) or not finding["variables"] else f".{finding['variables']}"
    place = report.places.get((dataset, ""), "")
    name = f"{dataset}{record}{variables}"
    sample = {"message": {"text": example(finding) or name or "the study"}}
    if name:
        sample["logicalLocations"] = [{"fullyQualifiedName": name}]
    return sample | ({"physicalLocation": _physical(place)} if place else {})


def _physical(place: str) -> dict:
    """ "mappings/S/ae.yml:8" -> its address and line; a place without a line is a whole file."""
    file, _, line = place.rpartition(":")
    has_line = bool(file) and line.isascii() and line.isdecimal() and line != "0"
    path = file if has_line else place
    uri = PurePosixPath(path).as_uri() if path.startswith("/") else quote(path)
    return {"artifactLocation": {"uri": uri}, **({"region": {"startLine": int(line)}} if has_line else {})}


def _invocation(report: Report) -> dict:
    """What could not be checked, and why."""
    told = []
    if report.outcomes is not None:
        unchecked = report.outcomes[report.outcomes["status"].isin(["failed", "not run"])].fillna("")
        for rule, dataset, status, reason in unchecked[["rule", "dataset", "status", "reason"]].itertuples(index=False, name=None):
            told.append({"level": "error" if status == "failed" else "note", "associatedRule": {"id": rule},
                         "message": {"text": f"{rule} on {dataset or 'the study'}: {status}: {reason}"}})
    return {"executionSuccessful": True, **({"toolExecutionNotifications": told} if told else {})}
