"""Files of datasets: every form is read, and whatever is wrong with one file is a finding that does not stop the rest."""

from __future__ import annotations

import gzip
import os
import random
import zipfile
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from define_examples import SDTM

from sdtm_convert import archives
from sdtm_convert.dataset_json import write_dataset_json
from sdtm_convert.datasets import SUFFIXES, read_datasets
from sdtm_convert.define import define_xml
from sdtm_convert.errors import InputError
from sdtm_convert.model import Variable
from sdtm_convert.parquet import write_parquet
from sdtm_convert.standard import load_standard
from sdtm_convert.xpt import XptWarning, write_xpt

SDTMIG, ADAMIG = load_standard("sdtmig", "3.4"), load_standard("adamig", "1.3")
AE = "STUDYID,DOMAIN,USUBJID,AESEQ,AETERM\nS,AE,S-1,1,Headache\nS,AE,S-2,1,\n"


def frame():
    return pd.DataFrame({"USUBJID": ["S-1", "S-2"], "VSSEQ": [1.0, 2.0]}).astype({"USUBJID": "str"})


def transport(path, name="VS"):
    path.parent.mkdir(exist_ok=True, parents=True)
    write_xpt(frame(), path, name=name, label="Vital Signs")
    return path


def told(read):
    return [tuple(row) for row in read.findings[["rule", "severity", "source"]].itertuples(index=False)]


