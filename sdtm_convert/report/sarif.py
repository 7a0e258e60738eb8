"""Findings as SARIF 2.1.0 (OASIS), which code hosts and editors show beside the line at fault.

One result for each rule, severity and dataset, with the number of findings and some of them as samples. It points to the line of the
mapping that made the variable where that is known, else to the line that the finding itself names, else to the dataset's file. Waived
findings are suppressed results with the reason.
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

from .summary import Report, example, one_line

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "notice": "note"}
SAMPLES = 10
_FILE_AND_LINE = re.compile(r"(?P<file>[^:]+\.(?:xml|ya?ml)):(?P<line>[1-9][0-9]*)")


def write_sarif(report: Report, path: Path) -> None:
    results = [*_results(report.findings, report), *(_results(report.waived, report) if report.waived is not None else ())]
    rules = list(dict.fromkeys(result["ruleId"] for result in results))
    for result in results:
        result["ruleIndex"] = rules.index(result["ruleId"])
    first = {result["ruleId"]: result for result in reversed(results)}
    driver = {"name": "sdtm-convert", "version": _version(), "rules": [_rule(rule, first[rule]) for rule in rules]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "invocations": [_invocation(report)], "results": results,
           "properties": {"title": report.title, **({"notice": report.synthetic_notice} if report.synthetic_notice else {}), **report.about}}
    text = json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def _version() -> str:
    try:
        return version("sdtm-convert")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"


def _rule(rule: str, result: dict) -> dict:
    return {"id": rule, "shortDescription": {"text": result["properties"]["message"]}, "defaultConfiguration": {"level": result["level"]}}


def _results(table: pd.DataFrame, report: Report) -> Iterator[dict]:
    by = ["rule", "severity", "dataset", *(name for name in ("reason", "who", "expires") if name in table.columns)]
    for key, group in table.fillna({"dataset": ""}).groupby(by, sort=False, dropna=False):
        rule, severity, dataset, *accepted = key
        messages = group["message"].dropna()
        message = one_line(messages.iloc[0]) if len(messages) else rule
        result = {
            "ruleId": rule,
            "level": LEVELS.get(severity, "warning"),
            "message": {"text": f"{f'{dataset}: ' if dataset else ''}{message} ({len(group):,} finding{'s' * (len(group) > 1)})"},
            "occurrenceCount": len(group),
            "partialFingerprints": {"ruleAndDataset/v1": hashlib.sha256(f"{rule}\n{severity}\n{dataset}".encode()).hexdigest()},
            "properties": {"dataset": dataset, "count": len(group), "message": message},
        }
        if location := _location(group.iloc[0], dataset, report):
            result["locations"] = [location]
        result["relatedLocations"] = [_sample(number, finding, dataset, report) for number, (_, finding) in enumerate(group.head(SAMPLES).iterrows(), 1)]
        if accepted:
            reason, who, expires = accepted
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": f"{reason} (accepted by {who}, until {expires})"}]
        yield result


def _location(finding: pd.Series, dataset: str, report: Report) -> dict:
    """Where the fault can be mended."""
    names = str(finding["variables"]).split("; ") if pd.notna(finding["variables"]) else []
    mapped = next((report.places[dataset, name] for name in names if name and (dataset, name) in report.places), "")
    named = _FILE_AND_LINE.fullmatch(str(finding["source"])) if pd.notna(finding["source"]) else None
    place = mapped or (named[0] if named else report.places.get((dataset, ""), ""))
    location = {"physicalLocation": _physical(place)} if place else {}
    if dataset:
        location["logicalLocations"] = [{"name": dataset, "fullyQualifiedName": ".".join([dataset, *names[:1]]), "kind": "module"}]
    return location


def _sample(number: int, finding: pd.Series, dataset: str, report: Report) -> dict:
    """One finding: which record and value, in the file of the dataset."""
    record = "" if pd.isna(finding["record"]) else f"[{finding['record']}]"
    variables = "" if pd.isna(finding["variables"]) or not finding["variables"] else f".{finding['variables']}"
    place = report.places.get((dataset, ""), "")
    name = f"{dataset}{record}{variables}"
    sample = {"id": number, "message": {"text": example(finding) or name or "the study"}}
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
