"""Rules on their own test cases: what each rule finds in data that it must pass and in data that it must fault, beside what is expected.

The folder is laid out as CDISC publishes its rules: `<rule>/rule.yml` and `<rule>/{positive,negative}/NN/data` with one CSV file a
dataset, `_datasets.csv` (Filename, Label), `_variables.csv` (dataset, variable, label, type, length) and `.env` (PRODUCT, VERSION); what is
expected stands in `results/results.csv` of the case (Dataset, Record, Variable, Value).
"""

from __future__ import annotations

import ast
import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .errors import Fault, InputError, Place, SdtmConvertError, SpecError, did_you_mean
from .model import Dataset, Standard, Variable
from .rules.engine import FAILED, NOT_RUN, Hits, Outcome, output_variables, run
from .rules.load import load_rule
from .rules.rule import Rule, conditions
from .rules.rule_types import PRESENCE_TYPES
from .rules.scope import out_of_scope
from .rules.study import Study, make_study
from .rules.table import Table
from .standard import available_standards, load_standard, load_terminology

HEADER = ("Dataset", "Record", "Variable", "Value")
AGREES, DIFFERS, NO_EXPECTATION, EXCEPTION, BROKEN = "agrees", "differs", "no expected results", "exception", "failed"
_ERROR = "EXECUTION_ERROR"
_TERMINOLOGY = ("sdtm", "2025-03-28")
Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class CaseResult:
    """What became of one case. `found` are the report rows, `expected` the ones of results.csv, both as they are compared; `reason`
    says why a case is an exception, or could not be read, or what a rule that did not run needs."""

    rule: str
    case: str  # positive/01
    status: str
    found: tuple[Row, ...] = ()
    expected: tuple[Row, ...] = ()
    operators: tuple[str, ...] = ()
    reason: str = ""


def test_rules(folder: Path, *, out: Path | None = None, only: Sequence[str] = (), core_compatible: bool = False) -> Iterator[CaseResult]:
    """Every case of the rules in `folder` (of `only` these ids), one after the other. With `out`, the report of each case is written to
    `out/<rule>/<positive or negative>/NN/results.csv`. Cases that EXCEPTIONS.csv in the folder lists (rule, case, why) are run too, and
    told apart. A case or rule that cannot be read is an answer of its own; InputError only where the folder has no rules at all, SpecError
    where it has none of the ids in `only`."""
    folder = Path(folder)
    homes = sorted(path.parent for path in folder.glob("*/rule.yml")) if folder.is_dir() else []
    homes = homes or ([folder] if (folder / "rule.yml").is_file() else [])
    if not homes:
        raise InputError(f"{folder}: no rules in this folder; expected <rule>/rule.yml.")
    known = [home.name for home in homes]
    if unknown := sorted(set(only) - set(known)):
        raise SpecError([Fault(Place(str(folder)), f"there is no rule '{name}' in this folder.", did_you_mean(name, known)) for name in unknown])
    exceptions = _exceptions(folder)
    for home in homes:
        if not only or home.name in only:
            yield from _test_rule(home, out, exceptions, core_compatible)


test_rules.__test__ = False  # a name that pytest would collect


def _exceptions(folder: Path) -> dict[tuple[str, str], str]:
    file = folder / "EXCEPTIONS.csv"
    if not file.is_file():
        return {}
    return {(row.get("rule", ""), row.get("case", "")): row.get("why", "") for row in _rows(file)}


def _test_rule(home: Path, out: Path | None, exceptions: dict, core_compatible: bool) -> Iterator[CaseResult]:
    cases = sorted(path.parent for way in ("positive", "negative") for path in home.glob(f"{way}/*/data"))
    try:
        rule = load_rule(home / "rule.yml")
    except (SpecError, InputError) as error:
        yield from (CaseResult(home.name, f"{case.parent.name}/{case.name}", BROKEN, reason=str(error)) for case in cases)
        return
    for case in cases:
        yield _test_case(home.name, rule, case, out, exceptions, core_compatible)


