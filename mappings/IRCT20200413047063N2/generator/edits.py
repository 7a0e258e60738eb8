"""The defects of single cells: where each is planted, how the cell changes, how often, and what a tool should do."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .text import MONTHS

Change = Callable[[np.random.Generator, str, dict], str | None]
DMY, ISO, SLASH = r"^\d\d-[A-Z]{3}-\d{4}$", r"^\d{4}-\d\d-\d\d$", r"^\d\d/\d\d/\d{4}$"
ANY, NUMBER = ".", r"^\d+(\.\d+)?$"


@dataclass(frozen=True)
class Edit:
    """One kind of defect in one field. Rows qualify if the field matches `matches` and the fields in `where` are equal."""

    kind: str
    form: str
    field: str
    change: Change
    outcome: str
    expected: str
    at_least: int = 1  # in the whole export
    per_mille: float = 20  # per 1000 subjects
    matches: str = ANY
    where: dict[str, str] = dataclasses.field(default_factory=dict)
    also: dict[str, Change] = dataclasses.field(default_factory=dict)  # other fields of the row that change with it


def to(*texts: str | None) -> Change:
    """Replaces the cell by one of the texts; `{}` in a text stands for what was there."""

    def change(rng: np.random.Generator, text: str, row: dict) -> str | None:
        chosen = texts[int(rng.integers(len(texts)))]
        return None if chosen is None else chosen.replace("{}", text)

    return change


def by(function: Callable[[str], str]) -> Change:
    """Replaces the cell by a function of its text."""
    return lambda rng, text, row: function(text)


def from_pair(column: str, function: Callable[[str, str], str]) -> Change:
    """Replaces the cell by a function of its text and of another field of its row."""
    return lambda rng, text, row: function(text, row[column])


def parts(text: str) -> tuple[str, str, str]:
    """Year, month, day of a date in any of the three styles.

    >>> parts("04-MAY-2020"), parts("04/05/2020")
    (('2020', '05', '04'), ('2020', '05', '04'))
    """
    if re.match(ISO, text):
        return tuple(text.split("-"))
    day, month, year = re.split("[-/]", text)
    return year, f"{MONTHS.index(month) + 1:02}" if month in MONTHS else month, day


def styled(pattern: str) -> Change:
    """Writes the date anew; `{y}`, `{m}`, `{d}` and `{b}` (MAY) stand for its parts."""

    def change(rng: np.random.Generator, text: str, row: dict) -> str:
        year, month, day = parts(text)
        return pattern.format(y=year, m=month, d=day, b=MONTHS[int(month) - 1])

    return change


def scaled(factor: float, decimals: int) -> Callable[[str], str]:
    return lambda text: f"{float(text) * factor:.{decimals}f}"


def fahrenheit(text: str) -> str:
    return f"{float(text) * 1.8 + 32:.1f}"


def year_before(end: str, start: str) -> str:
    """An end date one year before the start date."""
    year, month, day = parts(start)
    return f"{min(int(day), 28):02}-{MONTHS[int(month) - 1]}-{int(year) - 1}"


SAME = "the same date as in the form's own style"
PARTIAL = "a partial date; nothing imputed in SDTM"
REPORT = "reported with subject, form, field and value; not mapped, not guessed"
TRIM = "read without the blanks"
OTHER_UNIT = "converted by the unit of the row, not of the site"
CASE = "mapped without regard to case"
LONG_TEXT = "Patient reported that since the evening of the second infusion " + "the skin of both forearms has been red and itching, " * 4

EDITS = [
    # dates in another style than the form's
    Edit("date_style", "ae", "AESTDAT", styled("{y}-{m}-{d}"), "converted", SAME, matches=DMY),
    Edit("date_style", "lab", "LBDAT", styled("{d}-{b}-{y}"), "converted", SAME, 2, 40, ISO),
    Edit("date_style", "abg", "ABGDAT", styled("{d} {b} {y}"), "converted", SAME, matches=DMY),
    Edit("date_style", "vs", "VSDAT", styled("{y}-{m}-{d}"), "converted", SAME, matches=SLASH),
    Edit("date_style", "cm", "CMSTDAT", by(str.title), "converted", SAME, matches=DMY),
    # dates that cannot be right, or that only look right
    Edit("date_month_first", "vs", "VSDAT", styled("{m}/{d}/{y}"), "finding", REPORT, matches=r"^(1[3-9]|2\d|3[01])/"),
    Edit("date_month_first", "icu", "ICU In Date", styled("{m}/{d}/{y}"), "finding", REPORT, matches=r"^(1[3-9]|2\d|3[01])/"),
    Edit("date_ambiguous", "vs", "VSDAT", styled("{m}/{d}/{y}"), "unseen",
         "read as day/month by the form's style: differs from VISITDT, which a check of the two can show",
         matches=r"^(0[1-3]|1[0-2])/0[4-9]/"),
    Edit("date_impossible", "lab", "LBDAT", styled("{y}-{m}-60"), "finding", REPORT, matches=ISO),
    Edit("date_impossible", "inf", "INFENDAT", styled("31/06/{y}"), "finding", REPORT, per_mille=4, matches=SLASH),
    Edit("date_impossible", "cm", "CMENDAT", styled("30-FEB-{y}"), "finding", REPORT, matches=DMY),
    # partial dates
    Edit("date_day_unknown", "ae", "AESTDAT", styled("UN-{b}-{y}"), "converted", PARTIAL, matches=DMY),
    Edit("date_day_unknown", "cm", "CMSTDAT", styled("UN-{b}-{y}"), "converted", PARTIAL, 5, 150, DMY),
    Edit("date_day_unknown", "mh", "MHSTDAT", styled("UN-{b}-{y}"), "converted", PARTIAL, 12, 250, DMY),
    Edit("date_month_unknown", "mh", "MHSTDAT", styled("UN-UNK-{y}"), "converted", PARTIAL, 18, 500, DMY),
    Edit("date_month_unknown", "cm", "CMSTDAT", styled("UN-UNK-{y}"), "converted", PARTIAL, 4, 100, r"-201\d$"),
    Edit("date_month_unknown", "dm", "DM.BRTHDAT", styled("UN-UNK-{y}"), "converted", PARTIAL, 1, 20, DMY),
    Edit("date_unknown", "mh", "MHSTDAT", to("UN-UNK-UNKN"), "converted", "empty, as for a date not given", 2, 60, DMY),
    Edit("date_missing", "mh", "MHSTDAT", to(None), "converted", "empty", 1, 30, DMY),
    # times
    Edit("time_missing", "ae", "AESTTIM", to(None), "converted", "a date without time", 4, 100),
    Edit("time_missing", "lab", "LBTIM", to(None), "converted", "a date without time", 2, 60),
    Edit("time_missing", "inf", "INFENTIM", to(None), "converted", "a date without time", 1, 10),
    Edit("time_unknown", "vs", "VSTIM", to("UNK", "UN:UN"), "converted", "a date without time", 2, 60),
    Edit("time_impossible", "abg", "ABGTIM", to("25:10", "08:75"), "finding", REPORT),
    # answers
    Edit("mixed_case", "dm", "SEX", by(str.upper), "converted", CASE, 1, 20),
    Edit("mixed_case", "ae", "AESER", to("NO", "no"), "converted", CASE, matches="^No$"),
    Edit("mixed_case", "ae", "AEOUT", by(str.lower), "converted", CASE, matches="^Recover"),
    Edit("mixed_case", "vs", "POSITION", by(str.upper), "converted", CASE),
    Edit("mixed_case", "cm", "CMROUTE", by(str.lower), "converted", CASE),
    Edit("mixed_case", "lab", "LBTEST", by(str.upper), "converted", CASE, matches="[a-z]{4}"),
    Edit("trailing_blank", "dm", "RACE", to("{} "), "converted", TRIM),
    Edit("trailing_blank", "ae", "AEREL", to("{}  "), "converted", TRIM),
    Edit("trailing_blank", "lab", "LBUNIT", to("{} "), "converted", TRIM),
    Edit("trailing_blank", "qs", "SUBJECT", to("{} "), "converted", TRIM + "; belongs to the subject without them"),
    Edit("no_break_space", "cm", "CMTRT", to("{}\u00a0"), "converted", TRIM),
    Edit("visit_name", "lab", "VISIT", to("day 7", "DAY 7"), "converted", "the visit Day 7", where={"VISIT": "Day 7"}),
    Edit("visit_unknown", "abg", "VISIT", to("Visit 6"), "finding", REPORT, where={"VISIT": "Day 6"}),
    # numbers
    Edit("comma_decimal", "lab", "LBRESULT", by(lambda text: text.replace(".", ",")), "converted", "the number with a point", 2, 60, r"\."),
    Edit("comma_decimal", "vs", "TEMP", by(lambda text: text.replace(".", ",")), "converted", "the number with a point", matches=r"\."),
    Edit("comma_decimal", "abg", "PH", by(lambda text: text.replace(".", ",")), "converted", "the number with a point", matches=r"\."),
    Edit("below_limit", "lab", "LBRESULT", to("<0.5", "< 0.5"), "converted", "kept as text; no numeric result", 2, 60,
         where={"LBUNIT": "mg/L", "VISIT": "Day 28"}),
    Edit("below_limit", "lab", "LBRESULT", to("<2.0"), "converted", "kept as text; no numeric result", 1, 40, where={"LBUNIT": "pg/mL"}),
    Edit("above_limit", "lab", "LBRESULT", to(">2000"), "converted", "kept as text; no numeric result", 1, 20, where={"LBTEST": "Ferritin"}),
    Edit("number_with_text", "lab", "LBRESULT", to("{} approx"), "finding", REPORT + "; the text is kept as the original result", 1, 20, NUMBER),
    Edit("number_with_text", "vs", "RESP", to("{} approx"), "finding", REPORT + "; the text is kept as the original result", 1, 20, NUMBER),
    Edit("number_with_text", "vs", "PULSE", to("ca. {}"), "finding", REPORT + "; the text is kept as the original result", 1, 20, NUMBER),
    Edit("result_not_done", "lab", "LBRESULT", to("ND", "not done", "hemolysed"), "finding", "no result: NOT DONE with the reason, or " + REPORT, 3, 60),
    Edit("result_missing", "abg", "PACO2", to(None), "converted", "no record, or NOT DONE"),
    Edit("implausible", "vs", "SBP", to("{}0"), "unseen", "mapped as collected; a range check can show it"),
    # units
    Edit("second_unit", "lab", "LBUNIT", to("mg/dL"), "converted", OTHER_UNIT, 2, 60, where={"LBTEST": "C-reactive protein"},
         also={"LBRESULT": by(scaled(0.1, 2)), "Normal High": to("0.5")}),
    Edit("second_unit", "lab", "LBUNIT", to("umol/L"), "converted", OTHER_UNIT, 1, 30, "mg/dL", {"LBTEST": "Creatinine", "SITE": "02"},
         {"LBRESULT": by(scaled(88.4, 0)), "Normal Low": to("53"), "Normal High": to("124")}),
    Edit("second_unit", "vs", "TEMPU", to("F"), "converted", OTHER_UNIT, 1, 20, "C", also={"TEMP": by(fahrenheit)}),
    Edit("unit_missing", "lab", "LBUNIT", to(None), "finding", "the result stays as collected, no standardised result; " + REPORT),
    Edit("unit_not_in_codelist", "lab", "LBUNIT", to("mgr/dl", "E/L"), "finding", REPORT),
    # terms
    Edit("term_not_in_codelist", "dm", "SEX", to("Femail"), "finding", REPORT, 1, 2, "^Female$"),
    Edit("term_not_in_codelist", "dm", "RACE", to("Persian"), "finding", REPORT, 1, 4),
    Edit("term_not_in_codelist", "cm", "CMROUTE", to("per vein", "via tube"), "finding", REPORT),
    Edit("term_not_in_codelist", "cm", "CMDOSU", to("ampul"), "finding", REPORT),
    Edit("term_not_in_codelist", "inf", "ROUTE", to("Peripheral line"), "finding", REPORT, 1, 4),
    Edit("term_not_in_codelist", "ae", "AEOUT", to("Cured"), "finding", REPORT, matches="^Recovered$"),
    Edit("term_not_in_codelist", "qs", "Réponse", to("Very bad"), "finding", REPORT),
    # events
    Edit("ends_before_start", "ae", "AEENDAT", from_pair("AESTDAT", year_before), "finding", "mapped as collected; the end before the start is reported",
         1, 8, DMY, {"AEOUT": "Recovered"}),
    Edit("ineligible_randomised", "ic", "EXC08", to("Yes"), "finding", "a record in IE for a randomised subject; a deviation", 1, 4, "^No$",
         {"ELIGYN": "Yes"}),
    # free text
    Edit("non_ascii", "ae", "AETERM", to("{} – über Nacht, ≥ 38 °C", "{} (تب)", "{} naïve Schätzung"), "finding",
         "kept or transliterated by rule, and reported: not US-ASCII in the transport file", 2, 30),
    Edit("non_ascii", "cm", "CMINDC", to("Fièvre", "Übelkeit"), "finding",
         "kept or transliterated by rule, and reported: not US-ASCII in the transport file"),
    Edit("quotes_and_commas", "ae", "AETERM", to('{}, "like never before", right arm'), "converted", "the text with its quotes and commas"),
    Edit("line_break", "mh", "MHTERM", to("{}\nsee letter of GP"), "converted", "one record; the line break becomes a blank or is reported"),
    Edit("formula_text", "ae", "AETERM", to("=SUM of many symptoms", "-{}", "+ {}"), "converted", "text; never a formula in a report"),
    Edit("long_text", "ae", "AETERM", to(LONG_TEXT.strip()), "finding", "more than 200 characters: the rest goes to SUPPAE or is reported", 1, 4),
]
