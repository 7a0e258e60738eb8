"""What is installed works away from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """What git has (or would have) in this checkout."""
    place = tmp_path_factory.mktemp("wheel") / "clone"
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=REPOSITORY, check=True, capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (REPOSITORY / name).is_file():
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((REPOSITORY / name).read_bytes())
    return place


def make_wheel(clone: Path, place: Path, environment: dict[str, str]) -> Path:
    source = shutil.copytree(clone, place / "source")  # pip builds in it
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", place, source]
    subprocess.run(command, check=True, env=environment)
    return next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(clone, tmp_path_factory) -> Path:
    return make_wheel(clone, tmp_path_factory.mktemp("built"), dict(os.environ))


def test_setup_lists_every_package_folder():
    setup = ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    found = {"sdtm_convert", *(f"sdtm_convert.{path.parent.name}" for path in (REPOSITORY / "sdtm_convert").glob("*/__init__.py"))}
    assert listed == found | {"sdtm_convert.specs", "sdtm_convert.define_files", "sdtm_convert.mappings"}


def test_a_wheel_holds_specs_define_files_schemas_and_the_example_study(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"sdtm_convert/specs/sdtmig-3.4/variables.csv", "sdtm_convert/mappings/IRCT20200413047063N2/study.yml",
            "sdtm_convert/mappings/IRCT20200413047063N2/raw/dm.csv", "sdtm_convert/mappings/CDISCPILOT01/vs.yml",
            "sdtm_convert/schemas/mapping.json"} <= names
    assert any(name.startswith("sdtm_convert/define_files/") and name.endswith(".yml") for name in names)
    assert any(name.startswith("sdtm_convert/specs/rules/sdtm/") for name in names)
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/") or name.endswith(".c")]


def test_without_a_compiler_a_wheel_is_built_all_the_same(clone, tmp_path):
    environment = {**os.environ, "CC": str(tmp_path / "no-compiler")}
    built = make_wheel(clone, tmp_path, environment)
    assert not [name for name in zipfile.ZipFile(built).namelist() if "_compiled" in name]
    code = "from sdtm_convert.xpt import compiled; print(compiled.kernels)"
    environment = {**os.environ, "PYTHONPATH": str(built)}  # a wheel of nothing but Python can be imported from
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout == "None\n", done.stderr


def test_an_installed_wheel_builds_the_example_study_in_an_empty_folder(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    work = tmp_path / "empty"
    work.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run([sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv.pop(1)); from sdtm_convert.cli import main; main()",
                           str(tmp_path / "installed"), "build", "IRCT20200413047063N2", "--out", "package", "--fail-on", "none"],
                          cwd=work, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((work / "package" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["records"]["ADSL"] == manifest["records"]["DM"]
    assert [path.name for path in work.iterdir()] == ["package"]
