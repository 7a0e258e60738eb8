"""The planted defects of the example study: what has one meaning comes out right, the rest is reported, nothing else is."""

from __future__ import annotations

import re
from collections import defaultdict

import pandas as pd
import pytest
from example_study import example, from_row, of, read, usubjid

from sdtm_convert.flow import Build

MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()


@pytest.fixture(scope="module")
def built() -> Build:
    return example()


@pytest.fixture(scope="module")
def defects() -> list[dict[str, str]]:
    return read("planted_defects")


# --- Planted defects that have one meaning ------------------------------------------------------------------------------

CONVERTED = {  # id: dataset, variable, value; "" is missing
    "D0008": ("DM", "SEX", "M"), "D0010": ("DM", "RACE", "WHITE"),
    "D0019": ("MH", "MHTERM", "Diabetes mellitus type II see letter of GP"),
    "D0058": ("SV", "VISITNUM", 9.1), "D0061": ("EX", "EXENDTC", "2020-08-10"),
    "D0065": ("VS", "VSDTC", "2020-05-20"), "D0066": ("VS", "VSDTC", "2020-06-28"), "D0070": ("VS", "VSDTC", "2020-07-17"),
    "D0071": ("VS", "VSDTC", "2020-07-26"), "D0067": ("VS", "VSPOS", "SEMI-RECUMBENT"), "D0072": ("VS", "VSSTRESN", 37.4),
    "D0073": ("VS", "VSORRESU", "F"), "D0074": ("VS", "VSSTRESN", 36.8), "D0077": ("VS", "VISITNUM", 9.1), "D0078": ("VS", "VSDTC", "2020-09-11T09:37"),
    "D0079": ("LB", "LBSTRESN", 7.38), "D0082": ("LB", "LBDTC", "2020-08-30T08:26"),
    "D0086": ("LB", "LBSTRESN", 19.2), "D0096": ("LB", "LBSTRESN", 32.0), "D0099": ("LB", "LBSTRESN", 8.6), "D0106": ("LB", "LBSTRESN", 70.9),
    "D0085": ("LB", "LBORRESU", "mg/dL"), "D0095": ("LB", "LBORRESU", "mg/dL"), "D0098": ("LB", "LBORRESU", "mg/dL"), "D0105": ("LB", "LBORRESU", "mg/dL"),
    "D0087": ("LB", "LBSTNRHI", 5.0), "D0097": ("LB", "LBSTNRHI", 5.0), "D0100": ("LB", "LBSTNRHI", 5.0), "D0107": ("LB", "LBSTNRHI", 5.0),
    "D0101": ("LB", "LBORRESU", "umol/L"), "D0102": ("LB", "LBSTRESN", 100.0), "D0103": ("LB", "LBSTNRLO", 53.0), "D0104": ("LB", "LBSTNRHI", 124.0),
    "D0124": ("LB", "LBORRESU", "umol/L"), "D0125": ("LB", "LBSTRESN", 64.0), "D0126": ("LB", "LBSTNRLO", 53.0), "D0127": ("LB", "LBSTNRHI", 124.0),
    "D0092": ("LB", "LBDTC", "2020-05-23"), "D0117": ("LB", "LBDTC", "2020-07-31"), "D0128": ("LB", "LBDTC", "2020-09-08"), "D0142": ("LB", "LBDTC", "2020-09-16"),
    "D0111": ("LB", "LBORRESU", "10^9/L"), "D0115": ("LB", "LBSTRESN", 61.0), "D0122": ("LB", "LBSTRESN", 7.0), "D0143": ("LB", "LBSTRESN", 0.99),
    "D0119": ("LB", "VISITNUM", 9.0), "D0120": ("LB", "LBDTC", "2020-08-29T08:21"), "D0121": ("LB", "LBTESTCD", "WBC"), "D0146": ("LB", "LBDTC", "2020-10-02T08:25"),
    **{f"D0{number}": ("LB", "VISITNUM", 9.1) for number in range(130, 142)},
    "D0147": ("QS", "USUBJID", usubjid("03-002")), "D0165": ("CM", "CMROUTE", "INTRAVENOUS"), "D0170": ("CM", "CMSTDTC", "2020-09-07"),
    "D0172": ("CM", "CMTRT", "Remdesivir"), "D0175": ("AE", "AEREL", "NOT RELATED"), "D0178": ("AE", "AESER", "N"),
    "D0177": ("AE", "AESTDTC", "2020-05-23"), "D0180": ("AE", "AESTDTC", "2020-07-22"), "D0183": ("AE", "AESTDTC", "2020-08-12"),
    "D0185": ("AE", "AESTDTC", "2020-08-16"), "D0188": ("AE", "AESTDTC", "2020-08-30"), "D0193": ("AE", "AESTDTC", "2020-09-24T16:35"),
    "D0179": ("AE", "AETERM", 'Fever after infusion, "like never before", right arm'), "D0184": ("AE", "AETERM", "-Fast heart rate"),
    "D0181": ("AE", "AEOUT", "RECOVERED/RESOLVED"), "D0191": ("AE", "AEOUT", "RECOVERED/RESOLVED"),
}  # fmt: skip
PARTIAL = {"DM.BRTHDAT": ("DM", "BRTHDTC"), "MHSTDAT": ("MH", "MHSTDTC"), "CMSTDAT": ("CM", "CMSTDTC"), "AESTDAT": ("AE", "AESTDTC")}
ONE_TEST = {"TEMP": "TEMP", "TEMPU": "TEMP", "PH": "PH"}
ELSEWHERE = {"below_limit", "above_limit", "result_missing", "no_baseline_lab", "screen_failure"}  # have a test of their own


