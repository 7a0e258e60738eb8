"""Conformance rules, timed: CDISC's published rules on a folder of XPT files, beside CDISC's own engine, and on a big LB.

    python benchmarks/rules.py DATA RULES [--core-python PYTHON --run-core run_core.py] [--rows 100000 300000 1000000]

DATA holds *.xpt, among them dm.xpt and lb.xpt; RULES is a folder of <rule>/rule.yml. With `--core-python` (an environment of its own with
cdisc-rules-engine 0.17.1) and `--run-core` (a script that takes DATA, RULES and a file for its JSON answer, and --patch-exists) both
engines run the same rules on the same files, and what they find is compared row by row: dataset, record, variable, value. CPU time is that
of the whole process, start-up included, as for an installed program: with bytecode at hand, which a first run, not counted, has written.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

STANDARD = ("sdtmig", "3.4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("rules", type=Path)
    parser.add_argument("--core-python", type=Path)
    parser.add_argument("--run-core", type=Path)
    parser.add_argument("--encoding", default="cp1252")
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--work", nargs=2, metavar=("ROWS", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options, int(options.work[0]), Path(options.work[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        run_ours(options, 0, Path(folder) / "first.json")
        ours = run_ours(options, 0, Path(folder) / "ours.json")
        print(f"{'same files':28} {'CPU s':>8} {'wall s':>8} {'peak MB':>8} {'rows':>8} {'ratio':>7}")
        show("this project", ours, 0, len(ours["findings"]))
        if options.core_python and options.run_core:
            against_peer(options, ours, Path(folder))
        print(f"\n{'LB of so many records':28} {'CPU s':>8} {'wall s':>8} {'peak MB':>8} {'rows':>8} {'us/rec':>7}")
        for rows in options.rows:
            big = run_ours(options, rows, Path(folder) / "big.json")
            print(f"{rows:<28,} {big['cpu']:8.1f} {big['wall']:8.1f} {big['peak_mb']:8} {big['count']:8,} {big['rules_s'] / rows * 1e6:7.1f}"
                  f"   rules alone {big['rules_s']:.1f} s; {big['status']}")


def against_peer(options: argparse.Namespace, ours: dict, folder: Path) -> None:
    """The peer as it is, and with its slowest operator mended; then the rows that the two engines report."""
    for name, extra in (("engine 0.17.1, exists mended", ["--patch-exists"]), ("engine 0.17.1", [])):
        out = folder / "core.json"
        command = [options.core_python, options.run_core, options.data, options.rules, out, *extra]
        used = timed(command)
        core = json.loads(out.read_text(encoding="utf-8")) | used
        show(name, core | {"peak_mb": core["totals"]["peak_mb"]}, ours["cpu"], len(core["findings"]))
    ran = {row["rule"] for row in core["rules"] if row["status"] not in ("not run", "timeout", "crash")}
    mine, theirs = rows_of(ours["findings"], ran), rows_of(core["findings"], ran)
    only = [Counter(row[0] for row in side.elements()) for side in (mine - theirs, theirs - mine)]
    print(f"\nrows of the {len(ran)} rules that both run: {(mine & theirs).total():,} the same, only ours {dict(only[0])}, only theirs {dict(only[1])}")


def rows_of(findings: list, rules: set[str]) -> Counter:
    from sdtm_convert.rules_test import comparable

    return Counter((row[0], *comparable(tuple("" if cell is None else str(cell) for cell in row[1:]))) for row in findings if row[0] in rules)


def show(name: str, run: dict, base: float, rows: int) -> None:
    ratio = f"{run['cpu'] / base:6.1f}x" if base else ""
    print(f"{name:28} {run['cpu']:8.1f} {run['wall']:8.1f} {run['peak_mb']:8} {rows:8,} {ratio:>7}", flush=True)


def run_ours(options: argparse.Namespace, rows: int, out: Path) -> dict:
    command = [sys.executable, __file__, options.data, options.rules, "--encoding", options.encoding, "--work", str(rows), out]
    used = timed(command)
    return json.loads(out.read_text(encoding="utf-8")) | used


def timed(command: list) -> dict[str, float]:
    """CPU and wall seconds of a process, start-up included."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "wall": time.perf_counter() - start}


# --- The process that is timed ----------------------------------------------------------------------------------------


def work(options: argparse.Namespace, rows: int, out: Path) -> None:
    from sdtm_convert.datasets import read_datasets
    from sdtm_convert.rules.engine import run
    from sdtm_convert.rules.load import load_rules
    from sdtm_convert.rules.study import make_study
    from sdtm_convert.rules_test import report
    from sdtm_convert.standard import load_standard, load_terminology

    standard = load_standard(*STANDARD)
    files = [options.data] if not rows else [options.data / "dm.xpt", options.data / "lb.xpt"]
    read = read_datasets(files, standard, options.encoding)
    frames = read.frames if not rows else multiplied(read.frames, rows)
    start = time.perf_counter()
    terminology = (load_terminology("sdtm", "2025-03-28"),)
    study = make_study(frames, standard, terminology, read.metadata, read.files, keep_blank=True)
    rules = [rule for rule in load_rules(options.rules) if rule.is_for(*STANDARD)]
    found, count, status = [], 0, Counter()
    for outcome in run(rules, study):
        status[outcome.status] += 1
        count += sum(len(hits.rows) for hits in outcome.hits)
        if not rows:
            found += [(outcome.rule.id, *row) for row in report(outcome.rule, outcome)]
    answer = {"findings": found, "count": count, "status": dict(status), "rules_s": time.perf_counter() - start,
              "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    out.write_text(json.dumps(answer), encoding="utf-8")


def multiplied(frames: dict, rows: int) -> dict:
    """DM and LB with further subjects, so that LB has so many records."""
    import pandas as pd

    times = -(-rows // len(frames["LB"]))

    def repeat(frame):
        copies = [frame.assign(USUBJID=frame["USUBJID"].astype(str) + f"-{number:03d}") for number in range(times)]
        return pd.concat(copies, ignore_index=True)

    return {"DM": repeat(frames["DM"]), "LB": repeat(frames["LB"]).head(rows)}


if __name__ == "__main__":
    main()
