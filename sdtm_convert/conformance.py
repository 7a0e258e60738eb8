"""Conformance of files: submitted datasets on disk, with a define.xml if there is one -> findings. What `sdtm-convert validate` runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from .archives import note
from .baseline import compare_findings, read_baseline
from .datasets import Datasets, read_datasets
from .define import check_define, compare_with_xpt
from .described import declared_terms
from .dictionaries import read_dictionaries
from .errors import InputError
from .findings import combine, findings
from .load import find_study
from .model import Term, Terminology
from .rule_texts import rule_texts
from .standard import available_terminologies, load_standard, load_terminology
from .terminology import read_terminology
from .validation import validate
from .waivers import apply_waivers, read_waivers

NEWEST_CT = (("sdtm", "2025-03-28"), ("adam", "2025-03-28"))


@dataclass(frozen=True, eq=False)
class Conformance:
    """The findings that count, and for each rule and dataset what became of it (see `validation.Validation`).

    `waived`: accepted findings, with `reason`, `who`, `expires`. `known`: those that the baseline has too; `gone`: how many of the
    baseline's are there no more. `places`: where a report points to, as "file" or "file:line", by dataset and variable; the variable is ""
    for the dataset's own file. `texts`: what each rule asks for. `terminology`: the sets of terms that were used, such as SDTM 2025-03-28.
    """

    findings: pd.DataFrame
    outcomes: pd.DataFrame
    datasets: Datasets
    waived: pd.DataFrame = field(default_factory=findings)
    known: pd.DataFrame | None = None  # None without a baseline
    gone: int = 0
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    terminology: tuple[str, ...] = ()

    @property
    def compared(self) -> str:
        """How this run stands to the baseline, in words; "" without one."""
        return "" if self.known is None else f"{len(self.findings):,} findings are new, {len(self.known):,} known, {self.gone:,} gone"

    @property
    def records(self) -> dict[str, int]:
        """The number of records of each dataset."""
        return {name: len(frame) for name, frame in self.datasets.frames.items()}


def validate_files(paths: Iterable[str | Path], *, standard: str = "sdtmig", version: str = "3.4", terminology: Iterable[str | Path] = (),
                   rules: Sequence[str | Path] = (), define: str | Path | None = None, encoding: str | None = None,
                   waivers: str | Path | None = None, baseline: str | Path | None = None, study: str | Path | None = None,
                   dictionaries: Mapping[str, str | Path] | None = None, jobs: int = 1, progress: Callable[[str], None] = lambda stage: None) -> Conformance:
    """Judge the datasets in these files, folders and zip archives by the rules of a standard.

    `terminology`: official files, or dates such as 2025-03-28 of what ships or was imported; the shipped ones by default. `rules`: folders
    of rules in CDISC's open format, in place of the shipped ones. `define`: a define.xml to check too, against the XPT files beside it; one
    that lies in a folder named in `paths`, or in an archive, is found by itself. `waivers`: a YAML file (see waivers.py); `baseline`: the
    findings.json of an earlier run, whose findings are known. `study`: the folder (or shipped name) of the study that made the package, so that `places`
    name its files as they are found from here. `dictionaries`: folders of external dictionaries, by name, such as {"meddra": "MedAscii"}.
    `jobs`: so many datasets are judged at a time. `progress` is told what is being done.
    Raises InputError for what cannot be read, SpecError for a wrong standard, rule, waiver, baseline or name of a dictionary.
    """
    paths = [Path(path) for path in paths]
    guide = load_standard(standard, version)
    accepted = read_waivers(waivers) if waivers else []  # what is wrong with them is said before any data are read
    earlier = read_baseline(baseline) if baseline else None
    known_words = read_dictionaries(dictionaries or {})
    home = find_study(study) if study else None
    if define and not Path(define).is_file():
        raise InputError(f"{define}: there is no such define.xml.")
    with TemporaryDirectory(prefix="sdtm-convert.") as workplace:
        read = read_datasets(paths, guide, encoding, Path(workplace), progress)
        terms = _with_declared(_terminology(list(terminology)), read.defines)
        defines = _defines(define, paths, read, Path(workplace))
        progress(f"carry out rules on {len(read.frames)} datasets")
        checked = validate(read.frames, metadata=read.metadata, standard=standard, version=version,
                           rules=[Path(rule) for rule in rules] or None, terminology=terms, files=read.files,
                           define=defines[0] if len(defines) == 1 else None, dictionaries=known_words, jobs=jobs)
        progress("check define.xml" if defines else "")
        described = [_described(each) for each in defines]
    waived = apply_waivers(combine([read.findings, checked.findings, *described]), accepted)
    live, known, gone = waived.live, None, 0
    if earlier is not None:
        compared = compare_findings(live, earlier)
        live, known, gone = compared.new, compared.known, compared.gone
    places = _places(paths, read, home) | _sources(paths, read, live)
    return Conformance(combine([live]), checked.outcomes, read, waived.aside, known, gone, places, rule_texts(checked.texts),
                       tuple(f"{each.name} {each.version}" for each in terms))


def _defines(given: str | Path | None, paths: list[Path], read: Datasets, workplace: Path) -> list[Path]:
    """The define.xml files to check: the one given, else those of whole folders, since one file alone is not what a define.xml describes."""
    if given:
        return [Path(given)]
    folders = [path.resolve() for path in paths if path.is_dir()] + [workplace.resolve()]
    beside = {file.parent for name, file in read.files.items() if name != "DM" or len(read.frames) == 1}  # DM alone is there for analysis datasets
    return [each for each in read.defines if each.parent in beside and any(each.resolve().is_relative_to(folder) for folder in folders)]


def _described(define: Path) -> pd.DataFrame:
    """The findings on a define.xml and, where there are transport files, on what they hold."""
    found = [check_define(define, define.parent)]
    if any(path.suffix.lower() == ".xpt" for path in define.parent.iterdir()):
        try:
            found.append(compare_with_xpt(define, define.parent))
        except InputError as error:  # a damaged transport file, or another version: said once for the file, and here for the comparison
            why = str(error).replace(f"{define.parent}{os.sep}", "")
            found.append(findings([note("FILE-UNREADABLE", "error", define.name, f"define.xml and the transport files were not compared: {why}")]))
    return combine(found)


def _places(paths: list[Path], read: Datasets, study: Path | None) -> dict[tuple[str, str], str]:
    """The files of the datasets and, where the package has its lineage, the lines of the mapping that made each variable."""
    places = {(name, ""): _from_here(path) for name, path in read.files.items() if path.exists()}
    lineage = _lineage(paths)
    for dataset, variables in (lineage.get("variables") or {}).items():
        for variable, about in variables.items():
            if dataset in read.frames and about.get("places"):
                places[dataset, variable] = _from_here(study / about["places"][0]) if study else about["places"][0]
    return places


def _sources(paths: list[Path], read: Datasets, found: pd.DataFrame) -> dict[tuple[str, str], str]:
    """The files that findings name as their source and, under "", what was checked, for findings that are about no one file."""
    places = {("", ""): _from_here(paths[0])} if paths else {}
    for source in found["source"].dropna().unique():
        file = next((each for path in paths for each in (path, path / source) if each.name == source and each.is_file()), None)
        places |= {("", source): _from_here(file)} if file else {}
    if len(read.defines) == 1 and read.defines[0].exists():
        places["", read.defines[0].name] = _from_here(read.defines[0])
    return places


def _lineage(paths: list[Path]) -> dict:
    """The lineage.json of the package that the paths are, or lie in; {} where there is none."""
    for path in paths:
        for folder in (path.resolve(), *list(path.resolve().parents)[:4]):
            file = folder / "lineage" / "lineage.json"
            if file.is_file():
                try:
                    read = json.loads(file.read_text(encoding="utf-8"))
                except (OSError, ValueError):
                    return {}  # it only says where to look; without it, reports point to the datasets
                return read if isinstance(read, dict) else {}
    return {}


def _from_here(path: Path) -> str:
    """The path relative to the working folder where it lies in it, with slashes."""
    path = Path(os.path.abspath(path))
    return (path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path).as_posix()


def _terminology(named: list[str | Path]) -> list[Terminology]:
    if not named:
        return [load_terminology(*each) for each in NEWEST_CT]
    found: list[Terminology] = []
    for name in named:
        if Path(name).exists():
            found += read_terminology(Path(name))
        else:
            sets = [each for each, version in available_terminologies() if version == str(name)]
            found += [load_terminology(each, str(name)) for each in sets or ["SDTM"]]  # of no such date: the error says what there is
    return found


def _with_declared(terminology: list[Terminology], defines: Iterable[Path]) -> list[Terminology]:
    """The terminology with the terms that a define.xml declares as the sponsor's own; only codelists that may be extended take them."""
    declared: dict[str, tuple[Term, ...]] = {}
    for define in defines:
        for code, terms in declared_terms(define).items():
            declared[code] = declared.get(code, ()) + terms
    return [replace(each, codelists={code: replace(codelist, terms=codelist.terms + declared[code])
                                     if code in declared and codelist.extensible else codelist for code, codelist in each.codelists.items()})
            for each in terminology]