def test_each_defect_with_one_meaning_comes_out_right(built, defects):
    wrong = []
    for defect in (defect for defect in defects if defect["id"] in CONVERTED):
        dataset, variable, value = CONVERTED[defect["id"]]
        records = from_row(built, dataset, defect["form"], defect["row"])
        if defect["field"] in ONE_TEST:
            records = records[records[f"{dataset}TESTCD"] == ONE_TEST[defect["field"]]]
        found = set(records[variable].dropna())
        if found != {value}:
            wrong.append((defect["id"], value, found))
    assert wrong == []


def test_partial_dates_stay_partial_and_unknown_ones_are_empty(built, defects):
    wrong, seen = [], 0
    for defect in (d for d in defects if d["field"] in PARTIAL and d["kind"].startswith("date_") and d["outcome"] == "converted"):
        dataset, variable = PARTIAL[defect["field"]]
        if defect["kind"] == "date_style":
            continue
        _, month, year = (defect["value"] or "UN-UNK-UNKN").split("-")
        expected = "" if not year.isdigit() else year if month not in MONTHS else f"{year}-{MONTHS.index(month) + 1:02}"
        value = from_row(built, dataset, defect["form"], defect["row"])[variable].fillna("").item()
        seen += 1
        if re.sub(r"-*T.*", "", value) != expected:
            wrong.append((defect["id"], expected, value))
    assert wrong == [] and seen == 63


def test_limits_stay_text_without_a_number(built, defects):
    for defect in (d for d in defects if d["kind"] in ("below_limit", "above_limit")):
        record = from_row(built, "LB", "lab", defect["row"]).iloc[0]
        assert record["LBORRES"] == defect["value"] and pd.isna(record["LBSTRESN"])
        assert record["LBSTRESC"][0] == defect["value"][0] and float(record["LBSTRESC"][1:]) == float(defect["value"][1:])


def test_a_missing_result_makes_no_record(built):
    assert set(from_row(built, "LB", "abg", "29")["LBTESTCD"]) == {"PO2", "PH", "FIO2", "PO2FIO2"}


def test_a_subject_without_baseline_laboratory_has_no_baseline_and_no_change(built):
    biomarkers = of(built, "ADEFF", "01-019").query('SRCDOM == "LB" and PARAMCD != "PFRATIO"')
    assert len(biomarkers) > 10 and biomarkers[["ABLFL", "BASE", "CHG", "PCHG"]].isna().all(axis=None)
    assert of(built, "ADEFF", "01-019", PARAMCD="PFRATIO")["CHG"].notna().sum() == 7


def test_no_defect_with_one_meaning_is_left_untested(defects):
    partial = {d["id"] for d in defects if d["field"] in PARTIAL and d["kind"].startswith("date_") and d["kind"] != "date_style"}
    assert [d["id"] for d in defects if d["outcome"] == "converted" and d["id"] not in CONVERTED and d["id"] not in partial and d["kind"] not in ELSEWHERE] == []


# --- Planted defects that must be reported ------------------------------------------------------------------------------

