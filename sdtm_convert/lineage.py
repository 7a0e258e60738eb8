"""Lineage: what every variable is made from, and the raw row that every record comes from; written with a package for `trace`.

    DIR/lineage/lineage.json      variables: places, origins, methods, and the names that each step needs, down to the raw fields
    DIR/lineage/ae.parquet ...    records: for each record of the dataset, in its order, the raw table and its 1-based row
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from . import conditions
from .sources import lineage as raw_rows_of
from .conform import SUPP_KEYS, Conformed, submitted_variables
from .errors import InputError, Place
from .graph import step_refs
from .load import template_fields
from .model import Origin
from .origins import method_of, origin_of, step_text
from .plan import SOURCE, Block, Chain, Mapping, Ref, Step, Study, VariablePlan
from .standard import standard_dataset, standard_variable
from .tables import Derived

if TYPE_CHECKING:
    from .flow import Build

FORM = 1  # of lineage.json; a reader refuses another


def write_lineage(built: Build, folder: Path) -> None:
    """Write the lineage of a build into `folder` (made if need be): lineage.json and one Parquet table per dataset.

    Equal builds give equal bytes. Raises InputError if the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(variable_lineage(built.study, _labels(built)), indent=1, ensure_ascii=False)
        (folder / "lineage.json").write_text(text + "\n", encoding="utf-8", newline="\n")
        for name in built.conformed.datasets:
            table = record_lineage(built.derived, built.conformed, name)
            rows = [column for column in table.column_names if column.endswith(("_row", "_record"))]
            names = [column for column in table.column_names if column not in rows]
            pq.write_table(table, folder / f"{name.lower()}.parquet", compression="zstd", use_dictionary=names,
                           column_encoding=dict.fromkeys(rows, "DELTA_BINARY_PACKED"))
    except OSError as error:
        raise InputError(f"{folder}: the lineage cannot be written: {error.strerror or error}.") from error


def _labels(built: Build) -> dict[tuple[str, str], tuple[str, str]]:
    """(label, type) of every submitted variable, as define.xml has them."""
    datasets = [dataset for package in built.packages.values() for dataset in package.datasets]
    return {(dataset.name, v.name): (v.label, v.type) for dataset in datasets for v in dataset.variables}


# --- Records ----------------------------------------------------------------------------------------------------------


def record_lineage(derived: Derived, conformed: Conformed, name: str) -> pa.Table:
    """For each record of a dataset, in submitted order, where it comes from.

    Columns: `raw_table` (dictionary), `raw_row` (int32, from 1); for a dataset made of other datasets (SUPP--: of its parent) also
    `from_dataset`, `from_record` (from 1 in that dataset as submitted). Null where there is none.
    """
    owner, rows = conformed.parents.get(name, name), conformed.rows[name]
    tables, numbers = raw_rows_of(derived, owner, rows)
    columns = {"raw_table": _dictionary(tables), "raw_row": _int32(numbers + 1)}
    if owner != name:
        records = _positions(rows, owner, derived, conformed)
        columns |= {"from_dataset": _dictionary(np.full(len(rows), owner, dtype=object)), "from_record": _int32(records)}
    elif any(source in derived.tables for source in derived.tables[owner].sources):
        datasets, records = _from_datasets(derived, conformed, owner, rows)
        columns |= {"from_dataset": _dictionary(datasets), "from_record": _int32(records)}
    return pa.table(columns)


