"""Laboratory, blood gases, vital signs and questionnaires, in the units of each site."""

from __future__ import annotations

import numpy as np

from .entry import DEVICES, device
from .header import Form, visit_header
from .subjects import INTERVENTION_VISITS, SITES, VISITS, Subjects
from .text import DAY, catalogue, dates, numbers, pick, rounded, times

LAB_VISITS = np.array([1, 8, 9, 10])
GAS_VISITS = np.arange(1, 9)
VITAL_VISITS = np.array([0, 1, 3, 5, 7, 8, 9, 10])
QUESTION_VISITS = np.array([1, 3, 5, 6, 7, 8, 9])
MMHG_PER_KPA = 7.50062

# Median and log-scale spread in the reference unit; effect of being sick; change of the logarithm on days 7, 14 and 28
# under standard care; extra change on exosomes (on day 7, twice that later).
TESTS = {
    "CRP": (68, 0.55, 0.30, (-0.7, -1.4, -2.3), -0.35),  # mg/L
    "INTLK6": (42, 0.65, 0.40, (-0.5, -1.0, -1.7), -0.40),  # pg/mL
    "FERRITIN": (780, 0.45, 0.25, (-0.1, -0.3, -0.8), -0.15),  # ng/mL
    "DDIMER": (1.3, 0.60, 0.30, (-0.1, -0.4, -0.9), -0.20),  # mg/L FEU
    "LDH": (420, 0.25, 0.20, (-0.15, -0.3, -0.6), -0.08),  # U/L
    "WBC": (7.8, 0.30, 0.08, (0.1, 0.05, -0.1), 0.0),  # 10^9/L
    "LYM": (0.82, 0.35, -0.18, (0.15, 0.4, 0.65), 0.12),  # 10^9/L
    "PLAT": (212, 0.28, -0.05, (0.2, 0.25, 0.1), 0.0),  # 10^9/L
    "CREAT": (0.95, 0.22, 0.06, (0.0, -0.02, -0.05), 0.0),  # mg/dL
    "ALT": (38, 0.45, 0.10, (0.15, 0.0, -0.25), 0.0),  # U/L
    "AST": (42, 0.40, 0.15, (0.0, -0.15, -0.4), 0.0),  # U/L
    "BILI": (0.65, 0.35, 0.08, (0.0, -0.05, -0.1), 0.0),  # mg/dL
}

SYMPTOMS = ["Cough", "Fever", "Fatigue", "Dyspnoea", "Chest tightness"]
ITEMS = ["Dyspnoea grade", *SYMPTOMS, "Pneumonia improvement (imaging)"]
GRADES = [f"Grade {i}" for i in range(5)]
INTENSITY = ["None", "Mild", "Moderate", "Severe"]
IMPROVEMENT = ["Worse", "No change", "Partial improvement", "Marked improvement"]


def morning(rng: np.random.Generator, s: Subjects, who: np.ndarray, visit: np.ndarray) -> np.ndarray:
    """A time of measurement between 08:05 and 09:40 of the visit's day."""
    return s.visit_day[who, visit] * DAY + rng.integers(485, 581, len(who))