def _test_case(home: str, rule: Rule, case: Path, out: Path | None, exceptions: dict, core_compatible: bool) -> CaseResult:
    name = f"{case.parent.name}/{case.name}"
    operators = tuple(sorted({condition.operator for condition in conditions(rule.check)}))
    try:
        outcomes, found = run_case(rule, case / "data", core_compatible=core_compatible)
        if out is not None:
            write_report(found, Path(out) / home / name / "results.csv")
        file = case / "results" / "results.csv"
        expected = read_report(file) if file.is_file() else None
    except SdtmConvertError as error:
        return CaseResult(home, name, BROKEN, operators=operators, reason=str(error))
    needs = "; ".join(sorted({outcome.reason for outcome in outcomes if outcome.status in (NOT_RUN, FAILED)}))
    if expected is None:
        return CaseResult(home, name, NO_EXPECTATION, tuple(found), operators=operators, reason=needs)
    mine, theirs = tuple(map(comparable, found)), tuple(map(comparable, expected))
    if (rule.id, name) in exceptions:
        return CaseResult(home, name, EXCEPTION, mine, theirs, operators, exceptions[rule.id, name])
    status = AGREES if Counter(mine) == Counter(theirs) else DIFFERS
    return CaseResult(home, name, status, mine, theirs, operators, needs)


def run_case(rule: Rule, data: Path, *, core_compatible: bool = False) -> tuple[list[Outcome], list[Row]]:
    """The rule on the datasets of one case: what became of it, and the report, in order. Nothing where the case is about a standard
    that the rule is not for. Raises InputError for data that cannot be read."""
    setting = read_setting(data / ".env")
    product, version = setting.get("PRODUCT", ""), setting.get("VERSION", "")
    if product and version and not rule.is_for(product, version):
        return [], []
    study = read_case(data, core_compatible=core_compatible)
    outcomes = list(run([rule], study))
    rows = [row for outcome in outcomes for row in report(rule, outcome)]
    if rule.rule_type in PRESENCE_TYPES:  # CDISC's engine says the same once for each dataset in scope
        rows *= sum(not out_of_scope(rule, parts[0], study) for parts in study.parts.values())
    return outcomes, sorted(rows, key=_in_order)


# --- Reading a case ---------------------------------------------------------------------------------------------------


def read_case(data: Path, *, core_compatible: bool = False) -> Study:
    """The datasets that _datasets.csv lists (without it: all CSV files), typed as _variables.csv says, else as they look. A dataset whose
    cells do not have the type that is declared is there, but cannot be judged. What a dataset's variables are is also what _variables.csv
    says: of one that it leaves out, the class is not known. Raises InputError."""
    setting, listed = read_setting(data / ".env"), data / "_datasets.csv"
    files = {file.stem.lower(): file for file in sorted(data.glob("*.csv")) if not file.name.startswith("_")}
    described = _rows(listed) if listed.is_file() else [{"Filename": name, "Label": ""} for name in files]
    variables = _variables(data / "_variables.csv")
    frames, metadata, places, unreadable, declared = {}, {}, {}, {}, {}
    for row in described:
        stem = Path(_text(row, "Filename")).stem.lower()
        if stem not in files:
            continue
        name, known = (_text(row, "Dataset Name") or stem).upper(), variables.get(stem, {})
        frames[name], fault = _frame(files[stem], {variable: float if _text(given, "type") == "Num" else str for variable, given in known.items()})
        if fault:
            unreadable[name] = fault
        metadata[name] = Dataset(name, _text(row, "Label"), "", "", tuple(_variable(*one) for one in known.items()), ())
        if (data / "_variables.csv").is_file():
            declared[name] = tuple(known)
        places[name] = files[stem]
    standard = _standard(setting.get("PRODUCT", ""), setting.get("VERSION", ""))
    return make_study(frames, standard, (load_terminology(*_TERMINOLOGY),), metadata, places, unreadable=unreadable,
                      described=declared, use_case=setting.get("USE_CASE", ""), core_compatible=core_compatible,
                      define=_define(data, setting.get("DEFINE_XML", "")))


def _define(data: Path, named: str) -> Path | None:
    """The define.xml of a case: the one that its settings name, in its folder; else define.xml there."""
    places = [data / (Path(named).name or "define.xml"), data.parent / named, data / "define.xml"]
    return next((place for place in places if place.is_file()), None)


