"""Nothing is lost silently: troubles of the mapping and unaccounted raw tables, fields and rows, as findings with their raw source."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from .build_rules import BUILD_RULES, STRICT
from .columns import as_text
from .conform import Conformed
from .findings import combine, findings
from .graph import step_refs
from .plan import SOURCE, Block, Mapping, Ref, Study
from .load import template_fields
from .readers import RawTable
from .sources import source_text
from .tables import Derived, Table, Trouble, take


def build_findings(derived: Derived, conformed: Conformed, raw: dict[str, RawTable], strict: bool = False) -> pd.DataFrame:
    """Every finding that the build itself makes. Columns as in `findings.COLUMNS`; `strict` makes the unaccounted errors."""
    tables = [table.findings for table in raw.values()]
    tables += [_of_trouble(trouble, derived, conformed) for trouble in [*derived.troubles, *conformed.troubles]]
    tables += list(_unaccounted(derived, raw))
    found = combine(tables)
    if strict:
        found.loc[found["rule"].isin(STRICT), "severity"] = "error"
    return combine([found])


# --- Troubles of the mapping ------------------------------------------------------------------------------------------


def _of_trouble(trouble: Trouble, derived: Derived, conformed: Conformed) -> pd.DataFrame:
    severity, _ = BUILD_RULES[trouble.rule]
    dataset, rows = trouble.table, trouble.rows
    table = derived.tables[dataset]
    mapping = derived.study.mappings[dataset]
    sequence = table.columns.get(f"{mapping.domain}SEQ") if mapping.domain else None
    records = None
    if dataset in conformed.rows:
        position = np.empty(table.length, dtype=np.int64)
        position[conformed.rows[dataset]] = np.arange(1, table.length + 1)
        records = position[rows]
    place = f" ({_in_study(trouble.place.file, derived.study)}:{trouble.place.line})" if trouble.place else ""
    return _table(
        trouble.rule, severity, dataset, len(rows), record=records, usubjid=_usubjid(derived, table.subject[rows]),
        seq=None if sequence is None else take(sequence, rows).to_numpy(), variables=trouble.variable,
        values=None if trouble.values is None else trouble.values.to_numpy(dtype=object), message=f"{trouble.message}{place}",
        source=source_text(derived, dataset, rows, trouble.variable))


def _in_study(file: str, study: Study) -> str:
    """A specification file as reports name it: the same wherever the build was started."""
    return Path(os.path.relpath(Path(file).resolve(), study.folder.resolve().parent)).as_posix()


def _table(rule: str, severity: str, dataset: str, length: int, **columns) -> pd.DataFrame:
    data = {"rule": rule, "severity": severity, "dataset": dataset, **{name: value for name, value in columns.items() if value is not None}}
    return findings({name: value if isinstance(value, (np.ndarray, pd.Series)) else [value] * length for name, value in data.items()})


def _usubjid(derived: Derived, subjects: np.ndarray) -> np.ndarray:
    return take(pd.Series(derived.subjects.astype("str")), subjects).to_numpy(dtype=object)


# --- What is unaccounted for ------------------------------------------------------------------------------------------


def _unaccounted(derived: Derived, raw: dict[str, RawTable]) -> Iterable[pd.DataFrame]:
    study = derived.study
    yield from _files(study)
    used = used_fields(study)
    for name, table in derived.raw.items():
        yield _fields(study, table, used.get(name, set()))
        yield from _rows(study, table, derived)
        yield from _subjects(study, table)
        yield _duplicates(study, table, derived)


def _files(study: Study) -> Iterable[pd.DataFrame]:
    """Files beside the raw tables that nobody reads."""
    known = {str(Path(source.file)) for source in study.raw.values()} | set(study.raw_not_submitted)
    if not study.raw_folder.is_dir():
        return
    for path in sorted(study.raw_folder.iterdir()):
        if path.is_file() and path.name not in known and not path.name.startswith("."):
            yield findings([{"rule": "RAW-TABLE", "severity": BUILD_RULES["RAW-TABLE"][0], "dataset": path.name, "values": path.name,
                             "message": "the file is neither a raw table of study.yml nor listed under raw.not_submitted", "source": path.name}])


def used_fields(study: Study) -> dict[str, set[str]]:
    """The fields of each raw table that the mappings use or list as not submitted."""
    used: dict[str, set[str]] = {name: set(template_fields(source.usubjid)) | set(source.not_submitted) for name, source in study.raw.items()}

    def note(ref: Ref | None, sources: list[str]) -> None:
        for table in (sources if ref is not None and ref.table == SOURCE else [ref.table] if ref is not None else []):
            if table in used:
                used[table].add(ref.name)

    for mapping in study.mappings.values():
        for block in mapping.blocks:
            for ref in [*(block.where.refs.values() if block.where else ()), block.test_field, *(test.result for test in block.tests)]:
                note(ref, [block.source])
            if block.source in used:
                used[block.source] |= set(mapping.not_submitted)
        for plan in mapping.variables.values():
            for chain in plan.chains:
                sources = [block.source for i, block in enumerate(mapping.blocks) if chain.block in (None, i)]
                for step in chain.steps:
                    for ref in step_refs(step):
                        note(ref, sources)
    return used


def _fields(study: Study, table: Table, used: set[str]) -> pd.DataFrame:
    rows = []
    for field, column in table.columns.items():
        if field not in used:
            filled = int(column.notna().sum())
            example = column.dropna().iloc[0] if filled else ""
            rows.append({"rule": "RAW-FIELD", "severity": "warning" if filled else "notice", "dataset": table.name, "variables": field,
                         "values": str(example), "message": f"{filled} of {table.length} rows of {study.raw[table.name].form} have a value in a field that nobody maps",
                         "source": f"{table.name} {field}"})
    return findings(rows)


def _rows(study: Study, table: Table, derived: Derived) -> Iterable[pd.DataFrame]:
    """Raw rows that became no record: of an unknown test, without any result, or left out without a reason."""
    open_rows = ~(derived.used_rows[table.name] | derived.excluded_rows[table.name])
    if table.dropped is not None:
        open_rows &= ~table.dropped
    blocks = [(mapping, block) for mapping in study.mappings.values() for block in mapping.blocks if block.source == table.name]
    if not open_rows.any() or not any(mapping.dataset in derived.tables for mapping, _ in blocks):
        if not blocks and open_rows.any() and not _is_looked_up(study, table.name):
            yield _row_findings("RAW-ROW", table, np.flatnonzero(open_rows)[:1], derived, f"no dataset takes its records from {table.name}: none of its {table.length} rows is submitted")
        return
    for mapping, block in blocks:
        if block.test_field is not None and mapping.dataset in derived.tables:
            texts = table.columns[block.test_field.name]
            known = {text.casefold() for test in block.tests for text in test.collected}
            unknown = open_rows & ~texts.str.strip().str.casefold().isin(known).to_numpy()
            if unknown.any():
                yield _row_findings("RAW-TEST", table, np.flatnonzero(unknown), derived, f"the mapping of {mapping.dataset} does not know this test",
                                    block.test_field.name)
                open_rows &= ~unknown
    rest = np.flatnonzero(open_rows)
    if len(rest):
        yield _row_findings("RAW-ROW", table, rest, derived, f"the row became no record of {' or '.join(dict.fromkeys(m.dataset for m, _ in blocks))}: "
                            + _why_left_out(blocks))


def _why_left_out(blocks: list[tuple[Mapping, Block]]) -> str:
    if any(block.tests for _, block in blocks):
        return "it has no result in any of the fields of the tests"
    return "the condition of the mapping leaves it out; if that is meant, give the reason as `excluded`"


def _is_looked_up(study: Study, name: str) -> bool:
    return any(ref.table == name for mapping in study.mappings.values() for plan in mapping.variables.values()
               for chain in plan.chains for step in chain.steps for ref in step_refs(step))


def _row_findings(rule: str, table: Table, rows: np.ndarray, derived: Derived, message: str, field: str = "") -> pd.DataFrame:
    source = [f"{table.name} row {row + 1}{' ' if field else ''}{field}" for row in rows]
    return _table(rule, BUILD_RULES[rule][0], table.name, len(rows), record=rows + 1, usubjid=_usubjid(derived, table.subject[rows]),
                  variables=field or None, values=as_text(take(table.columns[field], rows)).to_numpy(dtype=object) if field else None,
                  message=message, source=np.array(source, dtype=object))


def _subjects(study: Study, table: Table) -> Iterable[pd.DataFrame]:
    source = study.raw[table.name]
    nobody = np.flatnonzero(table.subject < 0) if source.usubjid else np.empty(0, dtype=np.int64)
    if len(nobody):
        fields = ", ".join(template_fields(source.usubjid))
        yield _table("RAW-SUBJECT", "error", table.name, len(nobody), record=nobody + 1, variables=fields,
                     message=f"{source.form}: the row has no value in a field that USUBJID is made of",
                     source=np.array([f"{table.name} row {row + 1} {fields}" for row in nobody], dtype=object))


def _duplicates(study: Study, table: Table, derived: Derived) -> pd.DataFrame:
    rows = np.flatnonzero(table.duplicated)
    dropped = "it was dropped" if study.raw[table.name].drop_duplicates else "it was kept"
    return _row_findings("RAW-DUPLICATE", table, rows, derived, f"the row equals an earlier one in every field; {dropped}") if len(rows) else findings()
