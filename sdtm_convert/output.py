"""A build -> a package on disk, written aside and put in place by renaming: a run that fails leaves the last good package.

    DIR/tabulations/sdtm/*.xpt, define.xml, define2-1.xsl        DIR/analysis/adam/datasets/*.xpt, define.xml, define2-1.xsl
    DIR/reports/findings.{json,csv,html,xlsx}, define-*.html      DIR/manifest.json
    DIR/lineage/ (which raw row each record comes from)
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

from .dataset_json import about_datasets
from .define import check_define, compare_with_xpt, render_html, write_define
from .errors import InputError
from .findings import combine
from .flow import Build
from .formats import write_dataset
from .lineage import write_lineage
from .model import Package
from .report import write_findings
from .rule_texts import rule_texts

FOLDERS = {"sdtm": Path("tabulations/sdtm"), "adam": Path("analysis/adam/datasets")}


def write_package(built: Build, out: str | Path, *, formats: Iterable[str] = (), jobs: int = 1, progress=lambda stage: None) -> pd.DataFrame:
    """Write the package of a build into the folder `out` (made, or an earlier package replaced) and return all its findings.

    `formats`: in which forms datasets are written beside XPT: json, ndjson, parquet.

    Raises InputError if `out` holds something else than a package, or cannot be written; then nothing is left behind.
    """
    out = Path(out)
    _check_replaceable(out)
    with _aside(out) as folder:
        found = [built.findings]
        for part, metadata in built.packages.items():
            progress(f"write {part}")
            found.append(_write_part(built, metadata, folder / FOLDERS[part], folder / "reports", part, jobs, formats))
        findings = combine(found)
        progress("report")
        write_findings(findings, folder / "reports", title=f"Findings of {built.study.name}", about=_about(built),
                       synthetic_notice=built.study.notice, outcomes=built.outcomes, created=datetime.fromisoformat(_created(built)),
                       records=built.records, texts=rule_texts(built.texts))
        write_lineage(built, folder / "lineage")
        _write_manifest(built, folder)
    return findings


def _created(built: Build) -> str:
    return next(iter(built.packages.values())).created


def _about(built: Build) -> dict[str, str]:
    standards = [f"{s.name} {s.version}" if s.type == "IG" else f"{s.publishing_set} CT {s.version}"
                 for package in built.packages.values() for s in package.standards]
    return {"Study": built.study.name, "Standards": ", ".join(dict.fromkeys(standards)), "Built": f"{_created(built)} UTC",
            "sdtm-convert": version("sdtm-convert")}


def _write_part(built: Build, metadata: Package, folder: Path, reports: Path, part: str, jobs: int, formats: Iterable[str]) -> pd.DataFrame:
    folder.mkdir(parents=True)
    reports.mkdir(exist_ok=True)
    about = about_datasets(metadata)
    for dataset in (d for d in metadata.datasets if d.records):  # define.xml lists an empty dataset without a file
        for ending in dict.fromkeys(["xpt", *formats]):
            write_dataset(built.datasets[dataset.name], folder / f"{dataset.name.lower()}.{ending}", name=dataset.name, label=dataset.label,
                          variables=dataset.variables, keys=dataset.keys, created=metadata.created, about=about[dataset.name],
                          encoding=built.study.encoding, threads=jobs)
    for document in metadata.documents:
        if (built.study.folder / document.file).is_file():
            shutil.copyfile(built.study.folder / document.file, folder / Path(document.file).name)
    define = write_define(metadata, folder)
    (reports / f"define-{part}.html").write_bytes(render_html(define))
    return combine([check_define(define, folder), compare_with_xpt(define, folder)])


# --- Written aside ----------------------------------------------------------------------------------------------------


def _check_replaceable(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; the package needs a folder.")
    if out.is_dir() and any(out.iterdir()) and not (out / "manifest.json").is_file():
        raise InputError(f"{out}: is a folder with other things in it, not an earlier package; name another or empty it.")


@contextmanager
def _aside(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when all went well, and is gone when not."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror}.") from None
    old = folder.with_name(folder.name + ".old")
    try:
        yield folder
        folder.chmod(0o755)
        if out.exists():
            os.replace(out, old)
        try:
            os.replace(folder, out)
        except OSError:
            if old.exists():
                os.replace(old, out)
            raise
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}.") from error
    except InputError as error:  # of a file in the folder aside, which nobody knows
        raise InputError(str(error).replace(str(folder), str(out))) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


# --- Manifest ---------------------------------------------------------------------------------------------------------


def _write_manifest(built: Build, folder: Path) -> None:
    study = built.study
    raw = [study.raw_folder / source.file for source in study.raw.values()]
    manifest = {
        "study": study.name,
        "notice": study.notice,
        "created": _created(built),
        "versions": {name: version(name) for name in ("sdtm-convert", "pandas", "numpy", "pyarrow", "defineutils")},
        "records": {name: len(frame) for name, frame in built.datasets.items()},
        "inputs": {
            "raw": {path.name: _sha256(path) for path in sorted(raw)},
            "specification": {_relative(path, study.folder): _sha256(path) for path in study.files},
        },
        "outputs": {str(path.relative_to(folder).as_posix()): _sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
