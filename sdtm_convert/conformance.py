"""Conformance of files: submitted datasets on disk, with a define.xml if there is one -> findings. What `sdtm-convert validate` runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .datasets import Datasets, read_datasets
from .define import check_define, compare_with_xpt
from .errors import InputError
from .findings import combine
from .model import Terminology
from .standard import load_standard, load_terminology
from .terminology import read_terminology
from .validate import validate

NEWEST_CT = (("sdtm", "2025-03-28"), ("adam", "2025-03-28"))


@dataclass(frozen=True, eq=False)
class Conformance:
    """All findings, and for each rule and dataset what became of it (see `validate.Validation`)."""

    findings: pd.DataFrame
    outcomes: pd.DataFrame
    datasets: Datasets


def validate_files(paths: Iterable[str | Path], *, standard: str = "sdtmig", version: str = "3.4", terminology: Iterable[str | Path] = (),
                   rules: Sequence[str | Path] = (), define: str | Path | None = None, encoding: str | None = None) -> Conformance:
    """Judge the datasets in these files and folders by the rules of a standard.

    `terminology`: official files, or dates such as 2025-03-28 of what ships or was imported; the shipped ones by default. `rules`: folders
    of rules in CDISC's open format, in place of the shipped ones. `define`: a define.xml to check too, against the XPT files beside it.
    Raises InputError for what cannot be read, SpecError for a wrong standard or rule.
    """
    guide = load_standard(standard, version)
    read = read_datasets(paths, guide, encoding)
    checked = validate(read.frames, metadata=read.metadata, standard=standard, version=version, rules=[Path(rule) for rule in rules] or None,
                       terminology=_terminology(list(terminology)), files=read.files)
    described = []
    if define:
        if not Path(define).is_file():
            raise InputError(f"{define}: there is no such define.xml.")
        described = [check_define(Path(define), Path(define).parent), compare_with_xpt(Path(define), Path(define).parent)]
    return Conformance(combine([read.findings, checked.findings, *described]), checked.outcomes, read)


def _terminology(named: list[str | Path]) -> list[Terminology]:
    if not named:
        return [load_terminology(*each) for each in NEWEST_CT]
    found: list[Terminology] = []
    for name in named:
        if Path(name).exists():
            found += read_terminology(Path(name))
        else:
            found += [load_terminology(publishing_set, str(name)) for publishing_set in ("sdtm",)]
    return found
