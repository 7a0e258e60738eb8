"""Field names are read without the data."""

from __future__ import annotations

from sdtm_convert.readers import read_fields


def test_the_fields_of_a_small_and_of_a_large_file_are_the_same(tmp_path):
    header = "\ufeffSUBJ;IT.AESTDAT;Réponse\n"
    (tmp_path / "small.csv").write_text(header + "1;2;3\n", encoding="utf-8")
    (tmp_path / "large.csv").write_text(header + "1;2;é\n" * 400_000, encoding="utf-8")
    assert read_fields(tmp_path / "small.csv") == read_fields(tmp_path / "large.csv") == ("SUBJ", "IT.AESTDAT", "Réponse")


def test_options_hold_for_field_names_too(tmp_path):
    (tmp_path / "two.csv").write_text("Subject id\tWeight\nSUBJ\tWT\n" + "1\t60\n" * 400_000, encoding="cp1252")
    assert read_fields(tmp_path / "two.csv", header_rows=2, header_row=1, encoding="cp1252") == ("SUBJ", "WT")
