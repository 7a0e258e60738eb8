"""Conformance: datasets against rules -> findings, and for every rule and dataset what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pandas as pd

from .columns import number_text
from .dictionaries import Dictionary, read_dictionaries
from .findings import combine, findings
from .model import Dataset, Terminology
from .rules.column import Column, group_codes
from .rules.engine import NOT_APPLICABLE, Hits, Outcome, output_variables, run_jobs
from .rules.load import load_rules
from .rules.operators import without_wildcard
from .rules.rule import Rule, conditions
from .rules.study import make_study
from .rules.table import Table
from .standard import load_standard

OUTCOME_COLUMNS = ("rule", "dataset", "status", "reason", "findings")
_SHIPPED = {"sdtmig": "sdtm", "adamig": "adam"}
_ELEMENTS_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Validation:
    """The findings (see findings.py) and the outcomes: one row for each rule and dataset, with `rule`, `dataset`, `status` (passed,
    findings, not applicable, not run, failed), `reason` and the number of `findings`. `texts`: what each rule asks for, by its id."""

    findings: pd.DataFrame
    outcomes: pd.DataFrame
    texts: dict[str, str] = field(default_factory=dict)


def validate(
    datasets: dict[str, pd.DataFrame],
    *,
    metadata: dict[str, Dataset] | None = None,
    standard: str = "sdtmig",
    version: str = "3.4",
    rules: Path | Sequence[Path] | Sequence[Rule] | None = None,
    terminology: Sequence[Terminology] = (),
    files: dict[str, Path] | None = None,
    limit: int | None = None,
    define: Path | None = None,
    dictionaries: Mapping[str, str | Path | Dictionary] | None = None,
    jobs: int = 1,
) -> Validation:
    """Judge datasets, by name, by the conformance rules of a standard.

    `metadata` (by name too) gives labels, types, lengths and keys, `files` the files that the datasets were read from; rules that
    need them do not run without. `rules` are files or folders of rules in CDISC's open format (all that name the standard and version
    apply), or loaded rules; the shipped ones by default. `terminology` are the sets of controlled terminology that values are looked up in.
    `define` is a define.xml, for the rules that compare with one. `dictionaries` are folders of external dictionaries, by name (meddra,
    whodrug, loinc, unii, medrt, snomed), for the rules that look values up in one. `limit` keeps only so many findings of one rule on one
    dataset; the outcomes count all of them. `jobs`: so many datasets are judged at a time, with the same result. Text that is missing and
    empty text are the same.

    Raises SpecError for a standard or rule that is wrong, InputError for rules that cannot be read. Data never raise: a rule that
    cannot be carried out on them is `failed` in the outcomes, with the cause.
    """
    chosen = _rules(rules, standard)
    fitting = [rule for rule in chosen if rule.is_for(standard, version)]
    others = [rule for rule in chosen if not rule.is_for(standard, version)]
    study = make_study(datasets, load_standard(standard, version), tuple(terminology), metadata, files, define=define,
                       dictionaries=read_dictionaries(dictionaries or {}))
    rows = [_outcome_row(Outcome(rule, "", NOT_APPLICABLE, f"not a rule of {standard.upper()} {version}"), 0) for rule in others]
    tables = []
    for row, found in run_jobs(fitting, study, jobs, _judged):
        tables += [table if limit is None else table.head(limit) for table in found]
        rows.append(row)
    texts = {rule.id: " ".join(rule.description.split()) for rule in chosen}
    return Validation(combine(tables), pd.DataFrame(rows, columns=list(OUTCOME_COLUMNS)), texts)


def findings_of(datasets: dict[str, pd.DataFrame], **options) -> pd.DataFrame:
    """The findings of `validate`, which describes the options: the public `sdtm_convert.validate`."""
    return validate(datasets, **options).findings


def shipped_rules(standard: str) -> list[Rule]:
    """The rules that ship for a standard (`sdtmig`, `adamig`); none for another."""
    folder = files("sdtm_convert.specs") / "rules" / _SHIPPED.get(standard.lower(), "")
    if standard.lower() not in _SHIPPED:
        return []
    with as_file(folder) as place:
        return load_rules(place)


def _rules(rules: Path | Sequence[Path] | Sequence[Rule] | None, standard: str) -> list[Rule]:
    if rules is None:
        return shipped_rules(standard)
    given = [rules] if isinstance(rules, (str, Path)) else list(rules)
    loaded = [rule for rule in given if isinstance(rule, Rule)]
    paths = [Path(path) for path in given if not isinstance(path, Rule)]
    return loaded + (load_rules(*paths) if paths else [])


def _judged(outcome: Outcome) -> tuple[dict, list[pd.DataFrame]]:
    """The outcome as a row of the outcomes, and its findings."""
    found = [_findings(outcome, hits) for hits in (outcome.hits[:1] if outcome.rule.sensitivity == "Dataset" else outcome.hits)]
    return _outcome_row(outcome, sum(len(table) for table in found)), found


def _outcome_row(outcome: Outcome, count: int) -> dict:
    return {"rule": outcome.rule.id, "dataset": outcome.dataset, "status": outcome.status, "reason": outcome.reason, "findings": count}


# --- Findings ---------------------------------------------------------------------------------------------------------


def _findings(outcome: Outcome, hits: Hits) -> pd.DataFrame:
    """The findings of one rule in one table: a row for each hit, or one for the dataset."""
    rule, table, rows = outcome.rule, hits.table, hits.rows
    whole = rule.sensitivity == "Dataset"
    rows = rows[:1] if whole else rows
    names = _to_show(rule, table)
    variables, values = _shown(table, names, rows, whole)
    records = table.records is not None and not whole
    return findings({
        "rule": [rule.id] * len(rows),
        "severity": [rule.severity] * len(rows),
        "dataset": _dataset_names(outcome, table, rows),
        "record": table.records[rows] if records else [None] * len(rows),
        "usubjid": _texts(table.source or table, "USUBJID", rows) if records else [None] * len(rows),
        "seq": _sequence(table.source or table, rows) if records else [None] * len(rows),
        "variables": variables,
        "values": values,
        "message": [rule.message.replace("--", table.prefix)] * len(rows),
    })


def _to_show(rule: Rule, table: Table) -> list[str]:
    """The rule's output variables, without those that the dataset lacks where the rule does not ask whether they are there."""
    asked = {without_wildcard(condition.name, table.prefix) for condition in conditions(rule.check) if "exists" in condition.operator}
    names = output_variables(rule, table)
    return [name for name in names if name in table.known or name in asked] or names


