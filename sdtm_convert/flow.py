"""The whole pipeline, top-down: raw files -> raw tables -> derive -> conform -> validate -> XPT + define.xml + report -> package."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from .accounting import build_findings
from .clock import now
from .conform import Conformed, conform
from .derive import derive
from .errors import Fault, InputError, Place, SpecError, did_you_mean
from .findings import combine, shortened
from .load import load_study
from .metadata import packages
from .model import Package, Terminology
from .plan import Study
from .readers import RawTable, read_raw
from .sources import with_sources
from .tables import Derived
from .validation import Validation, validate

Progress = Callable[[str], None]
MOST_NOTICES = 100  # of one rule on one dataset in a build's report; errors and warnings are all there


@dataclass(frozen=True)
class Build:
    """What a build made: the datasets by name, the findings, the metadata of each part, and the seconds of each stage."""

    study: Study
    datasets: dict[str, pd.DataFrame]
    findings: pd.DataFrame
    packages: dict[str, Package]  # sdtm, adam
    derived: Derived
    conformed: Conformed
    seconds: dict[str, float] = field(default_factory=dict)
    raw_rows: int = 0
    outcomes: pd.DataFrame = field(default_factory=pd.DataFrame)  # what became of each rule on each dataset
    texts: dict[str, str] = field(default_factory=dict)  # what each rule asks for

    @property
    def records(self) -> dict[str, int]:
        """The number of records of each dataset."""
        return {name: len(frame) for name, frame in self.datasets.items()}


def build(study: Study | str | Path, raw: str | Path | None = None, *, only: Iterable[str] | None = None, strict: bool = False,
          jobs: int = 1, progress: Progress = lambda stage: None) -> Build:
    """Build every dataset of the study (or `only` some) from its raw export, in memory.

    `study` is a loaded study or its folder, `raw` the folder of the raw export. `strict` makes unaccounted raw tables, fields and rows
    errors. Raises SpecError, MappingError, InputError; what is wrong with data is in `.findings`.
    """
    if not isinstance(study, Study):
        study = load_study(study, raw)
    names = _wanted(study, only)
    clock = Clock(progress)
    tables = clock("read", lambda: read_all(study, jobs))
    derived = clock("derive", lambda: derive(study, tables, names))
    conformed = clock("conform", lambda: conform(derived, names, release=True))
    described = clock("metadata", lambda: packages(study, conformed, created_of(study)))
    account = clock("account", lambda: build_findings(derived, conformed, tables, strict))
    checked = clock("validate", lambda: [_validated(part, described[part], study, conformed) for part in described])
    found = combine([account, *(with_sources(each.findings, derived, conformed) for each in checked)])
    found = shortened(found, MOST_NOTICES)
    return Build(study, conformed.datasets, found, described, derived, conformed, clock.seconds,
                 sum(len(table.frame) for table in tables.values()), pd.concat([each.outcomes for each in checked], ignore_index=True),
                 {rule: text for each in checked for rule, text in each.texts.items()})


@dataclass
class Clock:
    """Says which stage begins and how long each took."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    def __call__(self, stage: str, work: Callable):
        self.progress(stage)
        start = time.perf_counter()
        result = work()
        self.seconds[stage] = time.perf_counter() - start
        return result


def _wanted(study: Study, only: Iterable[str] | None) -> list[str]:
    names = [name.strip().upper() for name in only] if only else list(study.mappings)
    for name in names:
        if name not in study.mappings:
            raise SpecError([Fault(Place("--only"), f"the study maps no dataset '{name}'.", did_you_mean(name, study.mappings) or
                                   f"It maps {', '.join(study.mappings)}.")])
    return names


def read_all(study: Study, jobs: int = 1) -> dict[str, RawTable]:
    """Every raw table of the study. Raises InputError for a folder or file that is missing or cannot be read."""
    if not study.raw_folder.is_dir():
        raise InputError(f"{study.raw_folder}: there is no such folder of raw data. Name it with --raw.")
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        tables = pool.map(lambda source: read_raw(study.raw_folder / source.file, source.name, **source.options), study.raw.values())
        return {table.name: table for table in tables}


def _validated(part: str, package: Package, study: Study, conformed: Conformed) -> Validation:
    standard = study.sdtm if part == "sdtm" else study.adam
    own = {dataset.name: conformed.datasets[dataset.name] for dataset in package.datasets if dataset.records}
    looked_at = own if part == "sdtm" else own | conformed.datasets  # analysis datasets point to the tabulation that they come from
    validation = validate(looked_at, metadata={dataset.name: dataset for dataset in package.datasets}, standard=standard.name,
                          version=standard.version, terminology=_with_sponsor_terms(study))
    return replace(validation, outcomes=validation.outcomes[validation.outcomes["dataset"].isin([*own, "STUDY", ""])])


def _with_sponsor_terms(study: Study) -> list[Terminology]:
    """The terminology with the terms that study.yml adds: those are declared, and no finding."""
    return [replace(terminology, codelists={code: study.codelists.get(code, codelist) for code, codelist in terminology.codelists.items()})
            for terminology in study.terminology]


def created_of(study: Study) -> str:
    """The creation date-time in the files: study.yml's, else SOURCE_DATE_EPOCH, else that of the newest input file. ISO 8601, UTC.

    Raises InputError for a SOURCE_DATE_EPOCH that is no whole number of seconds.
    """
    if study.created:
        return study.created if "T" in study.created else f"{study.created}T00:00:00"
    if os.environ.get("SOURCE_DATE_EPOCH"):
        moment = now()
    else:
        raw = [study.raw_folder / source.file for source in study.raw.values()]
        moment = datetime.fromtimestamp(max(path.stat().st_mtime for path in [*study.files, *raw]), UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