def read_setting(file: Path) -> dict[str, str]:
    """The settings of a case (NAME=VALUE a line); none where there is no such file."""
    if not file.is_file():
        return {}
    pairs = [line.partition("=") for line in _text_of(file).splitlines() if "=" in line and not line.lstrip().startswith("#")]
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def _standard(product: str, version: str) -> Standard:
    """The standard of the case where it ships, else SDTMIG 3.4, whose classes and variables stand in for it."""
    wanted = (product.lower(), version.replace("-", "."))
    return load_standard(*wanted) if wanted in available_standards() else load_standard("sdtmig", "3.4")


def _variables(file: Path) -> dict[str, dict[str, dict]]:
    known: dict[str, dict[str, dict]] = {}
    for row in _rows(file) if file.is_file() else []:
        known.setdefault(Path(_text(row, "dataset")).stem.lower(), {})[_text(row, "variable")] = row
    return known


def _variable(name: str, given: dict) -> Variable:
    length = _text(given, "length")
    return Variable(name, given.get("label") or "", _text(given, "type"), "text", int(length) if length.isdecimal() else 0)


def _frame(file: Path, types: dict[str, type]) -> tuple[pd.DataFrame, str]:
    """The table in a file, and what is wrong with it where it does not have the types declared; then all cells are text."""
    options = {"keep_default_na": False, "na_values": [""], "encoding": "utf-8-sig", "index_col": False}
    try:
        return pd.read_csv(file, dtype=types, **options), ""
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{file}: the dataset cannot be read: {str(error).strip()}") from None
    except ValueError as error:
        return pd.read_csv(file, dtype=str, **options), f"a numeric variable holds text: {error}"


def _rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(_text_of(file).splitlines(keepends=True)))


def _text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{file}: the file cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{file}: the file is not UTF-8 text.") from None


def _text(row: dict, name: str) -> str:
    return (row.get(name) or "").strip()


# --- The report: Dataset, Record, Variable, Value ---------------------------------------------------------------------


def report(rule: Rule, outcome: Outcome) -> list[Row]:
    """A row for each finding and variable that it shows, as in the reports of CDISC's engine; one row where the rule failed, or needs what
    the case does not have."""
    if outcome.status in (FAILED, NOT_RUN):
        return [(outcome.dataset, "", _ERROR, outcome.reason)]
    hits = outcome.hits[:1] if rule.sensitivity == "Dataset" else outcome.hits
    return [row for part in hits for row in _report_rows(rule, outcome, part)]


def _report_rows(rule: Rule, outcome: Outcome, hits: Hits) -> list[Row]:
    table, whole, study = hits.table, rule.sensitivity == "Dataset", outcome.dataset == "STUDY"
    places = hits.rows[:1] if whole else hits.rows
    names = output_variables(rule, table)
    cells = {name: table.column(name).take(places).cells for name in names if name in table.known}
    elements = [part for name in names if name in cells for cell in cells[name] if isinstance(cell, list) for part in cell]
    for name in dict.fromkeys(part for part in elements if part in table.known and part not in names):
        names = [*names, name]
        cells[name] = table.column(name).take(places).cells
    rows = []
    for number, place in enumerate(places):
        record = "" if whole or study else str(_record(table, place))
        dataset = outcome.dataset if study or table.part is None else _sources(table, hits.rows if whole else [place])
        rows += [(dataset, record, name, _shown(cells[name][number]) if name in cells else "Not in dataset") for name in names]
    return rows


def _record(table: Table, place: int) -> int:
    """The record that a row is, or its number among the rows of its part of the dataset."""
    if table.records is not None:
        return int(table.records[place])
    return int(place) + 1 if table.part is None else int((table.part[:place] == table.part[place]).sum()) + 1


def _sources(table: Table, places: Sequence[int]) -> str:
    """The parts of the dataset that the rows are from."""
    return ", ".join(sorted({table.sources[table.part[place]] for place in places}))


def _shown(cell: object) -> str:
    if isinstance(cell, (list, set)):
        return repr([None if part in (None, "") else part for part in cell])
    text = "" if cell is None else str(cell)
    return "" if text == "null" or text.strip().lower() in ("", "nan") else text