def _dataset_names(outcome: Outcome, table: Table, rows: np.ndarray) -> list[str]:
    if outcome.dataset == "STUDY":
        return ["STUDY"] * len(rows)
    if table.part is None:
        return [table.name] * len(rows)
    return [table.sources[part] for part in table.part[rows]]


def _shown(table: Table, names: list[str], rows: np.ndarray, whole: bool) -> tuple[np.ndarray | list, np.ndarray]:
    """What a finding calls `variables` and `values`. In a table of variables these are the variable's own name and what the rule shows
    of it, else the names and the cells."""
    subject = next((name for name in ("variable_name", "library_variable_name") if name in table.names), None)
    if subject is None or whole:
        names = names if subject is None else [name for name in names if name != subject]
        return ["; ".join(name.lstrip("$") for name in names)] * len(rows), _joined(table, names, rows)
    own = table.column(subject).take(rows).cells
    if "library_variable_name" in table.names:
        own = np.where(own == None, table.column("library_variable_name").take(rows).cells, own)  # noqa: E711
    return own, _joined(table, [name for name in names if not name.endswith("variable_name")], rows)


def _joined(table: Table, names: list[str], rows: np.ndarray) -> np.ndarray:
    """The cells of several columns as one text, made once for each distinct combination."""
    columns = [table.column(name).take(rows) if name in table.known else None for name in names]
    present = [column for column in columns if column is not None]
    groups = group_codes(present, len(rows))
    first = np.unique(groups, return_index=True)[1]
    texts = [[_text(cell) for cell in column.take(first).cells] if column is not None else ["not in the dataset"] * len(first)
             for column in columns]
    joined = np.array(["; ".join(parts) for parts in zip(*texts)] if texts else [""] * len(first), dtype=object)
    return joined[groups]


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, (list, set)):
        shown = [_text(part) for part in list(cell)[:_ELEMENTS_SHOWN]]
        return ", ".join(shown + ["..."] * (len(cell) > _ELEMENTS_SHOWN))
    if isinstance(cell, bool):
        return "Y" if cell else "N"
    return number_text(cell) if isinstance(cell, (int, float)) else str(cell)


def _texts(table: Table, name: str, rows: np.ndarray) -> np.ndarray | list[None]:
    if name not in table.known:
        return [None] * len(rows)
    return table.column(name).take(rows).cells


def _sequence(table: Table, rows: np.ndarray) -> np.ndarray:
    """--SEQ in SDTM, ASEQ in ADaM; what is not a whole number is left out."""
    column: Column | None = next((table.column(name) for name in (f"{table.prefix}SEQ", "ASEQ") if name in table.known), None)
    if column is None:
        return np.full(len(rows), np.nan)
    numbers = np.where(np.mod(column.values.numbers, 1) == 0, column.values.numbers, np.nan)
    return numbers[column.codes[rows]]
