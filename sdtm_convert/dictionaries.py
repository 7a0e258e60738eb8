"""External dictionaries that the user has: MedDRA, WHODrug, LOINC, UNII, MED-RT and SNOMED CT, read from the files as their owners publish them.

Nothing of them ships and nothing is fetched. Text is UTF-8, else Windows-1252.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .errors import Fault, InputError, Place, SpecError, did_you_mean

MEDDRA_LEVELS = ("SOC", "HLGT", "HLT", "PT", "LLT")


@dataclass(frozen=True, eq=False)
class Dictionary:
    """One version of a dictionary. `terms`: by level ("" where it has none) each code with its texts. `paths`: of MedDRA, the codes of SOC,
    HLGT, HLT, PT and LLT along every path; of WHODrug, drug name, ATC text and ATC code."""

    name: str
    version: str
    terms: dict[str, dict[str, tuple[str, ...]]]
    paths: frozenset[tuple[str, ...]] = field(default=frozenset(), repr=False)

    @cached_property
    def texts(self) -> dict[str, frozenset[str]]:
        """The texts of each level."""
        return {level: frozenset(text for texts in terms.values() for text in texts) for level, terms in self.terms.items()}

    @cached_property
    def text_paths(self) -> frozenset[tuple[str, ...]]:
        """The paths of MedDRA in words: SOC, HLGT, HLT, PT, LLT."""
        return frozenset(tuple(self.terms[level][code][0] for level, code in zip(MEDDRA_LEVELS, path)) for path in self.paths)


def read_dictionaries(folders: Mapping[str, str | Path | Dictionary]) -> dict[str, Dictionary]:
    """The dictionaries in these folders, by name (of READERS, in any case); one that is read already stays as it is. Raises SpecError for a name that is none, InputError for a
    folder without the dictionary's files, or files that are not as its owner publishes them."""
    unknown = [name for name in folders if name.lower() not in READERS]
    if unknown:
        raise SpecError([Fault(Place("dictionaries", 0, name), f"a dictionary is one of {', '.join(READERS)}.", did_you_mean(name, READERS))
                         for name in unknown])
    return {name.lower(): folder if isinstance(folder, Dictionary) else READERS[name.lower()](Path(folder)) for name, folder in folders.items()}


# --- MedDRA -----------------------------------------------------------------------------------------------------------


def read_meddra(folder: Path) -> Dictionary:
    """MedDRA's ASCII files: llt, pt, hlt, hlgt, soc and mdhier.asc, or soc_hlgt, hlgt_hlt and hlt_pt.asc in its place; the version from
    meddra_release.asc, where it is there. Fields are set apart by `$`."""
    files = _files(folder, [f"{level.lower()}.asc" for level in MEDDRA_LEVELS], "MedDRA")
    terms, parents = {}, {}
    for level in MEDDRA_LEVELS:
        rows = list(_fields(files[f"{level.lower()}.asc"], 3 if level == "LLT" else 2))
        terms[level] = {row[0]: (row[1],) for row in rows}
        parents |= {row[0]: row[2] for row in rows} if level == "LLT" else {}
    above = _meddra_paths(folder)
    known = {level: set(codes) for level, codes in terms.items()}
    above = {pt: [path for path in paths if all(code in known[level] for level, code in zip(MEDDRA_LEVELS, path))] for pt, paths in above.items()}
    paths = frozenset((*path, pt, llt) for llt, pt in parents.items() if pt in known["PT"] for path in above.get(pt, ()))
    release = _found(folder).get("meddra_release.asc")
    return Dictionary("meddra", next(_fields(release, 1), [""])[0] if release else "", terms, paths)


