"""YAML with places: text stays text, faults have file and line, one document lies over another."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from sdtm_convert.documents import check_schema, parse_document, read_document
from sdtm_convert.errors import InputError, SpecError


def parse(text: str):
    return parse_document(dedent(text).lstrip("\n"), "x.yml")


def faults_of(text: str) -> list[tuple[int, str]]:
    with pytest.raises(SpecError) as caught:
        parse(text)
    return [(fault.place.line, fault.message) for fault in caught.value.faults]


def write(folder: Path, **documents: str) -> Path:
    """Files of these names; the folder."""
    for name, text in documents.items():
        (folder / f"{name}.yml").write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return folder


# --- Text stays text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["No", "Y", "ON", "off", "007", "12:30", "2025-03-28", "1e3", "0x1F", "1_000", "null", "~", "true", ".inf", "3.40"])
def test_a_plain_scalar_stays_the_text_it_is(text):
    assert parse(f"value: {text}").data == {"value": text}
    assert parse(f"{text}: value").data == {text: "value"}


def test_a_key_without_value_is_empty_text():
    assert parse("value:\nother: ''").data == {"value": "", "other": ""}


def test_an_empty_file_is_an_empty_document():
    assert parse("").data == {} and parse("# nothing\n").data == {}


def test_a_tag_makes_no_object():
    assert parse("value: !!python/object/apply:os.system [ls]").data == {"value": ["ls"]}


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    (tmp_path / "x.yml").write_bytes(b"\xef\xbb\xbfdataset: AE\n")
    assert read_document(tmp_path / "x.yml").data == {"dataset": "AE"}


# --- Places -----------------------------------------------------------------------------------------------------------


def test_the_place_of_a_value_is_the_line_of_its_key_or_item():
    document = parse("""
        variables:
          AESEV:
            assign: SEV
          KEYS:
            - A
            - B
        """)
    lines = {path: document.place(*path).line for path in [("variables",), ("variables", "AESEV"), ("variables", "AESEV", "assign"),
                                                           ("variables", "KEYS", 1)]}
    assert list(lines.values()) == [1, 2, 3, 6]


def test_the_place_of_what_is_not_there_is_that_of_its_nearest_parent():
    document = parse("a:\n  b: 1\n")
    assert document.place("a", "c", "d", what="it").line == 1
    assert str(document.place("a", "b", "c", what="it")) == "x.yml:2: it"


# --- Faults -----------------------------------------------------------------------------------------------------------


def test_a_key_given_twice_names_both_lines():
    assert faults_of("a: 1\nb: 2\na: 3\n") == [(3, "the key is given twice, first on line 1.")]


def test_every_key_given_twice_is_reported():
    assert [line for line, _ in faults_of("a: {x: 1, x: 2}\nb:\n  y: 1\n  y: 2\n")] == [1, 4]


def test_keys_that_only_yaml_would_think_equal_are_two():
    assert parse("1: a\n01: b\ntrue: c\nTrue: d\n").data == {"1": "a", "01": "b", "true": "c", "True": "d"}


@pytest.mark.parametrize("text, line", [("a: [1, 2\nb: 3\n", 2), ("a: 1\n b: 2\n", 2), ("a: b: c\n", 1), ("\ta: 1\n", 1), ("a: *nowhere\n", 1),
                                        ("a: 1\n---\nb: 2\n", 2), ('a: "x\n', 2)])
def test_what_is_not_yaml_has_its_line(text, line):
    with pytest.raises(SpecError) as caught:
        parse_document(text, "x.yml")
    [fault] = caught.value.faults
    assert (fault.place.file, fault.place.line) == ("x.yml", line)
    assert fault.message.startswith("not YAML: ")


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text\n"])
def test_a_document_that_is_no_mapping(text):
    assert faults_of(text) == [(1, "a specification is a mapping of keys to values.")]


def test_a_merge_key_is_refused_with_the_way_to_do_it():
    with pytest.raises(SpecError, match="extends"):
        parse("a: &a {x: 1}\nb:\n  <<: *a\n")


def test_a_key_that_is_a_list_or_mapping_is_refused():
    assert faults_of("{a: 1}: b\n") == [(1, "a key must be plain text.")]


def test_an_alias_is_the_value_again():
    document = parse("a: &a {x: 1}\nb: *a\n")
    assert document.data == {"a": {"x": "1"}, "b": {"x": "1"}}
    assert document.place("b", "x").line == 1


def test_aliases_that_multiply_are_refused():
    text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"{new}: &{new} [{','.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi"))
    [(_, message)] = faults_of(text)
    assert message == "the document grows beyond 200000 values."


def test_an_alias_within_itself_is_refused():
    [(_, message)] = faults_of("a: &a [*a]\n")
    assert message == "the document grows beyond 50 levels."


def test_nesting_without_end_is_refused():
    with pytest.raises(SpecError):
        parse_document("a: " + "[" * 5000 + "]" * 5000, "x.yml")


def test_a_file_that_is_not_utf_8(tmp_path):
    (tmp_path / "x.yml").write_bytes("a: é".encode("latin-1"))
    with pytest.raises(SpecError, match="UTF-8"):
        read_document(tmp_path / "x.yml")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"x\.yml"):
        read_document(tmp_path / "x.yml")


# --- One document over another ----------------------------------------------------------------------------------------


def test_the_child_lies_over_the_parent(tmp_path):
    write(tmp_path, parent="""
        dataset: AE
        from: ae
        keys: [USUBJID]
        variables:
          AETERM: {assign: TERM}
          AESEV: {assign: SEV, case: upper}
        """, child="""
        extends: parent.yml
        keys: [USUBJID, AETERM]
        variables:
          AESEV: {assign: SEVERITY}
          AEREL: {assign: REL}
        """)
    assert read_document(tmp_path / "child.yml").data == {
        "dataset": "AE", "from": "ae", "keys": ["USUBJID", "AETERM"],
        "variables": {"AETERM": {"assign": "TERM"}, "AESEV": {"assign": "SEVERITY"}, "AEREL": {"assign": "REL"}}}


def test_places_of_a_laid_over_document_point_into_the_right_file(tmp_path):
    write(tmp_path, parent="""
        dataset: AE
        keys: [A, B]
        variables:
          AETERM: {assign: TERM}
          AESEV:
            assign: SEV
            case: upper
        """, child="""
        extends: parent.yml
        keys: [A]
        variables:
          AESEV: {assign: SEVERITY}
        """)
    document = read_document(tmp_path / "child.yml")

    def place(*path):
        found = document.place(*path)
        return Path(found.file).name, found.line

    assert place("variables", "AETERM", "assign") == ("parent.yml", 4)
    assert place("variables", "AESEV", "assign") == ("child.yml", 4)
    assert place("variables", "AESEV", "case") == ("child.yml", 4)  # the parent's line 7 is gone with the value
    assert place("keys", 0) == ("child.yml", 2)
    assert place("keys", 1) == ("child.yml", 2)
    assert place("dataset") == ("parent.yml", 1)
    assert place("nothing") == ("child.yml", 1)


def test_a_child_drops_variables_and_tests(tmp_path):
    write(tmp_path, parent="""
        dataset: VS
        tests: {SYSBP: {result: A}, TEMP: {result: B}}
        variables: {VISIT: {assign: V}, VSDTC: {assign: D}}
        supplemental: {X: {assign: E}}
        """, child="""
        extends: parent.yml
        drop: [TEMP, VISIT, X]
        """)
    data = read_document(tmp_path / "child.yml").data
    assert (data["tests"], data["variables"], data["supplemental"]) == ({"SYSBP": {"result": "A"}}, {"VSDTC": {"assign": "D"}}, {})
    assert "drop" not in data and "extends" not in data


def test_a_child_may_define_anew_what_it_drops(tmp_path):
    write(tmp_path, parent="dataset: AE\nvariables: {AESEV: {assign: A}}\n", child="extends: parent.yml\ndrop: [AESEV]\nsupplemental: {AESEV: {assign: B}}\n")
    data = read_document(tmp_path / "child.yml").data
    assert (data["variables"], data["supplemental"]) == ({}, {"AESEV": {"assign": "B"}})


def test_dropping_what_the_parent_has_not_is_a_fault_with_a_hint(tmp_path):
    write(tmp_path, parent="dataset: AE\nvariables: {AESEV: {assign: A}}\n", child="extends: parent.yml\ndrop:\n  - AESEW\n")
    with pytest.raises(SpecError) as caught:
        read_document(tmp_path / "child.yml")
    [fault] = caught.value.faults
    assert (Path(fault.place.file).name, fault.place.line, fault.hint) == ("child.yml", 3, "Did you mean 'AESEV'?")


def test_drop_needs_something_that_is_extended(tmp_path):
    write(tmp_path, child="dataset: AE\ndrop: [AESEV]\n")
    with pytest.raises(SpecError, match="extends"):
        read_document(tmp_path / "child.yml", "mapping")


def test_three_generations(tmp_path):
    write(tmp_path, a="x: {k: a, l: a, m: a}\n", b="extends: a.yml\nx: {l: b, m: b}\n", c="extends: b.yml\nx: {m: c}\n")
    document = read_document(tmp_path / "c.yml")
    assert document.data == {"x": {"k": "a", "l": "b", "m": "c"}}
    assert [Path(document.place("x", key).file).name for key in "klm"] == ["a.yml", "b.yml", "c.yml"]
    assert [Path(file).name for file in document.parents] == ["a.yml", "b.yml"]


def test_a_document_that_extends_itself_in_the_end(tmp_path):
    write(tmp_path, a="extends: b.yml\n", b="x: 1\nextends: a.yml\n")
    with pytest.raises(SpecError, match="extends itself") as caught:
        read_document(tmp_path / "a.yml")
    assert caught.value.faults[0].place.line == 2


def test_a_parent_that_is_not_there_has_a_hint(tmp_path):
    write(tmp_path, sponsor_ae="dataset: AE\n", ae="extends: sponsor_ea.yml\n")
    with pytest.raises(SpecError, match="Did you mean 'sponsor_ae.yml'?"):
        read_document(tmp_path / "ae.yml")


def test_a_parent_in_another_folder(tmp_path):
    (tmp_path / "sponsor").mkdir()
    (tmp_path / "study").mkdir()
    write(tmp_path / "sponsor", ae="dataset: AE\n")
    write(tmp_path / "study", ae="extends: ../sponsor/ae.yml\nfrom: t\n")
    assert read_document(tmp_path / "study" / "ae.yml").data == {"dataset": "AE", "from": "t"}


# --- The schema -------------------------------------------------------------------------------------------------------


def schema_faults(text: str, schema: str = "mapping") -> list[tuple[int, str, str]]:
    return [(fault.place.line, fault.message, fault.hint) for fault in check_schema(parse(text), schema)]


def test_an_unknown_key_has_its_line_and_a_hint():
    assert schema_faults("dataset: AE\nfrom: ae\nvariabels: {}\n") == [(3, "unknown key 'variabels'.", "Did you mean 'variables'?")]


def test_an_unknown_key_that_resembles_none_gets_the_list():
    [(line, message, hint)] = schema_faults("dataset: VS\ntests:\n  TEMP:\n    result: T\n    qqq: x\n")
    assert (line, message) == (5, "unknown key 'qqq'.") and "standard_unit" in hint


def test_a_missing_key():
    assert schema_faults("from: ae\n") == [(1, "the key 'dataset' is missing.", "")]


def test_a_name_that_cannot_be_a_variable_has_the_line_of_its_key():
    [(line, message, hint)] = schema_faults("dataset: AE\nvariables:\n  AETERM: {assign: A}\n  aesev: {assign: B}\n")
    assert (line, message) == (4, "'aesev' cannot be a name here.") and "capital letters" in hint


def test_a_test_code_with_too_many_letters():
    [(line, message, _)] = schema_faults("dataset: VS\ntests:\n  SYSTOLICBP: {result: A}\n")
    assert (line, message) == (3, "'SYSTOLICBP' cannot be a name here.")


def test_a_variable_that_is_no_step():
    [(line, message, _)] = schema_faults("dataset: AE\nvariables:\n  AETERM: TERM\n")
    assert (line, message) == (3, '"TERM" is not a mapping.')


def test_decimals_that_are_no_number():
    [(line, message, hint)] = schema_faults("dataset: VS\ntests:\n  TEMP:\n    result: T\n    decimals: two\n")
    assert (line, message) == (5, '"two" does not have the form that is needed here.') and "whole number" in hint


def test_a_wrong_choice_has_a_hint():
    [(line, message, hint)] = schema_faults("dataset: ADVS\nclass: BSD\n")
    assert (line, message, hint) == (2, '"BSD" is none of ADSL, BDS, TTE, OCCDS.', "Did you mean 'BDS'?")


def test_all_faults_of_a_document_at_once():
    assert len(schema_faults("datset: AE\nfrom: [a]\nkeys: x\nvariables: {a: {b: c}}\n")) == 5


STUDY = "study: X\nstandards: {sdtmig: 3.4, sdtm_ct: 2025-03-28}\nraw:\n  usubjid: '{ID}'\n  tables:\n    t: {file: t.csv}\n"


def test_a_study_that_is_right():
    assert schema_faults(STUDY, "study") == []


@pytest.mark.parametrize("right, wrong, line", [
    ("'{ID}'", "'01'", 4), ("'{ID}'", "'01-{ID'", 4), ("'{ID}'", "'{}'", 4), ("t: {", "raw: {", 6), ("t: {", "t.a: {", 6),
    ("t.csv}", "t.csv, header_rows: two}", 6), ("t.csv}", "t.csv, ragged: maybe}", 6), ("t.csv}", "t.csv, fiel: x}", 6),
    ("study: X", "study: X\nunit_factors: {LB: {kg: half}}", 2), ("study: X", "study: X\ncreated: yesterday", 2)])
def test_faults_of_a_study(right, wrong, line):
    assert [found for found, _, _ in schema_faults(STUDY.replace(right, wrong), "study")] == [line]


@pytest.mark.parametrize("factor", ["0.4536", "12", "5/9", "1e-3"])
def test_factors_are_numbers_or_fractions(factor):
    assert schema_faults(STUDY + f"unit_factors: {{LB: {{kg: {factor}}}}}\n", "study") == []
