"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sdtm_convert.cli import main

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def block_after(mark: str) -> list[str]:
    """The indented lines that follow a mark in the README."""
    lines = README.partition(mark)[2].split("\n")[1:]
    taken = []
    for line in lines:
        if line and not line.startswith("    "):
            break
        taken.append(line[4:])
    return [line for line in taken if line.strip()]


def told(lines: list[str]) -> list[str]:
    """Without what differs from run to run: seconds; and what the page is too narrow for."""
    return [re.sub(r" in [\d.]+ s;", " in # s;", line)[:110].rstrip() for line in lines if line.strip()]


def test_the_first_command_prints_what_the_readme_shows(tmp_path):
    command = re.search(r"<!-- output: sdtm-convert (.*?) -->", README)[1].split()
    done = subprocess.run([sys.executable, "-m", "sdtm_convert", *command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert told(done.stdout.splitlines()) == told(block_after("--fail-on none -->"))


def test_the_fault_that_the_readme_shows_is_the_fault_that_is_found(tmp_path, shared):
    import shutil

    study = tmp_path / "mappings" / "CDISCPILOT01"
    shutil.copytree(REPOSITORY / "mappings" / "CDISCPILOT01", study)
    text = (study / "vs.yml").read_text(encoding="utf-8")
    (study / "vs.yml").write_text(text.replace("{study_day: VSDTC", "{study_day: VSDCT"), encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "sdtm_convert", "check", "mappings/CDISCPILOT01", "--raw", shared / "pilot" / "raw"],
                          cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.splitlines()[0] == block_after("<!-- fault -->")[0]


@pytest.mark.parametrize("command", sorted(set(main.commands) - {"ct", "rules"}))
def test_every_command_is_in_the_readme(command):
    assert f"| `{command}" in README


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_every_link_leads_somewhere(link):
    assert (REPOSITORY / link).is_file()
