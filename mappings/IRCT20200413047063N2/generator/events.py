"""The adverse event log: what happens around infusions, what happens anyway, what stops treatment, what kills."""

from __future__ import annotations

import numpy as np

from .header import Form, log_header
from .subjects import INTERRUPTIONS, Subjects
from .text import DAY, catalogue, dates, numbers, pick, running, spellings, times, yes_no

CTCAE = ["1 - Mild", "2 - Moderate", "3 - Severe", "4 - Life-threatening", "5 - Death"]
RELATION = ["Not related", "Unlikely", "Possibly", "Probably", "Definitely"]
ACTION = ["Dose not changed", "Drug interrupted", "Drug withdrawn", "Not applicable"]
OUTCOME = ["Recovered", "Recovered with sequelae", "Recovering", "Not recovered", "Fatal", "Unknown"]
SERIOUS = ["AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE"]
GENERAL, INFUSION, INTERRUPTING, STOPPING, FATAL = range(5)  # why an event is in the simulation, as in `makers` below
PERSISTS = 0.1  # share of the general events that do not end before the last contact

Events = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # subject, row of adverse_events.csv, start, stop


def adverse_events(s: Subjects, rng: np.random.Generator) -> Form:
    """One row per event; one row "No" for a randomised subject without events."""
    rows = catalogue("adverse_events.csv")
    makers = [_general, _after_infusion, _interrupting, _stopping, _fatal]
    made = [make(s, rng, rows) for make in makers]
    kind = np.repeat(np.arange(len(made)), [len(events[0]) for events in made])
    who, term, start, stop = (np.concatenate(columns) for columns in zip(*made))
    silent = np.setdiff1d(np.flatnonzero(~s.failed), who)
    event = np.arange(len(who) + len(silent)) < len(who)
    who = np.concatenate([who, silent])
    term, start, stop, kind = (np.concatenate([a, np.zeros(len(silent), np.int64)]) for a in (term, start, stop, kind))
    order = np.lexsort((start, who))
    who, event, term, start, stop, kind = (a[order] for a in (who, event, term, start, stop, kind))
    ended = event & ((kind == FATAL) | (stop < s.end[who]))
    return {
        **log_header(s, who, "Adverse Events"),
        "AEYN": yes_no(event),
        "AESPID": numbers(running(who), 0, event),
        "AETERM": spellings(rows, term, rng, event),
        **{f"AE{level.upper()}": pick([row[level] for row in rows], term, event) for level in ("llt", "pt", "soc")},
        "AESTDAT": dates(start // DAY, "dd-MMM-yyyy", event),
        "AESTTIM": times(start, event),
        "AEENDAT": dates(stop // DAY, "dd-MMM-yyyy", ended),
        "AEENTIM": times(stop, ended),
        "AEONGO": yes_no(~ended, event),
        **_severity(rng, kind, event),
        **_consequence(s, rng, who, kind, event, ended, start),
    }


def _terms(rng: np.random.Generator, rows: list[dict[str, str]], kind: str, count: int) -> np.ndarray:
    weight = np.array([float(row["weight"]) * (row["kind"] == kind) for row in rows])
    return rng.choice(len(rows), count, p=weight / weight.sum())


def _general(s: Subjects, rng: np.random.Generator, rows: list[dict[str, str]]) -> Events:
    """More often early, and in the sicker; some start between consent and the first intervention."""
    count = np.where(s.failed, 0, rng.poisson(np.clip(1.4 + 0.4 * s.sick, 0.5, 4)))
    who = np.repeat(np.arange(len(s)), count)
    span = (s.end - s.consent)[who] - 180
    start = s.consent[who] + 60 + np.floor(rng.beta(1, 2.5, len(who)) * span).astype(np.int64)
    stop = start + np.ceil(rng.gamma(2, 2600, len(who))).astype(np.int64) + 30
    stop = np.where(rng.random(len(who)) < PERSISTS, s.end[who], stop)
    return who, _terms(rng, rows, "general", len(who)), start, stop


def _after_infusion(s: Subjects, rng: np.random.Generator, rows: list[dict[str, str]]) -> Events:
    who, number = np.nonzero(s.given & (rng.random(s.given.shape) < 0.14))
    start = s.stop[who, number] + rng.integers(5, 660, len(who))
    alive = start < s.end[who] - 60
    who, start = who[alive], start[alive]
    return who, _terms(rng, rows, "infusion", len(who)), start, start + rng.integers(30, 1500, len(who))


def _interrupting(s: Subjects, rng: np.random.Generator, rows: list[dict[str, str]]) -> Events:
    """What the infusion form gives as the reason of an interruption, where that is a symptom."""
    preferred = [row["pt"] for row in rows]
    term = np.array([preferred.index(pt) if pt else -1 for pt in INTERRUPTIONS.values()])
    who, number = np.nonzero(s.interrupted & (term[s.interrupt_reason] >= 0))
    start = s.start[who, number] + rng.integers(5, 31, len(who))
    return who, term[s.interrupt_reason[who, number]], start, start + rng.integers(30, 400, len(who))


def _stopping(s: Subjects, rng: np.random.Generator, rows: list[dict[str, str]]) -> Events:
    """The event after the last infusion of a subject whose treatment ends for an adverse event."""
    who = np.flatnonzero(s.stopped_by_event)
    last = s.given[who].sum(1) - 1
    start = s.stop[who, last] + rng.integers(10, 300, len(who))
    return who, _terms(rng, rows, "infusion", len(who)), start, start + rng.integers(300, 3000, len(who))


def _fatal(s: Subjects, rng: np.random.Generator, rows: list[dict[str, str]]) -> Events:
    who = np.flatnonzero(s.died)
    onset = np.maximum(s.death[who] - rng.integers(400, 4300, len(who)), s.consent[who] + 90)
    return who, s.cause[who], onset, s.death[who]


def _severity(rng: np.random.Generator, kind: np.ndarray, event: np.ndarray) -> Form:
    """Grade, seriousness and its criteria."""
    n = len(kind)
    around = (kind == INFUSION) | (kind == INTERRUPTING)
    grade = np.where(around, rng.choice(3, n, p=[0.65, 0.3, 0.05]), rng.choice(4, n, p=[0.47, 0.33, 0.16, 0.04]))
    grade = np.where(kind == STOPPING, np.maximum(grade, 1), np.where(kind == FATAL, 4, grade))
    serious = (grade >= 3) | ((grade == 2) & (rng.random(n) < 0.4))
    criteria = {name: np.zeros(n, bool) for name in SERIOUS}
    criteria["AESDTH"], criteria["AESLIFE"] = grade == 4, grade == 3
    criteria["AESHOSP"] = serious & (grade < 4) & (rng.random(n) < 0.7)
    criteria["AESMIE"] = serious & (grade < 3) & ~criteria["AESHOSP"]
    return {
        "CTCGR": pick(CTCAE, grade, event),
        "AESER": yes_no(serious, event),
        **{name: yes_no(answer, event & serious) for name, answer in criteria.items()},
        "AETRT": yes_no((grade > 0) & (rng.random(n) < 0.7), event),
    }


def _consequence(s, rng, who, kind, event, ended, start) -> Form:
    """Relation, action taken and outcome. Under standard care there is nothing to be related to."""
    n = len(who)
    around = (kind >= INFUSION) & (kind <= STOPPING)
    relation = np.where(around, rng.choice(5, n, p=[0, 0.1, 0.5, 0.33, 0.07]), rng.choice(3, n, p=[0.72, 0.22, 0.06]))
    last = np.where(s.given, s.start, 0).max(1)[who]
    action = np.where(s.exosomes[who] & (start < last), 0, 3)  # after the last infusion there is nothing to change
    action = np.where(kind == INTERRUPTING, 1, np.where(kind == STOPPING, 2, action))
    outcome = np.where(ended, rng.random(n) < 0.05, np.where((rng.random(n) < 0.5) & ~s.died[who], 2, 3))
    return {
        "AEREL": pick(RELATION, np.where(s.exosomes[who], relation, 0), event),
        "AEACN": pick(ACTION, action, event),
        "AEOUT": pick(OUTCOME, np.where(kind == FATAL, 4, outcome), event),
    }
