"""The other logs: medical history, concomitant medication, stays in the ICU, end of study."""

from __future__ import annotations

import numpy as np

from .header import Form, log_header
from .subjects import INTERVENTION_VISITS, LEAVE_REASONS, NEVER, SKIP_REASONS, Subjects
from .text import DAY, catalogue, dates, numbers, pick, running, spellings, times, yes_no


def history(s: Subjects, rng: np.random.Generator) -> Form:
    """One row per condition; one row "No" for a subject without any."""
    rows = catalogue("history.csv")
    has = s.conditions
    none = ~has.any(1)
    who, term = np.nonzero(np.column_stack([has, none]))
    present = term < len(rows)
    term = np.where(present, term, 0)
    years = np.array([float(row["years"]) for row in rows])[term]
    age = (s.consent[who] // DAY - s.birth[who]) / 365.25
    ago = np.minimum(rng.random(len(who)) * 2 * years + 0.3, age * 0.8)
    start = s.consent[who] // DAY - np.floor(ago * 365.25).astype(np.int64)
    gone = present & (rng.random(len(who)) < np.array([float(row["resolved"]) for row in rows])[term])
    stop = start + np.floor((s.consent[who] // DAY - start) * rng.random(len(who)) * 0.6).astype(np.int64)
    return {
        **log_header(s, who, "Medical History"),
        "MHYN": yes_no(present),
        "MHSPID": numbers(running(who), 0, present),
        "MHTERM": spellings(rows, term, rng, present),
        "MHPT": pick([row["pt"] for row in rows], term, present),
        "MHSOC": pick([row["soc"] for row in rows], term, present),
        "MHSTDAT": dates(start, "dd-MMM-yyyy", present),
        "MHENDAT": dates(stop, "dd-MMM-yyyy", gone),
        "MHONGO": yes_no(~gone, present),
    }


def medications(s: Subjects, rng: np.random.Generator) -> Form:
    """One row per medication of the randomised; one row "No" for a subject without any."""
    rows = catalogue("medications.csv")
    conditions = [row["pt"] for row in catalogue("history.csv")]
    chance = np.array([float(row["chance"]) for row in rows])
    takes = rng.random((len(s), len(rows))) < chance
    chronic = np.array([row["history"] != "" for row in rows])
    for i, row in enumerate(rows):
        if chronic[i]:
            takes[:, i] &= s.conditions[:, conditions.index(row["history"])]
    takes &= ~s.failed[:, None]
    who, drug = np.nonzero(np.column_stack([takes, ~takes.any(1) & ~s.failed]))
    present = drug < len(rows)
    drug = np.where(present, drug, 0)
    since = np.where(chronic[drug], rng.integers(200, 2600, len(who)), rng.integers(-3, 3, len(who)))
    last = s.end[who] // DAY
    start = np.minimum(s.day0[who] - since, last)
    stop = start + rng.integers(4, 15, len(who))
    ended = present & ~chronic[drug] & (stop < last)
    columns = {"CMTRT": "treatment", "CMCLAS": "class", "CMINDC": "indication", "CMDOSE": "dose", "CMDOSU": "unit",
               "CMFREQ": "frequency", "CMROUTE": "route"}
    return {
        **log_header(s, who, "Concomitant Medications"),
        "CMYN": yes_no(present),
        "CMSPID": numbers(running(who), 0, present),
        **{name: pick([row[key] for row in rows], drug, present) for name, key in columns.items()},
        "CMSTDAT": dates(start, "dd-MMM-yyyy", present),
        "CMENDAT": dates(stop, "dd-MMM-yyyy", ended),
        "CMONGO": yes_no(~ended, present),
    }


def icu_stays(s: Subjects, rng: np.random.Generator) -> Form:
    """One row per stay; one row "No" for a randomised subject without any. A second stay for some."""
    n = len(s)
    early = rng.random(n) < np.clip(0.72 + 0.1 * s.sick, 0.1, 0.97)
    late = ~early & ((rng.random(n) < 0.12) | s.died)
    arrive = np.where(early, s.consent - rng.integers(60, 47 * 60, n), s.start[:, 0] + rng.integers(1440, 4000, n))
    long = rng.gamma(2.2, np.clip(4200 + 1500 * s.sick - 1100 * s.exosomes, 1200, 12000)) + 600
    leave = np.where(s.died, NEVER, arrive + long.astype(np.int64) + np.where(early, 1440, 0))
    again = leave + rng.integers(1000, 4300, n)
    stays = ~s.failed & (early | late) & (arrive < s.end)
    back = stays & ~s.died & (rng.random(n) < 0.12) & (again < s.end - 600)
    who = np.concatenate([np.flatnonzero(stays), np.flatnonzero(back), np.flatnonzero(~stays & ~s.failed)])
    line = np.repeat([1, 2, 0], [stays.sum(), back.sum(), len(who) - stays.sum() - back.sum()])
    order = np.lexsort((line, who))
    who, line = who[order], line[order]
    entered = np.where(line == 2, again[who], arrive[who])
    left = np.where(line == 2, entered + (long[who] * 0.6).astype(np.int64) + 300, leave[who])
    in_icu = line > 0
    died = in_icu & s.died[who]
    left = np.where(died, s.death[who], left)
    still = in_icu & ~died & (left >= s.end[who])
    out = in_icu & ~still
    return {
        **log_header(s, who, "ICU Log"),
        "ICUYN": yes_no(in_icu),
        "ICUSPID": numbers(line, 0, in_icu),
        "ICU In Date": dates(entered // DAY, "dd/mm/yyyy", in_icu),
        "ICU In Time": times(entered, in_icu),
        "ICU Out Date": dates(left // DAY, "dd/mm/yyyy", out),
        "ICU Out Time": times(left, out),
        "STILLIN": yes_no(still, in_icu),
        "OUTTO": pick(["Ward", "Died"], died, out),
    }


def disposition(s: Subjects, rng: np.random.Generator) -> Form:
    """One row per screened subject: treatment (exosome arm), study, death."""
    n = len(s)
    every = np.ones(n, bool)
    left_early = s.left < NEVER
    treated = s.given.any(1)
    last_dose = np.where(s.given, s.stop, 0).max(1) // DAY
    full = s.given.all(1)
    missing = np.argmin(s.given, axis=1)  # the first infusion not given
    there = s.attended[np.arange(n), INTERVENTION_VISITS[missing]]
    why = np.where(there, 1 + s.skip_reason[np.arange(n), missing], 0)
    reason = np.where(s.failed, 0, np.where(s.died, 1, 2 + s.leave_reason))
    reasons = ["Screen failure", "Death", *LEAVE_REASONS]
    final = s.end // DAY
    rows = catalogue("adverse_events.csv")
    seen = np.where(s.attended, s.visit_day, 0).max(1)
    lost = left_early & (s.leave_reason == 1)
    return {
        **log_header(s, np.arange(n), "End of Study"),
        "TRTCOMP": yes_no(full, s.exosomes),
        "TRTREAS": pick(["Death", *SKIP_REASONS], why, s.exosomes & ~full),
        "TRTENDAT": dates(last_dose, "yyyy-mm-dd", treated),
        "COMPLETED": yes_no(s.completed, every),
        "DSREAS": pick(reasons, reason, ~s.completed),
        "DSDAT": dates(final, "yyyy-mm-dd"),
        "LASTCDAT": dates(np.where(lost, seen, final), "yyyy-mm-dd"),
        "DTHDAT": dates(s.death // DAY, "yyyy-mm-dd", s.died),
        "DTHTIM": times(s.death, s.died),
        "DTHCAUS": pick([row["pt"] for row in rows], s.cause, s.died),
    }
