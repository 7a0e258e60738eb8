"""The command line: parse, call one function, print. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from .commands import Group
from .errors import InputError
from .rules_cli import rules

FAILING = {"error": ("error",), "warning": ("error", "warning"), "none": ()}
PATH = click.Path(readable=False)  # what cannot be read is no wrong usage: whoever reads it says so
FAIL_ON = click.Choice(list(FAILING))


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sdtm-convert")
def main() -> None:
    """Raw eCRF exports to a regulatory data package: SDTM, ADaM, XPT v5, define.xml 2.1, findings; from one specification.

    \b
    Example:
      sdtm-convert build IRCT20200413047063N2 --out package
    \b
    Exit codes: 0 done, nothing at or above --fail-on; 1 findings at or above it;
    2 wrong usage or specification; 3 the run could not be completed.
    """


@main.command()
@click.argument("study")
@click.option("--out", required=True, type=PATH, help="Folder of the package; an earlier package in it is replaced.")
@click.option("--raw", type=PATH, help="Folder of the raw export; else the one that study.yml names.")
@click.option("--only", help="Datasets to build, such as AE,ADSL; what they refer to is derived, but not written.")
@click.option("--jobs", type=click.IntRange(1), default=lambda: min(4, os.cpu_count() or 1), show_default="cores, at most 4", help="Threads for reading and writing.")
@click.option("--format", "formats", default="xpt", show_default=True, help="xpt, json, ndjson (Dataset-JSON 1.1), parquet; several with commas. XPT is always written.")
@click.option("--strict", is_flag=True, help="Unaccounted raw tables, fields and rows are errors.")
@click.option("--fail-on", type=FAIL_ON, default="error", show_default=True, help="Severity from which on findings give exit code 1.")
def build(study: str, out: str, raw: str | None, only: str | None, jobs: int, formats: str, strict: bool, fail_on: str) -> None:
    """Build the datasets of STUDY (a study folder, or a shipped study's name) into a package.

    \b
    Example:
      sdtm-convert build mappings/CDISCPILOT01 --raw exports/2026-11-22 --out package
    """
    start = time.perf_counter()
    show = progress()
    show("check the specification")
    from .load import load_study

    checked = load_study(study, raw)
    if checked.study_code:
        click.echo(f"Running the study's own code: {checked.study_code}", err=True)
    from .flow import build as run
    from .formats import parse_formats
    from .output import write_package

    try:
        wanted = parse_formats(formats)
    except InputError as error:
        raise click.UsageError(f"--format: {error}") from None
    built = run(checked, only=only.split(",") if only else None, strict=strict, jobs=jobs, progress=show)
    found = write_package(built, out, formats=wanted, jobs=jobs, progress=show)
    show("")
    _print_summary(built, found, Path(out), time.perf_counter() - start)
    sys.exit(exit_code(found, fail_on))


def _print_summary(built, found, out: Path, seconds: float) -> None:
    if built.study.notice:
        click.echo(built.study.notice)
    click.echo(f"{'dataset':9} {'records':>10} {'variables':>9}  label")
    for package in built.packages.values():
        for dataset in package.datasets:
            click.echo(f"{dataset.name:9} {dataset.records:>10,} {len(dataset.variables):>9}  {dataset.label}")
    from .report import count_words, summary_text

    click.echo(f"findings  {count_words(found)}")
    click.echo(summary_text(found, records=built.records))
    click.echo(f"{built.raw_rows:,} raw rows to {sum(map(len, built.datasets.values())):,} records in {seconds:.1f} s; package: {out}")


def exit_code(found, fail_on: str) -> int:
    """1 where a finding is at or above the severity, else 0."""
    return int(found["severity"].isin(FAILING[fail_on]).any())


def progress() -> Callable[[str], None]:
    """Says on stderr what is being done; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        return lambda stage: None

    def show(stage: str) -> None:
        click.echo(f"\r\033[K{stage}{' ...' if stage else ''}", nl=False, err=True)

    return show


@main.command()
@click.argument("study")
@click.option("--raw", type=PATH, help="Folder of the raw export: then the names of its fields are checked too.")
def check(study: str, raw: str | None) -> None:
    """Check the specification of STUDY alone; no data are read, only the names of fields where raw files are at hand.

    \b
    Example:
      sdtm-convert check mappings/CDISCPILOT01
    """
    from .graph import order_of_work
    from .load import load_study

    checked = load_study(study, raw)
    steps = order_of_work(checked)
    variables = sum(1 for _, variable in steps if variable)
    click.echo(f"{checked.name}: {len(checked.mappings)} datasets, {variables} variables; the specification is in order.")
    if checked.unchecked:
        click.echo(f"Field names of {', '.join(checked.unchecked)} were not checked: no files in {checked.raw_folder}. Name the folder with --raw.")


@main.command()
@click.argument("name", required=False)
@click.option("--study", help="Look in this study too: its own methods and its variables.")
def explain(name: str | None, study: str | None) -> None:
    """Print what is known of NAME: a method, a rule, a dataset, a variable (VS.VSDY), a codelist. Without NAME: every method.

    \b
    Example:
      sdtm-convert explain study_day
      sdtm-convert explain AE.AESTDY --study mappings/CDISCPILOT01
    """
    from .explain import explain as words

    click.echo(words(name, study))


@main.command()
@click.argument("paths", nargs=-1, required=True, type=PATH)
@click.option("--standard", default="sdtmig", show_default=True, help="sdtmig or adamig.")
@click.option("--version", help="Version of the standard; else the newest that ships.")
@click.option("--ct", multiple=True, help="Controlled terminology: an official file, or a date; else what ships.")
@click.option("--rules", multiple=True, type=PATH, help="Folder of rules in CDISC's open format, in place of the shipped ones.")
@click.option("--define", type=PATH, help="A define.xml to check too; else the one in each folder of PATHS.")
@click.option("--dictionary", "dictionaries", multiple=True, metavar="NAME=FOLDER",
              help="Folder of an external dictionary: meddra, whodrug, loinc, unii, medrt, snomed; may be repeated.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Datasets judged at a time: worth it from about a million records.")
@click.option("--baseline", type=PATH, help="findings.json of an earlier run: only what is new is shown and counts.")
@click.option("--waivers", type=PATH, help="YAML file of accepted findings: they are set aside, with who, why and until when.")
@click.option("--study", type=PATH, help="Folder of the study that made the package: SARIF points to the lines of its files.")
@click.option("--encoding", help="Encoding of text in the files, where it is not UTF-8.")
@click.option("--format", "formats", default="text", show_default=True, help="text, json, csv, html, xlsx, junit, sarif; several with commas.")
@click.option("--out", type=PATH, help="Folder for the reports; text goes to the terminal too.")
@click.option("--fail-on", type=FAIL_ON, default="error", show_default=True, help="Severity from which on findings give exit code 1.")
def validate(paths, standard, version, ct, rules, define, dictionaries, jobs, baseline, waivers, study, encoding, formats, out, fail_on) -> None:
    """Check the datasets in PATHS (XPT, CSV, Parquet, Dataset-JSON; files, folders, zip archives) against a standard's conformance rules.

    \b
    Example:
      sdtm-convert validate package --format html,junit --out reports --waivers waivers.yml
    """
    wanted = list(dict.fromkeys(name.strip() for name in formats.split(",")))
    if encoding and not _is_encoding(encoding):
        raise click.UsageError(f"--encoding: '{encoding}' is no encoding known here; such as utf-8, cp1252, utf-16.")
    if wanted != ["text"] and not out:
        raise click.UsageError("--format other than text needs --out, the folder for the reports.")
    if wrong := [pair for pair in dictionaries if "=" not in pair]:
        raise click.UsageError(f"--dictionary: '{wrong[0]}' is not NAME=FOLDER, such as meddra=MedAscii.")
    show = progress()
    show("validate")
    from .conformance import validate_files
    from .report import WRITERS, count_words, outcome_text, summary_text, write_findings
    from .standard import newest_version

    version = version or newest_version(standard)
    if unknown := [name for name in wanted if name not in WRITERS]:
        raise click.UsageError(f"--format: '{unknown[0]}' is none of {', '.join(WRITERS)}.")
    done = validate_files(paths, standard=standard, version=version, terminology=ct, rules=rules, define=define, encoding=encoding,
                          waivers=waivers, baseline=baseline, study=study, dictionaries=dict(pair.split("=", 1) for pair in dictionaries), jobs=jobs, progress=show)
    show("write the reports" if out else "")
    if out:
        write_findings(done.findings, Path(out), wanted, title=f"Conformance to {standard.upper()} {version}",
                       about=_about(done, paths, rules, baseline), outcomes=done.outcomes, waived=done.waived, known=done.known,
                       records=done.records, texts=done.texts, places=done.places, failing=FAILING[fail_on])
    show("")
    click.echo(summary_text(done.findings, done.waived, done.records))
    click.echo(f"\n{count_words(done.findings, done.waived, done.known)}\n{_datasets(done.records)}; {outcome_text(done.outcomes)}")
    if done.compared:
        click.echo(f"baseline: {done.compared}")
    sys.exit(exit_code(done.findings, fail_on))


def _is_encoding(name: str) -> bool:
    try:
        "".encode(name)
    except LookupError:
        return False
    return True


def _about(done, paths: tuple[str, ...], rules: tuple[str, ...], baseline: str | None) -> dict[str, str]:
    """What stands above the reports: what was checked, and by what."""
    from importlib.metadata import version

    about = {"Checked": f"{', '.join(paths)}: {_datasets(done.records)}", "Rules": ", ".join(rules) or "those that ship",
             "Terminology": ", ".join(done.terminology), "sdtm-convert": version("sdtm-convert")}
    return about | ({"Baseline": f"{baseline}: {done.compared}"} if baseline else {})


def _datasets(records: dict[str, int]) -> str:
    from .report import counted

    return f"{counted(len(records), 'dataset')}, {counted(sum(records.values()), 'record')}"


@main.command()
@click.argument("a", type=PATH)
@click.argument("b", type=PATH)
@click.option("--keys", multiple=True, metavar="DATASET=VARIABLES", help="Keys to match the records of a dataset by, such as AE=USUBJID,AETERM; may be repeated.")
@click.option("--exact", is_flag=True, help="Numbers are equal only if they are the same; else within a relative difference of 1e-12.")
@click.option("--out", type=PATH, help="File for every single difference: .csv or .json.")
def diff(a: str, b: str, keys: tuple[str, ...], exact: bool, out: str | None) -> None:
    """Compare A and B: two packages, folders of transport files, or transport files. Exit code 0: the same; 1: different.

    \b
    Example:
      sdtm-convert diff package-1 package-2 --out differences.csv
    """
    from .compare import compare
    from .compare_report import summary, write_details

    comparison = compare(a, b, keys=keys, exact=exact)
    if out:
        write_details(comparison, Path(out))
    click.echo(summary(comparison))
    sys.exit(int(comparison.different))


@main.command()
@click.argument("path", type=PATH)
@click.argument("name", metavar="DATASET.VARIABLE")
@click.option("--record", type=int, help="Follow the values of this record of the package, counted from 1.")
@click.option("--subject", metavar="USUBJID", help="Follow the records of this subject.")
@click.option("--seq", type=int, help="Of the subject, the record with this sequence number (--SEQ).")
@click.option("--raw", type=PATH, help="Folder of the raw export: then the collected values are shown too.")
def trace(path: str, name: str, record: int | None, subject: str | None, seq: int | None, raw: str | None) -> None:
    """Say where a variable comes from, down to the raw fields. PATH is a study (folder or shipped name) or a package.

    \b
    Example:
      sdtm-convert trace mappings/CDISCPILOT01 AE.AESTDY
      sdtm-convert trace package AE.AESTDY --subject 01-701-1023 --seq 2 --raw raw
    """
    from .trace import trace as words

    click.echo(words(path, name, record=record, subject=subject, seq=seq, raw=raw))


@main.group(cls=Group)
def ct() -> None:
    """Controlled terminology."""


@ct.command("import")
@click.argument("file", type=PATH)
@click.option("--into", type=PATH, help="Folder to write into, such as a study's ct folder; else your own store.")
@click.option("--name", help="Name of the terminology (SDTM, ADaM ...), where the file does not say it.")
@click.option("--version", help="Date of the terminology, where the file does not say it.")
def ct_import(file: str, into: str | None, name: str | None, version: str | None) -> None:
    """Import an official terminology FILE (NCI's text form, CDISC's CSV form, or Excel), so that studies can name its date.

    \b
    Example:
      sdtm-convert ct import "SDTM Terminology 2025-09-26.txt"
    """
    from .terminology import import_terminology

    for path in import_terminology(Path(file), Path(into) if into else None, name, version):
        click.echo(f"written: {path}")


main.add_command(rules)
