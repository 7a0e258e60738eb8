"""The forms at entry: demography, consent and eligibility, SOFA and oxygen requirement, randomisation, visit dates."""

from __future__ import annotations

import numpy as np

from .header import Form, visit_header
from .subjects import CRITERIA, MISSED_REASONS, Subjects
from .text import DAY, constant, dates, day_number, numbers, pick, times, yes_no

DEVICES = ["Room air", "Nasal cannula", "Face mask with reservoir", "High-flow nasal cannula",
           "Non-invasive ventilation", "Invasive ventilation"]
LOWEST_RATIO = np.array([100, 130, 180, 250, 380])  # below the first: invasive ventilation; at the last: room air


def device(ratio: np.ndarray) -> np.ndarray:
    """Oxygen supply by PaO2/FiO2, as an index into `DEVICES`."""
    return 5 - np.searchsorted(LOWEST_RATIO, ratio, side="right")


def demography(s: Subjects, rng: np.random.Generator) -> Form:
    who, n = np.arange(len(s)), len(s)
    return {
        **visit_header(s, who, np.zeros(n, np.int64)),
        "DM.BRTHDAT": dates(s.birth, "dd-MMM-yyyy", s.site != 2),
        "DM.AGE": numbers(s.age, 0),
        "SEX": pick(["Male", "Female"], s.female),
        "RACE": pick(["White", "Asian", "Other"], rng.choice(3, n, p=[0.93, 0.05, 0.02])),
        "ETHNIC": pick(["Not Hispanic or Latino", "Not reported", "Unknown"], rng.choice(3, n, p=[0.9, 0.08, 0.02])),
        "COUNTRY": constant("Iran", who >= 0),
    }


def consent(s: Subjects, rng: np.random.Generator) -> Form:
    n = len(s)
    answers = {
        name: yes_no((s.criterion == i) != name.startswith("INC")) for i, name in enumerate(CRITERIA)
    }
    return {
        **visit_header(s, np.arange(n), np.zeros(n, np.int64)),
        "ICDAT": dates(s.consent // DAY, "dd-MMM-yyyy"),
        "ICTIM": times(s.consent),
        "PROTVER": pick(["1.0", "2.0"], s.consent // DAY >= day_number(2020, 7, 1)),
        "ELIGYN": yes_no(~s.failed),
        **answers,
    }


def sofa(s: Subjects, rng: np.random.Generator) -> Form:
    """Total of 2 or 3, as the inclusion criterion asks, unless the subject failed on it."""
    n = len(s)
    supported = s.ratio[:, 0] < 180  # high-flow or ventilation
    score = np.zeros((n, 6), np.int64)
    score[:, 0] = np.where(supported, 3, np.where(s.ratio[:, 0] <= 300, 2, 1))
    extra = ~supported & (rng.random(n) < 0.5)
    score[np.flatnonzero(extra), rng.integers(1, 6, extra.sum())] = 1
    failed = s.criterion == CRITERIA.index("INC06")
    score[failed, 1:] += np.array([2, 0, 1, 0, 1])
    supply = device(s.ratio[:, 0])
    low = np.array([1, 1, 8, 30, 0, 0])
    high = np.array([2, 7, 16, 61, 1, 1])
    parts = ["SOFA RESP", "SOFA COAG", "SOFA LIVER", "SOFA CARDIO", "SOFA CNS", "SOFA RENAL"]
    return {
        **visit_header(s, np.arange(n), np.zeros(n, np.int64)),
        "SOFADAT": dates(s.visit_day[:, 0], "dd-MMM-yyyy"),
        **{name: numbers(score[:, i], 0) for i, name in enumerate(parts)},
        "SOFA TOTAL": numbers(score.sum(1), 0),
        "O2REQ": pick(DEVICES, supply),
        "O2FLOW": numbers(rng.integers(low[supply], high[supply]), 0, (supply > 0) & (supply < 4)),
    }


def randomisation(s: Subjects, rng: np.random.Generator) -> Form:
    who = np.flatnonzero(~s.failed)
    day = dates(s.randomised[who] // DAY, "yyyy-mm-dd").to_pylist()
    clock = times(s.randomised[who]).to_pylist()
    together = [f"{d} {t}" for d, t in zip(day, clock)]
    return {
        **visit_header(s, who, np.ones(len(who), np.int64)),
        "RANDNO": pick([f"R{k:04}" for k in s.randno[who].tolist()], np.arange(len(who))),
        "ARM": pick(["Standard care", "Exosomes + standard care"], s.exosomes[who]),
        "RANDDTTM": pick(together, np.arange(len(who))),
    }


def visit_dates(s: Subjects, rng: np.random.Generator) -> Form:
    """One row per visit while the subject is in the study; a missed visit has no date."""
    who, visit = np.nonzero(s.due)
    took_place = s.attended[who, visit]
    header = visit_header(s, who, visit)
    header["VISITDT"] = dates(s.visit_day[who, visit], "yyyy-mm-dd", took_place)
    place = np.where(visit < 9, 0, rng.choice(3, len(who), p=[0.15, 0.65, 0.2]))
    return {
        **header,
        "VISOCC": yes_no(took_place),
        "VISREAS": pick(MISSED_REASONS, s.missed_reason[who, visit], ~took_place),
        "VISTYPE": pick(["Hospital", "Outpatient clinic", "Home visit"], place, took_place),
    }