def comparable(row: Row) -> Row:
    """The row as it is compared: lists as sets, and of a rule that failed not the words."""
    dataset, record, variable, value = row
    if variable == _ERROR:
        return dataset, record, variable, ""
    if value.startswith("[") and value.endswith("]"):
        try:
            value = repr(sorted(map(str, ast.literal_eval(value))))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            pass
    return dataset, record, variable, value


def read_report(file: Path) -> list[Row]:
    """The rows of a results.csv. Raises InputError where it is none."""
    rows = _rows(file)
    if rows and not set(HEADER) <= set(rows[0]):
        raise InputError(f"{file}: expected the columns {', '.join(HEADER)}.")
    return [tuple(row[name] or "" for name in HEADER) for row in rows]


def write_report(rows: Iterable[Row], file: Path) -> None:
    """The rows as a results.csv. Raises InputError where it cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(file.name + ".part")
        with aside.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerows([HEADER, *rows])
        os.replace(aside, file)
    except OSError as error:
        raise InputError(f"{file}: the results cannot be written: {error.strerror}.") from None


def _in_order(row: Row) -> tuple:
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in row)


# --- Words ------------------------------------------------------------------------------------------------------------


def summary(results: Sequence[CaseResult]) -> str:
    """Agreement over all cases, for each operator, and every rule with a case that does not agree."""
    counts = Counter(result.status for result in results)
    decided = counts[AGREES] + counts[DIFFERS] + counts[BROKEN]
    lines = [f"{result.rule} {result.case}: {result.status}{': ' + result.reason if result.reason else ''}"
             for result in results if result.status in (DIFFERS, BROKEN)]
    lines += [f"{rule}: {agreed} of {total} cases agree" for rule, (agreed, total) in _by_rule(results).items() if agreed < total]
    lines += ["", f"{'operator':42} {'agree':>6} {'cases':>6}"]
    lines += [f"{name:42} {agreed:>6} {total:>6}" for name, (agreed, total) in _by_operator(results).items()]
    rules = _by_rule(results)
    lines += ["", f"rules: {sum(agreed == total for agreed, total in rules.values())} of {len(rules)} agree in all cases",
              f"cases: {counts[AGREES]} of {decided} agree ({counts[AGREES] / max(decided, 1):.1%}); {counts[DIFFERS]} differ, {counts[BROKEN]} failed"]
    agreed = sum(result.status == EXCEPTION and Counter(result.found) == Counter(result.expected) for result in results)
    lines += [f"apart: {counts[EXCEPTION]} exceptions ({agreed} of them agree), {counts[NO_EXPECTATION]} without expected results"]
    return "\n".join(lines).lstrip("\n")


def _by_rule(results: Iterable[CaseResult]) -> dict[str, tuple[int, int]]:
    return _tally((result.rule, result.status == AGREES) for result in _decided(results))


def _by_operator(results: Iterable[CaseResult]) -> dict[str, tuple[int, int]]:
    return _tally((name, result.status == AGREES) for result in _decided(results) for name in result.operators)


def _decided(results: Iterable[CaseResult]) -> Iterator[CaseResult]:
    return (result for result in results if result.status in (AGREES, DIFFERS, BROKEN))


def _tally(pairs: Iterable[tuple[str, bool]]) -> dict[str, tuple[int, int]]:
    agreed, total = Counter(), Counter()
    for name, agrees in pairs:
        agreed[name] += agrees
        total[name] += 1
    return {name: (agreed[name], total[name]) for name in sorted(total)}


def differences(result: CaseResult) -> str:
    """What is expected and not found (-), and found and not expected (+), a row a line."""
    found, expected = Counter(result.found), Counter(result.expected)
    lines = [f"{result.rule} {result.case}: {result.status}{': ' + result.reason if result.reason else ''}"]
    if found != expected:
        lines.append(f"    {','.join(HEADER)}   (- expected, not found; + found, not expected)")
    for sign, rows in (("-", expected - found), ("+", found - expected)):
        lines += [f"  {sign} {','.join(row)}" for row in sorted(rows.elements(), key=_in_order)]
    return "\n".join(lines)
