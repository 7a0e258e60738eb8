"""The shipped raw export of the example study is what its generator writes, and its list of defects is true."""

from __future__ import annotations

import doctest
import filecmp
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

STUDY = Path(__file__).resolve().parent.parent / "mappings" / "IRCT20200413047063N2"
RAW = STUDY / "raw"
FORMS = "dm ic mh sofa rand sv inf vs abg lab qs icu cm ae ds".split()
PATTERNS = {
    "dd-MMM-yyyy": r"\d\d-(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)-\d{4}", "yyyy-mm-dd": r"\d{4}-\d\d-\d\d",
    "dd/mm/yyyy": r"\d\d/\d\d/\d{4}", "HH:MM": r"([01]\d|2[0-3]):[0-5]\d",
    "yyyy-mm-dd HH:MM": r"\d{4}-\d\d-\d\d \d\d:\d\d",
    "integer": r"\d+", "float": r"\d+(\.\d+)?",
}
STYLES = {"dd-MMM-yyyy": "%d-%b-%Y", "yyyy-mm-dd": "%Y-%m-%d", "dd/mm/yyyy": "%d/%m/%Y"}
KINDS = {
    "date_style", "date_month_first", "date_ambiguous", "date_impossible", "date_day_unknown", "date_month_unknown",
    "date_unknown", "date_missing", "time_missing", "time_unknown", "time_impossible", "mixed_case",
    "trailing_blank", "no_break_space", "visit_name", "visit_unknown", "comma_decimal", "below_limit",
    "above_limit", "number_with_text", "result_not_done", "result_missing", "implausible", "second_unit",
    "unit_missing", "unit_not_in_codelist", "term_not_in_codelist", "ends_before_start", "ineligible_randomised",
    "non_ascii", "quotes_and_commas", "line_break", "formula_text", "long_text", "duplicate_row",
    "unscheduled_visit", "subject_not_in_dm", "unknown_test", "no_baseline_lab", "screen_failure",
}
ADDED = {"duplicate_row", "unscheduled_visit", "subject_not_in_dm", "unknown_test"}  # each is a row more


def run(out: Path, *arguments: str) -> Path:
    subprocess.run([sys.executable, str(STUDY / "generate.py"), "--out", str(out), *arguments], check=True)
    return out


def read(folder: Path, name: str) -> pd.DataFrame:
    """A file as text, an empty cell as ""."""
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")


def export(folder: Path) -> dict[str, pd.DataFrame]:
    return {form: read(folder, form) for form in FORMS}


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> dict[str, pd.DataFrame]:
    """The export of 600 subjects without defects: enough for all that is rare."""
    return export(run(tmp_path_factory.mktemp("clean"), "--subjects", "600", "--clean"))


@pytest.fixture(scope="module")
def clean_50(tmp_path_factory) -> dict[str, pd.DataFrame]:
    return export(run(tmp_path_factory.mktemp("clean50"), "--clean"))


@pytest.fixture(scope="module")
def two_blocks(tmp_path_factory) -> Path:
    """An export that is simulated in two blocks."""
    return run(tmp_path_factory.mktemp("blocks"), "--subjects", "2600", "--seed", "7")


def dictionary() -> pd.DataFrame:
    return read(RAW, "data_dictionary")


def days(frame: pd.DataFrame, field: str, style: str) -> pd.Series:
    return pd.to_datetime(frame[field].replace("", None), format=STYLES[style])


def moments(frame: pd.DataFrame, day: str, time: str, style: str) -> pd.Series:
    return pd.to_datetime((frame[day] + " " + frame[time]).where(frame[day] != ""), format=STYLES[style] + " %H:%M")


