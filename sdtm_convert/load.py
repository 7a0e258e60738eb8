"""A study folder -> a checked `Study`: YAML, JSON Schema, then every name resolved; all faults at once, before any data are read."""

from __future__ import annotations

import csv
import importlib.util
import sys
import traceback
from dataclasses import replace
from pathlib import Path

from .documents import Document, read_document
from .errors import Fault, InputError, Place, SpecError, did_you_mean
from .graph import order_of_work
from .load_mapping import find_variable, is_adam, load_mappings, num_length_faults, with_copied_attributes
from .methods import shipped_methods
from .model import Codelist, Dictionary, Standard, Term, Terminology
from .model import Document as PackageDocument
from .plan import RawSource, Study
from .registry import MethodInfo, methods_of
from .resolve import Context
from .standard import load_standard, load_terminology


def load_study(path: str | Path, raw: str | Path | None = None) -> Study:
    """The study whose specification lies in the folder `path`: study.yml and one YAML file per dataset.

    `raw` is the folder of the raw export (else the one that study.yml names). Where its files are at hand, the names of their fields
    are checked too. Raises SpecError with every fault found; InputError for a file that cannot be read.
    """
    folder = find_study(path)
    study_document, documents = _documents(folder)
    data = study_document.data
    raw_folder = Path(raw) if raw else folder / data["raw"].get("folder", "raw")
    sources = _raw_sources(study_document)
    sdtm, adam, terminology = _standards(study_document, documents)
    methods, study_code = _methods(study_document, folder)
    codelists, faults = _codelists(study_document, terminology)
    context = Context(methods, _fields(sources, raw_folder), {}, data.get("tables", {}), data.get("unit_factors", {}),
                      _codelist_finder(codelists, terminology), lambda: [name for t in terminology for name in t.by_short_name],
                      lambda dataset, name: find_variable(sdtm, dataset, name), faults)
    _check_usubjid(context, sources, study_document)
    mappings = load_mappings(documents, context, sdtm, adam)
    if context.faults:
        raise SpecError(context.faults)
    study = Study(
        name=str(data["study"]), folder=folder, title=data.get("title", data["study"]), description=data.get("description", ""),
        protocol=data.get("protocol", data["study"]), notice=data.get("notice", ""), created=data.get("created", ""),
        encoding=data.get("encoding", "utf-8"), raw_folder=raw_folder, raw=sources,
        raw_not_submitted=data["raw"].get("not_submitted", {}), field_pages=_field_pages(study_document, raw_folder),
        mappings=mappings, sdtm=sdtm, adam=adam, terminology=terminology, codelists=codelists,
        dictionaries=tuple(Dictionary(name, d["version"], d.get("href", "")) for name, d in data.get("dictionaries", {}).items()),
        documents=tuple(PackageDocument(**document) for document in data.get("documents", [])),
        files=_files(folder, [study_document, *documents], study_code), study_code=study_code,
        unchecked=tuple(name for name, fields in context.fields.items() if fields is None))
    order_of_work(study)  # refuses a cycle
    mappings = with_copied_attributes(mappings)
    if faults := num_length_faults(mappings):
        raise SpecError(faults)
    return replace(study, mappings=mappings)


def find_study(path: str | Path) -> Path:
    """The study folder at `path`, or the shipped study of that name."""
    from importlib.resources import files

    folder = Path(path)
    shipped = Path(str(files("sdtm_convert.mappings")))
    if not folder.exists() and (shipped / str(path) / "study.yml").is_file():
        return shipped / str(path)
    if not folder.is_dir():
        names = [entry.parent.name for entry in shipped.glob("*/study.yml")]
        raise SpecError([Fault(Place(str(path)), "there is no such study folder.",
                               did_you_mean(str(path), names) or f"Shipped studies: {', '.join(sorted(names))}.")])
    if not (folder / "study.yml").is_file():
        raise SpecError([Fault(Place(str(path)), "the folder has no study.yml; every study has one.")])
    return folder


def _documents(folder: Path) -> tuple[Document, list[Document]]:
    """study.yml and the mappings, each right by its schema."""
    faults, documents = [], []
    for path in sorted(folder.glob("*.yml"), key=lambda path: (path.name != "study.yml", path.name)):
        try:
            documents.append(read_document(path, "study" if path.name == "study.yml" else "mapping"))
        except SpecError as error:
            faults += error.faults
    first: dict[str, Document] = {}
    for document in documents:
        name = document.data.get("dataset")
        if name is None:
            continue
        if name in first:
            faults.append(Fault(document.place("dataset", what=name), f"the dataset is mapped twice, first in {first[name].file}."))
        first.setdefault(name, document)
    if faults:
        raise SpecError(faults)
    return documents[0], documents[1:]


def _files(folder: Path, documents: list[Document], study_code: Path | None) -> tuple[Path, ...]:
    named = {Path(file).resolve() for document in documents for file in (document.file, *document.parents)}
    return tuple(sorted(named | ({study_code.resolve()} if study_code else set())))


# --- study.yml --------------------------------------------------------------------------------------------------------


def _raw_sources(document: Document) -> dict[str, RawSource]:
    raw = document.data["raw"]
    sources = {}
    for name, table in raw["tables"].items():
        options = {key: table.get(key, raw.get(key)) for key in ("missing", "encoding", "delimiter", "sheet", "ragged")}
        options |= {key: int(table[key]) for key in ("header_rows", "header_row") if key in table}
        usubjid = table.get("usubjid", raw["usubjid"])
        sources[name] = RawSource(
            name, table["file"], table.get("form", name), "" if usubjid == "none" else usubjid, document.place("raw", "tables", name),
            {key: value for key, value in options.items() if value is not None}, table.get("duplicates") == "drop",
            tuple(table.get("pages", "").split()), table.get("source", "Investigator"), table.get("not_submitted", {}))
    return sources


