"""The columns that every form starts with."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from .subjects import SITES, STUDY, VISITS, Subjects
from .text import constant, dates, pick

Form = dict[str, pa.StringArray]


def visit_header(s: Subjects, who: np.ndarray, visit: np.ndarray) -> Form:
    """STUDY, SITE, SUBJECT, VISIT, VISITDT of rows that belong to subject `who` and visit number `visit`."""
    day = dates(s.visit_day[who, visit], "yyyy-mm-dd")
    return {**log_header(s, who, ""), "VISIT": pick(VISITS, visit), "VISITDT": day}


def log_header(s: Subjects, who: np.ndarray, log: str) -> Form:
    """The same for a log, which belongs to no visit: VISITDT is missing."""
    every = np.ones(len(who), bool)
    return {
        "STUDY": constant(STUDY, every),
        "SITE": pick(SITES, s.site[who]),
        "SUBJECT": s.name.take(pa.array(who)),
        "VISIT": constant(log, every),
        "VISITDT": constant("", ~every),
    }
