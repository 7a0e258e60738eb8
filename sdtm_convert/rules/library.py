"""What the standard says about a dataset and its variables: class, structure, variables, codelists."""

from __future__ import annotations

import csv
import io
import re
from functools import lru_cache
from importlib.resources import files

from .. import standard as standards
from ..model import Codelist, Standard, StandardDataset, StandardVariable
from .rule import NotRun, RuleError
from .study import Study
from .table import Table

# Datasets of the SDTM model that SDTMIG has no section for.
_MODEL_CLASSES = {
    "AC": "TRIAL DESIGN", "APRELSUB": "RELATIONSHIP", "DI": "STUDY REFERENCE", "DR": "RELATIONSHIP", "POOLDEF": "RELATIONSHIP",
    "RELREF": "RELATIONSHIP", "SJ": "SPECIAL PURPOSE", "TP": "TRIAL DESIGN", "TT": "TRIAL DESIGN", "TX": "TRIAL DESIGN",
}
_STRUCTURES = {"SUBJECT LEVEL ANALYSIS DATASET": "ADSL", "BASIC DATA STRUCTURE": "BDS", "OCCURRENCE DATA STRUCTURE": "OCCDS"}
_OCCURRENCE = re.compile(r"[A-Z]{2}(TERM|DECOD|TRT|OCCUR)")


def is_analysis(standard: Standard) -> bool:
    return standard.name.upper().startswith("ADAM")


def the_standard(study: Study) -> Standard:
    """The study's standard; NotRun without one."""
    if study.standard is None:
        raise NotRun("the standard")
    return study.standard


def standard_dataset(table: Table, study: Study) -> StandardDataset | None:
    """The standard's own dataset (SDTM) or structure (ADaM) that this one is; None for a sponsor's own."""
    if study.standard is None:
        return None
    if is_analysis(study.standard):
        return study.standard.datasets.get(structure(table, study))
    if table.is_supp:
        own = standards.standard_dataset(study.standard, f"SUPP{table.rdomain or table.name[4:6]}")
        return own or study.standard.datasets.get("SUPPQUAL")
    return study.standard.datasets.get(table.unsplit)


def is_custom(table: Table, study: Study) -> bool:
    """Whether neither the standard nor the SDTM model has a dataset of that name; so for every supplemental one and for associated persons."""
    if is_analysis(the_standard(study)):
        return standard_dataset(table, study) is None
    return table.unsplit not in study.standard.datasets and table.unsplit not in _MODEL_CLASSES


def class_of(table: Table, study: Study) -> str:
    """The class, in Define-XML's words; "" if it cannot be told. By the standard's dataset, else by the topic variable;
    associated persons have the class of the domain that they are in for."""
    known = None if table.is_supp else standard_dataset(table, study)
    if known:
        return known.class_name
    if table.unsplit in _MODEL_CLASSES:
        return _MODEL_CLASSES[table.unsplit]
    names = set(study.variables(table))
    if not names & {"DOMAIN", "RDOMAIN"}:
        return ""
    prefix = table.domain.upper() if "DOMAIN" in names else ""
    if prefix + "TERM" in names:
        return "EVENTS"
    if prefix + "TRT" in names:
        return "INTERVENTIONS"
    if prefix + "QNAM" in names:
        return "RELATIONSHIP"
    if prefix + "TESTCD" in names:
        return "FINDINGS ABOUT" if prefix + "OBJ" in names else "FINDINGS"
    return _class_of_related(table, study) if table.is_ap and table.prefix != table.domain else ""


def _class_of_related(table: Table, study: Study) -> str:
    """The class of the domain that a dataset of associated persons is in for: of the study's dataset, else of the standard's."""
    related = study.parts.get(table.prefix)
    if related:
        return class_of(related[0], study)
    if study.core_compatible and len(study.tables) > 1:
        raise RuleError(f"no dataset {table.prefix}, which {table.name} would have the class of")
    if study.core_compatible:
        return ""
    known = study.standard.datasets.get(table.prefix) if study.standard else None
    return known.class_name if known else ""


def structure(table: Table, study: Study) -> str:
    """The ADaM structure: ADSL, BDS, TTE (a BDS with CNSR), OCCDS or OTHER; "" for a dataset that is no analysis dataset."""
    given = study.metadata.get(table.name)
    if table.name == "ADSL":
        return "ADSL"
    if given and given.subclass.upper() == "TIME-TO-EVENT":
        return "TTE"
    if given and given.class_name.upper() in _STRUCTURES:
        return _STRUCTURES[given.class_name.upper()]
    if not table.name.startswith("AD"):
        return ""
    if "PARAMCD" in table.names and {"AVAL", "AVALC"} & set(table.names):
        return "TTE" if "CNSR" in table.names else "BDS"
    return "OCCDS" if any(_OCCURRENCE.fullmatch(name) for name in table.names) else "OTHER"


