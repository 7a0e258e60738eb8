"""Set up, build the example, run the tests: with nothing but Python 3.11 or newer.

    python3 make.py example     # builds the example study into the folder package
    python3 make.py test        # runs the tests

Both install what they need into a virtual environment in .venv (SDTM_CONVERT_VENV names another place) the first time.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLE = "IRCT20200413047063N2"
INSTALLED_FROM = ("setup.cfg", "setup.py", "sdtm_convert/xpt/_compiled.c")


def environment() -> Path:
    """The Python of a virtual environment in which this checkout is installed; made or brought up to date if need be."""
    if sys.version_info < (3, 11):
        sys.exit(f"sdtm-convert needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    place = Path(os.environ.get("SDTM_CONVERT_VENV", HERE / ".venv"))
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    sources = b"".join((HERE / name).read_bytes() for name in INSTALLED_FROM)
    mark, wanted = place / "installed-from", hashlib.sha256(sources + str(HERE).encode()).hexdigest()
    if not mark.is_file() or mark.read_text() != wanted:
        print(f"Setting up {place} ...", flush=True)
        venv.create(place, with_pip=True, clear=True)
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", f"{HERE}[test]")
        mark.write_text(wanted)
    return python


def run(*command: str | Path) -> None:
    """Run a command here; end with its exit code if it fails."""
    done = subprocess.run([str(part) for part in command], cwd=HERE)
    if done.returncode:
        sys.exit(done.returncode)


def example(python: Path) -> None:
    """Build the example study; that it has findings is the point of its planted defects."""
    run(python, "-m", "sdtm_convert", "build", EXAMPLE, "--out", HERE / "package", "--fail-on", "none")


def test(python: Path) -> None:
    """All tests, on two cores."""
    run(python, "-m", "pytest", "-n", "2", *sys.argv[2:])


if __name__ == "__main__":
    tasks = {"example": example, "test": test}
    if len(sys.argv) < 2 or sys.argv[1] not in tasks:
        sys.exit(__doc__)
    tasks[sys.argv[1]](environment())