RULES = {
    "date_month_first": {"MAP-DATE-IMPOSSIBLE", "MAP-DATE-UNREADABLE"}, "date_impossible": {"MAP-DATE-IMPOSSIBLE"}, "time_impossible": {"MAP-DATE-IMPOSSIBLE"},
    "term_not_in_codelist": {"SC-SDTM-0020", "SC-SDTM-0021", "MAP-TERM"}, "number_with_text": {"MAP-RESULT"}, "visit_unknown": {"MAP-LOOKUP"},
    "unit_missing": {"MAP-UNIT"}, "unit_not_in_codelist": {"MAP-UNIT"}, "ends_before_start": {"SC-SDTM-0032"}, "non_ascii": {"CONFORM-ASCII"},
    "duplicate_row": {"RAW-DUPLICATE"}, "subject_not_in_dm": {"SC-SDTM-0051"}, "unknown_test": {"RAW-TEST"},
}
IN_THE_DATA = {"result_not_done", "ineligible_randomised", "long_text"}  # reported in the datasets themselves: see below


def reported(findings: pd.DataFrame, defect: dict[str, str]) -> pd.DataFrame:
    place = re.compile(rf"{defect['form']} row {defect['row']}( |$)")
    return findings[findings["source"].fillna("").map(lambda text: bool(place.match(text))) & findings["rule"].isin(RULES[defect["kind"]])]


def test_each_defect_without_one_meaning_is_reported_with_its_row_and_value(built, defects):
    silent, without_value = [], []
    for defect in (d for d in defects if d["outcome"] == "finding" and d["kind"] not in IN_THE_DATA):
        found = reported(built.findings, defect)
        if found.empty:
            silent.append((defect["id"], defect["kind"]))
        elif defect["value"] and not any(defect["value"] in str(values) for values in found["values"]):
            if defect["kind"] not in ("ends_before_start", "subject_not_in_dm"):
                without_value.append((defect["id"], defect["value"], list(found["values"])))
    assert (silent, without_value) == ([], [])


def test_what_was_not_guessed_is_missing_or_as_collected(built, defects):
    by_kind = defaultdict(list)
    for defect in defects:
        by_kind[defect["kind"]].append(defect)
    for defect in by_kind["unit_missing"] + by_kind["unit_not_in_codelist"] + by_kind["number_with_text"]:
        dataset = {"vs": "VS", "lab": "LB"}[defect["form"]]
        records = from_row(built, dataset, defect["form"], defect["row"])
        record = records[records[f"{dataset}STRESN"].isna()].iloc[0]
        raw = read(defect["form"])[int(defect["row"]) - 1]
        assert record[f"{dataset}ORRES"] == raw.get("LBRESULT", defect["value"])
        if defect["kind"].startswith("unit"):
            assert record[["LBSTRESC", "LBSTRESU"]].fillna("").tolist() == [raw["LBRESULT"], raw["LBUNIT"]]
    assert of(built, "HO", "01-006", HOSPID="2")["HOSTDTC"].isna().all()
    assert from_row(built, "LB", "abg", "301")["LBDTC"].unique().tolist() == ["2020-08-24"]  # the date without the impossible time


def test_results_that_are_none_are_not_done(built, defects):
    for defect in (d for d in defects if d["kind"] == "result_not_done"):
        record = from_row(built, "LB", "lab", defect["row"]).iloc[0]
        assert record["LBSTAT"] == "NOT DONE" and record[["LBORRES", "LBORRESU", "LBSTRESC", "LBSTRESN", "LBSTRESU"]].isna().all()


def test_long_text_goes_on_in_the_supplemental_qualifiers(built, defects):
    defect = next(d for d in defects if d["kind"] == "long_text")
    first = from_row(built, "AE", "ae", defect["row"])
    rest = of(built, "SUPPAE", defect["SUBJECT"], QNAM="AETERM1", IDVARVAL=f"{first['AESEQ'].item():.0f}")
    assert f"{first['AETERM'].item()} {rest['QVAL'].item()}" == defect["value"]
    assert len(first["AETERM"].item()) <= 200


def test_an_ineligible_subject_who_was_randomised_has_a_deviation(built, defects):
    subjects = [usubjid(d["SUBJECT"]) for d in defects if d["kind"] == "ineligible_randomised"]
    assert built.datasets["DV"]["USUBJID"].tolist() == subjects


def test_nothing_else_is_reported_as_wrong(built, defects):
    """Errors and warnings about collected data stand at planted defects only; nothing is unaccounted for."""
    planted = {(d["form"], d["row"]) for d in defects}
    found = built.findings[built.findings["severity"].isin(["error", "warning"]) & ~built.findings["rule"].str.startswith("SC-ADAM")]
    places = found["source"].fillna("").str.extract(r"^(\w+) row (\d+)")
    elsewhere = [index for index, place in zip(found.index, places.itertuples(index=False)) if tuple(place) not in planted]
    assert found.loc[elsewhere, ["rule", "dataset", "variables", "values", "source"]].values.tolist() == []
