"""The metadata of what was built: study plan + standard + data -> `model.Package`, the one source of XPT attributes and define.xml."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from .columns import text_lengths
from .conform import SUPP_KEYS, Conformed
from .model import Codelist, Dataset, Method, Origin, Package, RangeCheck, StandardUsed, StandardVariable, Term, ValueLevel, Variable
from .origins import method_of, origin_of
from .plan import Mapping, Study, VariablePlan
from .standard import standard_dataset, standard_variable
from .units import conversion

_DATE, _DATETIME = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
MOST_DECIMALS = 7  # what a Num of length 8 is said to hold after the point in define.xml
_ADAM_FORMATS = (("DTM", "DATETIME20."), ("DT", "DATE9."), ("TM", "TIME8."))


def packages(study: Study, conformed: Conformed, created: str) -> dict[str, Package]:
    """What the define.xml of each part of the build (sdtm, adam) describes, where the part has any dataset."""
    lengths = char_lengths(study, conformed)
    present = {part_of(name, study, conformed) for name in conformed.datasets}
    return {part: _package(study, conformed, part, created, lengths) for part in ("sdtm", "adam") if part in present}


def _package(study: Study, conformed: Conformed, part: str, created: str, lengths: dict[str, int]) -> Package:
    """What define.xml describes of one part: standards, datasets, variables, value levels, documents."""
    names = sorted((name for name in conformed.datasets if part_of(name, study, conformed) == part),
                   key=lambda name: (conformed.parents.get(name, name), name in conformed.parents))
    datasets = [_supp(name, study, conformed) if name in conformed.parents else _dataset(name, study, conformed, lengths) for name in names]
    guide = study.sdtm if part == "sdtm" else study.adam
    standards = [StandardUsed({"sdtmig": "SDTMIG", "adamig": "ADaMIG"}.get(guide.name.lower(), guide.name), "IG", guide.version)]
    wanted = {"sdtm": ("SDTM",), "adam": ("SDTM", "ADaM")}[part]
    standards += [StandardUsed("CDISC/NCI", "CT", t.version, _publishing_set(t.name)) for t in study.terminology if _publishing_set(t.name) in wanted]
    return Package(
        study=study.name, study_name=study.title, study_description=study.description, protocol=study.protocol,
        standards=tuple(standards), datasets=tuple(datasets), documents=tuple(d for d in study.documents if part == "sdtm" or d.kind != "crf"), dictionaries=study.dictionaries,
        created=created, originator="sdtm-convert", comment=study.notice)


def part_of(name: str, study: Study, conformed: Conformed) -> str:
    """sdtm or adam."""
    return study.mappings[conformed.parents.get(name, name)].part


def _publishing_set(name: str) -> str:
    return {"sdtm": "SDTM", "adam": "ADaM", "cdash": "CDASH", "define-xml": "DEFINE-XML", "protocol": "PROTOCOL"}.get(name.lower(), name)


# --- Datasets ---------------------------------------------------------------------------------------------------------


def _dataset(name: str, study: Study, conformed: Conformed, lengths: dict[str, int]) -> Dataset:
    mapping, frame = study.mappings[name], conformed.datasets[name]
    standard = mapping.standard
    variables = tuple(_variable(column, position, mapping, study, frame[column], lengths) for position, column in enumerate(frame.columns, 1))
    variables = tuple(replace(v, key=mapping.keys.index(v.name) + 1) if v.name in mapping.keys else v for v in variables)
    variables = _with_test_levels(variables, mapping, frame, study.encoding)
    one_each = not frame["USUBJID"].duplicated().any() if "USUBJID" in frame.columns else False
    adam_class = mapping.part == "adam"
    subclass = mapping.subclass or ("ADVERSE EVENT" if name == "ADAE" else standard.subclass if standard else "")
    return Dataset(
        name=name, label=mapping.label or name, class_name=standard.class_name if standard else "", subclass=subclass,
        structure=mapping.structure or "One record per " + " per ".join(mapping.keys), variables=variables, keys=mapping.keys,
        domain=mapping.domain, purpose="Analysis" if adam_class else "Tabulation",
        repeating=not (name in ("DM", "ADSL") or (one_each and mapping.keys[-1:] == ("USUBJID",))), records=len(frame),
        comment=mapping.comment, non_standard=standard is None)


def _supp(name: str, study: Study, conformed: Conformed) -> Dataset:
    parent, frame = study.mappings[conformed.parents[name]], conformed.datasets[name]
    standard = standard_dataset(study.sdtm, name)
    plans = {plan.name: plan for plan in parent.variables.values() if plan.supplemental}
    levels = tuple(_supp_level(plans[qnam], values, parent, study) for qnam, values in frame.groupby("QNAM", sort=True)["QVAL"])
    variables = []
    for position, column in enumerate(frame.columns, 1):
        variable = _plain_variable(column, position, standard.variables[column], frame[column], study.encoding)
        if column == "QVAL":
            variable = replace(variable, length=max((level.length for level in levels), default=variable.length), value_level=levels)
        key = SUPP_KEYS.index(column) + 1 if column in SUPP_KEYS else None
        origin = None if column == "QVAL" and levels else Origin("Protocol", "Sponsor") if column == "STUDYID" else Origin("Assigned", "Sponsor")
        variables.append(replace(variable, key=key, origin=origin))
    return Dataset(
        name=name, label=f"Supplemental Qualifiers for {parent.dataset}", class_name=standard.class_name,
        structure="One record per supplemental qualifier per related parent domain record", variables=tuple(variables), keys=SUPP_KEYS,
        domain=parent.domain, records=len(frame), parent_label=parent.label)


def _plain_variable(name: str, position: int, standard: StandardVariable, column: pd.Series, encoding: str) -> Variable:
    return Variable(name=name, label=standard.label, type=standard.type, data_type=data_type(column, standard.type, standard.values),
                    length=char_length(column, encoding), order=position, role=standard.role, core=standard.core, mandatory=standard.core == "Req",
                    all_missing=bool(column.isna().all()))


# --- Variables --------------------------------------------------------------------------------------------------------


def _variable(name: str, position: int, mapping: Mapping, study: Study, column: pd.Series, lengths: dict[str, int]) -> Variable:
    plan, standard = mapping.variables.get(name), mapping.standard
    plan = plan or VariablePlan(name, (), mapping.place, standard_variable(standard, name) if standard else None)
    known, attributes, type = plan.standard, plan.attributes, plan.type or "Char"
    origin = origin_of(plan, mapping, study)
    kind = attributes.get("data_type") or data_type(column, type, known.values if known else "")
    display = attributes.get("display_format", "") or (_display_format(name, type) if mapping.part == "adam" else "")
    return Variable(
        name=name, label=plan.label, type=type, data_type=kind,
        length=8 if type == "Num" else lengths[name], order=position,
        role=known.role if known and mapping.part == "sdtm" else "", core=known.core if known else "",
        mandatory=_mandatory(known, mapping, column), display_format=display,
        significant_digits=_significant_digits(column, attributes) if kind == "float" else None,
        codelist=used_terms(plan.codelist, column, known, study) if plan.codelist else None,
        dictionary="MedDRA" if known and "MedDRA" in known.values and any(d.name == "MedDRA" for d in study.dictionaries) else "",
        origin=origin, method=method_of(plan, mapping, study) if origin.type == "Derived" else None,
        comment=" ".join(filter(None, (attributes.get("comment"), attributes.get("reason")))), all_missing=bool(column.isna().all()),
        non_standard=known is None)


def _mandatory(known: StandardVariable | None, mapping: Mapping, column: pd.Series) -> bool:
    """Whether every record has a value, by the standard. What ADaM requires must be there, but may be empty: a screen failure has no arm."""
    return bool(known and known.core == "Req") and not (mapping.part == "adam" and column.isna().any())


def _display_format(name: str, type: str) -> str:
    return next((shown for suffix, shown in _ADAM_FORMATS if type == "Num" and name.endswith(suffix)), "")


def char_lengths(study: Study, conformed: Conformed) -> dict[str, int]:
    """The length of every Char variable: what its longest text takes, or what any mapping of the study declares where that is more.

    A variable has one length in all datasets that it is in, but for SUPP--, as FDA's Study Data Technical Conformance Guide asks for ("Dataset Column Length").
    """
    lengths: dict[str, int] = {}
    for mapping in study.mappings.values():
        for plan in mapping.variables.values():
            if not plan.supplemental and plan.type == "Char":
                lengths[plan.name] = max(lengths.get(plan.name, 1), _declared_length(plan))
    for dataset, frame in conformed.datasets.items():
        for name, column in frame.items() if dataset not in conformed.parents else ():
            if not pd.api.types.is_numeric_dtype(column.dtype):
                lengths[name] = max(lengths.get(name, 1), char_length(column, study.encoding))
    return lengths


def _declared_length(plan: VariablePlan) -> int:
    return int(plan.attributes.get("length", 0))


def char_length(column: pd.Series, encoding: str) -> int:
    """Bytes of the longest value in the study's encoding, at least 1; 8 for a number."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return 8
    return max(1, int(text_lengths(column, encoding).max(initial=0)))