def zipped(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


# --- Forms ------------------------------------------------------------------------------------------------------------


def test_a_csv_has_text_and_the_numbers_that_the_standard_knows(tmp_path):
    (tmp_path / "ae.csv").write_text(AE, encoding="utf-8")
    read = read_datasets([tmp_path], SDTMIG)
    assert read.frames["AE"]["AESEQ"].tolist() == [1.0, 1.0] and read.frames["AE"]["AETERM"].isna().tolist() == [False, True]
    assert read.metadata == {} and read.files == {"AE": tmp_path / "ae.csv"} and told(read) == []


def test_tables_beside_csv_files_give_labels_types_and_lengths(tmp_path):
    (tmp_path / "xx.csv").write_text("USUBJID,XXVAL,XXCODE\nS-1,1.5,007\n", encoding="utf-8")
    (tmp_path / "_datasets.csv").write_text("Filename,Label\nxx,Own Data\n", encoding="utf-8")
    (tmp_path / "_variables.csv").write_text(
        'dataset,variable,label,type,length\nxx,USUBJID,Subject,Char,20\nxx,XXVAL,"Value, measured",Num,8\nxx,XXCODE,Code,Char,3\n', encoding="utf-8")
    read = read_datasets([tmp_path], SDTMIG)
    described = read.metadata["XX"]
    assert read.frames["XX"]["XXVAL"].tolist() == [1.5] and read.frames["XX"]["XXCODE"].tolist() == ["007"]
    assert described.label == "Own Data" and described.records == 1
    assert [(v.name, v.label, v.type, v.length) for v in described.variables] == [
        ("USUBJID", "Subject", "Char", 20), ("XXVAL", "Value, measured", "Num", 8), ("XXCODE", "Code", "Char", 3)]


def test_a_value_that_is_no_number_though_declared_is_a_finding_and_stays(tmp_path):
    (tmp_path / "xx.csv").write_text("XXVAL\n1\n<2\n", encoding="utf-8")
    (tmp_path / "_variables.csv").write_text("dataset,variable,label,type,length\nxx,XXVAL,Value,Num,8\n", encoding="utf-8")
    read = read_datasets([tmp_path], SDTMIG)
    assert read.frames["XX"]["XXVAL"].tolist() == ["1", "<2"]
    assert read.findings[["rule", "dataset", "record", "variables", "values"]].values.tolist() == [["FILE-TYPE", "XX", 2, "XXVAL", "<2"]]


def test_a_table_of_variables_without_its_columns_is_a_finding(tmp_path):
    (tmp_path / "ae.csv").write_text(AE, encoding="utf-8")
    (tmp_path / "_variables.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    read = read_datasets([tmp_path], SDTMIG)
    assert list(read.frames) == ["AE"] and told(read) == [("FILE-UNREADABLE", "warning", "_datasets.csv, _variables.csv")]


def test_parquet_keeps_its_own_numbers(tmp_path):
    pd.DataFrame({"USUBJID": ["1"], "XXVAL": [2.5], "XXTXT": ["3"]}).to_parquet(tmp_path / "xx.parquet")
    read = read_datasets([tmp_path], SDTMIG)
    assert read.frames["XX"].iloc[0].tolist() == ["1", 2.5, "3"]


@pytest.mark.parametrize(("values", "read", "record"), [
    (pa.array([1, None, 2**53 + 1]), ["1", "", "9007199254740993"], 3),
    (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"], 1),
    (pa.array([Decimal(2**53 + 1)], pa.decimal128(20, 2)), ["9007199254740993.00"], 1),
    (pa.array([1, 2**53 + 2]), [1.0, 2.0**53 + 2], None),
    (pa.array([Decimal("0.12"), Decimal(5)], pa.decimal128(20, 2)), [0.12, 5.0], None),
    (pa.array([1e23, 0.1, 5e-324]), [1e23, 0.1, 5e-324], None),
])  # fmt: skip
def test_whole_numbers_of_parquet_that_float64_would_round_stay_text_and_are_a_finding(tmp_path, values, read, record):
    pq.write_table(pa.table({"XXVAL": values}), tmp_path / "xx.parquet")
    found = read_datasets([tmp_path], SDTMIG)
    column = found.frames["XX"]["XXVAL"]
    assert (column.fillna("") if record else column).tolist() == read
    message = "1 values are numbers that float64 does not hold; the variable is read as text."
    expected = [["FILE-TYPE", "error", "XX", record, "XXVAL", read[record - 1], message]] if record else []
    assert found.findings[["rule", "severity", "dataset", "record", "variables", "values", "message"]].values.tolist() == expected


def test_a_whole_number_of_a_csv_that_float64_would_round_is_a_finding_too(tmp_path):
    (tmp_path / "ae.csv").write_text("AESEQ,AETERM\n1,a\n9007199254740993,b\n", encoding="utf-8")
    found = read_datasets([tmp_path], SDTMIG)
    assert found.frames["AE"]["AESEQ"].tolist() == ["1", "9007199254740993"]
    assert found.findings[["rule", "record", "variables", "values"]].values.tolist() == [["FILE-TYPE", 2, "AESEQ", "9007199254740993"]]


def test_parquet_that_describes_its_dataset_is_taken_at_its_word(tmp_path):
    own = tuple(Variable(name, name.title(), kind, data_type, 8) for name, kind, data_type in (("USUBJID", "Char", "text"), ("VSSEQ", "Num", "integer")))
    write_parquet(frame(), tmp_path / "vs.parquet", name="VS", label="Vital Signs", variables=own, created="2026-01-02T03:04:05")
    read = read_datasets([tmp_path], SDTMIG)
    assert read.frames["VS"].equals(frame()) and [v.label for v in read.metadata["VS"].variables] == ["Usubjid", "Vsseq"]


def test_dataset_json_is_read_and_other_json_is_not(tmp_path):
    own = tuple(Variable(name, name.title(), kind, data_type, 8) for name, kind, data_type in (("USUBJID", "Char", "text"), ("VSSEQ", "Num", "integer")))
    for name in ("vs.json", "vs.ndjson"):
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        write_dataset_json(frame(), folder / name, name="VS", label="Vital Signs", variables=own, created="2026-01-02T03:04:05")
        (folder / "manifest.txt").write_text("x")
        (folder / "findings.json").write_text("[]")
        read = read_datasets([folder], SDTMIG)
        assert told(read) == [] and list(read.frames) == ["VS"] and read.frames["VS"].equals(frame())
        assert (read.metadata["VS"].label, read.metadata["VS"].by_name["VSSEQ"].type) == ("Vital Signs", "Num")
        (folder / name).write_bytes((folder / name).read_bytes()[:-20])
        assert told(read_datasets([folder], SDTMIG)) == [("FILE-UNREADABLE", "error", name)]


def test_a_transport_file_of_several_datasets_gives_each(tmp_path):
    one, two = transport(tmp_path / "a" / "vs.xpt"), transport(tmp_path / "b" / "lb.xpt", "LB")
    (tmp_path / "both.xpt").write_bytes(one.read_bytes() + two.read_bytes()[240:])
    read = read_datasets([tmp_path / "both.xpt"], SDTMIG)
    assert list(read.frames) == ["VS", "LB"] and told(read) == []
    assert read.frames["LB"].equals(read.frames["VS"]) and read.metadata["LB"].label == "Vital Signs"


def test_a_define_xml_beside_the_files_completes_what_they_say(tmp_path):
    transport(tmp_path / "vs.xpt")
    (tmp_path / "define.xml").write_bytes(define_xml(SDTM))
    read = read_datasets([tmp_path], SDTMIG)
    said = next(dataset for dataset in SDTM.datasets if dataset.name == "VS")
    described = read.metadata["VS"]
    assert read.defines == (tmp_path / "define.xml",) and told(read) == []
    assert (described.keys, described.class_name, described.structure) == (said.keys, said.class_name, said.structure) and described.keys
    assert [(v.name, v.type) for v in described.variables] == [("USUBJID", "Char"), ("VSSEQ", "Num")]
    assert described.by_name["USUBJID"].label == "" and described.by_name["USUBJID"].role == said.by_name["USUBJID"].role == "Identifier"


def test_a_csv_beside_a_define_xml_has_its_labels_types_and_codelists(tmp_path):
    said = next(dataset for dataset in SDTM.datasets if dataset.name == "VS")
    pd.DataFrame({v.name: ["1"] for v in said.variables}).to_csv(tmp_path / "vs.csv", index=False)
    (tmp_path / "define.xml").write_bytes(define_xml(SDTM))
    described = read_datasets([tmp_path], SDTMIG).metadata["VS"]
    assert [(v.name, v.label, v.type) for v in described.variables] == [(v.name, v.label, v.type) for v in said.variables]
    own = {v.name: [term.value for term in v.codelist.terms] for v in described.variables if v.codelist}
    assert own == {v.name: [term.value for term in v.codelist.terms] for v in said.variables if v.codelist} and own


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE ODM [<!ENTITY a SYSTEM "file:///etc/passwd">]><ODM>&a;</ODM>'


@pytest.mark.parametrize("content", [ENTITIES, b"<ODM", b"<ODM/>", b""])
def test_a_define_xml_that_is_none_is_a_finding_and_the_data_are_read(tmp_path, content):
    transport(tmp_path / "vs.xpt")
    (tmp_path / "define.xml").write_bytes(content)
    read = read_datasets([tmp_path], SDTMIG)
    assert list(read.frames) == ["VS"] and read.defines == () and told(read) == [("FILE-UNREADABLE", "warning", "define.xml")]
    assert "root:" not in read.findings.to_csv()


# --- Archives -----------------------------------------------------------------------------------------------------------


def test_an_archive_is_read_with_what_describes_it(tmp_path):
    transport(tmp_path / "vs.xpt")
    parts = {"m5/vs.xpt": (tmp_path / "vs.xpt").read_bytes(), "m5/define.xml": define_xml(SDTM), "readme.txt": "x", "__MACOSX/._vs.xpt": "x"}
    workplace = tmp_path / "work"
    workplace.mkdir()
    read = read_datasets([zipped(tmp_path / "p.zip", parts)], SDTMIG, workplace=workplace)
    assert list(read.frames) == ["VS"] and read.metadata["VS"].keys and told(read) == []
    assert read.files["VS"].is_relative_to(workplace) and len(read.defines) == 1


def test_a_file_under_gzip_is_read(tmp_path):
    (tmp_path / "ae.csv.gz").write_bytes(gzip.compress(AE.encode()))
    (tmp_path / "notes.txt.gz").write_bytes(gzip.compress(b"x"))
    read = read_datasets([tmp_path], SDTMIG)
    assert len(read.frames["AE"]) == 2 and told(read) == []


@pytest.mark.parametrize("name", ["../evil.xpt", "/tmp/evil.xpt", "a/../../evil.xpt", "..\\evil.xpt", "C:\\evil.xpt"])
def test_a_name_that_leads_out_of_the_archive_is_refused(tmp_path, name):
    transport(tmp_path / "in" / "vs.xpt")
    archive = zipped(tmp_path / "p.zip", {name: "evil", "vs.xpt": (tmp_path / "in" / "vs.xpt").read_bytes()})
    workplace = tmp_path / "a" / "b" / "work"
    workplace.mkdir(parents=True)
    read = read_datasets([archive], SDTMIG, workplace=workplace)
    assert list(read.frames) == ["VS"] and [row[:2] for row in told(read)] == [("FILE-UNREADABLE", "error")]
    assert "out of the archive" in read.findings["message"][0]
    assert not [path for path in [*tmp_path.rglob("*"), Path("/tmp/evil.xpt")] if "evil" in path.name and path.exists()]


def test_a_bomb_is_refused_and_the_rest_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "HARMLESS", 1 << 20)
    transport(tmp_path / "in" / "vs.xpt")
    zipped(tmp_path / "in" / "bomb.zip", {"lb.csv": b"A\n" + b"0" * (20 << 20), "ae.csv": AE})
    read = read_datasets([tmp_path / "in"], SDTMIG)
    assert list(read.frames) == ["VS"] and told(read) == [("FILE-UNREADABLE", "error", "bomb.zip")]
    (tmp_path / "lb.csv.gz").write_bytes(gzip.compress(b"A\n" + b"0" * (20 << 20)))
    assert told(read_datasets([tmp_path / "lb.csv.gz"], SDTMIG)) == [("FILE-UNREADABLE", "error", "lb.csv.gz")]


def test_sizes_that_an_archive_claims_are_not_believed(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "HARMLESS", 1 << 20)
    archive = zipped(tmp_path / "p.zip", {"lb.csv": b"A\n" + b"0" * (20 << 20)})
    data = bytearray(archive.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    archive.write_bytes(data)
    read = read_datasets([archive], SDTMIG)
    assert read.frames == {} and [row[0] for row in told(read)] == ["FILE-UNREADABLE"]


def test_an_archive_in_an_archive_is_not_looked_into(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"dm.csv": "USUBJID\n1\n"}).read_bytes()
    read = read_datasets([zipped(tmp_path / "p.zip", {"ae.csv": AE, "more/inner.zip": inner})], SDTMIG)
    assert list(read.frames) == ["AE"] and told(read) == [("FILE-IGNORED", "warning", "p.zip/more/inner.zip")]


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    read = read_datasets([zipped(tmp_path / "p.zip", {f"{at}.csv": "A\n" for at in range(4)})], SDTMIG)
    assert read.frames == {} and told(read) == [("FILE-UNREADABLE", "error", "p.zip")]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"x" * 1000])
