"""The defects of single cells: where each is planted, how the cell changes, how often."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .text import MONTHS

Change = Callable[[np.random.Generator, str, dict], str | None]
DMY = r"^\d\d-[A-Z]{3}-\d{4}$"
ISO = r"^\d{4}-\d\d-\d\d$"
SLASH = r"^\d\d/\d\d/\d{4}$"
NUMBER = r"^\d+(\.\d+)?$"


@dataclass(frozen=True)
class Edit:
    """One kind of defect in one field.

    Rows qualify where the field is filled, matches the expression `matches`, and other fields equal those in `where`.
    """

    kind: str
    form: str
    field: str
    change: Change
    at_least: int = 1  # in the whole export
    per_mille: float = 20  # per 1000 subjects
    matches: str = "."
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


LONG = "Since the evening after the visit" + 5 * ", and again the day after, both forearms red and itching"
POINT_TO_COMMA = by(lambda text: text.replace(".", ","))
LATE_IN_MONTH = r"^(1[3-9]|2\d|3[01])/"  # cannot be a month

EDITS = [
    # dates in another style than the form's
    Edit("date_style", "ae", "AESTDAT", styled("{y}-{m}-{d}"), matches=DMY),
    Edit("date_style", "lab", "LBDAT", styled("{d}-{b}-{y}"), 2, 40, ISO),
    Edit("date_style", "abg", "ABGDAT", styled("{d} {b} {y}"), matches=DMY),
    Edit("date_style", "vs", "VSDAT", styled("{y}-{m}-{d}"), matches=SLASH),
    Edit("date_style", "cm", "CMSTDAT", by(str.title), matches=DMY),
    # dates that cannot be right, or that only look right
    Edit("date_month_first", "vs", "VSDAT", styled("{m}/{d}/{y}"), matches=LATE_IN_MONTH),
    Edit("date_month_first", "icu", "ICU In Date", styled("{m}/{d}/{y}"), matches=LATE_IN_MONTH),
    Edit("date_ambiguous", "vs", "VSDAT", styled("{m}/{d}/{y}"), matches=r"^(0[1-3]|1[0-2])/0[4-9]/"),
    Edit("date_impossible", "lab", "LBDAT", styled("{y}-{m}-60"), matches=ISO),
    Edit("date_impossible", "inf", "INFENDAT", styled("31/06/{y}"), 1, 4, SLASH),
    Edit("date_impossible", "cm", "CMENDAT", styled("30-FEB-{y}"), matches=DMY),
    # partial dates
    Edit("date_day_unknown", "ae", "AESTDAT", styled("UN-{b}-{y}"), matches=DMY),
    Edit("date_day_unknown", "cm", "CMSTDAT", styled("UN-{b}-{y}"), 5, 150, DMY),
    Edit("date_day_unknown", "mh", "MHSTDAT", styled("UN-{b}-{y}"), 12, 250, DMY),
    Edit("date_month_unknown", "mh", "MHSTDAT", styled("UN-UNK-{y}"), 18, 500, DMY),
    Edit("date_month_unknown", "cm", "CMSTDAT", styled("UN-UNK-{y}"), 4, 100, r"-201\d$"),
    Edit("date_month_unknown", "dm", "DM.BRTHDAT", styled("UN-UNK-{y}"), matches=DMY),
    Edit("date_unknown", "mh", "MHSTDAT", to("UN-UNK-UNKN"), 2, 60, DMY),
    Edit("date_missing", "mh", "MHSTDAT", to(None), 1, 30, DMY),
    # times
    Edit("time_missing", "ae", "AESTTIM", to(None), 4, 100),
    Edit("time_missing", "lab", "LBTIM", to(None), 2, 60),
    Edit("time_missing", "inf", "INFENTIM", to(None), 1, 10),
    Edit("time_unknown", "vs", "VSTIM", to("UNK", "UN:UN"), 2, 60),
    Edit("time_impossible", "abg", "ABGTIM", to("25:10", "08:75")),
    # answers
    Edit("mixed_case", "dm", "SEX", by(str.upper)),
    Edit("mixed_case", "ae", "AESER", to("NO", "no"), matches="^No$"),
    Edit("mixed_case", "ae", "AEOUT", by(str.lower), matches="^Recover"),
    Edit("mixed_case", "vs", "POSITION", by(str.upper)),
    Edit("mixed_case", "cm", "CMROUTE", by(str.lower)),
    Edit("mixed_case", "lab", "LBTEST", by(str.upper), matches="[a-z]{4}"),
    Edit("trailing_blank", "dm", "RACE", to("{} ")),
    Edit("trailing_blank", "ae", "AEREL", to("{}  ")),
    Edit("trailing_blank", "lab", "LBUNIT", to("{} ")),
    Edit("trailing_blank", "qs", "SUBJECT", to("{} ")),
    Edit("no_break_space", "cm", "CMTRT", to("{}\u00a0")),
    Edit("visit_name", "lab", "VISIT", to("day 7", "DAY 7"), matches="^Day 7$"),
    Edit("visit_unknown", "abg", "VISIT", to("Visit 6"), matches="^Day 6$"),
    # numbers
    Edit("comma_decimal", "lab", "LBRESULT", POINT_TO_COMMA, 2, 60, r"\."),
    Edit("comma_decimal", "vs", "TEMP", POINT_TO_COMMA, matches=r"\."),
    Edit("comma_decimal", "abg", "PH", POINT_TO_COMMA, matches=r"\."),
    Edit("below_limit", "lab", "LBRESULT", to("<0.5", "< 0.5"), 2, 60, where={"LBUNIT": "mg/L", "VISIT": "Day 28"}),
    Edit("below_limit", "lab", "LBRESULT", to("<2.0"), 1, 40, where={"LBUNIT": "pg/mL", "VISIT": "Day 28"}),
    Edit("above_limit", "lab", "LBRESULT", to(">2000"), where={"LBTEST": "Ferritin"}),
    Edit("number_with_text", "lab", "LBRESULT", to("{} approx"), matches=NUMBER),
    Edit("number_with_text", "vs", "RESP", to("{} approx"), matches=NUMBER),
    Edit("number_with_text", "vs", "PULSE", to("ca. {}"), matches=NUMBER),
    Edit("result_not_done", "lab", "LBRESULT", to("ND", "not done", "hemolysed"), 3, 60),
    Edit("result_missing", "abg", "PACO2", to(None)),
    Edit("implausible", "vs", "SBP", to("{}0")),
    # units
    Edit("second_unit", "lab", "LBUNIT", to("mg/dL"), 2, 60, where={"LBTEST": "C-reactive protein"},
         also={"LBRESULT": by(scaled(0.1, 2)), "Normal High": to("0.5")}),
    Edit("second_unit", "lab", "LBUNIT", to("umol/L"), 1, 30, where={"LBTEST": "Creatinine", "SITE": "02"},
         also={"LBRESULT": by(scaled(88.4, 0)), "Normal Low": to("53"), "Normal High": to("124")}),
    Edit("second_unit", "vs", "TEMPU", to("F"), matches="C", also={"TEMP": by(fahrenheit)}),
    Edit("unit_missing", "lab", "LBUNIT", to(None)),
    Edit("unit_not_in_codelist", "lab", "LBUNIT", to("mgr/dl", "E/L")),
    # terms
    Edit("term_not_in_codelist", "dm", "SEX", to("Femail"), 1, 2, "^Female$"),
    Edit("term_not_in_codelist", "dm", "RACE", to("Persian"), 1, 4),
    Edit("term_not_in_codelist", "cm", "CMROUTE", to("per vein", "via tube")),
    Edit("term_not_in_codelist", "cm", "CMDOSU", to("ampul")),
    Edit("term_not_in_codelist", "inf", "ROUTE", to("Peripheral line"), 1, 4),
    Edit("term_not_in_codelist", "ae", "AEOUT", to("Cured"), matches="^Recovered$"),
    Edit("term_not_in_codelist", "qs", "Réponse", to("Very bad")),
    # events
    Edit("ends_before_start", "ae", "AEENDAT", from_pair("AESTDAT", year_before), 1, 8, DMY, {"AEOUT": "Recovered"}),
    Edit("ineligible_randomised", "ic", "EXC08", to("Yes"), 1, 4, "^No$", {"ELIGYN": "Yes"}),
    # free text
    Edit("non_ascii", "ae", "AETERM", to("{} – über Nacht, ≥ 38 °C", "{} (تب)", "{} naïve Schätzung"), 2, 30),
    Edit("non_ascii", "cm", "CMINDC", to("Fièvre", "Übelkeit")),
    Edit("quotes_and_commas", "ae", "AETERM", to('{}, "like never before", right arm')),
    Edit("line_break", "mh", "MHTERM", to("{}\nsee letter of GP")),
    Edit("formula_text", "ae", "AETERM", to("=SUM of many symptoms", "-{}", "+ {}")),
    Edit("long_text", "ae", "AETERM", to(LONG), 1, 4),
]
