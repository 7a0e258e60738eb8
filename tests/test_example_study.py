"""The example study, built: record counts, values of single subjects, and analysis values computed again from the raw files in plain Python."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from example_study import EPOCH, days, example, filled, form, of

from sdtm_convert.flow import Build

NO_SUBJECT = "01-000"  # planted: not in demography


@pytest.fixture(scope="module")
def built() -> Build:
    return example()


# --- How many records -------------------------------------------------------------------------------------------------


def expected_counts() -> dict[str, int]:
    abg, ic, rand, ds = form("abg"), form("ic"), form("rand"), {row["SUBJECT"]: row for row in form("ds")}
    known = [row for row in form("lab") if row["LBTEST"] != "Procalcitonin"]
    violated = [row["SUBJECT"] for row in ic for field in row if (field[:3], row[field]) in (("INC", "No"), ("EXC", "Yes"))]
    randomised = {row["SUBJECT"]: row["RANDDTTM"][:10] for row in rand}
    follow_up = sum(days(ds[subject]["DSDAT"]) >= days(day) + 5 for subject, day in randomised.items())
    return {
        "DM": len(form("dm")), "SE": len(ic) + len(rand) + follow_up, "SV": len(form("sv")),
        "AE": sum(row["AEYN"] == "Yes" for row in form("ae")), "CM": sum(row["CMYN"] == "Yes" for row in form("cm")),
        "MH": sum(row["MHYN"] == "Yes" for row in form("mh")), "HO": sum(row["ICUYN"] == "Yes" for row in form("icu")),
        "EC": len(form("inf")), "EX": sum(row["INFGIVEN"] == "Yes" for row in form("inf")),
        "DS": 2 * len(ic) + len(rand) + filled("ds", "TRTCOMP") + len(ds), "DD": filled("ds", "DTHCAUS"),
        "IE": len(violated), "DV": sum(subject in randomised for subject in violated),
        "VS": filled("vs", "SBP", "DBP", "PULSE", "RESP", "TEMP", "WEIGHT", "HEIGHT") + filled("abg", "SPO2"),
        "LB": len(known) + filled("abg", "PAO2", "PACO2", "PH", "FIO2") + sum(bool(row["PAO2"] and row["FIO2"]) for row in abg),
        "QS": len(form("qs")), "RE": filled("sofa", "O2REQ", "O2FLOW") + filled("abg", "O2SUPP"),
        "RS": sum(filled("sofa", field) for field in form("sofa")[0] if field.startswith("SOFA ")),
        "ADSL": len(form("dm")), "ADAE": sum(row["AEYN"] == "Yes" for row in form("ae")),
        "SUPPAE": 1, "SUPPDM": len(rand) + filled("ic", "PROTVER"), "SUPPHO": filled("icu", "OUTTO"), "SUPPSV": filled("sv", "VISTYPE"),
        "SUPPEC": filled("inf", "VOLUME", "INTERRUPTED", "INTREASON"), "SUPPEX": filled("inf", "VOLUME", "INTERRUPTED"),
    }


def test_every_dataset_has_the_records_that_its_forms_have_answers_for(built):
    counts = {name: len(frame) for name, frame in built.datasets.items()}
    counts.pop("ADEFF")
    assert counts == expected_counts()


def test_adeff_has_a_record_for_each_result_and_one_icu_free_record_for_each_randomised_subject(built):
    words = {"C-reactive protein": "CRP", "CRP": "CRP", "CRP (quantitative)": "CRP", "Interleukin-6": "IL6", "IL-6": "IL6", "IL 6": "IL6",
             "Ferritin": "FERRITIN", "Serum ferritin": "FERRITIN", "D-dimer": "DDIMER", "D-Dimer": "DDIMER", "D dimer": "DDIMER", "LDH": "LDH",
             "Lactate dehydrogenase": "LDH", "Lymphocytes": "LYM", "Lymphocyte count": "LYM", "Lymph. abs.": "LYM",
             "Dyspnoea grade": "MMRC", "Pneumonia improvement (imaging)": "PNEUMIMP", "Cough": "SYMPTOT"}
    done = [row for row in form("lab") if row["SUBJECT"] != NO_SUBJECT and row["LBRESULT"].lower() not in ("", "nd", "not done", "hemolysed")]
    expected = Counter(words[row["LBTEST"]] for row in done if row["LBTEST"] in words)
    expected += Counter(words[row["ITEM"]] for row in form("qs") if row["ITEM"] in words)
    expected["PFRATIO"] = sum(bool(row["PAO2"] and row["FIO2"]) for row in form("abg"))
    expected["ICUFREE"] = len(form("rand"))
    assert Counter(built.datasets["ADEFF"]["PARAMCD"]) == expected


# --- Values of single subjects, read off the forms by hand --------------------------------------------------------------


def test_demography_of_a_treated_subject_a_control_and_a_screen_failure(built):
    treated, control, failure = (of(built, "DM", subject).iloc[0] for subject in ("01-002", "02-001", "02-002"))
    assert treated[["RFSTDTC", "RFXSTDTC", "RFXENDTC", "RFICDTC", "RFENDTC", "ARMCD", "ACTARMCD", "AGE", "SEX", "COUNTRY"]].tolist() == [
        "2020-05-02T09:58", "2020-05-02T12:06", "2020-05-06T13:33", "2020-05-02T07:36", "2020-05-30", "EXO", "EXO", 61, "F", "IRN"]
    assert control[["RFSTDTC", "ARM", "ACTARM", "BRTHDTC", "DMDY"]].tolist() == [
        "2020-04-26T09:59", "Standard care", "Standard care", "1955-01-24", -1]
    assert control[["RFXSTDTC", "DTHDTC", "ARMNRS"]].isna().all()
    assert failure[["ARMNRS", "RFICDTC", "BRTHDTC"]].tolist() == ["SCREEN FAILURE", "2020-05-13T16:05", "1990"]
    assert failure[["RFSTDTC", "ARMCD", "ARM", "ACTARMCD", "ACTARM", "RFXSTDTC"]].isna().all()


def test_a_dose_in_milligrams_is_in_micrograms_in_ex_and_as_collected_in_ec(built):
    assert of(built, "EX", "03-004")["EXDOSE"].tolist() == [140, 200, 200]
    assert of(built, "EC", "03-004")[["ECDOSE", "ECDOSU"]].values.tolist() == [[0.14, "mg"], [0.2, "mg"], [0.2, "mg"]]
    not_given = of(built, "EC", "02-005", ECOCCUR="N")
    assert not_given["ECREASOC"].tolist() == ["ADVERSE EVENT"] * 2 and not_given["ECDOSE"].isna().all()


@pytest.mark.parametrize(("subject", "test", "visit", "orres", "unit", "stresn", "standard"), [
    ("02-001", "CRP", 2, "8.67", "mg/dL", 86.7, "mg/L"),
    ("02-001", "INTLK6", 2, "114.0", "ng/L", 114, "ng/L"),
    ("02-017", "LYM", 9.1, "878", "10^6/L", 0.878, "10^9/L"),
    ("02-017", "DDIMER", 9.1, "2057", "ug/L FEU", 2.057, "mg/L FEU"),
    ("02-017", "CREAT", 9.1, "1.04", "mg/dL", 92, "umol/L"),  # 1.04 x 88.42 = 91.96
    ("02-017", "BILI", 9.1, "0.7", "mg/dL", 12, "umol/L"),  # 0.7 x 17.1 = 11.97
    ("03-001", "PO2", 2, "10.9", "kPa", 81.8, "mmHg"),  # 10.9 x 7.50062
    ("03-001", "FIO2", 2, "50", "%", 0.5, "fraction of 1"),
    ("02-001", "FIO2", 2, "0.38", "fraction of 1", 0.38, "fraction of 1"),
])  # fmt: skip
def test_results_in_standard_units(built, subject, test, visit, orres, unit, stresn, standard):
    record = of(built, "LB", subject, LBTESTCD=test, VISITNUM=visit).iloc[0]
    assert record[["LBORRES", "LBORRESU", "LBSTRESU"]].tolist() == [orres, unit, standard]
    assert record["LBSTRESN"] == pytest.approx(stresn, abs=1e-9)


def test_the_ratio_is_derived_from_pressure_in_mmhg_and_oxygen_as_a_fraction(built):
    ratios = [of(built, "LB", subject, LBTESTCD="PO2FIO2", VISITNUM=2).iloc[0] for subject in ("02-001", "03-001", "01-001")]
    assert [record["LBSTRESN"] for record in ratios] == [181.6, 163.5, 106.5]  # 69 / 0.38, 10.9 kPa / 50 %, 66 / 62 %
    assert {(record["LBDRVFL"], record["LBSTRESU"]) for record in ratios} == {("Y", "mmHg")}
    assert all(pd.isna(record["LBORRES"]) for record in ratios)


def test_the_last_value_before_the_first_infusion_is_flagged(built):
    flagged = of(built, "VS", "02-004", VSLOBXFL="Y").set_index("VSTESTCD")
    assert flagged.loc["TEMP", ["VSDTC", "VSTPT", "VSSTRESN", "VSRFTDTC"]].tolist() == ["2020-05-20T11:56", "PRE-DOSE", 37.1, "2020-05-20T12:19"]
    assert flagged.loc["WEIGHT", "VISITNUM"] == 1
    assert of(built, "VS", "02-001")["VSLOBXFL"].isna().all()  # standard care


def test_elements_end_where_the_next_begins(built):
    elements = of(built, "SE", "02-001")[["ETCD", "EPOCH", "SESTDTC", "SEENDTC"]].values.tolist()
    assert elements == [["SCRN", "SCREENING", "2020-04-25T14:55", "2020-04-26T09:59"], ["SOC", "TREATMENT", "2020-04-26T09:59", "2020-05-01"],
                        ["FUP", "FOLLOW-UP", "2020-05-01", "2020-05-11"]]
    assert of(built, "SE", "02-002")["ETCD"].tolist() == ["SCRN"]
    assert of(built, "LB", "02-001", LBTESTCD="CRP", VISITNUM=2)["EPOCH"].tolist() == ["SCREENING"]  # 09:20, before randomisation at 09:59


def test_disposition_deviation_and_death(built):
    assert of(built, "DS", "02-005")["DSDECOD"].tolist() == [
        "ELIGIBILITY CRITERIA MET", "INFORMED CONSENT OBTAINED", "ADVERSE EVENT", "RANDOMIZED", "COMPLETED"]
    assert of(built, "DD", "01-005")[["DDORRES", "DDDTC"]].values.tolist() == [["Respiratory failure", "2020-05-12T07:14"]]
    assert of(built, "IE", "02-017")[["IETESTCD", "IEORRES"]].values.tolist() == [["EXCL08", "Y"]]


def test_questionnaires_keep_the_answer_and_its_number(built):
    records = of(built, "QS", "02-001", VISITNUM=2).set_index("QSTESTCD")
    assert records["QSORRES"].to_dict() == {"MMRC0101": "Grade 2", "SPE0101": "Moderate", "SPE0102": "Mild", "SPE0103": "Severe",
                                            "SPE0104": "Severe", "SPE0105": "Moderate"}
    assert records["QSSTRESN"].tolist() == [2, 2, 1, 3, 3, 2]
    assert records.loc["MMRC0101", ["QSTEST", "QSCAT", "QSSTRESC"]].tolist() == ["MMRC01-Description of Breathlessness", "MMRC", "2"]


# --- Analysis datasets, computed again ----------------------------------------------------------------------------------


def test_adsl_has_one_record_for_each_subject_of_dm(built):
    adsl = built.datasets["ADSL"]
    assert adsl["USUBJID"].tolist() == built.datasets["DM"]["USUBJID"].tolist() and adsl["USUBJID"].is_unique
    assert Counter(adsl["ITTFL"]) == {"Y": 50, "N": 4} and Counter(adsl["SAFFL"]) == {"Y": 50, "N": 4}
    assert Counter(adsl["TRT01P"].dropna()) == {"Exosomes plus standard care": 26, "Standard care": 24}
    assert set(zip(adsl["ITTFL"], adsl["ITTFN"])) == {("Y", 1), ("N", 0)}


def test_a_required_variable_of_adsl_that_screen_failures_lack_is_not_mandatory_in_define(built):
    adsl = next(dataset for dataset in built.packages["adam"].datasets if dataset.name == "ADSL")
    assert built.datasets["ADSL"]["ARM"].isna().any()
    assert [adsl.by_name[name].mandatory for name in ("USUBJID", "SEX", "ARM", "TRT01P")] == [True, True, False, False]


@pytest.mark.parametrize("rule", ["SC-ADAM-0111", "SC-ADAM-0112", "SC-ADAM-0113", "SC-ADAM-0115"])
def test_the_source_records_of_adeff_are_looked_up_in_the_tabulation(built, rule):
    outcomes = built.outcomes[(built.outcomes["rule"] == rule) & (built.outcomes["dataset"] == "ADEFF")]
    assert outcomes["status"].tolist() == ["passed"]


def test_outcomes_of_rules_for_adam_are_about_analysis_datasets(built):
    outcomes = built.outcomes[built.outcomes["rule"].str.startswith("SC-ADAM")]
    assert set(outcomes["dataset"]) == {"ADSL", "ADAE", "ADEFF", "STUDY"}


def test_adsl_of_three_subjects(built):
    treated, dead, failure = (of(built, "ADSL", subject).iloc[0] for subject in ("01-002", "01-005", "02-002"))
    assert treated[["RANDDT", "TRTSDT", "TRTEDT"]].tolist() == [days("2020-05-02"), days("2020-05-02"), days("2020-05-06")]
    assert treated["TRTSDTM"] == (datetime(2020, 5, 2, 12, 6) - EPOCH).total_seconds()
    assert treated[["NUMINF", "CUMDOSE", "TRTDURD", "AGEGR1", "EOSSTT", "SOFABL", "O2REQBL", "PFBL"]].tolist() == [
        3, 600, 5, "<65", "COMPLETED", 3, "FACE MASK WITH RESERVOIR", 203.4]  # 59 mmHg at 29 %
    assert dead[["DTHFL", "DTHDT", "EOSSTT", "DCSREAS", "LSTALVDT", "DTHCAUS"]].tolist() == [
        "Y", days("2020-05-12"), "DISCONTINUED", "DEATH", days("2020-05-12"), "RESPIRATORY FAILURE"]
    assert dead[["TRTSDT", "TRTEDT", "CUMDOSE"]].isna().all() and dead["AP01SDT"] == dead["RANDDT"]
    assert failure[["RANDFL", "SAFFL"]].tolist() == ["N", "N"] and failure[["TRT01P", "EOSSTT", "PFBL", "RANDDT"]].isna().all()


def treatment_starts() -> dict[str, datetime]:
    """The first infusion of each subject; the randomisation where there is none."""
    starts = {row["SUBJECT"]: datetime.fromisoformat(row["RANDDTTM"]) for row in form("rand")}
    given = defaultdict(list)
    for row in form("inf"):
        if row["INFGIVEN"] == "Yes":
            given[row["SUBJECT"]].append(datetime.strptime(f"{row['INFSTDAT']} {row['INFSTTIM']}", "%d/%m/%Y %H:%M"))
    return starts | {subject: min(times) for subject, times in given.items()}


def imputed_start(aestdtc: str, treated: datetime) -> datetime:
    """An event that may have begun at the start of treatment did so; else the earliest moment that the text allows."""
    day, _, clock = aestdtc.partition("T")
    year, month, dom = (int(part) for part in [*day.strip("-").split("-"), "1", "1"][:3])
    if len(day) < 10:
        clock = ""
    earliest = datetime.combine(date(year, month, dom), datetime.strptime(clock or "00:00", "%H:%M").time())
    within = treated.strftime("%Y-%m-%dT%H:%M").startswith((day if len(day) == 10 else day[:7].rstrip("-")) + (f"T{clock}" if clock else ""))
    return max(earliest, treated) if within else earliest


def test_adae_starts_flags_and_first_occurrences(built):
    starts, adae = treatment_starts(), built.datasets["ADAE"]
    first: dict[str, tuple] = {}
    for event in adae.to_dict("records"):
        treated = starts[event["SUBJID"]]
        start = imputed_start(event["AESTDTC"], treated)
        assert event["ASTDTM"] == (start - EPOCH).total_seconds(), event["AESTDTC"]
        assert event["ASTDT"] == math.floor(event["ASTDTM"] / 86400)
        assert (event["TRTEMFL"] == "Y") == (start >= treated)
        assert (event["ASTDTF"] == "D") == (len(event["AESTDTC"].partition("T")[0]) < 10)
        if event["TRTEMFL"] == "Y":
            key = (start, event["AESEQ"])
            first[event["SUBJID"]] = min(first.get(event["SUBJID"], key), key)
    flagged = adae[adae["AOCCFL"] == "Y"].set_index("SUBJID")["AESEQ"].to_dict()
    assert flagged == {subject: sequence for subject, (_, sequence) in first.items()}
    assert adae.groupby(["USUBJID", "AEDECOD"])["AOCCPFL"].count().max() == 1


def test_adae_durations_relations_and_worst_grades(built):
    adae = built.datasets["ADAE"]
    whole = adae[adae["AEENDTC"].notna() & (adae["AENDT"] >= adae["ASTDT"])]
    assert (whole["ADURN"] == whole["AENDT"] - whole["ASTDT"] + 1).all() and set(whole["ADURU"]) == {"DAYS"}
    assert of(built, "ADAE", "02-010", AESEQ=1)["ADURN"].isna().all()  # planted: ends before it starts
    assert set(adae.loc[adae["AREL"] == "RELATED", "AEREL"]) <= {"POSSIBLY", "PROBABLY", "DEFINITELY"}
    assert (adae["ATOXGRN"].astype(int).astype(str) == adae["ATOXGR"]).all()
    worst = adae[adae["AOCCIFL"] == "Y"].set_index("USUBJID")["ATOXGRN"]
    assert worst.to_dict() == adae[adae["TRTEMFL"] == "Y"].groupby("USUBJID")["ATOXGRN"].max().to_dict()


def number(text: str) -> float:
    return float(text.replace(",", "."))


def test_adeff_ratio_baseline_and_change(built):
    expected = defaultdict(dict)
    for row in form("abg"):
        pressure = number(row["PAO2"]) * (1000 / 133.322387415 if row["PAO2U"] == "kPa" else 1)
        fraction = number(row["FIO2"]) / (100 if row["FIO2U"] == "%" else 1)
        day = re.sub(r" \(.*", "", row["VISIT"])
        expected[row["SUBJECT"]]["Baseline" if day == "Day 0" else None if day == "Visit 6" else day] = pressure / fraction
    ratios = built.datasets["ADEFF"].query('PARAMCD == "PFRATIO"')
    for record in ratios.to_dict("records"):
        visit = record["AVISIT"] if isinstance(record["AVISIT"], str) else None
        assert record["AVAL"] == pytest.approx(expected[record["SUBJID"]][visit], abs=0.0501)
        assert (record["ABLFL"] == "Y") == (visit == "Baseline")
        base = ratios.loc[(ratios["USUBJID"] == record["USUBJID"]) & (ratios["AVISIT"] == "Baseline"), "AVAL"].item()
        assert record["BASE"] == base
        change = np.nan if visit == "Baseline" else record["AVAL"] - base
        assert record["CHG"] == pytest.approx(change, abs=1e-9, nan_ok=True)
        assert record["PCHG"] == pytest.approx(100 * change / base, abs=1e-9, nan_ok=True)


def test_adeff_symptom_totals_are_the_sum_of_five_answers(built):
    symptoms = {"Cough", "Fever", "Fatigue", "Dyspnoea", "Chest tightness"}
    totals = defaultdict(list)
    for row in form("qs"):
        if row["ITEM"] in symptoms:
            totals[row["SUBJECT"], row["VISIT"].upper()].append(int(row["SCORE"]))
    expected = {key: sum(scores) if len(scores) == 5 else np.nan for key, scores in totals.items()}
    found = built.datasets["ADEFF"].query('PARAMCD == "SYMPTOT"')
    assert dict(zip(zip(found["SUBJID"], found["VISIT"]), found["AVAL"])) == expected


def test_adeff_icu_free_days(built):
    """Days 1 to 8 after randomisation out of the ICU: counted day by day; 0 after death, unknown after an earlier last contact."""
    stays, unknown = defaultdict(set), set()
    for row in form("icu"):
        if row["ICUYN"] != "Yes":
            continue
        start, end = row["ICU In Date"].split("/"), row["ICU Out Date"].split("/")
        if int(start[1]) > 12:
            unknown.add(row["SUBJECT"])  # planted: month before day
            continue
        day, last = (date(int(y), int(m), int(d)) for d, m, y in (start, end))
        while day <= last:
            stays[row["SUBJECT"]].add(day)
            day += timedelta(days=1)
    contacts = {row["SUBJECT"]: (row["LASTCDAT"], row["DTHDAT"]) for row in form("ds")}
    expected = {}
    for row in form("rand"):
        subject, day_zero = row["SUBJECT"], date.fromisoformat(row["RANDDTTM"][:10])
        window = {day_zero + timedelta(days=n) for n in range(1, 9)}
        last, died = contacts[subject]
        free = len(window - stays[subject])
        expected[subject] = 0 if died and date.fromisoformat(died) <= max(window) else free if date.fromisoformat(last) >= max(window) else np.nan
        if subject in unknown:
            expected[subject] = np.nan
    found = built.datasets["ADEFF"].query('PARAMCD == "ICUFREE"').set_index("SUBJID")["AVAL"]
    assert found.to_dict() == pytest.approx(expected, nan_ok=True)