def _fields(sources: dict[str, RawSource], folder: Path) -> dict[str, tuple[str, ...] | None]:
    from .readers import read_fields

    return {name: read_fields(folder / source.file, **source.options) if (folder / source.file).is_file() else None
            for name, source in sources.items()}


def _check_usubjid(context: Context, sources: dict[str, RawSource], document: Document) -> None:
    for name, source in sources.items():
        known = context.fields[name]
        for field in template_fields(source.usubjid):
            if known is not None and field not in known:
                context.fault(source.place, f"USUBJID is made of {{{field}}}, and {name} has no such field.",
                              did_you_mean(field, known) or "Give the table a `usubjid` of its own, or `usubjid: none`.")
    for name, source in sources.items():
        for field in source.not_submitted:
            if context.fields[name] is not None and field not in context.fields[name]:
                context.fault(document.place("raw", "tables", name, "not_submitted", field), f"{name} has no field '{field}'.",
                              did_you_mean(field, context.fields[name]))


def template_fields(template: str) -> list[str]:
    """The fields in braces of a USUBJID template.

    >>> template_fields("01-{PATNUM}")
    ['PATNUM']
    """
    return [piece.split("}")[0] for piece in template.split("{")[1:]]


def _standards(document: Document, mappings: list[Document]) -> tuple[Standard, Standard | None, tuple[Terminology, ...]]:
    named = document.data["standards"]
    place = {key: document.place("standards", key) for key in named}
    sdtm = load_standard("sdtmig", named["sdtmig"], place["sdtmig"])
    adam = load_standard("adamig", named["adamig"], place["adamig"]) if "adamig" in named else None
    analysis = next((m for m in mappings if is_adam(m.data["dataset"])), None)
    if analysis and not adam:
        raise SpecError([Fault(document.place("standards"), f"{analysis.data['dataset']} is an ADaM dataset; name the version: adamig.")])
    own = Path(document.file).parent / "ct"
    terminology = [load_terminology(name, named[f"{name}_ct"], [own] if own.is_dir() else [], place[f"{name}_ct"]) for name in ("sdtm", "adam") if f"{name}_ct" in named]
    return sdtm, adam, tuple(terminology)


def _methods(document: Document, folder: Path) -> tuple[dict[str, MethodInfo], Path | None]:
    methods = shipped_methods()
    if "methods" not in document.data:
        return methods, None
    path, place = folder / document.data["methods"], document.place("methods")
    if not path.is_file():
        raise SpecError([Fault(place, f"there is no file '{document.data['methods']}' in the study folder.")])
    spec = importlib.util.spec_from_file_location(f"sdtm_convert_study_{folder.name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the study's own code raises, its author must learn where
        line = error.lineno if isinstance(error, SyntaxError) else traceback.extract_tb(error.__traceback__)[-1].lineno
        raise SpecError([Fault(place, f"{path.name} cannot be run: {type(error).__name__}: {error} (line {line}).")]) from error
    own = methods_of(module)
    twice = sorted(own.keys() & methods.keys())
    if twice:
        raise SpecError([Fault(place, f"the method '{name}' of {path.name} has the name of one that ships.", "Give it another name.") for name in twice])
    return methods | own, path


def _codelists(document: Document, terminology: tuple[Terminology, ...]) -> tuple[dict[str, Codelist], list[Fault]]:
    codelists, extended, faults = {}, {}, []
    for name, data in document.data.get("codelists", {}).items():
        own = tuple(Term(value, decode=decode or value) for value, decode in data["terms"].items())
        base = next((found for t in terminology if (found := t.find(data.get("extends", name)))), None)
        if "extends" in data and base is None:
            faults.append(Fault(document.place("codelists", name, "extends"), f"no codelist '{data['extends']}' in the terminology.",
                                did_you_mean(data["extends"], [n for t in terminology for n in t.by_short_name])))
        elif "extends" in data and not base.extensible:
            faults.append(Fault(document.place("codelists", name), f"{base.short_name} ({base.code}) is not extensible: it takes no further terms."))
        elif "extends" in data:
            base, extended[name] = codelists.get(base.code, base), base.code
            codelists[base.code] = replace(base, terms=(*base.terms, *(t for t in own if t.value not in base.by_value)))
        else:
            codelists[name] = Codelist("", name, data.get("name", name), False, own)
    return codelists | {name: codelists[code] for name, code in extended.items()}, faults


def _codelist_finder(own: dict[str, Codelist], terminology: tuple[Terminology, ...]):
    def find(part: str, name: str) -> Codelist | None:
        order = terminology if part == "sdtm" else terminology[::-1]
        found = own.get(name) or next((codelist for t in order if (codelist := t.find(name))), None)
        return own.get(found.code, found) if found and found.code else found

    return find


def _field_pages(document: Document, raw_folder: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    name = document.data["raw"].get("pages")
    path = next((folder / name for folder in (Path(document.file).parent, raw_folder) if name and (folder / name).is_file()), None)
    if name and path is None:
        raise InputError(f"{name}: the page list that {document.file} names is neither in the study folder nor in {raw_folder}.")
    if path is None:
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if missing := {"form", "field", "page"} - set(rows.fieldnames or ()):
            raise InputError(f"{path}: the page list has no column {' or '.join(sorted(missing))}; it needs form, field and page.")
        return {(row["form"], row["field"]): tuple((row["page"] or "").split()) for row in rows}
