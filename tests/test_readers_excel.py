"""Excel workbooks as text tables."""

from __future__ import annotations

import datetime as dt
import re
import zipfile

import openpyxl
import pytest

from sdtm_convert.errors import InputError
from sdtm_convert.readers import read_raw
from sdtm_convert.readers.excel import date_text, shown_parts


def rows_of(frame):
    return frame.astype(object).where(frame.notna(), None).values.tolist()


def workbook(path, rows, *, formats=(), merged=(), title="ae_raw", more=()):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for cell, format in dict(formats).items():
        sheet[cell].number_format = format
    for cells in merged:
        sheet.merge_cells(cells)
    for other in more:
        book.create_sheet(other)
    book.save(path)
    return path


def rewritten(path, **changes):
    """The workbook with parts of the archive changed or added, as other programs would have written it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    for part, change in changes.items():
        parts[PARTS[part]] = change(parts.get(PARTS[part], ""))
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


PARTS = {"sheet": "xl/worksheets/sheet1.xml", "types": "[Content_Types].xml", "strings": "xl/sharedStrings.xml"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ae_raw.xlsx"


def refusal(path, **options) -> str:
    with pytest.raises(InputError) as refused:
        read_raw(path, **options)
    assert str(refused.value).startswith(f"{path}: ") and "\n" not in str(refused.value)
    return str(refused.value).removeprefix(f"{path}: ")


def test_cells_become_the_text_that_a_person_would_have_typed(path):
    values = ["007", 7, 5.0, 0.1, 1e-7, 98.6, True, False, " a ", "  ", "NA", 123456789012, "'=1"]
    raw = read_raw(workbook(path, [[f"C{at}" for at in range(len(values))], values]), missing=["NA"])
    assert rows_of(raw.frame) == [
        ["007", "7", "5", "0.1", "0.0000001", "98.6", "TRUE", "FALSE", " a ", None, None, "123456789012", "'=1"]
    ]
    assert set(map(str, raw.frame.dtypes)) == {"str"} and raw.name == "ae_raw" and raw.findings.empty


def test_zero_padded_numbers_keep_their_zeros(path):
    raw = read_raw(workbook(path, [["SITE", "N"], [7, 7], [1234, 0.5]], formats={"A2": "000", "A3": "000", "B2": "0", "B3": "00"}))
    assert rows_of(raw.frame) == [["007", "7"], ["1234", "0.5"]]


@pytest.mark.parametrize(
    ("value", "format", "text"),
    [
        (dt.datetime(2024, 1, 2), "yyyy-mm-dd", "2024-01-02"),
        (dt.datetime(2024, 1, 2), "dd/mm/yyyy", "2024-01-02"),
        (dt.datetime(2024, 1, 2), '[$-409]d"th" mmm yyyy;@', "2024-01-02"),
        (dt.datetime(2024, 1, 2), "yyyy-mm-dd hh:mm", "2024-01-02T00:00"),
        (dt.datetime(2024, 1, 2, 3, 4), "yyyy-mm-dd", "2024-01-02T03:04"),
        (dt.datetime(2024, 1, 2, 3, 4), "m/d/yy h:mm AM/PM", "2024-01-02T03:04"),
        (dt.datetime(2024, 1, 2, 3, 4), "yyyy-mm-dd hh:mm:ss", "2024-01-02T03:04:00"),
        (dt.datetime(2024, 1, 2, 3, 4, 5), "yyyy-mm-dd hh:mm", "2024-01-02T03:04:05"),
        (dt.datetime(2024, 1, 1), "mmm-yy", "2024-01"),
        (dt.datetime(2024, 1, 15), "mmm-yy", "2024-01-15"),
        (dt.datetime(2024, 1, 1), "yyyy", "2024"),
        (dt.datetime(2024, 3, 1), "yyyy", "2024-03"),
        (dt.datetime(2024, 1, 1), "d-mmm", "2024-01-01"),
        (dt.time(7, 5), "hh:mm", "07:05"),
        (dt.time(7, 5), "hh:mm:ss", "07:05:00"),
        (dt.time(7, 5, 9), "hh:mm", "07:05:09"),
        (dt.timedelta(hours=30, minutes=5), "[h]:mm:ss", "30:05:00"),
    ],
)
def test_dates_and_times_show_what_the_cell_shows(path, value, format, text):
    raw = read_raw(workbook(path, [["D"], [value]], formats={"A2": format}))
    assert rows_of(raw.frame) == [[text]]


def test_minutes_and_months_are_told_apart():
    assert not shown_parts("hh:mm").month and not shown_parts("[mm]:ss").month and shown_parts("h:mm m").month
    assert date_text(dt.date(2024, 1, 1), shown_parts("mm/yyyy")) == "2024-01"


def test_shared_and_rich_strings_are_read_and_escaped_line_breaks_come_back(path):
    workbook(path, [["A"], [1], [2], [3]])
    main = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    rewritten(
        path,
        sheet=lambda xml: re.sub(r'<c r="(A[234])" t="n">', r'<c r="\1" t="s">', xml),
        types=lambda xml: xml.replace("</Types>", f'<Override PartName="/xl/sharedStrings.xml" ContentType="{main}"/></Types>'),
        strings=lambda _: '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>none</t></si>'
        "<si><t>x_x000D_&#10;y_x0041_</t></si><si><r><t>severe </t></r><r><rPr><b/></rPr><t>pain</t></r></si>"
        '<si><t xml:space="preserve"> 007 </t></si></sst>',
    )
    assert rows_of(read_raw(path).frame) == [["x\r\ny_x0041_"], ["severe pain"], [" 007 "]]


def test_formulas_give_their_stored_value_or_a_finding(path):
    workbook(path, [["A", "B", "C"], [1, "=A2+1", "x"], [2, "=A3+1", "y"]])
    rewritten(path, sheet=lambda xml: re.sub(r"<f>A2\+1</f><v ?/?>(</v>)?", "<f>A2+1</f><v>2</v>", xml))
    raw = read_raw(path)
    assert rows_of(raw.frame) == [["1", "2", "x"], ["2", None, "y"]]
    assert raw.findings[["rule", "severity", "dataset", "record", "variables", "source"]].values.tolist() == [
        ["RAW-EXCEL-FORMULA", "error", "ae_raw", 2, "B", "ae_raw cell B3"]
    ]


def test_error_cells_stay_text_and_are_reported(path):
    raw = read_raw(workbook(path, [["A", "B"], ["x", "#N/A"], [], ["y", "#DIV/0!"]]))
    assert rows_of(raw.frame) == [["x", "#N/A"], ["y", "#DIV/0!"]]
    assert raw.findings[["rule", "record", "variables", "values", "source"]].values.tolist() == [
        ["RAW-EXCEL-ERROR", 1, "B", "#N/A", "ae_raw cell B2"],
        ["RAW-EXCEL-ERROR", 2, "B", "#DIV/0!", "ae_raw cell B4"],
    ]


def test_rows_and_columns_without_values_are_dropped(path):
    rows = [[], ["A", None, "B", " "], [], ["1", None, None, " "], [" "], [None, None, "2"], [None, None, None, None, " "]]
    raw = read_raw(workbook(path, rows))
    assert list(raw.frame) == ["A", "B"] and rows_of(raw.frame) == [["1", None], [None, "2"]]


def test_a_column_with_values_needs_a_name(path):
    assert refusal(workbook(path, [["A", None, "B"], [1, 2, 3]])) == "no name in the header for column B, which holds values."
    assert "repeats 'A' (2 times)" in refusal(workbook(path, [["A", "A"], [1, 2]]))


def test_merged_header_cells_are_spread(path):
    rows = [["SITE", "Vital signs", None, "Lab"], [None, "WT", "HT", "GLUC"], ["01", 70, 180, 5]]
    raw = read_raw(workbook(path, rows, merged=["A1:A2", "B1:C1"]), header_rows=2, header_row=1)
    assert list(raw.frame) == ["SITE", "WT", "HT", "GLUC"] and rows_of(raw.frame) == [["01", "70", "180", "5"]]
    assert raw.labels == {"SITE": "SITE", "WT": "Vital signs", "HT": "Vital signs", "GLUC": "Lab"}


def test_a_name_merged_over_two_columns_with_values_is_refused(path):
    assert "column B, which holds values" in refusal(workbook(path, [["WT", None], [70, 71]], merged=["A1:B1"]))


def test_the_sheet_is_the_only_one_or_the_namesake_or_the_named_one(path):
    workbook(path, [["A"], ["1"]], title="Data", more=["Notes"])
    assert refusal(path).startswith("has 2 sheets (Data, Notes)")
    assert rows_of(read_raw(path, sheet="Data").frame) == rows_of(read_raw(path, name="data").frame) == [["1"]]
    assert refusal(path, sheet="Note") == "has no sheet 'Note'. Did you mean 'Notes'?"
    assert "It has: Data, Notes." in refusal(path, sheet="xyz")
    assert refusal(path, sheet="Notes") == "the sheet has 0 rows with values; the header needs 1."


def test_a_stated_size_that_is_wrong_does_not_cut_the_sheet(path):
    workbook(path, [["A", "B"], ["1", "2"], ["3", "4"]])
    rewritten(path, sheet=lambda xml: xml.replace('ref="A1:B3"', 'ref="A1"'))
    assert rows_of(read_raw(path).frame) == [["1", "2"], ["3", "4"]]


def test_a_sheet_with_a_header_only_keeps_its_columns(path):
    frame = read_raw(workbook(path, [["A", "B"]])).frame
    assert list(frame) == ["A", "B"] and len(frame) == 0 and set(map(str, frame.dtypes)) == {"str"}


def test_what_is_no_readable_workbook_is_refused(path, tmp_path):
    content = workbook(path, [["A"], ["1"]]).read_bytes()
    for damaged in (b"", b"no zip", content[:-100], content[: len(content) // 2]):
        path.write_bytes(damaged)
        assert refusal(path).startswith("is not a readable Excel workbook")
    path.write_bytes(content)
    assert "not a readable Excel workbook" in refusal(rewritten(path, sheet=lambda xml: xml[:-30]))
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 500)
    assert refusal(path).startswith("is encrypted, or an old .xls")
    old = tmp_path / "ae.xls"
    old.write_bytes(path.read_bytes())
    assert "Save the workbook as .xlsx" in refusal(old)
