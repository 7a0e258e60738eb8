"""The passing and failing cases of the shipped rules: tests/rules/<rule id>.yml, each a few literal tables.

A case has `datasets` (name: a table with columns set apart by `|`; a column called `NAME:n` is numeric, an empty cell is missing),
`metadata` where the rule needs labels, types, lengths or keys, `define` where it needs a define.xml, and, in failing cases, `finds`: each
finding as `AE 2` (dataset and record), `AE AETERM` (dataset and variable) or `AE` (the dataset).

`define` says of each dataset its `variables` (type, length, mandatory, codelist, no_data of each), `values` (a list of value levels, each
with its variable, `where` such as `AETEST EQ TEMP`, and the same) and `no_data`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import yaml

from sdtm_convert.model import Dataset, Variable
from sdtm_convert.rules.load import parse_rule
from sdtm_convert.rules.rule import Rule

FOLDER = Path(__file__).parent / "rules"
ONE_CONDITION = """\
Core: {Id: ACME-1}
Rule Type: %s
Sensitivity: Record
Check: {all: [%s]}
Outcome: {Message: Wrong., Output Variables: [%s]}
"""


def one_condition(rule_type: str, condition: str, shown: str) -> Rule:
    """A rule of this type that asks one condition (or several, set apart by commas) of each record and shows one variable."""
    return parse_rule(ONE_CONDITION % (rule_type, condition, shown))


@dataclass(frozen=True)
class Case:
    """Data, what is known of them, and the findings that the rule must have: none in a passing case."""

    datasets: dict[str, pd.DataFrame]
    metadata: dict[str, Dataset]
    finds: tuple[str, ...]
    define: str = ""  # define.xml


def read_cases(rule: str, kind: str) -> list[Case]:
    """The cases of a rule of one kind, `pass` or `fail`."""
    file = FOLDER / f"{rule}.yml"
    if not file.is_file():
        return []
    cases = yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader).get(kind, [])
    return [_case(case) for case in cases]


def _case(case: dict) -> Case:
    datasets = {name: read_table(text) for name, text in case["datasets"].items()}
    metadata = {name: _metadata(name, given, datasets[name]) for name, given in case.get("metadata", {}).items()}
    return Case(datasets, metadata, tuple(case.get("finds", ())), define_xml(case["define"]) if "define" in case else "")


def read_table(text: str) -> pd.DataFrame:
    """A DataFrame from a literal table: text columns of dtype str, numeric ones float64."""
    rows = [[cell.strip(" ") for cell in line.split("|")] for line in text.strip("\n").split("\n")]
    frame = pd.DataFrame(rows[1:], columns=rows[0], dtype="str").replace("", None)
    numeric = {name: "float64" for name in rows[0] if name.endswith(":n")}
    return frame.astype(numeric).rename(columns=lambda name: name.removesuffix(":n"))


def _metadata(name: str, given: dict, frame: pd.DataFrame) -> Dataset:
    known = given.get("variables", {})
    variables = []
    for column in frame.columns:
        number = pd.api.types.is_numeric_dtype(frame[column])
        variable = Variable(column, "Label", "Num" if number else "Char", "float" if number else "text", 8)
        own = {key: int(value) if key == "length" else value for key, value in known.get(column, {}).items()}
        variables.append(replace(variable, **own))
    return Dataset(name, given.get("label", "Label"), given.get("class", ""), "", tuple(variables), tuple(given.get("keys", ())))


def define_xml(datasets: dict) -> str:
    """As much of a define.xml as rules look at."""
    groups, definitions, clauses = [], [], []
    for name, given in datasets.items():
        levels: dict[str, str] = {}
        for number, value in enumerate(given.get("values", ())):
            oid = f"{name}.{value['variable']}.{number}"
            asked, comparator, wanted = value["where"].split(" ", 2)
            clauses.append(f'<def:WhereClauseDef OID="WC.{oid}"><RangeCheck Comparator="{comparator}" def:ItemOID="IT.{name}.{asked}">'
                           f"<CheckValue>{wanted}</CheckValue></RangeCheck></def:WhereClauseDef>")
            where = f'<def:WhereClauseRef WhereClauseOID="WC.{oid}"/>'
            levels[value["variable"]] = levels.get(value["variable"], "") + _item_ref(oid, value, where)
            definitions.append(_item_def(oid, wanted, value))
        clauses += [f'<def:ValueListDef OID="VL.{name}.{variable}">{refs}</def:ValueListDef>' for variable, refs in levels.items()]
        variables = given["variables"]
        references = "".join(_item_ref(f"{name}.{variable}", known) for variable, known in variables.items())
        groups.append(f'<ItemGroupDef OID="IG.{name}" Name="{name}"{_no_data(given)}>{references}</ItemGroupDef>')
        definitions += [_item_def(f"{name}.{variable}", variable, known, f"VL.{name}.{variable}" if variable in levels else "")
                        for variable, known in variables.items()]
    namespaces = 'xmlns="http://www.cdisc.org/ns/odm/v1.3" xmlns:def="http://www.cdisc.org/ns/def/v2.1"'
    return f"<ODM {namespaces}><Study><MetaDataVersion>{''.join([*clauses, *groups, *definitions])}</MetaDataVersion></Study></ODM>"


def _item_ref(oid: str, given: dict, where: str = "") -> str:
    return f'<ItemRef ItemOID="IT.{oid}" Mandatory="{given.get("mandatory", "No")}"{_no_data(given)}>{where}</ItemRef>'


def _no_data(given: dict) -> str:
    return ' def:HasNoData="Yes"' if given.get("no_data") == "Yes" else ""


def _item_def(oid: str, name: str, given: dict, value_list: str = "") -> str:
    length = f' Length="{given["length"]}"' if "length" in given else ""
    terms = "".join(f'<EnumeratedItem CodedValue="{term}"/>' for term in given.get("codelist", ()))
    reference = f'<CodeListRef CodeListOID="CL.{oid}"/>' if terms else ""
    values = f'<def:ValueListRef ValueListOID="{value_list}"/>' if value_list else ""
    item = f'<ItemDef OID="IT.{oid}" Name="{name}" DataType="{given["type"]}"{length}>{reference}{values}</ItemDef>'
    return item + (f'<CodeList OID="CL.{oid}" Name="{name}">{terms}</CodeList>' if terms else "")


def found(findings: pd.DataFrame) -> tuple[str, ...]:
    """Findings in the short form of `finds`."""
    short = []
    for finding in findings.itertuples():
        variable = finding.variables if isinstance(finding.variables, str) and ";" not in finding.variables else ""
        mark = variable if pd.isna(finding.record) else finding.record
        short.append(f"{finding.dataset} {mark}".strip())
    return tuple(short)
