"""Reports of findings: every format holds every finding, harms nobody who opens it, and comes out the same each time."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from sdtm_convert.errors import InputError
from sdtm_convert.findings import COLUMNS, findings
from sdtm_convert.report import WRITERS, excel, summarize, summary_text, write_findings

FOUND = findings(
    [
        {"rule": "R2", "severity": "warning", "dataset": "LB", "record": 7, "message": "Not a date", "variables": "LBDTC", "values": "=1+1"},
        {"rule": "R1", "severity": "error", "dataset": "AE", "message": "End before start"},
        {"rule": "R1", "severity": "error", "dataset": "CM", "record": 3, "usubjid": "01-701", "seq": 2, "message": "End before start",
         "variables": "CMSTDTC; CMENDTC", "values": "2014-02; 2014-01", "source": "cm_raw row 3"},
        {"rule": "R2", "severity": "warning", "dataset": "LB", "record": 8, "message": "Not a date", "values": "</script><b>5 µg\r\n\"x\""},
        {"rule": "R3", "severity": "notice", "dataset": "LB", "message": "Noted"},
        {"rule": "R2", "severity": "warning", "dataset": "LB", "record": 9, "message": "Not a date", "values": "-5"},
    ]
)  # fmt: skip
ABOUT = {"Study": "S & 1", "Standard": "SDTMIG 3.4"}
NOTICE = "All data are synthetic."


def written(folder, formats, table=FOUND, **more):
    paths = write_findings(table, folder, formats, title="Findings of <S1>", about=ABOUT, synthetic_notice=NOTICE, **more)
    assert [path.parent for path in paths] == [folder] * len(paths) and sorted(folder.iterdir()) == sorted(paths)
    return paths


def records(table):
    return table.astype(object).where(table.notna(), None).to_dict("records")


# --- Summary ----------------------------------------------------------------------------------------------------------


def test_the_summary_has_one_line_a_rule_most_severe_and_most_frequent_first():
    causes = summarize(FOUND)
    assert [(cause.severity, cause.rule, cause.datasets, cause.count, cause.message, cause.detail, cause.extent) for cause in causes] == [
        ("error", "R1", "AE, CM", 2, "End before start", "01-701 CM sequence 2: CMSTDTC = 2014-02; CMENDTC = 2014-01", ""),
        ("warning", "R2", "LB", 3, "Not a date", "LB record 7: LBDTC = =1+1", ""),
        ("notice", "R3", "LB", 1, "Noted", "", ""),
    ]
    assert causes[1].samples == ("LB record 7: LBDTC = =1+1", 'LB record 8: </script><b>5 µg "x"', "LB record 9: -5")


def test_a_rule_that_hits_all_records_is_one_line_that_says_so():
    table = findings([{"rule": "R", "severity": "error", "dataset": name, "record": at, "message": "Wrong"}
                      for name, records in (("AE", 12), ("TS", 3), ("DM", 1)) for at in range(1, records + 1)] * 2)
    (cause,) = summarize(table, {"AE": 12, "TS": 4, "DM": 1})
    assert (cause.count, cause.extent, [(share.dataset, share.findings, share.hit, share.records) for share in cause.shares]) == (
        32, "all 12 records of AE", [("AE", 24, 12, 12), ("TS", 6, 3, 4), ("DM", 2, 1, 1)])
    only = table[table["dataset"].eq("AE")]
    assert summary_text(only, records={"AE": 12}).splitlines()[1] == "error     R     AE           24  Wrong (all 12 records; AE record 1)"
    assert [each.extent for each in (*summarize(only), *summarize(only, {"AE": 13}))] == ["", ""]


def test_each_message_of_a_rule_is_a_cause_and_the_rarest_of_very_many_share_one():
    two = findings([{"rule": "R", "severity": "error", "message": text} for text in ("a.xpt: cut off", "b.xpt: empty", "b.xpt: empty")])
    assert [(cause.message, cause.count) for cause in summarize(two)] == [("b.xpt: empty", 2), ("a.xpt: cut off", 1)]
    many = findings([{"rule": "R", "severity": "error", "message": f"file {at}"} for at in range(50)] + [{"rule": "R", "severity": "error", "message": "file 49"}])
    causes = summarize(many)
    assert len(causes) == 20 and (causes[0].message, causes[0].count) == ("31 further messages, such as: file 18", 31)
    assert (causes[1].message, causes[1].count) == ("file 49", 2) and sum(cause.count for cause in causes) == 51


def test_a_finding_on_files_names_them():
    table = findings([{"rule": "R", "severity": "error", "message": "no zip file", "source": name} for name in ("x.zip", "y.zip")])
    assert [cause.detail for cause in summarize(table)] == ["x.zip, y.zip"]
    assert summarize(findings([{"rule": "R", "severity": "error", "message": "x.zip: empty", "source": "x.zip"}]))[0].detail == ""


def test_values_that_many_findings_share_are_counted_in_the_summary():
    values = ["HELD"] * 3 + ["DOSE HELD"] * 2 + ["A", "B", "C", "D", "E"]
    table = findings([{"rule": "R", "severity": "notice", "dataset": "AE", "record": at, "variables": "AEACN", "values": value, "message": "Own term"}
                      for at, value in enumerate(values, 1)])
    shared = "AEACN = HELD (3) | DOSE HELD (2) | A (1) | B (1) | C (1) | 2 more values"
    assert [cause.values for cause in summarize(table)] == [shared]
    assert summary_text(table).splitlines()[1] == f"notice    R     AE           10  Own term ({shared})"
    two = findings([{"rule": "R", "severity": "notice", "variables": name, "values": "X"} for name in ("A", "A", "B")])
    assert [cause.values for cause in summarize(two)] == ["A = X (2) | B = X (1)"]


def test_the_values_of_several_variables_stand_beside_their_names():
    table = findings([{"rule": "R", "severity": "error", "dataset": "AE", "record": at, "variables": "AESER; AESDTH", "values": values}
                      for at, values in enumerate(["N; Y", "N; Y", "N; ; Y"], 1)])
    (cause,) = summarize(table)
    assert cause.values == "AESER = N; AESDTH = Y (2) | AESER; AESDTH = N; ; Y (1)"
    assert cause.samples == ("AE record 1: AESER = N; AESDTH = Y", "AE record 3: AESER; AESDTH = N; ; Y")


def test_a_rule_of_two_severities_has_two_lines():
    table = findings([{"rule": "R", "severity": "warning"}, {"rule": "R", "severity": "error"}, {"rule": "R", "severity": "warning"}])
    assert [(cause.severity, cause.count) for cause in summarize(table)] == [("error", 1), ("warning", 2)]


def test_empty_texts_count_as_missing_in_the_example():
    table = findings([{"rule": "R", "severity": "error", "dataset": "DM", "usubjid": "", "variables": "", "values": "acrf.pdf"}])
    assert [cause.detail for cause in summarize(table)] == ["acrf.pdf"]


def test_the_text_aligns_and_holds_one_line_a_rule():
    assert summary_text(FOUND).splitlines() == [
        "severity  rule  datasets  count  message",
        "error     R1    AE, CM        2  End before start (01-701 CM sequence 2: CMSTDTC = 2014-02; CMENDTC = 2014-01)",
        "warning   R2    LB            3  Not a date (LB record 7: LBDTC = =1+1)",
        "notice    R3    LB            1  Noted",
    ]
    assert summary_text(findings()) == "No findings."


def test_the_text_keeps_to_its_line_and_sends_nothing_to_the_terminal():
    table = findings([{"rule": "R", "severity": "error", "record": 1, "values": "a\n\x1b[31mb" + "c" * 200, "message": "x\ny"}])
    line = summary_text(table).splitlines()[1]
    names = summary_text(findings([{"rule": "R\x1b[31m", "severity": "error", "dataset": "A\nB\u202e"}])).splitlines()
    assert len(names) == 2 and "\x1b" not in names[1] and "\u202e" not in names[1]
    assert "\x1b" not in line and line.startswith("error     R") and "x y (record 1: a \ufffd[31mbccc" in line and line.endswith("ccc…)")


# --- Formats ----------------------------------------------------------------------------------------------------------


def test_json_holds_every_finding_as_it_is(tmp_path):
    (path,) = written(tmp_path, ["json"])
    assert json.loads(path.read_text("utf-8")) == records(FOUND)
    assert list(json.loads(path.read_text("utf-8"))[0]) == list(COLUMNS) and "µ" in path.read_text("utf-8")


def test_csv_holds_every_finding_and_no_formula(tmp_path):
    (path,) = written(tmp_path, ["csv"])
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert b"\r" not in path.read_bytes() and list(rows[0]) == list(COLUMNS)
    assert [row["values"] for row in rows] == ["'=1+1", "", "2014-02; 2014-01", '</script><b>5 µg\n"x"', "", "-5"]
    assert [row["record"] for row in rows] == ["7", "", "3", "8", "", "9"] and rows[2]["usubjid"] == "01-701"


@pytest.mark.parametrize("text", ["=1", "+x", "-x", "@SUM(A1)", "\tx", "+1+2", "-5;=1", "--5", "\n=1"])
def test_a_text_like_a_formula_gets_an_apostrophe_in_csv(tmp_path, text):
    (path,) = written(tmp_path, ["csv"], findings([{"rule": "R", "severity": "error", "values": text}]))
    with path.open(newline="", encoding="utf-8") as file:
        assert [row["values"] for row in csv.DictReader(file)] == ["'" + text]


@pytest.mark.parametrize("text", ["-5", "+0.5", "-1e-3", "-.5", "a=1", "'x", ""])
def test_numbers_and_plain_texts_stay_in_csv(tmp_path, text):
    (path,) = written(tmp_path, ["csv"], findings([{"rule": "R", "severity": "error", "values": text}]))
    with path.open(newline="", encoding="utf-8") as file:
        assert [row["values"] for row in csv.DictReader(file)] == [text]


def test_excel_holds_every_finding_as_text_or_number(tmp_path):
    (path,) = written(tmp_path, ["xlsx"])
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Summary", "Findings"]
    sheet = book["Findings"]
    header, *rows = sheet.iter_rows(values_only=True)
    expected = [{name: value for name, value in record.items()} for record in records(FOUND)]
    expected[3]["values"] = expected[3]["values"].replace("\r", "_x000D_")  # as Excel stores it
    assert [dict(zip(header, row)) for row in rows] == expected
    assert all(cell.data_type != "f" for row in sheet for cell in row)
    values = sheet["H"]
    assert values[1].value == "=1+1" and values[1].quotePrefix and not values[4].quotePrefix
    assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref == "A1:J7" and sheet["A1"].font.b
    assert isinstance(sheet["D2"].value, int)


def test_excel_begins_with_the_summary(tmp_path):
    (path,) = written(tmp_path, ["xlsx"], records={"LB": 3}, texts={"R2": "Dates are ISO 8601."})
    rows = [[cell for cell in row if cell is not None] for row in openpyxl.load_workbook(path)["Summary"].iter_rows(values_only=True)]
    assert rows[:5] == [["Findings of <S1>"], [NOTICE], ["2 errors, 3 warnings, 1 notice"], ["Study", "S & 1"], ["Standard", "SDTMIG 3.4"]]
    assert rows[6] == ["severity", "rule", "datasets", "count", "extent", "message", "values", "example", "rule text"]
    assert rows[8] == ["warning", "R2", "LB", 3, "all 3 records", "Not a date", "LB record 7: LBDTC = =1+1", "Dates are ISO 8601."]


def test_excel_spreads_over_sheets_what_one_cannot_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(excel, "ROWS", 4)
    monkeypatch.setattr(excel, "CHUNK", 3)
    book = openpyxl.load_workbook(written(tmp_path, ["xlsx"])[0])
    assert book.sheetnames == ["Summary", "Findings", "Findings 2"]
    assert [sheet.max_row - 1 for sheet in book.worksheets[1:]] == [4, 2] and book["Findings 2"].auto_filter.ref == "A1:J3"
    assert book["Findings 2"]["H3"].value == "-5"


def test_excel_cuts_a_text_that_no_cell_holds_and_says_so(tmp_path):
    (path,) = written(tmp_path, ["xlsx"], findings([{"rule": "R", "severity": "error", "values": "x" * 40_000}]))
    value = openpyxl.load_workbook(path)["Findings"]["H2"].value
    assert len(value) == 32_767 and value.endswith("xxx [cut]")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_any_text_survives_in_every_format(tmp_path_factory, texts):
    table = findings([{"rule": "R", "severity": "error", "values": text} for text in texts])
    json_file, xlsx_file, html_file, csv_file = written(tmp_path_factory.mktemp("report"), ["json", "xlsx", "html", "csv"], table)
    assert [row["values"] for row in json.loads(json_file.read_text("utf-8"))] == texts
    assert embedded(html_file) == records(table)
    cells = [cell.value for cell in openpyxl.load_workbook(xlsx_file)["Findings"]["H"]][1:]
    assert [unescaped(cell) for cell in cells] == texts
    with csv_file.open(newline="", encoding="utf-8") as file:
        cells = [row["values"] for row in csv.DictReader((line.replace("\0", "\ufffd") for line in file), strict=True)]
    expected = [re.sub("\r\n?", "\n", text).replace("\0", "\ufffd") for text in texts]
    assert [cell.removeprefix("'") for cell in cells] == [text.removeprefix("'") for text in expected]


def unescaped(cell: str) -> str:
    """What Excel makes of a stored text. (openpyxl has taken the x005F_ out of an escaped underscore before.)"""
    return re.sub(r"_x(00[0-9A-F]{2}|FFFE|FFFF)_", lambda found: chr(int(found.group(1), 16)), cell)


def embedded(path) -> list[dict]:
    data = json.loads(html.parse(str(path)).getroot().get_element_by_id("data").text)
    columns = {column["name"]: [column["values"][code] if code >= 0 else None for code in column["codes"]] for column in data["columns"]}
    assert data["count"] == len(columns["rule"])
    return [dict.fromkeys(COLUMNS) | dict(zip(columns, row)) for row in zip(*columns.values())]  # columns without any value are left out


def test_html_holds_the_summary_and_every_finding_in_one_file(tmp_path):
    (path,) = written(tmp_path, ["html"], records={"LB": 3, "CM": 7, "AE": 2}, texts={"R2": "Dates are ISO 8601."})
    page = html.parse(str(path)).getroot()
    assert embedded(path) == records(FOUND)
    cells = [[" ".join(cell.text_content().split()) for cell in row.iter("td")] for row in page.find_class("rules")[0].iter("tr")][1:]
    assert cells[1] == ["warning", "R2", "LB", "3", "Not a date all 3 recordsLB record 7: LBDTC = =1+1 Rule, datasets, samples Dates are ISO 8601. "
                        "LB: 3 findings, all 3 records Such as LB record 7: LBDTC = =1+1LB record 8: </script><b>5 µg \"x\"LB record 9: -5"]
    assert len(cells) == 3 and "CM: 1 finding, 1 of 7 records" in cells[0][4]
    datasets = [[cell.text_content() for cell in row.iter("td")] for row in page.find_class("datasets")[0].iter("tr")][1:]
    assert datasets == [["AE", "2", "1", "", ""], ["CM", "7", "1", "", ""], ["LB", "3", "", "3", "1"]]
    assert page.findtext(".//h1") == page.findtext(".//title") == "Findings of <S1>" and page.find_class("notice-line")[0].text == NOTICE
    assert [term.text for term in page.iter("dt")] == list(ABOUT) and page.find(".//dd").text == "S & 1"
    assert not re.findall(r"(?:src|href)=\"(?!#)", path.read_text("utf-8")) and "url(" not in path.read_text("utf-8")


def test_html_escapes_what_could_end_a_script_or_start_an_element(tmp_path):
    table = findings([{"rule": "</script><script>alert(1)</script>", "severity": "error", "message": "<img src=x onerror=alert(1)>"}])
    (path,) = written(tmp_path, ["html"], table)
    page = html.parse(str(path)).getroot()
    assert len(list(page.iter("script"))) == 2 and not list(page.iter("img")) and embedded(path) == records(table)


def test_a_report_without_findings_says_so(tmp_path):
    paths = written(tmp_path, list(WRITERS), findings())
    by_name = {path.name: path for path in paths}
    assert json.loads(by_name["findings.json"].read_text()) == [] and by_name["findings.csv"].read_text() == ",".join(COLUMNS) + "\n"
    assert "No findings." in by_name["findings.html"].read_text() and by_name["findings.txt"].read_text().endswith("No findings.\n")
    assert openpyxl.load_workbook(by_name["findings.xlsx"])["Findings"].max_row == 1


def test_the_text_file_has_head_counts_and_table(tmp_path):
    lines = written(tmp_path, ["text"])[0].read_text("utf-8").splitlines()
    assert lines[:6] == ["Findings of <S1>", NOTICE, "Study: S & 1", "Standard: SDTMIG 3.4", "", "2 errors, 3 warnings, 1 notice"]
    assert lines[7:] == summary_text(FOUND).splitlines()


# --- Files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("created", [None, dt.datetime(2026, 1, 2, 3, 4, 5), dt.datetime(2026, 1, 2, 5, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=2)))])
def test_equal_input_gives_equal_bytes(tmp_path, created, monkeypatch):
    first = [path.read_bytes() for path in written(tmp_path / "a", list(WRITERS), created=created)]
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert [path.read_bytes() for path in written(tmp_path / "b", list(WRITERS), created=created)] == first
    properties = openpyxl.load_workbook(tmp_path / "a" / "findings.xlsx").properties
    with zipfile.ZipFile(tmp_path / "a" / "findings.xlsx") as archive:
        dates = {entry.date_time for entry in archive.infolist()}
    assert dates == {(2026, 1, 2, 3, 4, 4) if created else (1980, 1, 1, 0, 0, 0)}
    if created:
        assert properties.created == properties.modified == dt.datetime(2026, 1, 2, 3, 4, 5)


def test_an_old_report_is_replaced_and_other_files_stay(tmp_path):
    (tmp_path / "findings.csv").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    write_findings(FOUND, tmp_path, ["csv"], title="T", about={})
    assert (tmp_path / "findings.csv").read_text().startswith("rule,") and (tmp_path / "notes.txt").read_text() == "mine"


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="no report format 'jsn'.*Did you mean 'json'"):
        write_findings(FOUND, tmp_path / "out", ["csv", "jsn"], title="T", about={})
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="the report cannot be written"):
        write_findings(FOUND, tmp_path / "out", title="T", about={})


def test_a_failure_leaves_the_old_report_whole(tmp_path, monkeypatch):
    written(tmp_path, ["json", "csv"])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(report, path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(WRITERS, "csv", ("findings.csv", full))
    with pytest.raises(InputError, match="No space left on device"):
        write_findings(FOUND.iloc[:1], tmp_path, ["json", "csv"], title="T", about={})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
