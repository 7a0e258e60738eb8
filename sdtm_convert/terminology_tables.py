"""Controlled terminology in the project's own form: a folder `sdtm-2025-03-28` with two tables, written and read here.

`codelists.csv` has code, short name, name, extensible; `terms.csv` has the codelist's code, the term's code, submission
value, decode and synonyms ("; " between them). No definitions. The decode of a test code (`SYSBP`) is its name in the
paired list of test names (`Systolic Blood Pressure`), that of any other term NCI's preferred term.
"""

from __future__ import annotations

import csv
import io
import os
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from sdtm_convert.errors import InputError
from sdtm_convert.model import Codelist, Term, Terminology

PUBLISHING_SETS = ("SDTM", "ADaM", "CDASH", "DEFINE-XML", "Protocol", "SEND")
CODELIST_COLUMNS = ("code", "short_name", "name", "extensible")
TERM_COLUMNS = ("codelist", "code", "value", "decode", "synonyms")

_CODE_SIDE = re.compile(r"(?P<stem>.+?)(?: Test)? Code|(?P<short>.+) Short Name")


# --- Names ------------------------------------------------------------------------------------------------------------


def publishing_set(name: str) -> str:
    """The name in the spelling of define.xml's PublishingSet; a name that is not one of CDISC's stays as it is.

    >>> publishing_set("Define-XML"), publishing_set("acme")
    ('DEFINE-XML', 'acme')
    """
    return next((known for known in PUBLISHING_SETS if known.casefold() == name.strip().casefold()), name.strip())


def user_store() -> Path:
    """The folder where this user's imported standards lie: $SDTM_CONVERT_HOME, else the platform's place for data."""
    if home := os.environ.get("SDTM_CONVERT_HOME"):
        return Path(home)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "sdtm-convert"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "sdtm-convert"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "sdtm-convert"


def folder_name(name: str, version: str) -> str:
    """The folder of one set in the own form.

    >>> folder_name("ADaM", "2025-03-28")
    'adam-2025-03-28'
    """
    return f"{name.casefold()}-{version}"


# --- Pairs of codelists -----------------------------------------------------------------------------------------------


def code_name_pairs(names: Mapping[str, str]) -> dict[str, str]:
    """From C-code to name of every codelist: which list of codes (VSTESTCD) goes with which list of names (VSTEST).

    Only the published names tell: `Vital Signs Test Code` and `... Test Name`, `PK Parameters Code` and
    `PK Parameters`, `... Parameter Code` and `... Parameter Name`, `Device Identifier Short Name` and `... Long Name`.
    """
    by_name = {name: code for code, name in names.items()}
    pairs = {}
    for code, name in names.items():
        if match := _CODE_SIDE.fullmatch(name):
            stem = match["stem"] or match["short"]
            candidates = (f"{stem} Test Name", f"{stem} Name", f"{stem} Long Name", stem)
            if partner := next((by_name[other] for other in candidates if other in by_name), None):
                pairs[code] = partner
    return pairs


def paired_codelist(terminology: Terminology, codelist: Codelist) -> Codelist | None:
    """The list of test names of a list of test codes, and the other way round (VSTESTCD <-> VSTEST); else None.

    The two share their terms' C-codes. To decode a test code this is not needed: its term's `decode` is the test name.
    """
    pairs = code_name_pairs({code: each.name for code, each in terminology.codelists.items()})
    pairs |= {names: codes for codes, names in pairs.items()}
    return terminology.codelists.get(pairs.get(codelist.code, ""))


# --- The two tables ---------------------------------------------------------------------------------------------------


def tables(terminology: Terminology) -> dict[str, str]:
    """The two files of the own form, by file name, as text."""
    lists = terminology.codelists.values()
    return {
        "codelists.csv": csv_text(
            CODELIST_COLUMNS,
            ((each.code, each.short_name, each.name, "Yes" if each.extensible else "No") for each in lists),
        ),
        "terms.csv": csv_text(
            TERM_COLUMNS,
            (
                (each.code, term.code, term.value, term.decode, "; ".join(term.synonyms))
                for each in lists
                for term in each.terms
            ),
        ),
    }


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as the text of a CSV file: header, rows, one newline each on every platform."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def write_folder(terminology: Terminology, into: Path) -> list[Path]:
    """Write a set into a folder of its own under `into`; returns the two files.

    Both or none: the folder is written aside and takes the place of an old one at once. Raises InputError.
    """
    folder = into / folder_name(terminology.name, terminology.version)
    try:
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=into, prefix=".import-") as aside:
            fresh = Path(aside) / "new"
            fresh.mkdir()
            for file, text in tables(terminology).items():
                (fresh / file).write_text(text, encoding="utf-8", newline="")
            old = Path(aside) / "old"
            if folder.exists():
                folder.rename(old)
            try:
                fresh.rename(folder)
            except OSError:
                if old.exists():
                    old.rename(folder)
                raise
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror or error}.") from error
    return [folder / "codelists.csv", folder / "terms.csv"]


def read_folder(folder: Path, name: str, version: str) -> Terminology:
    """Read the own form from `folder`. Raises InputError for a file that is absent or not in that form."""
    stamps = []
    for file in ("codelists.csv", "terms.csv"):
        try:
            stamps.append((folder / file).stat().st_mtime_ns)
        except OSError as error:
            raise InputError(f"{folder / file}: cannot be read: {error.strerror or error}.") from error
    return _read_folder(folder, publishing_set(name), version, tuple(stamps))


@lru_cache(maxsize=16)
def _read_folder(folder: Path, name: str, version: str, stamps: tuple[int, ...]) -> Terminology:
    # The stamps are there for the cache alone: a set that is imported again is read again.
    terms: dict[str, list[Term]] = defaultdict(list)
    for codelist, code, value, decode, synonyms in _read_table(folder / "terms.csv", TERM_COLUMNS):
        terms[codelist].append(Term(value, code, decode, tuple(synonyms.split("; ")) if synonyms else ()))
    standard = f"{name} {version}"
    codelists = {
        code: Codelist(code, short_name, title, extensible == "Yes", tuple(terms.pop(code, ())), standard)
        for code, short_name, title, extensible in _read_table(folder / "codelists.csv", CODELIST_COLUMNS)
    }
    if terms:
        raise InputError(f"{folder / 'terms.csv'}: {next(iter(terms))} is not in codelists.csv. Import the set again.")
    return Terminology(name, version, codelists)


def _read_table(path: Path, columns: Sequence[str]) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read: {error}.") from error
    if rows[:1] != [list(columns)] or any(len(row) != len(columns) for row in rows):
        raise InputError(f"{path}: every row must have the columns {', '.join(columns)}. Import the set again.")
    return rows[1:]
