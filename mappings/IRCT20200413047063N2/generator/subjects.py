"""Who is screened, randomised, treated, improves or dies: the simulated course of a block of subjects.

All arrays are indexed by subject, then by visit (`VISITS`) or intervention (0, 1, 2). Times are minutes since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .text import DAY, catalogue, day_number

STUDY = "IRCT20200413047063N2"
SITES = ["01", "02", "03"]
SITE_SHARE = [0.44, 0.32, 0.24]
SCREEN_FAILURE_SHARE = 0.08  # of the number randomised
FIRST_DAY, LAST_DAY = day_number(2020, 4, 25), day_number(2020, 9, 20)  # enrolment
NEVER = np.iinfo(np.int64).max // 4

VISITS = ["Screening", "Day 0 (Intervention 1)", "Day 1", "Day 2 (Intervention 2)", "Day 3", "Day 4 (Intervention 3)",
          "Day 5", "Day 6", "Day 7", "Day 14", "Day 28"]
PLANNED_DAY = np.array([-1, 0, 1, 2, 3, 4, 5, 6, 7, 14, 28])
INTERVENTION_VISITS = np.array([1, 3, 5])
CRITERIA = [f"INC{i:02}" for i in range(1, 8)] + [f"EXC{i:02}" for i in range(1, 13)]
FAILURE_WEIGHT = {"INC01": 2, "INC03": 4, "INC06": 4, "EXC03": 2, "EXC04": 1, "EXC06": 2, "EXC10": 1, "EXC12": 3}
LEAVE_REASONS = ["Withdrawal by subject", "Lost to follow-up", "Adverse event"]
SKIP_REASONS = ["Adverse event", "Physician decision", "Product not available"]
INTERRUPTIONS = {  # reason: the adverse event that it is, if it is one
    "Chills during infusion": "Chills", "Line occluded": "", "Patient transferred for CT": "",
    "Drop of blood pressure": "Hypotension",
}
MISSED_REASONS = ["Subject unavailable", "Staff unavailable", "Subject refused"]


@dataclass(frozen=True)
class Subjects:
    """One block of screened subjects, in the order of screening."""

    site: np.ndarray  # index into SITES
    name: pa.StringArray  # "01-003"
    failed: np.ndarray  # screen failure
    criterion: np.ndarray  # index into CRITERIA of the one violated, -1 = none
    exosomes: np.ndarray  # arm; False for screen failures
    randno: np.ndarray  # randomisation number, 0 for screen failures
    female: np.ndarray
    age: np.ndarray  # at informed consent
    birth: np.ndarray  # day
    sick: np.ndarray  # standard normal; drives oxygenation, laboratory, death
    conditions: np.ndarray  # [subject, row of history.csv] has it
    cause: np.ndarray  # row of adverse_events.csv that the subject would die of
    day0: np.ndarray  # day of the first intervention
    consent: np.ndarray  # minutes
    randomised: np.ndarray  # minutes
    ratio: np.ndarray  # [subject, visit] true PaO2/FiO2, mmHg
    death: np.ndarray  # minutes, NEVER if alive
    left: np.ndarray  # day of early withdrawal, NEVER if none
    leave_reason: np.ndarray  # index into LEAVE_REASONS
    visit_day: np.ndarray  # [subject, visit] day
    due: np.ndarray  # [subject, visit] the subject is still in the study
    attended: np.ndarray  # [subject, visit]
    missed_reason: np.ndarray  # [subject, visit] index into MISSED_REASONS
    end: np.ndarray  # minutes; last contact
    given: np.ndarray  # [subject, intervention] infusion given
    skip_reason: np.ndarray  # [subject, intervention] index into SKIP_REASONS
    start: np.ndarray  # [subject, intervention] minutes: start of the infusion, or the same moment in the control arm
    stop: np.ndarray  # [subject, intervention] minutes
    interrupted: np.ndarray  # [subject, intervention]
    interrupt_reason: np.ndarray  # [subject, intervention] index into INTERRUPTIONS
    stopped_by_event: np.ndarray  # an adverse event ended the treatment

    def __len__(self) -> int:
        return len(self.site)

    @property
    def died(self) -> np.ndarray:
        return self.death < NEVER

    @property
    def completed(self) -> np.ndarray:
        return self.attended[:, -1]


@dataclass
class Counters:
    """What goes on from block to block: last number per site, last randomisation number, how many were screened."""

    site: np.ndarray
    randomised: int = 0
    screened: int = 0


def screened_count(randomised: int) -> int:
    """How many are screened so that so many are randomised."""
    return randomised + max(1, round(SCREEN_FAILURE_SHARE * randomised))


def simulate(rng: np.random.Generator, randomised: int, total: int, counters: Counters) -> Subjects:
    """The next `randomised` subjects and the screen failures among them; `total` = number screened in all blocks."""
    n = screened_count(randomised)
    failed = rng.permutation(n) < n - randomised
    who = _people(rng, n, failed, counters)
    position = (counters.screened + np.arange(n) + rng.random(n)) / total
    day0 = np.floor(FIRST_DAY + (LAST_DAY - FIRST_DAY) * np.minimum(position, 1)).astype(np.int64)
    day_before = rng.random(n) < 0.8
    daytime, early = rng.integers(540, 1020, n), rng.integers(420, 476, n)
    consent = np.where(day_before, (day0 - 1) * DAY + daytime, day0 * DAY + early)
    who["birth"] = consent // DAY - np.floor((who["age"] + rng.random(n) * 0.98 + 0.01) * 365.25).astype(np.int64)
    who["age"] = _years(who["birth"], consent // DAY)
    ratio, death, left = _course(rng, who, day0)
    visit_day, due, attended = _visits(rng, failed, day0, consent, death, left)
    last = np.where(death < NEVER, death, np.where(left < NEVER, left * DAY + 720, visit_day[:, -1] * DAY + 720))
    counters.screened += n
    return Subjects(
        **who, failed=failed, day0=day0, consent=consent, randomised=day0 * DAY + rng.integers(585, 600, n),
        ratio=ratio, death=death, left=left, leave_reason=rng.choice(3, n, p=[0.6, 0.25, 0.15]),
        visit_day=visit_day, due=due, attended=attended, missed_reason=rng.integers(0, 3, attended.shape),
        end=np.where(failed, consent + 300, last), **_interventions(rng, who["exosomes"], attended, visit_day),
    )


def _years(birth: np.ndarray, on: np.ndarray) -> np.ndarray:
    """Completed years between two days, by the calendar."""
    born, now = birth.astype("datetime64[D]"), on.astype("datetime64[D]")
    months = (now.astype("datetime64[M]") - born.astype("datetime64[M]")).astype(np.int64)
    day = [(d - d.astype("datetime64[M]")).astype(np.int64) for d in (born, now)]
    return (months - (day[1] < day[0])) // 12


def _people(rng: np.random.Generator, n: int, failed: np.ndarray, counters: Counters) -> dict[str, np.ndarray]:
    """Numbers, arms, sex, age, severity and history; advances the counters."""
    site = rng.choice(len(SITES), n, p=SITE_SHARE)
    number = np.zeros(n, np.int64)
    for i in range(len(SITES)):
        here = site == i
        number[here] = counters.site[i] + 1 + np.arange(here.sum())
        counters.site[i] += here.sum()
    randno = np.where(failed, 0, counters.randomised + np.cumsum(~failed))
    counters.randomised = int(max(counters.randomised, randno.max()))
    female = rng.random(n) < 0.42
    age = np.clip(np.round(57 + 13 * rng.standard_normal(n)), 20, 88).astype(np.int64)
    weights = np.array([FAILURE_WEIGHT.get(name, 0) for name in CRITERIA], float)
    criterion = np.where(failed, rng.choice(len(CRITERIA), n, p=weights / weights.sum()), -1)
    pregnant = criterion == CRITERIA.index("EXC10")
    criterion[pregnant & ~(female & (age < 48))] = CRITERIA.index("EXC12")
    names = [f"{SITES[s]}-{k:03}" for s, k in zip(site.tolist(), number.tolist())]
    return {
        "site": site, "name": pa.array(names), "criterion": criterion, "exosomes": _arms(rng, site, failed),
        "randno": randno, "female": female, "age": age, "sick": rng.standard_normal(n), **_illness(rng, age),
    }


def _illness(rng: np.random.Generator, age: np.ndarray) -> dict[str, np.ndarray]:
    """History (older subjects have more of it), and what the subject dies of if so."""
    chance = np.array([float(row["chance"]) for row in catalogue("history.csv")])
    older = np.clip(1 + (age - 57)[:, None] / 40, 0.3, 2)
    events = catalogue("adverse_events.csv")
    fatal = np.array([float(row["weight"]) * (row["kind"] == "fatal") for row in events])
    return {
        "conditions": rng.random((len(age), len(chance))) < chance * older,
        "cause": rng.choice(len(events), len(age), p=fatal / fatal.sum()),
    }


def _arms(rng: np.random.Generator, site: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """True for the exosome arm: 1:1 in permuted blocks of four within each site."""
    exosomes = np.zeros(len(site), bool)
    for i in range(len(SITES)):
        here = np.flatnonzero((site == i) & ~failed)
        group = np.arange(len(here)) // 4
        shuffled = np.lexsort((rng.random(len(here)), group))
        exosomes[here[shuffled]] = np.arange(len(here)) % 4 % 2 == 0
    return exosomes


def _course(rng: np.random.Generator, who: dict, day0: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Oxygenation by visit, death, early withdrawal."""
    n, sick, exosomes = len(day0), who["sick"], who["exosomes"]
    logit = -2.1 + 0.9 * sick + 0.03 * (who["age"] - 57) + np.where(exosomes, -0.35, 0.25)
    dies = (rng.random(n) < 1 / (1 + np.exp(-logit))) & (who["randno"] > 0)
    death = np.where(dies, (day0 + rng.integers(3, 28, n)) * DAY + rng.integers(0, DAY, n), NEVER)
    leaves = (rng.random(n) < 0.06) & ~dies & (who["randno"] > 0)
    left = np.where(leaves, day0 + rng.integers(5, 27, n), NEVER)
    base = np.clip(195 - 28 * sick + 32 * rng.standard_normal(n), 95, 288)
    slope = np.where(dies, -5, 5 - 3 * sick) + 9 * exosomes + 3 * rng.standard_normal(n)
    days = np.minimum(PLANNED_DAY.clip(0), 12)
    ratio = base[:, None] + slope[:, None] * days + (9 + days) * rng.standard_normal((n, len(VISITS)))
    ratio[:, :2] = np.minimum(ratio[:, :2], 290)
    ratio[who["criterion"] == CRITERIA.index("INC03"), 0] = 330
    return np.clip(ratio, 62, 465), death, left