def _meddra_paths(folder: Path) -> dict[str, list[tuple[str, str, str]]]:
    """For each PT the codes of SOC, HLGT and HLT above it, along every path."""
    paths: dict[str, list[tuple[str, str, str]]] = {}
    if "mdhier.asc" in _found(folder):
        for pt, hlt, hlgt, soc, *_ in _fields(_found(folder)["mdhier.asc"], 4):
            paths.setdefault(pt, []).append((soc, hlgt, hlt))
        return paths
    files = _files(folder, ["soc_hlgt.asc", "hlgt_hlt.asc", "hlt_pt.asc"], "MedDRA")
    above: dict[str, dict[str, list[str]]] = {}
    for name, file in files.items():
        for upper, lower, *_ in _fields(file, 2):
            above.setdefault(name, {}).setdefault(lower, []).append(upper)
    for pt, hlts in above.get("hlt_pt.asc", {}).items():
        paths[pt] = [(soc, hlgt, hlt) for hlt in hlts for hlgt in above.get("hlgt_hlt.asc", {}).get(hlt, ())
                     for soc in above.get("soc_hlgt.asc", {}).get(hlgt, ())]
    return paths


# --- The others -------------------------------------------------------------------------------------------------------


def read_whodrug(folder: Path) -> Dictionary:
    """WHODrug in format B: DD.txt (drugs), INA.txt (texts of the ATC codes), DDA.txt (ATC codes of the drugs), of fixed width. Levels are
    DRUG_DICT, by the drug code of 11 digits, ATC_TEXT and ATC_CLASSIFICATION, by the ATC code."""
    files = _files(folder, ["dd.txt", "ina.txt", "dda.txt"], "WHODrug")
    drugs, names, classes, of_drug = {}, {}, {}, {}
    for line in _lines(files["dd.txt"], 31):
        drugs[line[:11]] = (line[30:].strip(),)
        names[line[:8] + line[11]] = line[30:].strip()
    for line in _lines(files["ina.txt"], 9):
        classes[line[:7].strip()] = (line[8:].strip(),)
    for line in _lines(files["dda.txt"], 13):
        of_drug.setdefault(line[12:19].strip(), []).append(line[:8] + line[11])
    paths = frozenset((names[drug], classes[code][0], code) for code, known in of_drug.items() if code in classes for drug in known if drug in names)
    used = {code: classes.get(code, ()) for code in of_drug}
    version = next(iter(_lines(_found(folder)["version.txt"], 5)), "") if "version.txt" in _found(folder) else ""
    return Dictionary("whodrug", f"{version[-5:-2].upper()}_20{version[-2:]}" if version else "",
                      {"DRUG_DICT": drugs, "ATC_TEXT": classes, "ATC_CLASSIFICATION": used}, paths)


def read_loinc(folder: Path) -> Dictionary:
    """Loinc.csv: codes (LOINC_NUM) with COMPONENT and, where it has them, SHORTNAME and LONG_COMMON_NAME; the version is the greatest
    VersionLastChanged."""
    file = _files(folder, ["loinc.csv"], "LOINC")["loinc.csv"]
    rows = list(csv.DictReader(_text(file).splitlines(keepends=True)))
    if not rows or not {"LOINC_NUM", "COMPONENT"} <= set(rows[0]):
        raise InputError(f"{file}: expected the columns LOINC_NUM and COMPONENT.")
    versions = [row.get("VersionLastChanged") or "" for row in rows]
    numbers = [version for version in versions if re.fullmatch(r"\d+(\.\d+)?", version)]
    texts = ("COMPONENT", "SHORTNAME", "LONG_COMMON_NAME")
    return Dictionary("loinc", max(numbers, key=float, default=""),
                      {"": {row["LOINC_NUM"]: tuple(row[name] for name in texts if row.get(name)) for row in rows}})


def read_unii(folder: Path) -> Dictionary:
    """UNII_Records_<date>.txt, set apart by tabs: the code and the display name first."""
    file = _matching(folder, r"unii_records_.*", "UNII")
    rows = [line.split("\t") for line in _text(file).splitlines()[1:] if line]
    short = next((number for number, row in enumerate(rows, start=2) if len(row) < 2), 0)
    if short:
        raise InputError(f"{file}:{short}: expected a code and a name, set apart by a tab.")
    return Dictionary("unii", file.stem.split("_")[-1], {"": {row[0].strip('"'): (row[1].strip('"'),) for row in rows}})


