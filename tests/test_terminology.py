"""Official terminology files are read whole, their faults are named, and what is imported is found again."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest

from sdtm_convert.errors import InputError
from sdtm_convert.model import Codelist, Term, Terminology
from sdtm_convert.standard import load_terminology
from sdtm_convert.terminology import import_terminology, read_terminology, title_of
from sdtm_convert.terminology_tables import read_folder, tables, user_store

HEADER = (
    "Code",
    "Codelist Code",
    "Codelist Extensible (Yes/No)",
    "Codelist Name",
    "CDISC Submission Value",
    "CDISC Synonym(s)",
    "CDISC Definition",
    "NCI Preferred Term",
)
VITAL_SIGNS = (
    ("C66741", "", "Yes", "Vital Signs Test Code", "VSTESTCD", "", "", "CDISC SDTM Vital Sign Test Code Terminology"),
    ("C25298", "C66741", "", "Vital Signs Test Code", "SYSBP", "Systolic Blood Pressure; SBP", 'A "top" number.', "Systolic"),
    ("C25299", "C66741", "", "Vital Signs Test Code", "DIABP", "", "", "Diastolic"),
    ("C67153", "", "Yes", "Vital Signs Test Name", "VSTEST", "", "", "CDISC SDTM Vital Sign Test Name Terminology"),
    ("C25298", "C67153", "", "Vital Signs Test Name", "Systolic Blood Pressure", "", "", "Systolic"),
    ("C71620", "", "No", "Unit", "UNIT", "", "", "CDISC SDTM Unit Terminology"),
    ("C48519", "C71620", "", "Unit", '"', "inch", "", "Inch"),
)
NAME = "SDTM Terminology 2025-03-28"


def as_text(rows, header=HEADER):
    return "".join("\t".join(row) + "\r\n" for row in (header, *rows))


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def official(folder, rows=VITAL_SIGNS, header=HEADER, name=f"{NAME}.txt"):
    return written(folder / name, as_text(rows, header))


def as_csv(path, rows, standards, header=(*HEADER, "Standard and Date")):
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([header, *((*row, each) for row, each in zip(rows, standards, strict=True))])
    return path


def as_xlsx(path, rows, sheet=NAME, header=HEADER):
    book = openpyxl.Workbook()
    book.active.title = "ReadMe"
    book.active.append(["Controlled terminology"])
    page = book.create_sheet(sheet)
    for row in (header, *rows):
        page.append([cell or None for cell in row])
    book.save(path)
    return path


EXPECTED = Terminology(
    "SDTM",
    "2025-03-28",
    {
        "C66741": Codelist(
            "C66741",
            "VSTESTCD",
            "Vital Signs Test Code",
            True,
            (
                Term("SYSBP", "C25298", "Systolic Blood Pressure", ("Systolic Blood Pressure", "SBP")),
                Term("DIABP", "C25299", "Diastolic"),  # no such test name: NCI's preferred term
            ),
            "SDTM 2025-03-28",
        ),
        "C67153": Codelist(
            "C67153",
            "VSTEST",
            "Vital Signs Test Name",
            True,
            (Term("Systolic Blood Pressure", "C25298", "Systolic"),),
            "SDTM 2025-03-28",
        ),
        "C71620": Codelist(
            "C71620", "UNIT", "Unit", False, (Term('"', "C48519", "Inch", ("inch",)),), "SDTM 2025-03-28"
        ),
    },
)


# --- The three forms --------------------------------------------------------------------------------------------------


def test_ncis_text_is_read(tmp_path):
    assert read_terminology(official(tmp_path)) == [EXPECTED]


def test_cdiscs_csv_is_read_one_terminology_for_each_standard_and_date(tmp_path):
    path = as_csv(tmp_path / "any.csv", VITAL_SIGNS, ["SDTM CT 2025-03-28"] * 5 + ["ADaM CT 2024-09-27"] * 2)
    sdtm, adam = read_terminology(path)
    assert (sdtm.name, sdtm.version, list(sdtm.codelists)) == ("SDTM", "2025-03-28", ["C66741", "C67153"])
    assert (adam.name, adam.version, list(adam.codelists)) == ("ADaM", "2024-09-27", ["C71620"])
    assert sdtm.codelists["C66741"] == EXPECTED.codelists["C66741"]


def test_excel_is_read_and_its_other_sheets_are_passed_over(tmp_path):
    assert read_terminology(as_xlsx(tmp_path / "download.xlsx", VITAL_SIGNS)) == [EXPECTED]


def test_the_order_of_rows_and_the_case_of_the_header_do_not_matter(tmp_path):
    rows = sorted(VITAL_SIGNS, key=lambda row: row[1] == "")
    (found,) = read_terminology(official(tmp_path, rows, [title.upper() for title in HEADER]))
    assert found.codelists == EXPECTED.codelists


def test_blank_lines_and_blanks_around_values_are_dropped(tmp_path):
    text = as_text(VITAL_SIGNS).replace("\tSYSBP\t", "\t SYSBP \t") + "\r\n\t\t\t\t\t\t\t\r\n"
    assert read_terminology(written(tmp_path / f"{NAME}.txt", text)) == [EXPECTED]


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path):
    assert read_terminology(written(tmp_path / f"{NAME}.txt", as_text(VITAL_SIGNS), "utf-8-sig")) == [EXPECTED]


def test_text_that_is_not_utf8_is_read_as_windows_1252_and_said_so(tmp_path):
    rows = [*VITAL_SIGNS, ("C48508", "C71620", "", "Unit", "µg", "", "", "Microgram")]
    path = written(tmp_path / f"{NAME}.txt", as_text(rows), "cp1252")
    with pytest.warns(UserWarning, match=r"2025-03-28\.txt:9: not UTF-8"):
        (found,) = read_terminology(path)
    assert "µg" in found.find("UNIT").by_value


def test_text_in_neither_encoding_is_refused(tmp_path):
    path = tmp_path / f"{NAME}.txt"
    path.write_bytes(as_text(VITAL_SIGNS).encode() + b"C1\tC71620\t\tUnit\t\x81\t\t\tx\r\n")
    with pytest.warns(UserWarning), pytest.raises(InputError, match=r"\.txt:9: neither"):
        read_terminology(path)


def test_a_codelist_without_a_word_on_extensible_is_extensible(tmp_path):
    (found,) = read_terminology(official(tmp_path, [("C1", "", "", "List", "LIST", "", "", "")]))
    assert found.codelists["C1"].extensible


# --- Name and date ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name", "date"),
    [
        ("SDTM Terminology 2025-03-28.txt", "SDTM", "2025-03-28"),
        ("ADaM_CT_2025-03-28.csv", "ADaM", "2025-03-28"),
        ("Define-XML Terminology 2024-12-20.txt", "DEFINE-XML", "2024-12-20"),
        ("CDISC CDASH CT 2024-12-20.csv", "CDASH", "2024-12-20"),
        ("SEND Terminology.xlsx", "SEND", ""),
        ("ct.txt", "", ""),
    ],
)
def test_the_file_name_tells_name_and_date(file, name, date):
    assert title_of(Path(file)) == (name, date)


def test_given_name_and_date_win(tmp_path):
    (found,) = read_terminology(official(tmp_path), name="sdtm", version="2020-01-01")
    assert (found.name, found.version, found.find("UNIT").standard) == ("SDTM", "2020-01-01", "SDTM 2020-01-01")


def test_a_file_that_does_not_tell_its_date_asks_for_it(tmp_path):
    path = official(tmp_path, name="SDTM Terminology.txt")
    with pytest.raises(InputError, match="date of the terminology; give it"):
        read_terminology(path)
    assert read_terminology(path, version="2025-03-28") == [EXPECTED]
    with pytest.raises(InputError, match="name"):
        read_terminology(official(tmp_path, name="download.txt"), version="2025-03-28")


@pytest.mark.parametrize(("name", "version"), [("../../etc", "2025-03-28"), ("SDTM", "2025/../.."), ("a b", "2025")])
def test_names_that_would_lead_out_of_the_store_are_refused(tmp_path, name, version):
    with pytest.raises(InputError, match="cannot be the"):
        import_terminology(official(tmp_path), tmp_path / "store", name, version)
    assert not (tmp_path / "store").exists()


# --- Faults -----------------------------------------------------------------------------------------------------------


def fault(tmp_path, rows, header=HEADER):
    path = official(tmp_path, rows, header)
    with pytest.raises(InputError) as caught:
        read_terminology(path)
    return [line.removeprefix(str(path) + ":") for line in str(caught.value).splitlines()]


def test_missing_columns_are_named(tmp_path):
    header = [{"Code": "C-code", "NCI Preferred Term": "Preferred"}.get(title, title) for title in HEADER]
    assert fault(tmp_path, VITAL_SIGNS, header) == ["1: the header lacks Code, NCI Preferred Term."]


def test_a_short_row_is_named(tmp_path):
    assert fault(tmp_path, [*VITAL_SIGNS, ("C1", "C71620", "", "Unit", "g")]) == ["9: 5 fields where the header has 8."]


def test_every_fault_of_the_content_is_named_with_its_line(tmp_path):
    rows = [
        ("C1", "", "No", "List", "LIST", "", "", ""),
        ("C2", "C1", "", "List", "A", "", "", ""),
        ("C2", "C1", "", "List", "B", "", "", ""),
        ("C3", "C1", "", "List", "A", "", "", ""),
        ("C4", "C1", "", "List", "", "", "", ""),
        ("", "C1", "", "List", "D", "", "", ""),
        ("C5", "C9", "", "Other", "E", "", "", ""),
        ("C1", "", "No", "List", "LIST2", "", "", ""),
        ("C6", "", "Maybe", "More", "MORE", "", "", ""),
    ]
    assert fault(tmp_path, rows) == [
        "4: term C2 of codelist C1 is there twice, first on line 3.",
        "5: term C3 of codelist C1 repeats the submission value 'A' of line 3.",
        "6: term C4 of codelist C1 has no submission value.",
        "7: term  of codelist C1 has no C-code.",
        "8: term C5 belongs to codelist C9, which is not in the file.",
        "9: codelist C1 is there twice, first on line 2.",
        "10: codelist C6 has 'Maybe' for Yes or No under Extensible.",
    ]


def test_many_faults_are_counted_not_listed(tmp_path):
    rows = [(f"C{i}", "C0", "", "List", f"V{i % 2}", "", "", "") for i in range(1, 31)]
    shown = fault(tmp_path, [("C0", "", "No", "List", "LIST", "", "", ""), *rows])
    assert len(shown) == 11 and shown[-1] == " and 18 more."


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("SDTM Terminology 2025-03-28.xls", b"\xd0\xcf\x11\xe0", "text form"),
        ("SDTM Terminology 2025-03-28.xlsx", b"PK but no", "Excel workbook"),
        ("SDTM Terminology 2025-03-28.odm", b"", "are read"),
        ("SDTM Terminology 2025-03-28.txt", b"", "header lacks"),
        ("SDTM Terminology 2025-03-28.csv", b'Code,"Codelist', ":1: unexpected end of data"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_terminology(tmp_path / name)
    assert name in str(caught.value)


def test_a_file_without_rows_and_one_that_is_not_there_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds no codelist"):
        read_terminology(official(tmp_path, []))
    with pytest.raises(InputError, match="cannot be read"):
        read_terminology(tmp_path / "SDTM Terminology 2020-01-01.txt")


def test_excel_without_the_columns_or_with_changed_cells_is_refused(tmp_path):
    with pytest.raises(InputError, match="no sheet has the columns"):
        read_terminology(as_xlsx(tmp_path / "a.xlsx", VITAL_SIGNS, header=["x"] * 8))
    rows = [("C1", "", True, "List", "LIST", "", "", "")]
    with pytest.raises(InputError, match=r":2: 'True' is not text"):
        read_terminology(as_xlsx(tmp_path / "b.xlsx", rows))


# --- The own form and the store ---------------------------------------------------------------------------------------


def test_what_is_imported_is_what_was_read(tmp_path):
    files = import_terminology(official(tmp_path), tmp_path / "store")
    assert files == [tmp_path / "store" / "sdtm-2025-03-28" / name for name in ("codelists.csv", "terms.csv")]
    assert files[0].read_text().splitlines()[:2] == [
        "code,short_name,name,extensible",
        "C66741,VSTESTCD,Vital Signs Test Code,Yes",
    ]
    assert files[1].read_text().splitlines()[:2] == [
        "codelist,code,value,decode,synonyms",
        "C66741,C25298,SYSBP,Systolic Blood Pressure,Systolic Blood Pressure; SBP",
    ]
    assert load_terminology("sdtm", "2025-03-28", places=[tmp_path / "store"]) == EXPECTED


def test_an_import_without_a_place_goes_to_the_users_store(tmp_path, monkeypatch):
    monkeypatch.setenv("SDTM_CONVERT_HOME", str(tmp_path / "home"))
    import_terminology(official(tmp_path), version="1999-12-31")
    assert (tmp_path / "home" / "ct" / "sdtm-1999-12-31" / "terms.csv").is_file()
    assert list(load_terminology("SDTM", "1999-12-31").codelists) == list(EXPECTED.codelists)


def test_the_users_store_lies_where_the_platform_keeps_data(monkeypatch):
    monkeypatch.delenv("SDTM_CONVERT_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    for platform, end in [
        ("linux", "data/sdtm-convert"),
        ("darwin", "Library/Application Support/sdtm-convert"),
        ("win32", "local/sdtm-convert"),
    ]:
        monkeypatch.setattr("sys.platform", platform)
        assert user_store().as_posix().endswith(end)


def test_a_second_import_replaces_the_first_and_leaves_nothing_beside_it(tmp_path):
    import_terminology(official(tmp_path), tmp_path / "store")
    import_terminology(official(tmp_path, VITAL_SIGNS[:3]), tmp_path / "store")
    assert [each.name for each in (tmp_path / "store").iterdir()] == ["sdtm-2025-03-28"]
    assert len((tmp_path / "store" / "sdtm-2025-03-28" / "codelists.csv").read_text().splitlines()) == 2


def test_a_faulty_file_leaves_the_store_as_it_was(tmp_path):
    import_terminology(official(tmp_path), tmp_path / "store")
    with pytest.raises(InputError):
        import_terminology(official(tmp_path, VITAL_SIGNS[1:]), tmp_path / "store")
    assert load_terminology("sdtm", "2025-03-28", places=[tmp_path / "store"]) == EXPECTED


def test_a_store_that_cannot_be_written_is_an_input_error(tmp_path):
    (tmp_path / "store").write_text("a file, not a folder")
    with pytest.raises(InputError, match="cannot be written"):
        import_terminology(official(tmp_path), tmp_path / "store")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("terms.csv", "codelist,code,value\n", "must have the columns"),
        ("terms.csv", "codelist,code,value,decode,synonyms\nC1,C2,A\n", "must have the columns"),
        ("terms.csv", "codelist,code,value,decode,synonyms\nC1,C2,A,,\n", "C1 is not in codelists.csv"),
        ("codelists.csv", "", "must have the columns"),
    ],
)
def test_a_damaged_store_is_an_input_error(tmp_path, file, text, message):
    folder = tmp_path / "sdtm-2025-03-28"
    folder.mkdir()
    for name, content in (tables(EXPECTED) | {file: text}).items():
        (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_folder(folder, "SDTM", "2025-03-28")
    (folder / file).unlink()
    with pytest.raises(InputError, match="cannot be read"):
        read_folder(folder, "SDTM", "2025-03-28")


# --- The official files of 2025-03-28 ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name", "codelists", "terms"),
    [
        ("SDTM Terminology 2025-03-28.txt", "SDTM", 1158, 43698),
        ("ADaM_CT_2025-03-28.csv", "ADaM", 23, 140),
        ("CDASH_CT_2025-03-28.csv", "CDASH", 22, 352),
        ("Define-XML_CT_2025-03-28.csv", "DEFINE-XML", 15, 88),
        ("Protocol_CT_2025-03-28.csv", "Protocol", 51, 416),
    ],
)
def test_every_official_file_imports_whole(shared, tmp_path, file, name, codelists, terms):
    path = shared / "ct" / file
    import_terminology(path, tmp_path)
    found = load_terminology(name, "2025-03-28", places=[tmp_path])
    form = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if path.suffix == ".txt" else {}
    with path.open(encoding="utf-8-sig", newline="") as published:
        rows = list(csv.DictReader(published, **form))
    assert found.name == name
    assert len(found.codelists) == sum(not row["Codelist Code"] for row in rows) == codelists
    assert sum(len(each.terms) for each in found.codelists.values()) == len(rows) - codelists == terms
    assert {(each.code, each.short_name, each.name, each.extensible) for each in found.codelists.values()} == {
        (
            row["Code"],
            row["CDISC Submission Value"],
            row["Codelist Name"],
            row["Codelist Extensible (Yes/No)"] != "No",
        )
        for row in rows
        if not row["Codelist Code"]
    }
    assert {(each.code, term.code, term.value) for each in found.codelists.values() for term in each.terms} == {
        (row["Codelist Code"], row["Code"], row["CDISC Submission Value"]) for row in rows if row["Codelist Code"]
    }


def test_every_list_of_test_codes_in_the_official_file_decodes_to_the_names_of_its_pair(shared):
    (sdtm,) = read_terminology(shared / "ct" / "SDTM Terminology 2025-03-28.txt")
    by_name = {each.name: each for each in sdtm.codelists.values()}
    pairs = [(each, by_name[name[:-4] + "Name"]) for name, each in by_name.items() if name.endswith(" Test Code")]
    assert len(pairs) == 398
    for codes, names in pairs:
        values = {term.code: term.value for term in names.terms}
        assert {term.code: term.decode for term in codes.terms} == values, codes.name
