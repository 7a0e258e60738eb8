"""The infusion form: one row per planned infusion of the exosome arm at a visit that took place."""

from __future__ import annotations

import numpy as np

from .header import Form, visit_header
from .subjects import INTERRUPTIONS, INTERVENTION_VISITS, SKIP_REASONS, Subjects
from .text import DAY, constant, dates, numbers, pick, times, yes_no

DOSE_UG = 200  # exosomal protein per infusion
VOLUME_ML = 100


def infusions(s: Subjects, rng: np.random.Generator) -> Form:
    who, number = np.nonzero(s.attended[:, INTERVENTION_VISITS] & s.exosomes[:, None])
    given, stopped = s.given[who, number], s.interrupted[who, number]
    start, stop = s.start[who, number], s.stop[who, number]
    share = np.where(stopped & (rng.random(len(who)) < 0.5), rng.integers(5, 10, len(who)) / 10, 1.0)
    milligrams = s.site[who] == 2
    dose = DOSE_UG * share / np.where(milligrams, 1000, 1)
    return {
        **visit_header(s, who, INTERVENTION_VISITS[number]),
        "INFNO": numbers(number + 1, 0),
        "INFGIVEN": yes_no(given),
        "INFREAS": pick(SKIP_REASONS, s.skip_reason[who, number], ~given),
        "INFSTDAT": dates(start // DAY, "dd/mm/yyyy", given),
        "INFSTTIM": times(start, given),
        "INFENDAT": dates(stop // DAY, "dd/mm/yyyy", given),
        "INFENTIM": times(stop, given),
        "DOSE": numbers(dose, np.where(milligrams, 2, 0), given),
        "DOSEU": pick(["µg", "mg"], milligrams, given),
        "VOLUME": numbers(VOLUME_ML * share, 0, given),
        "ROUTE": constant("Intravenous", given),
        "INTERRUPTED": yes_no(stopped, given),
        "INTREASON": pick(list(INTERRUPTIONS), s.interrupt_reason[who, number], stopped),
    }