def test_a_zip_that_is_none_is_a_finding(tmp_path, content):
    (tmp_path / "p.zip").write_bytes(content)
    assert told(read_datasets([tmp_path / "p.zip"], SDTMIG)) == [("FILE-UNREADABLE", "error", "p.zip")]


def test_an_archive_without_datasets_says_so(tmp_path):
    read = read_datasets([zipped(tmp_path / "p.zip", {"a.txt": "x"})], SDTMIG)
    assert told(read) == [("FILE-UNREADABLE", "error", "p.zip")] and "no datasets" in read.findings["message"][0]


# --- Hostile and damaged files ------------------------------------------------------------------------------------------


HOSTILE = {
    "nul.csv": b"A,B\n1,\x002\n",
    "utf16.csv": "A,B\nx,y\n".encode("utf-16-le"),
    "latin.csv": "A,B\nå,ö\n".encode("latin-1"),
    "quote.csv": b'A,B\n"1,2\n',
    "empty.csv": b"",
    "ragged.csv": b"A,B\n1\n1,2,3\n",
    "twice.csv": b"A,A\n1,2\n",
    "empty.xpt": b"",
    "text.xpt": b"not a transport file",
    "zero.xpt": bytes(800),
    "magic.parquet": b"PAR1" + bytes(50) + b"PAR1",
    "empty.parquet": b"",
}