def data_type(column: pd.Series, type: str, values: str) -> str:
    """Define-XML's data type from the values themselves: integer or float; ISO 8601 kinds by the precision that occurs; else text."""
    if type == "Num":
        numbers = column.to_numpy(dtype="float64")
        numbers = numbers[~np.isnan(numbers)]
        return "integer" if (numbers == np.floor(numbers)).all() else "float"
    if "duration" in values and "datetime" not in values:
        return "durationDatetime"
    if "ISO 8601" not in values:
        return "text"
    distinct = column.dropna().unique()
    if any("P" in value or "/" in value for value in distinct):
        return "text" if any("/" in value for value in distinct) else "durationDatetime"
    if all(_DATE.fullmatch(value) for value in distinct):
        return "date"
    if all(_DATETIME.fullmatch(value) for value in distinct):
        return "datetime"
    return "incompleteDatetime" if any("T" in value or "--" in value for value in distinct) else "partialDate"


def _significant_digits(column: pd.Series, attributes: dict[str, str]) -> int:
    """Digits after the decimal point: what the mapping says, else the most that occur, at most MOST_DECIMALS."""
    if "significant_digits" in attributes:
        return int(attributes["significant_digits"])
    distinct = column.dropna().unique()
    digits = max((len(f"{value:.12g}".partition(".")[2]) for value in distinct if "e" not in f"{value:.12g}"), default=0)
    return min(digits, MOST_DECIMALS)