def _visits(rng, failed, day0, consent, death, left) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Day of each visit, whether the subject is still there, whether the visit took place."""
    n = len(day0)
    shift = np.zeros((n, len(VISITS)), np.int64)
    shift[:, 9], shift[:, 10] = rng.integers(-1, 2, n), rng.integers(-2, 3, n)
    day = day0[:, None] + PLANNED_DAY + shift
    day[:, 0] = consent // DAY
    due = (day < (death // DAY)[:, None]) & (day <= left[:, None])
    due[:, 1:] &= ~failed[:, None]
    can_miss = np.isin(np.arange(len(VISITS)), [2, 4, 6, 9])
    return day, due, due & ~((rng.random(day.shape) < 0.03) & can_miss)


def _interventions(rng, exosomes, attended, visit_day) -> dict[str, np.ndarray]:
    """When and whether each infusion is given. One not given for an adverse event is the end of treatment."""
    shape = (len(exosomes), 3)
    start = visit_day[:, INTERVENTION_VISITS] * DAY + rng.integers(605, 840, shape)
    interrupted = rng.random(shape) < 0.06
    length = rng.integers(45, 76, shape) + interrupted * rng.integers(10, 50, shape)
    reason = rng.integers(0, 3, shape)
    skipped = (rng.random(shape) < 0.03) & (np.arange(3) > 0)
    ended = skipped[:, 1] & (reason[:, 1] == 0)
    skipped[ended, 2], reason[ended, 2] = True, 0
    planned = attended[:, INTERVENTION_VISITS] & exosomes[:, None]
    given = planned & ~skipped
    return {
        "given": given, "skip_reason": reason, "start": start, "stop": start + length,
        "interrupted": interrupted & given, "interrupt_reason": rng.integers(0, len(INTERRUPTIONS), shape),
        "stopped_by_event": (planned & skipped & (reason == 0)).any(1),
    }