def test_hostile_files_are_findings_and_the_rest_is_read(tmp_path):
    transport(tmp_path / "vs.xpt")
    for name, content in HOSTILE.items():
        (tmp_path / name).write_bytes(content)
    read = read_datasets([tmp_path], SDTMIG)
    assert list(read.frames) == ["VS"]
    assert sorted(told(read)) == sorted(("FILE-UNREADABLE", "error", name) for name in HOSTILE)


def test_a_huge_field_is_read_whole(tmp_path):
    (tmp_path / "ae.csv").write_text(f'USUBJID,AETERM\n1,"{"x" * 3_000_000}\n"\n', encoding="utf-8")
    assert read_datasets([tmp_path], SDTMIG).frames["AE"]["AETERM"].str.len().tolist() == [3_000_001]


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_transport_or_parquet_file_never_stops_the_run(tmp_path, seed):
    chance = random.Random(seed)
    source = transport(tmp_path / "vs.xpt")
    if seed % 3 == 0:
        source = tmp_path / "vs.parquet"
        (tmp_path / "vs.xpt").unlink()
        frame().to_parquet(source)
    data = bytearray(source.read_bytes())
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    source.write_bytes(data[: chance.randint(1, len(data))] if seed % 2 else data)
    (tmp_path / "ae.csv").write_text(AE, encoding="utf-8")
    read = read_datasets([tmp_path], SDTMIG)
    assert "AE" in read.frames and (len(read.frames) == 2 or told(read)[0][:2] == ("FILE-UNREADABLE", "error"))


