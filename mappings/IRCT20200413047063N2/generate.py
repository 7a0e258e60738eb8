"""Writes the synthetic raw export of the example study, IRCT20200413047063N2. No value in it is a patient's.

    python generate.py --subjects 50 --seed 20200413 --out raw

`--subjects` is the number randomised; about 8 % more are screened and fail. The same arguments give the same bytes.
The defects that are planted are listed in `planted_defects.csv`; `--clean` plants none and changes nothing else.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import pyarrow as pa

from generator import defects, entry, events, logs, measurements, subjects, treatment, write
from generator.text import catalogue

BLOCK = 2500  # subjects simulated at a time: keeps memory flat; another number would give other data
FORMS = {
    "dm": entry.demography, "ic": entry.consent, "mh": logs.history, "sofa": entry.sofa,
    "rand": entry.randomisation, "sv": entry.visit_dates, "inf": treatment.infusions,
    "vs": measurements.vital_signs, "abg": measurements.blood_gases, "lab": measurements.laboratory,
    "qs": measurements.questionnaires, "icu": logs.icu_stays, "cm": logs.medications,
    "ae": events.adverse_events, "ds": logs.disposition,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--subjects", type=int, default=50, help="number of randomised subjects (default 50)")
    parser.add_argument("--seed", type=int, default=20200413)
    parser.add_argument("--out", type=Path, required=True, help="folder for the CSV files; made if absent")
    parser.add_argument("--clean", action="store_true", help="plant no defects")
    args = parser.parse_args()
    if args.subjects < 10:
        parser.error("--subjects: at least 10")
    generate(args.subjects, args.seed, args.out, args.clean)


def generate(count: int, seed: int, out: Path, clean: bool) -> None:
    """All files of the export of `count` randomised subjects, written to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    dictionary = catalogue("dictionary.csv")
    fields = {form: [row["field"] for row in dictionary if row["form"] == form] for form in FORMS}
    for form in FORMS:
        write.start_file(out / f"{form}.csv", form, fields[form])
    defects.start_list(out / "planted_defects.csv")
    sizes = [min(BLOCK, count - first) for first in range(0, count, BLOCK)]
    total = sum(map(subjects.screened_count, sizes))
    counters = subjects.Counters(np.zeros(len(subjects.SITES), np.int64))
    rows = dict.fromkeys(FORMS, 0)
    planted = 0
    for block, size in enumerate(sizes):
        who = subjects.simulate(np.random.default_rng([seed, block, 0]), size, total, counters)
        tables = block_tables(who, seed, block, fields)
        if not clean:
            tables, found = defects.plant(np.random.default_rng([seed, block, 99]), tables, len(who), block == 0)
            planted = defects.append_list(out / "planted_defects.csv", found, rows, planted)
        for form, table in tables.items():
            write.append(out / f"{form}.csv", table)
            rows[form] += table.num_rows
    write_dictionary(out, dictionary)


def block_tables(who: subjects.Subjects, seed: int, block: int, fields: dict[str, list[str]]) -> dict[str, pa.Table]:
    """Each form of one block of subjects, from a stream of random numbers of its own: no form disturbs another."""
    return {
        form: write.as_table(fill(who, np.random.default_rng([seed, block, number])), fields[form])
        for number, (form, fill) in enumerate(FORMS.items(), 1)
    }


def write_dictionary(out: Path, dictionary: list[dict[str, str]]) -> None:
    """`data_dictionary.csv`: all of it; `acrf_pages.csv`: one row per field and page of the annotated CRF."""
    with open(out / "data_dictionary.csv", "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(dictionary[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(dictionary)
    with open(out / "acrf_pages.csv", "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["form", "field", "page"])
        writer.writerows((row["form"], row["field"], page) for row in dictionary for page in row["page"].split())


if __name__ == "__main__":
    main()