def standard_variables(table: Table, study: Study) -> dict[str, StandardVariable]:
    """What the standard says about this dataset's variables, by name. Names that it does not list for the dataset are left out."""

    def look_up() -> dict[str, StandardVariable]:
        dataset = standard_dataset(table, study)
        found = {name: standards.standard_variable(dataset, name) for name in table.names} if dataset else {}
        return {name: variable for name, variable in found.items() if variable}

    return study.once(("standard variables", table.name, table.names), look_up)


def library_variables(table: Table, study: Study) -> list[tuple[str, str]]:
    """Name and role of every variable that may stand in the dataset, in order. In the general observation classes of SDTM these are the
    model's (identifiers, those of the class, timing), else those that the implementation guide lists; associated persons have their own
    identifiers. NotRun for a dataset of which neither is known."""
    return _variables(table, study, {})


def model_variables(table: Table, study: Study) -> list[tuple[str, str]]:
    """As `library_variables`; outside the general observation classes with those that only the model has, last."""
    return _variables(table, study, {} if is_analysis(the_standard(study)) else _model())


def _variables(table: Table, study: Study, model: dict[str, list[tuple[str, str]]]) -> list[tuple[str, str]]:
    own = "" if is_analysis(the_standard(study)) else class_of(table, study)
    associated_persons = table.unsplit.startswith(("AP", "SQAP"))
    name = "SUPPQUAL" if table.is_supp else table.unsplit[2:] if associated_persons else table.unsplit
    if own in ("INTERVENTIONS", "EVENTS", "FINDINGS", "FINDINGS ABOUT"):
        return _of_class(own, name, associated_persons)
    known = standard_dataset(table, study) or study.standard.datasets.get(name)
    beside = model.get(name, [])
    if known is None and not beside:
        raise NotRun("a standard that knows the dataset, or variables that tell its class")
    variables = [(variable.name, variable.role) for variable in (known.variables.values() if known else ())] + beside
    return _of_associated_persons(variables) if associated_persons else variables


def _of_associated_persons(variables: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [variable for variable in variables if variable[0] != "USUBJID"] + _model()["ASSOCIATED PERSONS"]


def _of_class(class_name: str, prefix: str, associated_persons: bool) -> list[tuple[str, str]]:
    model = _model()
    general = model["GENERAL OBSERVATIONS"]
    own = list(model["FINDINGS" if class_name == "FINDINGS ABOUT" else class_name])
    if class_name == "FINDINGS ABOUT":
        at = own.index(("--TEST", "Qualifier")) + 1
        own = own[:at] + model["FINDINGS ABOUT"] + own[at:]
    identifiers = [v for v in general if v[1] == "Identifier"]
    variables = (_of_associated_persons(identifiers) if associated_persons else identifiers) + own + [v for v in general if v[1] == "Timing"]
    return [(prefix + name[2:] if name.startswith("--") else name, role) for name, role in variables]


@lru_cache
def _model() -> dict[str, list[tuple[str, str]]]:
    """SDTM 2.0: the variables of each class, in order, with their roles (all qualifiers as one); and of datasets those that SDTMIG has not."""
    text = (files("sdtm_convert.specs") / "rules" / "sdtm-2.0-model.csv").read_text(encoding="utf-8")
    model: dict[str, list[tuple[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        model.setdefault(row["class"], []).append((row["variable"], row["role"]))
    return model


@lru_cache
def model_names() -> frozenset[str]:
    """The names of the SDTM model's variables (`--TERM`, `VISIT`)."""
    return frozenset(name for variables in _model().values() for name, _ in variables)


def codelists_of(variable: StandardVariable | None, study: Study, chosen: Codelist | None = None) -> list[Codelist]:
    """The variable's codelists that are in the terminology given. `chosen` is the one that metadata give the variable, with the terms
    that the study uses: the published one of its C-code takes its place, a sponsor's own stands as it is. One of the standard's own
    codelists for the variable stands for all of them."""
    if variable and chosen and chosen.code not in variable.codelists:
        published = [terminology.find(chosen.code) for terminology in study.terminology] if chosen.code else []
        return [codelist for codelist in published if codelist][:1] or [chosen]
    codes = variable.codelists if variable else ()
    found = [terminology.find(code) for code in codes for terminology in study.terminology]
    return [codelist for codelist in found if codelist]