def test_a_number_with_a_giant_exponent_is_a_finding(tmp_path):
    (tmp_path / "ae.csv").write_text("STUDYID,AESEQ\nS,1e9999999999999999999\nS,2\n")
    read = read_datasets([tmp_path], SDTMIG)
    assert told(read) == [("FILE-TYPE", "error", "ae.csv")]
    assert read.frames["AE"]["AESEQ"].tolist() == ["1e9999999999999999999", "2"]


# --- Which files --------------------------------------------------------------------------------------------------------


def test_a_path_that_is_not_there_or_no_dataset_is_an_error(tmp_path):
    transport(tmp_path / "vs.xpt")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "none").mkdir()
    for path, message in (("vs.xtp", "Did you mean 'vs.xpt'"), ("notes.txt", "not a dataset"), ("none", "no datasets")):
        with pytest.raises(InputError, match=message):
            read_datasets([tmp_path / path], SDTMIG)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "vs.csv").write_text("USUBJID\n1\n")
    with pytest.raises(InputError, match="the dataset VS is in .*vs.xpt too"):
        read_datasets([tmp_path / "more", tmp_path], SDTMIG)


def test_of_several_forms_of_a_dataset_in_a_folder_the_transport_file_is_read(tmp_path):
    transport(tmp_path / "vs.xpt")
    (tmp_path / "vs.csv").write_text("USUBJID\n1\n")
    (tmp_path / "ae.csv").write_text(AE)
    read = read_datasets([tmp_path], SDTMIG)
    assert {name: file.name for name, file in read.files.items()} == {"AE": "ae.csv", "VS": "vs.xpt"}
    assert told(read) == [("FILE-IGNORED", "notice", "vs.csv")]
    assert read.findings["message"].tolist() == ["vs.xpt holds VS too, in another format, and was taken."]


def test_datasets_of_files_with_other_names_are_read_all_the_same(tmp_path):
    with pytest.warns(XptWarning, match="is to hold the dataset VS"):
        transport(tmp_path / "dm.xpt")
    (tmp_path / "dm.csv").write_text("USUBJID\n1\n")
    with gzip.open(tmp_path / "vs.csv.gz", "wt") as packed:
        packed.write("USUBJID\n1\n")
    read = read_datasets([tmp_path], SDTMIG)
    assert {name: file.name for name, file in read.files.items()} == {"DM": "dm.csv", "VS": "dm.xpt"}
    assert told(read) == [("FILE-IGNORED", "notice", "vs.csv.gz")]


def test_where_the_transport_file_cannot_be_read_another_format_is(tmp_path):
    (tmp_path / "ae.xpt").write_bytes(b"no transport file")
    (tmp_path / "ae.csv").write_text(AE)
    read = read_datasets([tmp_path], SDTMIG)
    assert read.files["AE"].name == "ae.csv"
    assert told(read) == [("FILE-UNREADABLE", "error", "ae.xpt")]