def laboratory(s: Subjects, rng: np.random.Generator) -> Form:
    """One row per test, in the site's words, unit, decimals and limits of normal."""
    who, visit = np.nonzero(s.attended[:, LAB_VISITS])
    sampled = morning(rng, s, who, LAB_VISITS[visit])
    values = _laboratory_values(s, rng)[who, visit]  # [sample, test]
    count = len(TESTS)
    who, visit, sampled = (np.repeat(a, count) for a in (who, visit, sampled))
    test = np.tile(np.arange(count), len(values))
    local = catalogue("laboratory.csv")
    place = {(row["code"], row["site"]): i for i, row in enumerate(local)}
    row = np.array([[place[code, site] for code in TESTS] for site in SITES])[s.site[who], test]
    factor = np.array([float(r["factor"]) for r in local])
    decimals = np.array([int(r["decimals"]) for r in local])
    return {
        **visit_header(s, who, LAB_VISITS[visit]),
        "LBDAT": dates(sampled // DAY, "yyyy-mm-dd"),
        "LBTIM": times(sampled),
        "LBSPEC": pick([r["specimen"] for r in local], row),
        "LBTEST": pick([r["words"] for r in local], row),
        "LBRESULT": numbers(values.ravel() * factor[row], decimals[row]),
        "LBUNIT": pick([r["unit"] for r in local], row),
        "Normal Low": pick([r["low"] for r in local], row),
        "Normal High": pick([r["high"] for r in local], row),
    }


def _laboratory_values(s: Subjects, rng: np.random.Generator) -> np.ndarray:
    """Results in the reference units, [subject, visit, test]."""
    n = len(s)
    median, spread, load, change, effect = (np.array(column) for column in zip(*TESTS.values()))
    person = rng.standard_normal((n, 1, len(TESTS)))
    noise = rng.standard_normal((n, len(LAB_VISITS), len(TESTS)))
    trend = np.concatenate([np.zeros((1, len(TESTS))), change.T])
    treated = s.exosomes[:, None, None] * np.array([0, 1, 2, 2])[:, None] * effect
    getting_worse = s.died[:, None, None] * np.array([0, 1, 1, 1])[:, None] * (0.6 * load - 0.9 * trend)
    log = np.log(median) + load * s.sick[:, None, None] + spread * (0.8 * person + 0.5 * noise)
    return np.exp(log + trend + treated + getting_worse)


def blood_gases(s: Subjects, rng: np.random.Generator) -> Form:
    who, visit = np.nonzero(s.attended[:, GAS_VISITS])
    visit = GAS_VISITS[visit]
    n = len(who)
    sampled = morning(rng, s, who, visit)
    ratio = s.ratio[who, visit]
    oxygen = np.clip(rounded((72 + 9 * rng.standard_normal(n)) / ratio, 2), 0.21, 1.0)
    pressure = np.clip(ratio * oxygen, 38, 140)
    carbon = np.clip(37 + 5 * rng.standard_normal(n) + np.clip(150 - ratio, 0, 60) / 8, 22, 75)
    ph = np.clip(7.41 - 0.006 * (carbon - 38) + 0.02 * rng.standard_normal(n), 7.05, 7.60)
    saturation = 100 / (1 + 23400 / (pressure**3 + 150 * pressure)) + 0.8 * rng.standard_normal(n)
    kpa = s.site[who] == 2
    fraction = s.site[who] == 1
    per_unit = np.where(kpa, MMHG_PER_KPA, 1)
    return {
        **visit_header(s, who, visit),
        "ABGDAT": dates(sampled // DAY, "dd-MMM-yyyy"),
        "ABGTIM": times(sampled),
        "PAO2": numbers(pressure / per_unit, kpa * 1),
        "PAO2U": pick(["mmHg", "kPa"], kpa),
        "FIO2": numbers(oxygen * np.where(fraction, 1, 100), fraction * 2),
        "FIO2U": pick(["%", "fraction"], fraction),
        "PACO2": numbers(carbon / per_unit, kpa * 1),
        "PACO2U": pick(["mmHg", "kPa"], kpa),
        "PH": numbers(ph, 2),
        "SPO2": numbers(np.clip(saturation, 60, 100), 0),
        "O2SUPP": pick(DEVICES, device(ratio)),
    }


def vital_signs(s: Subjects, rng: np.random.Generator) -> Form:
    """One row per visit, and one two hours after each infusion. Height at screening; weight there and on day 28."""
    due = np.zeros((len(s), len(VISITS), 2), bool)
    due[:, VITAL_VISITS, 0] = s.attended[:, VITAL_VISITS]
    due[:, INTERVENTION_VISITS, 1] = s.given
    who, visit, after = np.nonzero(due)
    n, after = len(who), after == 1
    at = _vital_times(s, rng, who, visit, after)
    ill = np.clip((260 - s.ratio[who, visit]) / 60, -2, 3)
    systolic = np.clip(124 + 0.3 * (s.age[who] - 57) - 3 * ill + 12 * rng.standard_normal(n), 75, 195)
    celsius = np.clip(36.9 + 0.25 * ill + 0.35 * rng.standard_normal(n) + after * 0.2, 35.4, 40.6)
    fahrenheit = s.site[who] == 1
    height = np.round(np.where(s.female, 161, 174) + 6.5 * rng.standard_normal(len(s)))
    weight = np.clip(27.5 + 4 * rng.standard_normal(len(s)), 18, 45) * (height / 100) ** 2
    first = visit == 0
    lost = np.where(first, 0, 2.0 + rng.standard_normal(n))
    timed = np.isin(visit, INTERVENTION_VISITS)
    return {
        **visit_header(s, who, visit),
        "TIMEPT": pick(["Pre-dose", "2 h post-dose"], after, timed),
        "VSDAT": dates(at // DAY, "dd/mm/yyyy"),
        "VSTIM": times(at),
        "POSITION": pick(["Supine", "Semi-recumbent", "Sitting"], np.where(visit >= 9, 2, rng.integers(0, 2, n))),
        "SBP": numbers(systolic, 0),
        "DBP": numbers(np.clip(0.5 * systolic + 14 + 6 * rng.standard_normal(n), 38, 115), 0),
        "PULSE": numbers(np.clip(86 + 5 * ill + 10 * rng.standard_normal(n), 45, 160), 0),
        "RESP": numbers(np.clip(21 + 3 * ill + 2.5 * rng.standard_normal(n), 10, 48), 0),
        "TEMP": numbers(np.where(fahrenheit, celsius * 1.8 + 32, celsius), 1),
        "TEMPU": pick(["C", "F"], fahrenheit),
        "WEIGHT": numbers(weight[who] - lost, 1, first | (visit == 10)),
        "HEIGHT": numbers(height[who], 0, first),
    }


def _vital_times(s: Subjects, rng: np.random.Generator, who, visit, after) -> np.ndarray:
    """Shortly before the infusion, two hours after its end, in the morning of other visits, or before consent ends."""
    at = morning(rng, s, who, visit)
    number = np.searchsorted(INTERVENTION_VISITS, visit).clip(0, 2)
    before = s.start[who, number] - rng.integers(5, 26, len(who))
    later = s.stop[who, number] + 120 + rng.integers(-8, 9, len(who))
    at = np.where(np.isin(visit, INTERVENTION_VISITS), np.where(after, later, before), at)
    return np.where(visit == 0, s.consent[who] + rng.integers(5, 9, len(who)), at)


def questionnaires(s: Subjects, rng: np.random.Generator) -> Form:
    """One row per item; improvement on imaging has no row at baseline."""
    who, visit = np.nonzero(s.attended[:, QUESTION_VISITS])
    visit = QUESTION_VISITS[visit]
    ratio, base = s.ratio[who, visit], s.ratio[who, 1]
    score = np.empty((len(who), len(ITEMS)), np.int64)
    burden = (330 - ratio)[:, None] / 70 + 0.6 * rng.standard_normal((len(who), len(ITEMS)))
    score[:, 0] = np.clip(np.floor(burden[:, 0] + 0.7), 0, 4)
    score[:, 1:6] = np.clip(np.floor(burden[:, 1:6] - [0.3, 0.8, 0.0, 0.1, 0.6] + 0.4), 0, 3)
    score[:, 6] = np.clip(np.floor((ratio - base) / 45 + 1.4 + 0.5 * rng.standard_normal(len(who))), 0, 3)
    asked = np.ones(score.shape, bool)
    asked[:, 6] = visit > 1
    row, item = np.nonzero(asked)
    answer = score[row, item]
    words = [*GRADES, *INTENSITY, *IMPROVEMENT]
    return {
        **visit_header(s, who[row], visit[row]),
        "QSDAT": dates(s.visit_day[who[row], visit[row]], "yyyy-mm-dd"),
        "SCALE": pick(["mMRC Dyspnoea Scale", "Symptoms and Pneumonia Evaluation"], item > 0),
        "ITEM": pick(ITEMS, item),
        "Réponse": pick(words, answer + np.where(item == 0, 0, np.where(item < 6, 5, 9))),
        "SCORE": numbers(answer, 0),
    }