def test_the_shipped_export_is_what_the_generator_writes(tmp_path):
    run(tmp_path, "--subjects", "50", "--seed", "20200413")
    names = sorted(path.name for path in RAW.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    assert filecmp.cmpfiles(RAW, tmp_path, names, shallow=False) == (names, [], [])


def test_another_seed_gives_other_data(tmp_path):
    run(tmp_path, "--seed", "1")
    assert (tmp_path / "lab.csv").read_bytes() != (RAW / "lab.csv").read_bytes()


def test_the_shipped_export_is_small_and_of_fifty_randomised_subjects():
    assert sum(path.stat().st_size for path in RAW.iterdir()) < 1_500_000
    assert len(read(RAW, "rand")) == 50
    assert len(read(RAW, "dm")) == 54


def test_every_field_of_every_form_is_in_the_dictionary_in_its_order():
    known = dictionary()
    assert list(known["form"].unique()) == FORMS
    for form in FORMS:
        assert list(read(RAW, form).columns) == list(known.loc[known["form"] == form, "field"])


def test_every_field_has_a_page_of_the_annotated_crf():
    pages = read(RAW, "acrf_pages")
    listed = pages.groupby(["form", "field"])["page"].agg(" ".join)
    assert listed.to_dict() == {(row.form, row.field): row.page for row in dictionary().itertuples()}


def test_clean_values_are_as_the_dictionary_says(clean):
    for row in dictionary().itertuples():
        values = set(clean[row.form][row.field]) - {""}
        pattern = PATTERNS.get(row.format or row.type)
        if row.codes:
            assert values <= set(row.codes.split(";")), (row.form, row.field)
        elif pattern:
            assert not [value for value in values if not re.fullmatch(pattern, value)], (row.form, row.field)


def test_codes_that_never_occur_are_few(clean):
    unused = {
        (row.form, row.field, code)
        for row in dictionary().itertuples() if row.codes and row.form not in ("ic", "sofa")
        for code in set(row.codes.split(";")) - set(clean[row.form][row.field])
    }
    rare = {("cm", "CMYN", "No")}
    assert unused - rare == {("ae", "AESDISAB", "Yes"), ("ae", "AESCONG", "Yes"), ("ae", "AEOUT", "Unknown")}


@pytest.mark.parametrize("folder", ["shipped", "two blocks"])
def test_each_planted_defect_is_at_the_place_the_list_names(folder, request):
    place = RAW if folder == "shipped" else request.getfixturevalue("two_blocks")
    planted, tables = read(place, "planted_defects"), export(place)
    assert planted["id"].is_unique
    located = planted[planted["row"] != ""]
    for form, defects in located.groupby("form"):
        rows = tables[form].iloc[defects["row"].astype(int) - 1].reset_index(drop=True)
        cells = defects.reset_index(drop=True)
        subject = cells["SUBJECT"].where(cells["field"] != "SUBJECT", cells["value"])
        known = ~cells["kind"].isin(["subject_not_in_dm"]) | (cells["field"] == "SUBJECT")
        assert (rows["SUBJECT"] == subject)[known].all()
        for field, some in cells[cells["field"] != ""].groupby("field"):
            assert list(rows.loc[some.index, field]) == list(some["value"]), (form, field)


def test_every_kind_is_planted_in_the_shipped_export():
    assert set(read(RAW, "planted_defects")["kind"]) == KINDS


def test_nothing_but_the_listed_cells_differs_from_the_clean_export(clean_50):
    planted, tables = read(RAW, "planted_defects"), export(RAW)
    for form in FORMS:
        mine = planted[planted["form"] == form]
        extra = mine.loc[mine["kind"].isin(ADDED), "row"].astype(int) - 1
        dirty = tables[form].drop(index=extra.unique())
        expected = clean_50[form]
        for subject in mine.loc[mine["kind"] == "no_baseline_lab", "SUBJECT"]:
            expected = expected[(expected["SUBJECT"] != subject) | ~expected["VISIT"].str.startswith("Day 0")]
        assert len(dirty) == len(expected)
        for cell in mine[(mine["field"] != "") & ~mine["kind"].isin(ADDED)].itertuples():
            dirty.loc[int(cell.row) - 1, cell.field] = cell.clean
        pd.testing.assert_frame_equal(dirty.reset_index(drop=True), expected.reset_index(drop=True))


def test_duplicate_rows_repeat_the_row_above():
    planted = read(RAW, "planted_defects")
    for defect in planted[planted["kind"] == "duplicate_row"].itertuples():
        table = read(RAW, defect.form)
        row = int(defect.row) - 1
        assert table.iloc[row].equals(table.iloc[row - 1].rename(row))


def test_screen_failures_are_those_who_are_not_randomised():
    planted = read(RAW, "planted_defects")
    failed = set(planted.loc[planted["kind"] == "screen_failure", "SUBJECT"])
    assert failed == set(read(RAW, "dm")["SUBJECT"]) - set(read(RAW, "rand")["SUBJECT"])
    assert len(failed) == 4


def test_one_subject_has_no_laboratory_at_baseline():
    planted, lab = read(RAW, "planted_defects"), read(RAW, "lab")
    subject = planted.loc[planted["kind"] == "no_baseline_lab", "SUBJECT"].item()
    assert set(lab.loc[lab["SUBJECT"] == subject, "VISIT"]) == {"Day 7", "Day 14", "Day 28"}


def test_only_listed_subjects_are_not_in_demography():
    known = set(read(RAW, "dm")["SUBJECT"])
    strangers = {(form, s) for form in FORMS for s in read(RAW, form)["SUBJECT"].str.strip() if s not in known}
    planted = read(RAW, "planted_defects")
    orphans = planted[planted["kind"] == "subject_not_in_dm"]
    assert strangers == set(zip(orphans["form"], orphans["value"]))


def test_defects_grow_with_the_study(two_blocks):
    count = read(two_blocks, "planted_defects")["kind"].value_counts()
    assert set(count.index) == KINDS
    assert count["comma_decimal"] > 100
    assert count["term_not_in_codelist"] > 100


def test_subjects_go_on_through_the_blocks(two_blocks):
    tables = export(two_blocks)
    subject = tables["dm"]["SUBJECT"]
    assert len(subject) == 2808
    assert subject.is_unique
    numbers = subject.str.split("-").str[1].astype(int).groupby(tables["dm"]["SITE"])
    assert (numbers.max() == numbers.size()).all()
    assert list(tables["rand"]["RANDNO"]) == [f"R{i:04}" for i in range(1, 2601)]
    assert days(tables["dm"], "VISITDT", "yyyy-mm-dd").between("2020-04-20", "2020-09-30").all()


def test_nobody_has_a_visit_or_an_event_after_death(clean):
    ds = clean["ds"].assign(died=moments(clean["ds"], "DTHDAT", "DTHTIM", "yyyy-mm-dd")).set_index("SUBJECT")
    died = ds["died"].dropna()
    assert len(died) > 30
    for form in FORMS:
        table = clean[form][clean[form]["SUBJECT"].isin(died.index)]
        visit = days(table, "VISITDT", "yyyy-mm-dd")
        assert not (visit >= table["SUBJECT"].map(died).dt.normalize()).any(), form
    for form, day, time, style in [
        ("ae", "AESTDAT", "AESTTIM", "dd-MMM-yyyy"), ("ae", "AEENDAT", "AEENTIM", "dd-MMM-yyyy"),
        ("inf", "INFENDAT", "INFENTIM", "dd/mm/yyyy"), ("vs", "VSDAT", "VSTIM", "dd/mm/yyyy"),
        ("icu", "ICU Out Date", "ICU Out Time", "dd/mm/yyyy"), ("abg", "ABGDAT", "ABGTIM", "dd-MMM-yyyy"),
    ]:
        table = clean[form]
        assert not (moments(table, day, time, style) > table["SUBJECT"].map(died)).any(), (form, day)


def test_deaths_agree_between_disposition_and_adverse_events(clean):
    ds, ae = clean["ds"], clean["ae"]
    fatal = ae[ae["AEOUT"] == "Fatal"]
    assert set(fatal["CTCGR"]) == {"5 - Death"}
    assert set(fatal["AESDTH"]) == {"Yes"}
    of_ds = ds[ds["DTHDAT"] != ""].set_index("SUBJECT")["DTHCAUS"]
    assert fatal.set_index("SUBJECT")["AEPT"].to_dict() == of_ds.to_dict()
    assert set(ds.loc[ds["DTHDAT"] != "", "DSREAS"]) == {"Death"}


def test_events_lie_after_consent_and_end_after_they_start(clean):
    ic, ae = clean["ic"], clean["ae"]
    consent = moments(ic, "ICDAT", "ICTIM", "dd-MMM-yyyy").set_axis(ic["SUBJECT"])
    start = moments(ae, "AESTDAT", "AESTTIM", "dd-MMM-yyyy")
    stop = moments(ae, "AEENDAT", "AEENTIM", "dd-MMM-yyyy")
    assert not (start <= ae["SUBJECT"].map(consent)).any()
    assert not (stop < start).any()
    assert (stop.isna() == (ae["AEONGO"] != "No")).all()
    assert set(ae.loc[ae["AEYN"] == "No", "SUBJECT"]).isdisjoint(ae.loc[ae["AEYN"] == "Yes", "SUBJECT"])


def test_age_is_the_completed_years_at_consent(clean):
    dm, consent = clean["dm"], days(clean["ic"], "ICDAT", "dd-MMM-yyyy")
    birth = days(dm, "DM.BRTHDAT", "dd-MMM-yyyy")
    before = (consent.dt.month * 100 + consent.dt.day) < (birth.dt.month * 100 + birth.dt.day)
    years = (consent.dt.year - birth.dt.year - before)[birth.notna()]
    assert (years == dm.loc[birth.notna(), "DM.AGE"].astype(int)).all()
    assert set(dm.loc[birth.isna(), "SITE"]) == {"03"}


def test_measurements_lie_on_the_day_of_their_visit(clean):
    for form, field, style in [
        ("vs", "VSDAT", "dd/mm/yyyy"), ("abg", "ABGDAT", "dd-MMM-yyyy"), ("lab", "LBDAT", "yyyy-mm-dd"),
        ("qs", "QSDAT", "yyyy-mm-dd"), ("sofa", "SOFADAT", "dd-MMM-yyyy"),
    ]:
        assert (days(clean[form], field, style) == days(clean[form], "VISITDT", "yyyy-mm-dd")).all(), form


def test_baseline_measurements_lie_between_consent_and_first_infusion(clean):
    ic, inf = clean["ic"], clean["inf"][clean["inf"]["INFNO"] == "1"]
    consent = moments(ic, "ICDAT", "ICTIM", "dd-MMM-yyyy").set_axis(ic["SUBJECT"])
    first = moments(inf, "INFSTDAT", "INFSTTIM", "dd/mm/yyyy").set_axis(inf["SUBJECT"])
    for form, day, time, style in [("lab", "LBDAT", "LBTIM", "yyyy-mm-dd"), ("abg", "ABGDAT", "ABGTIM", "dd-MMM-yyyy")]:
        table = clean[form][clean[form]["VISIT"].str.startswith("Day 0")]
        taken = moments(table, day, time, style)
        assert (taken > table["SUBJECT"].map(consent)).all()
        assert not (taken >= table["SUBJECT"].map(first)).any()


def test_only_the_exosome_arm_is_infused_and_only_the_eligible_are_randomised(clean):
    arm = clean["rand"].set_index("SUBJECT")["ARM"]
    assert abs((arm == "Standard care").mean() - 0.5) < 0.02
    assert set(clean["inf"]["SUBJECT"].map(arm)) == {"Exosomes + standard care"}
    eligible = clean["ic"].set_index("SUBJECT")["ELIGYN"]
    assert set(eligible[eligible == "Yes"].index) == set(arm.index)
    criteria = clean["ic"].filter(regex="^(INC|EXC)")
    violated = (criteria == ["No" if name.startswith("INC") else "Yes" for name in criteria]).sum(axis=1)
    assert (violated.to_numpy() == (clean["ic"]["ELIGYN"] == "No")).all()


def test_entry_meets_the_inclusion_criteria(clean):
    abg, sofa = clean["abg"], clean["sofa"].set_index("SUBJECT")
    pressure = abg["PAO2"].astype(float) * abg["PAO2U"].map({"mmHg": 1, "kPa": 7.50062})
    ratio = pressure / (abg["FIO2"].astype(float) / abg["FIO2U"].map({"%": 100, "fraction": 1}))
    assert (ratio[abg["VISIT"].str.startswith("Day 0")] <= 300).all()
    assert set(sofa.loc[clean["rand"]["SUBJECT"], "SOFA TOTAL"]) == {"2", "3"}
    parts = sofa.filter(regex="SOFA (?!TOTAL)").astype(int).sum(axis=1)
    assert (parts == sofa["SOFA TOTAL"].astype(int)).all()
    arm = abg["SUBJECT"].map(clean["rand"].set_index("SUBJECT")["ARM"])
    day7 = ratio[abg["VISIT"] == "Day 7"].groupby(arm).mean()
    assert day7["Exosomes + standard care"] - day7["Standard care"] > 25


def test_each_site_has_its_own_units(clean):
    def units(form: str, unit: str, rows=slice(None)) -> dict[str, set[str]]:
        table = clean[form].loc[rows]
        return {site: set(some) - {""} for site, some in table.groupby("SITE")[unit]}

    assert units("abg", "PAO2U") == {"01": {"mmHg"}, "02": {"mmHg"}, "03": {"kPa"}}
    assert units("abg", "FIO2U") == {"01": {"%"}, "02": {"fraction"}, "03": {"%"}}
    assert units("vs", "TEMPU") == {"01": {"C"}, "02": {"F"}, "03": {"C"}}
    assert units("inf", "DOSEU") == {"01": {"µg"}, "02": {"µg"}, "03": {"mg"}}
    creatinine = clean["lab"]["LBTEST"] == "Creatinine"
    assert units("lab", "LBUNIT", creatinine) == {"01": {"mg/dL"}, "02": {"mg/dL"}, "03": {"µmol/L"}}


def test_the_readme_says_first_that_all_data_are_synthetic():
    text = (STUDY / "README.md").read_text(encoding="utf-8")
    assert "All data in this folder are synthetic" in "".join(text.splitlines(keepends=True)[:5])


def test_the_readme_names_every_kind_visit_and_laboratory_test(clean):
    text = (STUDY / "README.md").read_text(encoding="utf-8")
    visits, tests = set(clean["sv"]["VISIT"]), set(clean["lab"]["LBTEST"])
    assert {word for word in KINDS | visits | tests if f"`{word}`" not in text} == set()


@pytest.mark.parametrize("module", ["generator.text", "generator.edits"])
def test_the_examples_in_the_generator_hold(module, monkeypatch):
    monkeypatch.syspath_prepend(str(STUDY))
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0
