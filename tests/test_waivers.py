"""Waivers set accepted findings aside, visibly, and end on their day."""

from __future__ import annotations

from datetime import date

import pytest

from sdtm_convert.errors import InputError, SpecError
from sdtm_convert.findings import COLUMNS, findings
from sdtm_convert.waivers import apply_waivers, read_waivers, today

DAY = date(2026, 11, 22)
FOUND = findings(
    [
        {"rule": "R1", "severity": "error", "dataset": "AE", "record": 1, "usubjid": "S-1", "variables": "AEACN", "values": "HELD; ACN"},
        {"rule": "R1", "severity": "error", "dataset": "AE", "record": 2, "usubjid": "S-2", "variables": "AEOUT", "values": "CURED"},
        {"rule": "R1", "severity": "error", "dataset": "CM", "record": 1, "usubjid": "S-1", "variables": "CMSTDTC; CMENDTC", "values": "2020; 2019"},
        {"rule": "R2", "severity": "warning", "dataset": "AE", "message": "Whole dataset"},
    ]
)
TAIL = "reason: Agreed, who: M. Rossi, expires: 2027-06-30"


def waivers(tmp_path, *narrowing, tail=TAIL):
    path = tmp_path / "waivers.yml"
    path.write_text("waivers:\n" + "".join(f"  - {{{each}, {tail}}}\n" for each in narrowing), encoding="utf-8")
    return read_waivers(path)


@pytest.mark.parametrize(("narrowing", "expected"), [
    ("rule: R1", [0, 1, 2]),
    ("rule: R2", [3]),
    ("rule: R1, dataset: AE", [0, 1]),
    ("rule: R1, usubjid: S-1", [0, 2]),
    ("rule: R1, variables: AEACN", [0]),
    ("rule: R1, variables: CMENDTC", [2]),
    ("rule: R1, variables: [CMSTDTC, CMENDTC]", [2]),
    ("rule: R1, variables: [CMSTDTC, AEACN]", []),
    ("rule: R1, value: HELD", [0]),
    ("rule: R1, value: HELD; ACN", [0]),
    ("rule: R1, value: 2019", [2]),
    ("rule: R1, variables: CMSTDTC, value: 2019", []),
    ("rule: R1, variables: CMENDTC, value: 2019", [2]),
    ("rule: R1, dataset: LB", []),
    ("rule: R", []),
])  # fmt: skip
def test_a_waiver_meets_what_it_names(tmp_path, narrowing, expected):
    done = apply_waivers(FOUND, waivers(tmp_path, narrowing), DAY)
    kept = done.live[~done.live["rule"].str.startswith("WAIVER-")]
    assert done.aside[list(COLUMNS)].equals(FOUND.iloc[expected].reset_index(drop=True))
    assert kept.reset_index(drop=True).equals(FOUND.drop(index=expected).reset_index(drop=True))
    assert ("WAIVER-UNUSED" in set(done.live["rule"])) == (not expected)
    assert set(done.aside["who"]) <= {"M. Rossi"} and set(done.aside["expires"]) <= {"2027-06-30"}


def test_a_waiver_holds_on_its_last_day_and_not_on_the_next(tmp_path):
    read = waivers(tmp_path, "rule: R2", tail="reason: For now, who: A, expires: 2026-11-22")
    assert len(apply_waivers(FOUND, read, DAY).aside) == 1
    late = apply_waivers(FOUND, read, date(2026, 11, 23))
    assert len(late.aside) == 0 and len(late.live) == 5
    notice = late.live.iloc[-1]
    assert (notice["rule"], notice["severity"]) == ("WAIVER-EXPIRED", "notice") and notice["source"].endswith("waivers.yml:2")
    assert "expired on 2026-11-22; 1 findings" in notice["message"] and "A accepted them: For now" in notice["message"]


def test_the_first_waiver_that_holds_is_the_one_that_counts(tmp_path):
    path = tmp_path / "w.yml"
    path.write_text("- {rule: R1, reason: Old, who: A, expires: 2020-01-01}\n- {rule: R1, reason: New, who: B, expires: 2027-01-01}\n"
                    "- {rule: R1, reason: Never, who: C, expires: 2028-01-01}\n", encoding="utf-8")
    done = apply_waivers(FOUND, read_waivers(path), DAY)
    assert set(done.aside["who"]) == {"B"} and done.live["rule"].tolist() == ["R2", "WAIVER-EXPIRED"]


def test_no_findings_and_no_waivers_are_no_trouble(tmp_path):
    empty = apply_waivers(findings(), waivers(tmp_path, "rule: R1, value: X"), DAY)
    assert empty.live["rule"].tolist() == ["WAIVER-UNUSED"] and len(empty.aside) == 0
    assert apply_waivers(FOUND, [], DAY).live.equals(FOUND)


@pytest.mark.parametrize(("text", "line", "message"), [
    ("waivers:\n  - rule: R\n    reason: x\n    who: A\n", 2, "the key 'expires' is missing"),
    ("# ours\n- rule: R\n  reson: x\n  who: A\n  expires: 2027-01-01\n", 3, "Did you mean 'reason'?"),
    ("- rule: R\n  reason: x\n  who: A\n  expires: 2027-02-30\n", 4, "'2027-02-30' is no date"),
    ("- rule: R\n  reason: x\n  who: A\n  expires: 30.06.2027\n", 4, "does not have the form"),
    ("- rule: R\n  reason: ' '\n  who: A\n  expires: 2027-01-01\n", 2, "does not have the form"),
    ("- rule: R\n  rule: S\n", 2, "given twice"),
    ("- rule: [R\n", 2, "not YAML"),
    ("waiver: []\n", 1, "unknown key 'waiver'. Did you mean 'waivers'?"),
    ("just text\n", 1, "a mapping"),
    ("", 1, "the key 'waivers' is missing"),
])  # fmt: skip
def test_a_wrong_file_is_refused_with_its_line(tmp_path, text, line, message):
    path = tmp_path / "waivers.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_waivers(path)
    assert any(fault.place.line == line and message in str(fault) for fault in caught.value.faults), str(caught.value)
    assert all(fault.place.file.endswith("waivers.yml") for fault in caught.value.faults)


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_waivers(tmp_path / "none.yml")
    (tmp_path / "w.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="UTF-8"):
        read_waivers(tmp_path / "w.yml")


def test_today_is_source_date_epoch_where_it_is_set(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86399")
    assert today() == date(1970, 1, 1)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    with pytest.raises(InputError, match="SOURCE_DATE_EPOCH='soon': is no whole number"):
        today()
