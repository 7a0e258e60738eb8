"""Rows per second of a build, stage by stage, and its peak memory.

    python benchmarks/build.py [--subjects 50 5000 50000] [--pilot ../shared/pilot]

Builds the example study at each size (raw export made by its generator), each in a process of its own, and prints a table. With
--pilot it also maps the CDISC pilot's raw vital signs with the subjects replicated 50-fold (copy j has "-r<j>" after PATNUM) into VS.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

REPOSITORY = Path(__file__).resolve().parent.parent
EXAMPLE = REPOSITORY / "mappings" / "IRCT20200413047063N2"
PILOT = REPOSITORY / "mappings" / "CDISCPILOT01"


def measure(study: str, raw: str, only: list[str] | None, out: str | None, jobs: int) -> dict:
    """Build once in this process: seconds by stage, rows, records, peak memory in MB."""
    from sdtm_convert.flow import build
    from sdtm_convert.load import load_study

    start = time.perf_counter()
    loaded = load_study(study, raw)
    built = build(loaded, only=only, jobs=jobs)
    seconds = dict(built.seconds)
    records = sum(map(len, built.datasets.values()))
    if out:
        from sdtm_convert.output import write_package

        before = time.perf_counter()
        write_package(built, out, jobs=jobs)
        seconds["write"] = time.perf_counter() - before
    return {"seconds": seconds, "total": time.perf_counter() - start, "raw": built.raw_rows, "records": records,
            "datasets": {name: len(frame) for name, frame in built.datasets.items()},
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def in_a_process(*arguments: str) -> dict:
    """`measure` in a fresh interpreter, so that peak memory is the run's own."""
    done = subprocess.run([sys.executable, __file__, "--measure", *arguments], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def replicate_pilot(pilot: Path, into: Path, copies: int) -> None:
    """The pilot's raw tables with every subject `copies` times."""
    for path in sorted(pilot.glob("*.csv")):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        parts = [frame] + [frame.assign(PATNUM=frame["PATNUM"] + f"-r{copy}") for copy in range(2, copies + 1)]
        pd.concat(parts).to_csv(into / path.name, index=False)


def print_table(rows: list[tuple[str, dict]]) -> None:
    """Seconds by stage, and below them records per second by stage."""
    stages = list(dict.fromkeys(stage for _, row in rows for stage in row["seconds"]))
    head = " ".join(f"{stage:>9}" for stage in stages)
    print(f"{'seconds':24} {'raw rows':>10} {'records':>11} {head} {'total':>9} {'peak MB':>8}")
    for name, row in rows:
        times = " ".join(f"{row['seconds'].get(stage, 0):9.2f}" for stage in stages)
        print(f"{name:24} {row['raw']:10,} {row['records']:11,} {times} {row['total']:9.1f} {row['peak']:8,.0f}")
    print(f"{'records per second':47} {head} {'total':>9}")
    for name, row in rows:
        speeds = " ".join(f"{row['records'] / row['seconds'][stage]:9,.0f}" if row["seconds"].get(stage) else " " * 9 for stage in stages)
        print(f"{name:47} {speeds} {row['records'] / row['total']:9,.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--subjects", type=int, nargs="*", default=[50, 5000, 50000])
    parser.add_argument("--pilot", type=Path, help="folder of the pilot's data, with raw/ in it")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--measure", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        study, raw, only, out, jobs = options.measure
        print(json.dumps(measure(study, raw, only.split(",") if only else None, out or None, int(jobs))))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in options.subjects:
            raw = Path(folder) / f"raw{size}"
            subprocess.run([sys.executable, EXAMPLE / "generate.py", "--subjects", str(size), "--out", raw], check=True, capture_output=True)
            rows.append((f"example, {size:,} subjects", in_a_process(str(EXAMPLE), str(raw), "", str(Path(folder) / f"package{size}"), str(options.jobs))))
            print(f"done: {rows[-1][0]}", file=sys.stderr, flush=True)
        if options.pilot:
            for copies in (1, 10, 50):
                raw = Path(folder) / f"pilot{copies}"
                raw.mkdir()
                replicate_pilot(options.pilot / "raw", raw, copies)
                rows.append((f"pilot VS x {copies}", in_a_process(str(PILOT), str(raw), "VS", "", str(options.jobs))))
    print_table(rows)


if __name__ == "__main__":
    main()
