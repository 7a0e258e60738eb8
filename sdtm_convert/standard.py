"""The standard: what SDTMIG, ADaMIG and controlled terminology say, read from the tables in specs/.

Everything here is read-only and cached: a Standard or Terminology may be shared freely.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NoReturn

from sdtm_convert.errors import Fault, InputError, Place, SpecError, did_you_mean
from sdtm_convert.model import Standard, StandardDataset, StandardVariable, Terminology
from sdtm_convert.terminology import OFFICIAL_SUFFIXES, read_terminology, title_of
from sdtm_convert.terminology_tables import folder_name, paired_codelist, publishing_set, read_folder, user_store

__all__ = [
    "available_standards",
    "available_terminologies",
    "load_standard",
    "load_terminology",
    "model_variable",
    "paired_codelist",
    "standard_dataset",
    "standard_variable",
]

GENERAL_OBSERVATION_CLASSES = ("INTERVENTIONS", "EVENTS", "FINDINGS", "FINDINGS ABOUT")

_GUIDES = {"sdtmig": ("SDTMIG", "datasets.csv"), "adamig": ("ADaMIG", "structures.csv")}
_FOLDER = re.compile(r"(?P<name>[a-z][a-z0-9_-]*?)-(?P<version>[0-9][0-9A-Za-z.-]*)")
_USUAL_STRUCTURES = {"ADAE": ("OCCDS", "ADVERSE EVENT"), "ADTTE": ("TTE", "TIME-TO-EVENT")}
_SUBJECT_LEVEL = "ADSL"
# ADaMIG 3.1: xx and zz are zero-padded numbers, y a number from 1 to 99, w from 1 to 9; * and -- are SAS name parts.
_PLACEHOLDERS = {
    "xx": "(?!00)[0-9]{2}",
    "zz": "(?!00)[0-9]{2}",
    "y": "[1-9][0-9]?",
    "w": "[1-9]",
    "*": "[A-Z][A-Z0-9_]*",
    "--": "[A-Z][A-Z0-9]",
}
_PLACEHOLDER = re.compile(r"xx|zz|y|w|\*|--")
_SUPPLEMENTAL = re.compile(r"SUPP([A-Z][A-Z0-9]{1,3})")
_SPLIT = re.compile(r"(?!SUPP)([A-Z][A-Z0-9])[A-Z0-9]{1,2}")


# --- Implementation guides --------------------------------------------------------------------------------------------


def load_standard(name: str, version: str, place: Place | None = None) -> Standard:
    """The implementation guide `name` ("sdtmig", "adamig"; case does not matter) in `version` ("3.4", "1.3").

    Every ADaM structure but ADSL also holds ADSL's variables, as Perm and after its own: ADaMIG lets any of them be
    copied in. Names stay templates (`TRTxxP`); `standard_variable` resolves them. Raises SpecError, at `place`, for a
    standard that does not ship.
    """
    known = available_standards()
    if not any(name.casefold() == each.casefold() and version == number for each, number in known):
        _refuse("standard", name, version, known, place)
    return _read_standard(name.casefold(), version)


def available_standards() -> list[tuple[str, str]]:
    """Name and version of every implementation guide that ships: ("ADaMIG", "1.3"), ("SDTMIG", "3.4")."""
    return sorted((_GUIDES[name][0], version) for name, version in _folders(_specs()) if name in _GUIDES)


def newest_version(name: str) -> str:
    """The newest version of the standard that ships ("adamig" -> "1.3"); "" of a standard that does not, which `load_standard` refuses."""
    versions = [version for standard, version in available_standards() if standard.casefold() == name.casefold()]
    return max(versions, key=lambda version: [int(part) for part in version.split(".")], default="")


def _folders(place: Path) -> list[tuple[str, str]]:
    found = [_FOLDER.fullmatch(each.name) for each in place.iterdir()] if place.is_dir() else []
    return [(match["name"], match["version"]) for match in found if match]


def _refuse(what: str, name: str, version: str, known: list[tuple[str, str]], place: Place | None) -> NoReturn:
    titles = [" ".join(each) for each in known]
    message = f"there is no {what} '{name} {version}'; there are {', '.join(titles) or 'none'}."
    raise SpecError([Fault(place or Place(f"{name} {version}"), message, did_you_mean(f"{name} {version}", titles))])


def _specs() -> Path:
    return Path(str(files("sdtm_convert.specs")))


@lru_cache(maxsize=8)
def _read_standard(name: str, version: str) -> Standard:
    title, datasets_file = _GUIDES[name]
    folder = _specs() / f"{name}-{version}"
    variables: dict[str, dict[str, StandardVariable]] = {}
    for row in _read(folder / "variables.csv"):
        variable = StandardVariable(
            name=row["name"],
            label=row["label"],
            type=row["type"],
            role=row.get("role", ""),
            core=row["core"],
            order=int(row["order"]),
            codelists=tuple(row["codelists"].split(";")) if row["codelists"] else (),
            values=row["value_domain"] or row["value_list"],
        )
        variables.setdefault(row["dataset"], {})[variable.name] = variable
    datasets = {
        row["name"]: StandardDataset(
            name=row["name"],
            label=row["label"],
            class_name=row["class"],
            structure=row["structure"],
            variables=_with_subject_level(row["name"], variables),
            subclass=row.get("subclass", ""),
        )
        for row in _read(folder / datasets_file)
    }
    return Standard(title, version, datasets)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _with_subject_level(name: str, variables: dict[str, dict[str, StandardVariable]]) -> dict[str, StandardVariable]:
    own = variables[name]
    if name == _SUBJECT_LEVEL or _SUBJECT_LEVEL not in variables:
        return own
    copied = (each for each in variables[_SUBJECT_LEVEL].values() if each.name not in own)
    return own | {each.name: replace(each, core="Perm", order=len(own) + i) for i, each in enumerate(copied, start=1)}


def standard_dataset(standard: Standard, name: str) -> StandardDataset | None:
    """The dataset or structure that `name` has in the standard, under that name; None for one the standard has not.

    SDTM: SUPPAE has the structure of SUPPQUAL, a split dataset (QSCG, LBCH: SDTMIG 4.1.7) that of its parent domain.
    ADaM: the structures ADSL, BDS, TTE, OCCDS; beside ADSL the two dataset names that everyone uses, ADAE (OCCDS,
    subclass ADVERSE EVENT) and ADTTE (TTE). For another name, such as ADVS, the study says the structure.
    """
    if dataset := standard.datasets.get(name):
        return dataset
    if match := _SUPPLEMENTAL.fullmatch(name):
        if dataset := standard.datasets.get("SUPPQUAL"):
            return replace(dataset, name=name, label=dataset.label.replace("[domain name]", match[1]))
    if name in _USUAL_STRUCTURES:
        structure, subclass = _USUAL_STRUCTURES[name]
        if dataset := standard.datasets.get(structure):
            return replace(dataset, name=name, subclass=subclass)
    match = _SPLIT.fullmatch(name)
    parent = standard.datasets.get(match[1]) if match else None
    return replace(parent, name=name) if parent and parent.class_name in GENERAL_OBSERVATION_CLASSES else None


def standard_variable(dataset: StandardDataset, name: str) -> StandardVariable | None:
    """The variable `name` as the standard has it in `dataset`; None where the standard does not know it.

    ADaM's templates are resolved, the one with the most letters of its own first: TRT01P is TRTxxP, its label "Planned
    Treatment for Period 01". Last come the suffixes of user-defined timing (`*DT`, `*TM` ..., the longest first); what
    they are about is the study's to say, so their label is "", and so it is for AOCCzzFL.
    """
    if variable := dataset.variables.get(name):
        return variable
    if len(name) > 8:
        return None
    for template in _templates(tuple(dataset.variables)):
        if match := _pattern(template).fullmatch(name):
            return _resolved(dataset.variables[template], name, match)
    return None


@lru_cache(maxsize=64)
def _templates(names: tuple[str, ...]) -> tuple[str, ...]:
    templates = [name for name in names if _PLACEHOLDER.search(name)]
    return tuple(sorted(templates, key=lambda name: ("*" in name, -len(_PLACEHOLDER.sub("", name)), name)))


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(_PLACEHOLDER.sub(lambda found: f"({_PLACEHOLDERS[found[0]]})", template))


def _resolved(variable: StandardVariable, name: str, match: re.Match[str]) -> StandardVariable:
    label = "" if variable.label.endswith(("}", "...")) else variable.label
    for placeholder, digits in zip(_PLACEHOLDER.findall(variable.name), match.groups(), strict=True):
        label = re.sub(rf"\b{re.escape(placeholder)}\b", digits, label)
    return replace(variable, name=name, label=label)


def model_variable(standard: Standard, dataset: StandardDataset, name: str) -> StandardVariable | None:
    """A variable that SDTM allows in a dataset of a general observation class though SDTMIG does not list it there.

    AEDTC, EX.VISITNUM, MHSEV: any Identifier or Timing variable of the general classes, and any Qualifier of the
    dataset's own class, recognised by their use in other datasets. The label is the one that most of them give it, core
    is Perm, the codelists are those of all if they agree. `order` is that of the listed variable which it comes after:
    sort by it, the listed variable first. None where no other dataset has such a variable.
    """
    domain = dataset.variables["DOMAIN"].values if "DOMAIN" in dataset.variables else ""
    if dataset.class_name not in GENERAL_OBSERVATION_CLASSES or not domain or name in dataset.variables:
        return None
    classes = {dataset.class_name} | ({"FINDINGS"} if dataset.class_name == "FINDINGS ABOUT" else set())
    found = [
        (donor, variable)
        for donor in standard.datasets.values()
        if donor.class_name in GENERAL_OBSERVATION_CLASSES
        if (variable := _counterpart(name, domain, donor))
        if variable.role in ("Identifier", "Timing") or (variable.role != "Topic" and donor.class_name in classes)
    ]
    if not found:
        return None
    label = Counter(variable.label for _, variable in found).most_common(1)[0][0]
    variable = next(variable for _, variable in found if variable.label == label)
    agreed = len({each.codelists for _, each in found}) == 1
    order = max(_order_after(dataset, domain, donor, each) for donor, each in found)
    if variable.role == "Timing":
        order = max(order, *(each.order for each in dataset.variables.values() if each.role != "Timing"))
    return replace(variable, name=name, core="Perm", order=order, codelists=variable.codelists if agreed else ())


def _counterpart(name: str, domain: str, donor: StandardDataset) -> StandardVariable | None:
    # Not every name that begins like the domain has it as prefix: MIDS in MI.
    return donor.variables.get(name) or (
        donor.variables.get(donor.name + name.removeprefix(domain)) if name.startswith(domain) else None
    )


def _order_after(dataset: StandardDataset, domain: str, donor: StandardDataset, variable: StandardVariable) -> int:
    before = [each for each in donor.variables.values() if each.order < variable.order]
    here = [_counterpart(each.name, donor.name, replace(dataset, name=domain)) for each in before]
    return max((each.order for each in here if each), default=0)


# --- Controlled terminology -------------------------------------------------------------------------------------------


def load_terminology(name: str, version: str, places: Sequence[Path] = (), place: Place | None = None) -> Terminology:
    """The terminology `name` ("sdtm", "adam" ...; case does not matter) of date `version` ("2025-03-28").

    Looked for in each of `places`, then in the user's store (what `ct import` wrote), then among those that ship. A
    place is a folder that holds the set as a folder in our form or as an official file under its usual name, or such a
    file itself. Raises InputError for a place that is not there or cannot be read, SpecError, at `place`, for a
    terminology that is nowhere.
    """
    for each in map(Path, places):
        if not each.exists():
            raise InputError(f"{each}: no such file or folder; terminology was to be looked for there.")
        if terminology := _find_terminology(each, name, version):
            return terminology
    for store in _stores():
        if (folder := store / folder_name(name, version)).is_dir():
            return read_folder(folder, name, version)
    _refuse("terminology", name, version, available_terminologies(), place)


def available_terminologies() -> list[tuple[str, str]]:
    """Name and date of every terminology that ships or was imported: ("ADaM", "2025-03-28") ..."""
    return sorted({(publishing_set(name), version) for store in _stores() for name, version in _folders(store)})


def _stores() -> list[Path]:
    return [user_store() / "ct", _specs() / "ct"]


def _find_terminology(place: Path, name: str, version: str) -> Terminology | None:
    wanted = (publishing_set(name), version)
    for folder in (place, place / folder_name(name, version)):
        if folder.name == folder_name(name, version) and folder.is_dir():
            return read_folder(folder, name, version)
    if place.is_file():
        return _official(place, place.stat().st_mtime_ns).get(wanted)
    for file in sorted(place.iterdir()):
        if file.suffix.casefold() in OFFICIAL_SUFFIXES and title_of(file) == wanted:
            return _official(file, file.stat().st_mtime_ns).get(wanted)
    return None


@lru_cache(maxsize=8)
def _official(file: Path, stamp: int) -> dict[tuple[str, str], Terminology]:
    # The stamp is there for the cache alone.
    return {(each.name, each.version): each for each in read_terminology(file)}