def used_terms(codelist: Codelist, column: pd.Series, known: StandardVariable | None, study: Study) -> Codelist | None:
    """The codelist with those terms only that the data use; values outside it are added as the sponsor's own.

    None where no term is used.
    """
    used = column.dropna().unique()
    if known is not None and known.name.endswith("STRESC"):  # its terms are for results in words; numbers need none
        used = [value for value in used if value in codelist.by_value]
    if not len(used):
        return None
    if pd.api.types.is_numeric_dtype(column.dtype):
        return codelist
    terms = [term for term in codelist.terms if term.value in set(used)]
    terms += [Term(value, decode=value) for value in sorted(set(used) - set(codelist.by_value))]
    return replace(codelist, terms=tuple(terms))


# --- Value level ------------------------------------------------------------------------------------------------------


def _supp_level(plan: VariablePlan, values: pd.Series, parent: Mapping, study: Study) -> ValueLevel:
    origin = origin_of(plan, parent, study)
    return ValueLevel(
        where=(RangeCheck("QNAM", "EQ", (plan.name,)),), label=plan.label, type="Char", data_type="text", length=max(_declared_length(plan), char_length(values, study.encoding)),
        codelist=used_terms(plan.codelist, values, None, study) if plan.codelist else None, origin=origin,
        method=method_of(plan, parent, study) if origin.type == "Derived" else None)


def _with_test_levels(variables: tuple[Variable, ...], mapping: Mapping, frame: pd.DataFrame, encoding: str) -> tuple[Variable, ...]:
    """Value levels by --TESTCD (BDS: PARAMCD) of the result variables, where tests differ in unit or type."""
    topic = next((name for name in (f"{mapping.dataset[:2]}TESTCD", "PARAMCD") if name in frame.columns), None)
    if topic is None or frame.empty:
        return variables
    results = {f"{mapping.dataset[:2]}{suffix}" for suffix in ("ORRES", "STRESC", "STRESN")} if topic != "PARAMCD" else {"AVAL"}
    codes, tests = pd.factorize(frame[topic], sort=True)
    labels = frame.drop_duplicates(topic).set_index(topic)[topic.removesuffix("CD")]
    methods = _conversions(mapping, frame, codes, tests) if topic != "PARAMCD" else {}

    def levels(variable: Variable) -> tuple[ValueLevel, ...]:
        return tuple(_test_level(topic, test, labels[test], variable, frame[variable.name][codes == i],
                                 methods.get(test) if variable.name.endswith("STRESN") else None, encoding) for i, test in enumerate(tests))

    return tuple(replace(v, value_level=levels(v)) if v.name in results and len(tests) > 1 else v for v in variables)


def _conversions(mapping: Mapping, frame: pd.DataFrame, codes: np.ndarray, tests: pd.Index) -> dict[str, Method]:
    """For each test whose results were converted the unit factors that were used."""
    domain = mapping.dataset[:2]
    collected, standard, plan = f"{domain}ORRESU", f"{domain}STRESU", mapping.variables.get(f"{domain}STRESN")
    if collected not in frame.columns or standard not in frame.columns or plan is None:
        return {}
    own = next((step.arguments["factors"] for chain in plan.chains for step in chain.steps if step.arguments.get("factors")), {})
    pairs = pd.DataFrame({"test": codes, "unit": frame[collected], "to": frame[standard]}).dropna().drop_duplicates()
    words: dict[str, list[str]] = {}
    for test, unit, to in pairs[pairs["unit"] != pairs["to"]].sort_values(["test", "unit"]).itertuples(index=False):
        factor = own.get(unit, {}).get(to)
        how = f"x {factor}" if factor else known.words() if (known := conversion(tests[test], unit, to)) else ""
        words.setdefault(tests[test], []).append(f"{unit} to {to}: {how}")
    return {test: Method(f"{domain}ORRES converted to the standard unit ({'; '.join(how)}).", name=f"Algorithm for {mapping.dataset}.{domain}STRESN, {test}")
            for test, how in words.items() if all(": " in item and not item.endswith(": ") for item in how)}


def _test_level(topic: str, test: str, label: str, variable: Variable, values: pd.Series, method: Method | None, encoding: str) -> ValueLevel:
    kind = data_type(values, variable.type, "")
    return ValueLevel(
        where=(RangeCheck(topic, "EQ", (test,)),), label=label, type=variable.type, data_type=kind,
        length=8 if variable.type == "Num" else char_length(values, encoding), display_format=variable.display_format,
        significant_digits=_significant_digits(values, {}) if kind == "float" else None, method=method)