def test_broken_links_loops_and_pipes_named_like_datasets_are_findings(tmp_path):
    transport(tmp_path / "vs.xpt")
    (tmp_path / "ae.xpt").symlink_to("ae.xpt")
    (tmp_path / "cm.csv").symlink_to(tmp_path / "nowhere.csv")
    (tmp_path / "below").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "ex.csv")
    (tmp_path / "mh.json").write_text("")
    (tmp_path / os.fsdecode(b"lb\xff.csv")).write_text(AE)
    read = read_datasets([tmp_path], SDTMIG)
    assert list(read.frames) == ["VS"] and sorted(told(read)) == [
        ("FILE-UNREADABLE", "error", name) for name in ("ae.xpt", "cm.csv", "ex.csv", "lb?.csv", "mh.json")]


def test_a_folder_below_that_cannot_be_read_is_a_finding(tmp_path, monkeypatch):
    transport(tmp_path / "open" / "vs.xpt")
    transport(tmp_path / "locked" / "vs.xpt")
    scandir = os.scandir

    def locked(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    read = read_datasets([tmp_path], SDTMIG)
    assert list(read.frames) == ["VS"] and told(read) == [("FILE-UNREADABLE", "error", "locked")]


def test_a_path_that_may_not_be_read_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match="the folder cannot be read: Permission denied"):
        read_datasets([tmp_path], SDTMIG)


def test_a_file_that_is_named_twice_is_read_once(tmp_path):
    file = transport(tmp_path / "vs.xpt")
    assert list(read_datasets([tmp_path, file, tmp_path / "." / "vs.xpt"], SDTMIG).frames) == ["VS"]


def test_of_a_package_the_part_that_the_standard_is_about_is_read(tmp_path):
    for place, name in (("tabulations/sdtm", "DM"), ("tabulations/sdtm", "VS"), ("analysis/adam/datasets", "ADSL")):
        transport(tmp_path / place / f"{name.lower()}.xpt", name)
    (tmp_path / "lineage").mkdir()
    frame().to_parquet(tmp_path / "lineage" / "vs.parquet")
    (tmp_path / "lineage" / "lineage.json").write_text("{}")
    assert sorted(read_datasets([tmp_path], SDTMIG).frames) == ["ADSL", "DM", "VS"]
    (tmp_path / "manifest.json").write_text("{}")
    assert sorted(read_datasets([tmp_path], SDTMIG).frames) == ["DM", "VS"]
    assert sorted(read_datasets([tmp_path], ADAMIG).frames) == ["ADSL", "DM"]


# --- Real files ---------------------------------------------------------------------------------------------------------


def test_every_file_of_the_pilot_is_read(shared):
    pilot = shared / "pilot"
    folders = sorted({path.parent for path in pilot.rglob("*") if path.name.removesuffix(".gz").endswith(tuple(SUFFIXES)) and path.parent.name != "acrf"})
    assert len(folders) >= 7
    unread, count = [], 0
    for folder in folders:
        files = [path for path in folder.iterdir() if path.name.removesuffix(".gz").endswith((".xpt", ".csv"))]
        read = read_datasets(files, ADAMIG if "adam" in folder.parts else SDTMIG)
        unread += read.findings[read.findings["rule"].eq("FILE-UNREADABLE") & ~read.findings["source"].eq("define.xml")]["message"].tolist()
        assert len(read.frames) == len(files) and all(len(table) for table in read.frames.values())
        count += len(files)
    assert unread == [] and count >= 50


def test_the_title_page_of_the_pilot_in_windows_1252_is_read_and_said_so(shared):
    read = read_datasets([shared / "pilot" / "sdtm_original" / "ts.xpt"], SDTMIG)
    assert [row for row in told(read) if row[0] == "FILE-ENCODING"] == [("FILE-ENCODING", "warning", "ts.xpt")]
    assert read.frames["TS"]["TSVAL"].str.contains("Alzheimer’s Disease").any()
    told_again = read_datasets([shared / "pilot" / "sdtm_original" / "ts.xpt"], SDTMIG, "cp1252")
    assert "FILE-ENCODING" not in told_again.findings["rule"].tolist() and told_again.frames["TS"].equals(read.frames["TS"])