def _from_datasets(derived: Derived, conformed: Conformed, owner: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For rows of a derived table the dataset that each is taken from, and the record there; "" and 0 where it is a raw table."""
    table = derived.tables[owner]
    datasets, records = np.full(len(rows), "", dtype=object), np.zeros(len(rows), dtype=np.int64)
    for block, source in enumerate(table.sources):
        start, stop = table.block_bounds(block)
        inside = (rows >= start) & (rows < stop)
        if source in derived.tables:
            datasets[inside] = source
            records[inside] = _positions(table.source_rows[rows[inside]], source, derived, conformed)
    return datasets, records


def _positions(rows: np.ndarray, dataset: str, derived: Derived, conformed: Conformed) -> np.ndarray:
    """The 1-based records that rows of a derived table became; 0 where the dataset is not written."""
    position = np.zeros(derived.tables[dataset].length, dtype=np.int64)
    if dataset in conformed.rows:
        position[conformed.rows[dataset]] = np.arange(1, len(conformed.rows[dataset]) + 1)
    return position[rows]


def _dictionary(names: np.ndarray) -> pa.DictionaryArray:
    codes, distinct = pd.factorize(pd.Series(names, dtype="str").mask(names == ""), sort=True)
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int16), mask=codes < 0), pa.array(list(distinct), pa.string()))


def _int32(numbers: np.ndarray) -> pa.Array:
    return pa.array(numbers.astype(np.int32), mask=numbers < 1)


# --- Variables --------------------------------------------------------------------------------------------------------


def variable_lineage(study: Study, labels: dict[tuple[str, str], tuple[str, str]] | None = None) -> dict:
    """What the specification says of every raw table, dataset and variable, as plain data.

    `labels`: (label, type) by (dataset, variable), where they are known better than from the specification alone. Files are named
    relative to the study's folder. `needs` lists [table, name, how]: a raw table's field or a dataset's variable, of the same "record" or of
    the "subject".
    """
    datasets = {name: _dataset(mapping, study) for name, mapping in study.mappings.items()}
    variables = {name: {variable: _variable(variable, mapping, study, labels or {}) for variable in _all_variables(mapping, study)}
                 for name, mapping in study.mappings.items()}
    for name, mapping in study.mappings.items():
        if plans := _supplemental(mapping):
            supp = f"SUPP{name}"
            datasets[supp] = {"label": f"Supplemental Qualifiers for {name}", "parent": name, "place": _place(mapping.place, study), "topic": "QNAM",
                              "records": [{"source": name, "text": "one per supplemental qualifier that has a value"}]}
            variables[supp] = {v: _supp_variable(v, supp, plans, mapping, study) for v in (*SUPP_KEYS, "QLABEL", "QVAL", "QORIG", "QEVAL")}
    return {"form": FORM, "study": study.name, "raw": {name: _raw(name, study) for name in study.raw}, "datasets": datasets, "variables": variables}


def _raw(name: str, study: Study) -> dict:
    source = study.raw[name]
    fields = {field: list(pages) for (table, field), pages in study.field_pages.items() if table == name}
    return {"file": source.file, "form": source.form, "usubjid": source.usubjid, "pages": list(source.pages), "field_pages": fields,
            "options": source.options}


def _dataset(mapping: Mapping, study: Study) -> dict:
    return {"label": mapping.label, "parent": "", "place": _place(mapping.place, study),
            "topic": f"{mapping.dataset[:2]}TESTCD" if any(block.tests for block in mapping.blocks) else "",
            "records": [{"source": block.source, "text": _records_text(block)} for block in mapping.blocks]}


def _records_text(block: Block) -> str:
    unit = "one per row"
    if block.tests:
        unit = f"one per row with a test of {block.test_field.name}" if block.test_field else "one per row and filled result of a test"
    return unit + (f", where {conditions.describe(block.where.condition)}" if block.where else "")


def _all_variables(mapping: Mapping, study: Study) -> list[str]:
    """Submitted variables in their order, then supplemental and working ones."""
    submitted = submitted_variables(mapping, study)
    return submitted + [name for name in mapping.variables if name not in submitted]


def _supplemental(mapping: Mapping) -> list[VariablePlan]:
    return sorted((p for p in mapping.variables.values() if p.supplemental and not p.working), key=lambda plan: plan.name)


def _variable(name: str, mapping: Mapping, study: Study, labels: dict) -> dict:
    known = standard_variable(mapping.standard, name) if mapping.standard else None
    plan = mapping.variables.get(name) or VariablePlan(name, (), mapping.place, known)
    label, type = labels.get((mapping.dataset, name), (plan.label, plan.type))
    method = method_of(plan, mapping, study)
    kind = "working" if plan.working else "supplemental" if plan.supplemental else ""
    steps = list(_steps(plan, mapping, study)) or _automatic_steps(name, mapping, study)
    places = list(dict.fromkeys(step["place"] for step in steps)) or [_place(plan.place, study)]
    return {"label": label, "type": type, "kind": kind, "places": places, "origin": _origin(origin_of(plan, mapping, study)),
            "method": method.text if method else "", "codelist": plan.codelist.short_name if plan.codelist else "", "steps": steps}


def _steps(plan: VariablePlan, mapping: Mapping, study: Study) -> Iterator[dict]:
    for chain in plan.chains:
        sources = [block.source for position, block in enumerate(mapping.blocks) if chain.block in (None, position)]
        for step in chain.steps:
            yield {"text": step_text(step, mapping, study), "place": _place(step.place, study), "source": _source(chain, mapping),
                   "test": chain.test or "", "needs": _needs(_named(step), mapping.dataset, sources)}


def _named(step: Step) -> list[Ref]:
    """The names that a step uses; USUBJID only where it is the one: that steps work by subject goes without saying."""
    refs = list(step_refs(step))
    return [ref for ref in refs if ref.name != "USUBJID"] or refs


def _source(chain: Chain, mapping: Mapping) -> str:
    return "" if chain.block is None else mapping.blocks[chain.block].source


def _needs(refs: Iterable[Ref], dataset: str, sources: list[str]) -> list[list[str]]:
    found = []
    for ref in refs:
        tables = sources if ref.table == SOURCE else [ref.table or dataset]
        found += [(table, ref.name, "record" if ref.table in ("", SOURCE) else "subject") for table in tables]
    return [list(needed) for needed in dict.fromkeys(found)]


def _automatic_steps(name: str, mapping: Mapping, study: Study) -> list[dict]:
    """What nobody writes: STUDYID, DOMAIN, and USUBJID from the raw identifiers or from the dataset that the records are taken from."""
    always = {"STUDYID": (study.name, "study.yml"), "DOMAIN": (mapping.domain, _place(mapping.place, study))}
    if name in always:
        return [{"text": f"Always {always[name][0]}.", "place": always[name][1], "source": "", "test": "", "needs": []}]
    steps = []
    for source in dict.fromkeys(block.source for block in mapping.blocks) if name == "USUBJID" else ():
        template = study.raw[source].usubjid if source in study.raw else ""
        fields = template_fields(template) if source in study.raw else [name]
        text = f"In the form {template}." if template else f"The value of {source}.{name}."
        place = study.raw[source].place if source in study.raw else mapping.place
        needs = [[source, field, "record"] for field in fields]
        steps.append({"text": text, "place": _place(place, study), "source": source, "test": "", "needs": needs})
    return steps


def _supp_variable(name: str, supp: str, plans: list[VariablePlan], mapping: Mapping, study: Study) -> dict:
    standard = standard_dataset(study.sdtm, supp)
    known = standard_variable(standard, name) if standard else None
    needs = {"USUBJID": "USUBJID", "IDVARVAL": f"{mapping.domain}SEQ"}
    steps = [_supp_step(mapping, needs[name], "", mapping.place, study)] if name in needs else []
    if name == "QVAL":
        steps = [_supp_step(mapping, plan.name, plan.name, plan.place, study) for plan in plans]
    origin = {"type": "Protocol" if name == "STUDYID" else "" if name == "QVAL" else "Assigned", "source": "" if name == "QVAL" else "Sponsor"}
    places = list(dict.fromkeys(step["place"] for step in steps)) or [_place(mapping.place, study)]
    return {"label": known.label if known else "", "type": known.type if known else "Char", "kind": "", "places": places,
            "origin": {**origin, "predecessor": "", "pages": []}, "method": "", "codelist": "", "steps": steps}


def _supp_step(mapping: Mapping, variable: str, test: str, place: Place, study: Study) -> dict:
    return {"text": "", "place": _place(place, study), "source": "", "test": test, "needs": [[mapping.dataset, variable, "record"]]}


def _origin(origin: Origin) -> dict:
    return {"type": origin.type, "source": origin.source, "predecessor": origin.predecessor, "pages": list(origin.pages)}


def _place(place: Place, study: Study) -> str:
    """file:line, the file as it is found from the study's folder: the same wherever the study lies."""
    path = Path(os.path.relpath(Path(place.file).resolve(), study.folder.resolve())).as_posix()
    return f"{path}:{place.line}" if place.line else path
