"""Make the tables of this folder from the official files: python specs/make_specs.py REFERENCES

REFERENCES is a folder that holds
    standards/sdtmig-3.4-datasets.csv, sdtmig-3.4-variables.csv     CDISC's tables of SDTMIG 3.4
    standards/adamig-1.3-structures.csv, adamig-1.3-variables.csv   CDISC's tables of ADaMIG 1.3
    ct/SDTM Terminology 2025-03-28.txt, ADaM_CT_2025-03-28.csv, Define-XML_CT_2025-03-28.csv

The same files give the same tables, byte for byte. Only facts are taken (names, labels, types, roles, codes); CDISC's
notes and definitions stay where they are. What the source has wrong is mended here, and nowhere else, with the reason.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sdtm_convert.model import Codelist, Term, Terminology
from sdtm_convert.terminology import read_terminology
from sdtm_convert.terminology_tables import csv_text, folder_name, tables

HERE = Path(__file__).resolve().parent

SDTM_DATASET_COLUMNS = ("name", "class", "label", "structure")
SDTM_VARIABLE_COLUMNS = (
    "dataset", "order", "name", "label", "type", "role", "core", "codelists", "value_domain", "value_list",
)
ADAM_STRUCTURE_COLUMNS = ("name", "class", "subclass", "label", "structure")
ADAM_VARIABLE_COLUMNS = (
    "dataset", "order", "set", "name", "label", "type", "core", "codelists", "value_domain", "value_list",
)

# Slips in the published sentences on structure.
STRUCTURES_MENDED = {
    "SC": ("per subject.", "per subject"),  # the only one with a full stop
    "UR": ("per per visit", "per visit"),
}
# The published label has 41 characters, one more than a label may have; PCHGCAyN is shortened in the same way.
ADAM_LABELS_MENDED = {"PBCHGCyN": "Percent Chg to Baseline Category y (N)"}

ADAM_STRUCTURES = {
    "ADSL": ("Subject-Level Analysis Dataset", "One record per subject"),
    "BDS": (
        "Basic Data Structure",
        "One or more records per subject, per analysis parameter, per analysis timepoint",
    ),
    "TTE": ("Basic Data Structure for Time-to-Event", "One or more records per subject, per analysis parameter"),
    "OCCDS": ("Occurrence Data Structure", "One record per occurrence per subject"),
}
TIME_TO_EVENT = "Time-to-Event"
SUFFIXES = "Suffixes for User-Defined Timing"

# The sets of BDS variables that OCCDS 1.1 shares with BDS.
OCCDS_FROM_BDS = (
    "Identifier",
    "Record-Level Treatment",
    "Record-Level Dose",
    "Timing",
    "Period, Subperiod, and Phase Start and End Timing",
    SUFFIXES,
    "Datapoint Traceability",
)
OCCDS_TIMING_NOT_SHARED = ("AVISIT", "AVISITN", "ATPT", "ATPTN", "ATPTREF")  # visits and timepoints belong to BDS

# OCCDS 1.1 is not among the official tables: set, name, label, type, core, value list. The variables copied from SDTM
# (AETERM, AEDECOD, AESEV ...) have SDTMIG's labels and are not repeated here.
OCCDS = (
    ("Identifier", "--SEQ", "Sequence Number", "Num", "Cond", ""),
    ("Timing", "ADURN", "Analysis Duration (N)", "Num", "Perm", ""),
    ("Timing", "ADURU", "Analysis Duration Units", "Char", "Cond", ""),
    ("Indicator", "TRTEMFL", "Treatment Emergent Analysis Flag", "Char", "Cond", "Y"),
    ("Indicator", "PREFL", "Pre-treatment Flag", "Char", "Cond", "Y"),
    ("Indicator", "ONTRTFL", "On Treatment Record Flag", "Char", "Cond", "Y"),
    ("Indicator", "FUPFL", "Follow-up Flag", "Char", "Cond", "Y"),
    ("Indicator", "ANLzzFL", "Analysis Flag zz", "Char", "Cond", "Y"),
    ("Occurrence Flag", "AOCCFL", "1st Occurrence within Subject Flag", "Char", "Perm", "Y"),
    ("Occurrence Flag", "AOCCPFL", "1st Occurrence of Preferred Term Flag", "Char", "Perm", "Y"),
    ("Occurrence Flag", "AOCCIFL", "1st Max Sev./Int. Occurrence Flag", "Char", "Perm", "Y"),
    ("Occurrence Flag", "AOCCPIFL", "1st Max Sev./Int. Occur Within PT Flag", "Char", "Perm", "Y"),
    ("Occurrence Flag", "AOCCSFL", "1st Occurrence of SOC Flag", "Char", "Perm", "Y"),
    ("Occurrence Flag", "AOCCSIFL", "1st Max Sev./Int. Occur Within SOC Flag", "Char", "Perm", "Y"),
    ("Occurrence Flag", "AOCCzzFL", "1st Occurrence of ...", "Char", "Perm", "Y"),
    ("Record-Level Dose", "DOSEAEON", "Study Drug Dose at AE Onset", "Num", "Perm", ""),
    ("Record-Level Dose", "DOSAEONU", "Study Drug Dose at AE Onset Units", "Char", "Cond", ""),
    ("Record-Level Dose", "DOSEON", "Treatment Dose at Record Start", "Num", "Perm", ""),
    ("Record-Level Dose", "LDOSEDTM", "End Date/Time of Last Dose", "Num", "Perm", ""),
    ("Record-Level Dose", "LDRELTM", "Time Since Last Dose", "Num", "Perm", ""),
    ("Record-Level Dose", "LDRELTMU", "Time Since Last Dose Units", "Char", "Cond", ""),
    ("Severity and Causality", "--SEVN", "Severity/Intensity (N)", "Num", "Perm", ""),
    ("Severity and Causality", "ASEV", "Analysis Severity/Intensity", "Char", "Perm", ""),
    ("Severity and Causality", "ASEVN", "Analysis Severity/Intensity (N)", "Num", "Perm", ""),
    ("Severity and Causality", "SEVGRy", "Pooled Severity Group y", "Char", "Perm", ""),
    ("Severity and Causality", "SEVGRyN", "Pooled Severity Group y (N)", "Num", "Perm", ""),
    ("Severity and Causality", "--RELN", "Causality (N)", "Num", "Perm", ""),
    ("Severity and Causality", "AREL", "Analysis Causality", "Char", "Perm", ""),
    ("Severity and Causality", "ARELN", "Analysis Causality (N)", "Num", "Perm", ""),
    ("Severity and Causality", "RELGRy", "Pooled Causality Group y", "Char", "Perm", ""),
    ("Severity and Causality", "RELGRyN", "Pooled Causality Group y (N)", "Num", "Perm", ""),
    ("Severity and Causality", "--TOXGRN", "Standard Toxicity Grade (N)", "Num", "Perm", ""),
    ("Severity and Causality", "ATOXGR", "Analysis Toxicity Grade", "Char", "Perm", ""),
    ("Severity and Causality", "ATOXGRN", "Analysis Toxicity Grade (N)", "Num", "Perm", ""),
    ("Severity and Causality", "TOXGGRy", "Pooled Toxicity Grade Group y", "Char", "Perm", ""),
    ("Severity and Causality", "TOXGGRyN", "Pooled Toxicity Grade Group y (N)", "Num", "Perm", ""),
    ("Standardised Query", "SMQzzNAM", "SMQ zz Name", "Char", "Cond", ""),
    ("Standardised Query", "SMQzzCD", "SMQ zz Code", "Num", "Perm", ""),
    ("Standardised Query", "SMQzzSC", "SMQ zz Scope", "Char", "Cond", ""),
    ("Standardised Query", "SMQzzSCN", "SMQ zz Scope (N)", "Num", "Perm", ""),
    ("Standardised Query", "CQzzNAM", "Customized Query zz Name", "Char", "Cond", ""),
    ("Standardised Query", "SDGzzNAM", "SDG zz Name", "Char", "Cond", ""),
    ("Standardised Query", "SDGzzCD", "SDG zz Code", "Num", "Perm", ""),
    ("Drug Classification", "ATCy", "ATC Level y Text", "Char", "Perm", ""),
    ("Drug Classification", "ATCyCD", "ATC Level y Code", "Char", "Perm", ""),
)

# Of the SDTM set ship: all codelists but those of single questionnaires, functional tests and clinical classifications
# (three quarters of the set); of these the short ones, and the scales below.
ONE_SCALE = re.compile(r"(Questionnaire|Functional Test|Clinical Classification) (Test (Code|Name)|ORRES|STRESC)\b")
SHORT_SCALE = 10  # terms
LONGER_SCALES = (
    "Alzheimer's Disease Assessment Scale",
    "Disability Assessment for Dementia",
    "Mini-Mental State Examination",
    "Modified Hachinski Ischemic Scale",
    "Neuropsychiatric Inventory",
    "Sepsis-related Organ Failure Assessment",
)
SYNONYMS_KEPT = 60  # characters; longer lists of synonyms do not ship


def make_tables(references: Path) -> dict[str, str]:
    """Every table of this folder as text, by its path relative to the folder."""
    standards, ct = references / "standards", references / "ct"
    made = sdtmig_tables(standards) | adamig_tables(standards)
    for file in ("SDTM Terminology 2025-03-28.txt", "ADaM_CT_2025-03-28.csv", "Define-XML_CT_2025-03-28.csv"):
        for terminology in read_terminology(ct / file):
            folder = f"ct/{folder_name(terminology.name, terminology.version)}"
            made |= {f"{folder}/{name}": text for name, text in tables(shipped(terminology)).items()}
    return made


def sdtmig_tables(standards: Path) -> dict[str, str]:
    datasets = []
    for row in read(standards / "sdtmig-3.4-datasets.csv"):
        name = row["Dataset Name"]
        structure = row["Structure"].replace(*STRUCTURES_MENDED.get(name, ("", "")))
        datasets.append((name, define_class(row["Class"]), row["Dataset Label"], structure))
    variables = [
        (
            row["Dataset Name"],
            row["Variable Order"],
            row["Variable Name"],
            row["Variable Label"],
            row["Type"],
            row["Role"],
            row["Core"],
            codes(row["CDISC CT Codelist Code(s)"]),
            row["Described Value Domain(s)"],
            row["Value List"],
        )
        for row in read(standards / "sdtmig-3.4-variables.csv")
    ]
    return {
        "sdtmig-3.4/datasets.csv": csv_text(SDTM_DATASET_COLUMNS, datasets),
        "sdtmig-3.4/variables.csv": csv_text(SDTM_VARIABLE_COLUMNS, variables),
    }


def adamig_tables(standards: Path) -> dict[str, str]:
    published = read(standards / "adamig-1.3-structures.csv")
    structures = [(row["Data Structure Name"], row["Class"], row["Subclass"]) for row in published]
    structures.append(("OCCDS", "OCCURRENCE DATA STRUCTURE", ""))
    variables = read(standards / "adamig-1.3-variables.csv")
    subject = [row for row in variables if row["Data Structure Name"] == "Subject-Level Analysis Dataset"]
    basic = [row for row in variables if row["Data Structure Name"] == "Basic Data Structure"]
    # The source lists the identifiers of BDS last; the guide has them first.
    basic.sort(key=lambda row: row["Variable Set"] != "Identifier")
    # The naming of user-defined dates and times holds for every ADaM dataset, the source has it with BDS only.
    suffixes = [row for row in basic if row["Variable Set"] == SUFFIXES]
    rows = {
        "ADSL": [adam_row(row) for row in subject + suffixes],
        "BDS": [adam_row(row) for row in basic if row["Variable Set"] != TIME_TO_EVENT],
        "TTE": [adam_row(row) for row in basic],
        "OCCDS": occds_rows(basic),
    }
    return {
        "adamig-1.3/structures.csv": csv_text(
            ADAM_STRUCTURE_COLUMNS, [(*structure, *ADAM_STRUCTURES[structure[0]]) for structure in structures]
        ),
        "adamig-1.3/variables.csv": csv_text(
            ADAM_VARIABLE_COLUMNS,
            [(name, order, *row) for name in rows for order, row in enumerate(rows[name], start=1)],
        ),
    }


def adam_row(row: dict[str, str]) -> tuple[str, ...]:
    return (
        row["Variable Set"],
        row["Variable Name"],
        ADAM_LABELS_MENDED.get(row["Variable Name"], row["Variable Label"]),
        row["Type"],
        row["Core"],
        codes(row["CDISC CT Codelist Code(s)"]),
        row["Described Value Domain(s)"],
        row["Value List Value"],
    )


def occds_rows(basic: list[dict[str, str]]) -> list[tuple[str, ...]]:
    own = [(kind, name, label, type_, core, "", "", values) for kind, name, label, type_, core, values in OCCDS]
    shared = [
        adam_row(row)
        for row in basic
        if row["Variable Set"] in OCCDS_FROM_BDS and row["Variable Name"] not in OCCDS_TIMING_NOT_SHARED
    ]
    sets = list(dict.fromkeys(OCCDS_FROM_BDS[:-2] + tuple(row[0] for row in own) + OCCDS_FROM_BDS[-2:]))
    return sorted(shared + own, key=lambda row: sets.index(row[0]))


def define_class(published: str) -> str:
    """The class in the words of Define-XML's codelist General Observation Class."""
    return published.upper().replace("-", " ")


def codes(published: str) -> str:
    """C66727; C114118 -> C66727;C114118"""
    return ";".join(code.strip() for code in published.split(";") if code.strip())


def shipped(terminology: Terminology) -> Terminology:
    """The part of an official set that ships; what is left out comes with `sdtm-convert ct import`."""
    lists = {code: with_short_synonyms(each) for code, each in terminology.codelists.items() if ships(each)}
    return replace(terminology, codelists=lists)


def ships(codelist: Codelist) -> bool:
    if not ONE_SCALE.search(codelist.name):
        return True
    return len(codelist.terms) <= SHORT_SCALE or codelist.name.startswith(LONGER_SCALES)


def with_short_synonyms(codelist: Codelist) -> Codelist:
    def short(term: Term) -> Term:
        return term if len("; ".join(term.synonyms)) <= SYNONYMS_KEPT else replace(term, synonyms=())

    return replace(codelist, terms=tuple(map(short, codelist.terms)))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:  # one of the official files starts with a BOM
        return [{key: (value or "").strip() for key, value in row.items()} for row in csv.DictReader(file)]


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    for name, text in make_tables(Path(arguments[0])).items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        print(f"{name}: {len(text.encode())} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
