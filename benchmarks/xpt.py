"""How fast transport files are written and read, against pyreadstat and against np.tofile of the same bytes, in one run.

    python benchmarks/xpt.py                       # 100 000 and 1 000 000 rows, a wide table; about a quarter of an hour
    python benchmarks/xpt.py --tables lb-100k --rounds 3

Each measurement is a process of its own: it loads the table, does the job once on a few rows and once as a whole where that
is quick (warm-up), then only the call is timed: wall clock, processor time (user + system), and memory (peak resident size above
that before the call). The candidates take turns, in another order each round; the table shows medians [lowest-highest] and
ratios of medians. Nobody calls fsync.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

TABLES = {"lb-100k": 100_000, "lb-1m": 1_000_000, "wide-50k": 50_000}
NUMPY = " (numpy)"  # ours with the compiled part switched off
WRITERS = ("pyreadstat", "ours", "ours, 2 threads", "ours" + NUMPY, "ours, 2 threads" + NUMPY, "np.tofile")
READERS = ("pyreadstat", "ours", "ours" + NUMPY, "np.fromfile")
LB_WIDTHS = {
    "STUDYID": 12, "DOMAIN": 2, "USUBJID": 20, "LBTESTCD": 8, "LBTEST": 39, "LBCAT": 10, "LBORRES": 8, "LBORRESU": 7,
    "LBORNRLO": 6, "LBORNRHI": 6, "LBSTRESC": 8, "LBSTRESU": 7, "LBNRIND": 6, "LBSPEC": 5, "LBBLFL": 1, "VISIT": 7, "LBDTC": 16,
    "EPOCH": 9,
}  # fmt: skip


def laboratory(rows: int) -> pd.DataFrame:
    """An LB-like table: 18 Char variables of 1 to 39 bytes, 7 Num, 233 bytes a row, 3% missing results."""
    rng = np.random.default_rng(20240101)
    tests = [f"T{n:02d}" for n in range(40)]
    names = np.array([f"Test number {n:02d}  " + "of panel X " * (n % 3) for n in range(40)])
    which, result = rng.integers(0, 40, rows), np.round(rng.lognormal(3, 1, rows), 2)
    missing, visit = rng.random(rows) < 0.03, rng.integers(1, 13, rows)
    shown = np.where(missing, "", np.char.mod("%.2f", result).astype("U8"))
    day = np.datetime64("2013-01-01T08:00") + rng.integers(0, 500 * 24 * 60, rows).astype("timedelta64[m]")
    pick = lambda *values: np.array(values)[rng.integers(0, len(values), rows)]  # noqa: E731
    return pd.DataFrame(
        {
            "STUDYID": "CDISCPILOT01", "DOMAIN": "LB", "USUBJID": np.char.mod("CDISCPILOT01-%07d", np.arange(rows) // 120),
            "LBSEQ": (np.arange(rows) % 120 + 1).astype(float), "LBTESTCD": np.array(tests)[which], "LBTEST": np.char.strip(names)[which],
            "LBCAT": pick("CHEMISTRY", "HEMATOLOGY", "URINALYSIS"), "LBORRES": shown, "LBORRESU": pick("U/L", "g/dL", "mmol/L", "%"),
            "LBORNRLO": pick("0", "3.5", "12"), "LBORNRHI": pick("5.1", "41", "150"), "LBSTRESC": shown,
            "LBSTRESN": np.where(missing, np.nan, result), "LBSTRESU": pick("U/L", "g/L", "mmol/L", "%"),
            "LBSTNRLO": pick(0.0, 3.5, 12.0), "LBSTNRHI": pick(5.1, 41.0, 150.0), "LBNRIND": pick("NORMAL", "HIGH", "LOW", ""),
            "LBSPEC": pick("SERUM", "BLOOD", "URINE"), "LBBLFL": pick("", "", "", "Y"), "VISITNUM": visit.astype(float),
            "VISIT": np.char.mod("WEEK %d", visit), "VISITDY": visit * 7.0, "LBDTC": np.datetime_as_string(day, unit="m"),
            "LBDY": rng.integers(-14, 200, rows).astype(float), "EPOCH": pick("SCREENING", "TREATMENT"),
        }
    )  # fmt: skip


def wide(rows: int) -> pd.DataFrame:
    """Long text: 20 variables of free text up to 200 bytes, nearly all distinct, 20 of few terms up to 60 bytes, 20 Num."""
    rng = np.random.default_rng(20240101)
    words = np.array("subject reported mild headache after the second dose, resolved without treatment; not related".split())
    data = {}
    for n in range(20):
        picked = words[rng.integers(0, len(words), (rows, 26))]
        data[f"TEXT{n:02d}"] = [" ".join(row[: 3 + k % 20])[:200] for k, row in enumerate(picked)]
    terms = np.array([f"Standardised term number {n} of a dictionary"[: 20 + n] for n in range(30)])
    data |= {f"TERM{n:02d}": terms[rng.integers(0, 30, rows)] for n in range(20)}
    data |= {f"NUM{n:02d}": np.round(rng.normal(100, 20, rows), 3) for n in range(20)}
    return pd.DataFrame(data)


def variables(frame: pd.DataFrame) -> dict[str, dict]:
    lengths = LB_WIDTHS if "LBSEQ" in frame else {name: 200 if name[:4] == "TEXT" else 60 for name in frame if name[:3] != "NUM"}
    return {name: {"type": "Char", "length": lengths[name]} if name in lengths else {"type": "Num"} for name in frame}


def job(action: str, candidate: str, file: Path, out: Path, declared: dict[str, dict] | None):
    """The call that is timed, as a function of the table (writing) or of nothing (reading)."""
    import pyreadstat

    from sdtm_convert.xpt import compiled, read_xpt, write_xpt

    if candidate.startswith("ours") and not candidate.endswith(NUMPY) and not compiled.kernels:
        sys.exit("The compiled part is not installed; what is called ours would be numpy's way.")
    if candidate.endswith(NUMPY):
        candidate, compiled.kernels = candidate.removesuffix(NUMPY), None
    if action == "read":
        readers = {
            "pyreadstat": lambda: pyreadstat.read_xport(file),
            "ours": lambda: read_xpt(file),
            "np.fromfile": lambda: np.fromfile(file, np.uint8),
        }
        return readers[candidate]
    if candidate == "np.tofile":
        data = np.fromfile(file, np.uint8)
        return lambda part: data[: None if len(part) > 1000 else 1000].tofile(out)
    if candidate == "pyreadstat":
        return lambda part: pyreadstat.write_xport(part, out, table_name="DATA", file_format_version=5)
    threads = 2 if candidate.endswith("2 threads") else 1
    return lambda part: write_xpt(part, out, name="DATA", variables=declared, created=datetime(2024, 1, 1), threads=threads)


def measure(action: str, candidate: str, table: str, folder: Path) -> dict[str, float]:
    """Wall and processor seconds, and megabytes above what the process had before; the work of one child process."""
    file, small, out = folder / f"{table}.xpt", folder / "small.xpt", folder / "data.xpt"
    np.fromfile(file, np.uint8).max()
    if action == "write":
        frame = pd.read_feather(folder / f"{table}.feather")
        work = job(action, candidate, file, out, variables(frame))
        work(frame.head(1000))
        call = lambda: work(frame)  # noqa: E731
    else:
        job(action, candidate, small, out, None)()
        call = job(action, candidate, file, out, None)
    out.unlink(missing_ok=True)
    np.ones(1 << 28)  # two gigabytes, freed at once: memory that a virtual machine has lent elsewhere comes back before the clock runs
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before, cpu, wall = _resident("VmRSS"), time.process_time(), time.perf_counter()
    result = call()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall, "cpu": cpu, "memory": (_resident("VmHWM") - before) / 1024, "result": result is not None}


def _resident(what: str) -> int:
    return int(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what)).split()[1])


def prepare(table: str, folder: Path) -> int:
    """Make the table and the file that is read; return the size of the file."""
    from sdtm_convert.xpt import write_xpt

    frame = wide(TABLES[table]) if table.startswith("wide") else laboratory(TABLES[table])
    frame.to_feather(folder / f"{table}.feather")
    for rows, name in ((len(frame), table), (1000, "small")):
        write_xpt(frame.head(rows), folder / "data.xpt", name="DATA", variables=variables(frame), created=datetime(2024, 1, 1))
        os.replace(folder / "data.xpt", folder / f"{name}.xpt")
    return (folder / f"{table}.xpt").stat().st_size


def compare(table: str, folder: Path, rounds: int) -> None:
    size = prepare(table, folder)
    print(f"\n{table}: {TABLES[table]:,} rows, {size / 1e6:.1f} MB", flush=True)
    for action, candidates in (("write", WRITERS), ("read", READERS)):
        taken: dict[str, list[dict]] = {candidate: [] for candidate in candidates}
        for number in range(rounds):
            for candidate in random.Random(number).sample(candidates, len(candidates)):
                command = [sys.executable, __file__, "--measure", action, candidate, table, str(folder)]
                taken[candidate].append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        show(action, taken, size)


def show(action: str, taken: dict[str, list[dict]], size: int) -> None:
    median = lambda runs, what: statistics.median(run[what] for run in runs)  # noqa: E731
    peer = taken["pyreadstat"]
    print(f"  {action:<24}{'wall s':>24}{'MB/s':>7}{'faster':>8}{'cpu s':>9}{'less cpu':>9}{'memory MB':>11}")
    for candidate, runs in taken.items():
        walls = [run["wall"] for run in runs]
        wall, cpu, memory = (median(runs, what) for what in ("wall", "cpu", "memory"))
        spread = f"{wall:.3f} [{min(walls):.3f}-{max(walls):.3f}]"
        ratios = f"{median(peer, 'wall') / wall:>7.1f}x{cpu:>9.3f}{median(peer, 'cpu') / max(cpu, 1e-3):>8.1f}x"
        print(f"  {candidate:<24}{spread:>24}{size / wall / 1e6:>7.0f}{ratios}{memory:>11.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        action, candidate, table, folder = arguments.measure
        print(json.dumps(measure(action, candidate, table, Path(folder))))
        return
    with tempfile.TemporaryDirectory() as folder:
        for table in arguments.tables:
            compare(table, Path(folder), arguments.rounds)


if __name__ == "__main__":
    main()