def read_medrt(folder: Path) -> Dictionary:
    """Core_MEDRT_<date>_DTS.xml: terms and concepts with code and name; a concept's synonyms are names of it too."""
    from lxml import etree

    file = _matching(folder, r"core_medrt_.*_dts\.xml", "MED-RT")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        root = etree.fromstring(_bytes(file), parser)
    except etree.XMLSyntaxError as error:
        raise InputError(f"{file}: not well-formed XML: {error.msg}.") from None
    terms = {term.findtext("code", ""): (term.findtext("name", ""),) for term in root.iter("term")}
    concepts = {}
    for concept in root.iter("concept"):
        synonyms = [terms[code][0] for code in (synonym.findtext("to_code", "") for synonym in concept.iter("synonym")) if code in terms]
        concepts[concept.findtext("code", "")] = (concept.findtext("name", ""), *synonyms)
    return Dictionary("medrt", next((namespace.findtext("version", "") for namespace in root.iter("namespace")), ""), {"": terms | concepts})


def read_snomed(folder: Path) -> Dictionary:
    """SNOMED CT in release format 2: sct2_Description_Snapshot*.txt, the active descriptions of each concept; folders inside are searched."""
    files = sorted(path for path in folder.rglob("*.txt") if re.match(r"x?sct2_description_snapshot", path.name.lower()))
    if not files:
        raise InputError(f"{folder}: SNOMED CT needs the file sct2_Description_Snapshot*.txt, which is not in this folder.")
    terms: dict[str, tuple[str, ...]] = {}
    for file in files:
        for row in csv.DictReader(_text(file).splitlines(keepends=True), delimiter="\t", quoting=csv.QUOTE_NONE):
            if row.get("active") == "1" and row.get("conceptId"):
                terms[row["conceptId"]] = (*terms.get(row["conceptId"], ()), row.get("term") or "")
    dates = re.findall(r"_(\d{8})\.txt$", files[0].name)
    return Dictionary("snomed", dates[0] if dates else "", {"": terms})


READERS: dict[str, Callable[[Path], Dictionary]] = {
    "meddra": read_meddra, "whodrug": read_whodrug, "loinc": read_loinc, "unii": read_unii, "medrt": read_medrt, "snomed": read_snomed,
}


# --- Files ------------------------------------------------------------------------------------------------------------


def _found(folder: Path) -> dict[str, Path]:
    """The files of a folder, by their names in small letters. Raises InputError where there is no such folder."""
    try:
        return {path.name.lower(): path for path in sorted(folder.iterdir())}
    except OSError as error:
        raise InputError(f"{folder}: the folder of a dictionary cannot be read: {error.strerror}.") from None


def _files(folder: Path, wanted: list[str], what: str) -> dict[str, Path]:
    found = _found(folder)
    missing = [name for name in wanted if name not in found]
    if missing:
        raise InputError(f"{folder}: {what} needs the files {', '.join(missing)}, which are not in this folder.")
    return {name: found[name] for name in wanted}


def _matching(folder: Path, pattern: str, what: str) -> Path:
    found = [path for name, path in _found(folder).items() if re.fullmatch(pattern, name)]
    if not found:
        raise InputError(f"{folder}: {what} needs a file called like {pattern}, which is not in this folder.")
    return found[-1]


def _fields(file: Path, least: int) -> Iterator[list[str]]:
    """The fields of each line of an ASCII file of MedDRA."""
    for number, line in enumerate(_text(file).splitlines(), start=1):
        fields = line.split("$")
        if line and len(fields) < least:
            raise InputError(f"{file}:{number}: expected at least {least} fields, set apart by $.")
        if line:
            yield fields


def _lines(file: Path, least: int) -> Iterator[str]:
    """The lines of a file of fixed width."""
    for number, line in enumerate(_text(file).splitlines(), start=1):
        if line.strip() and len(line) < least:
            raise InputError(f"{file}:{number}: expected at least {least} characters.")
        if line.strip():
            yield line


def _text(file: Path) -> str:
    content = _bytes(file)
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(f"{file}: the text is neither UTF-8 nor Windows-1252.")


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: the file of a dictionary cannot be read: {error.strerror}.") from None
