"""docs/validate.md and the examples in docs/ci: every file can be read, and every command in them exists with its options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from sdtm_convert.cli import main
from sdtm_convert.formats import FORMATS
from sdtm_convert.report import WRITERS
from sdtm_convert.waivers import read_waivers

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = (DOCS / "validate.md").read_text(encoding="utf-8")


def steps(node: object) -> list[str]:
    """Every shell command in a YAML document: what stands under `run` or `entry`."""
    if isinstance(node, list):
        return [command for each in node for command in steps(each)]
    if not isinstance(node, dict):
        return []
    return [command for key, value in node.items() for command in ([value] if key in ("run", "entry") else steps(value))]


def commands() -> list[str]:
    found = re.findall(r"^    (sdtm-convert .*)$", PAGE, re.MULTILINE)
    for file in (DOCS / "ci").iterdir():
        found += [each for each in steps(yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)) if each.startswith("sdtm-convert")]
    return found


@pytest.mark.parametrize("line", commands())
def test_every_command_exists_with_its_options(line):
    _, name, *arguments = shlex.split(line)
    context = main.commands[name].make_context(name, arguments)  # refuses an option that there is not, and a wrong choice
    formats = set((context.params.get("formats") or "text").split(","))
    assert formats <= (set(FORMATS) if name == "build" else set(WRITERS)) and ("--format" not in arguments or context.params["out"])


def test_both_examples_run_something():
    assert len(commands()) >= 11 and any("sarif" in each for each in commands())


def test_the_examples_have_the_form_that_their_readers_want():
    workflow = yaml.load((DOCS / "ci" / "github-actions.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
    assert {"name", "on", "jobs"} <= workflow.keys()
    for job in workflow["jobs"].values():
        assert job["runs-on"] and all(("uses" in step) != ("run" in step) for step in job["steps"])
    hooks = [hook for repo in yaml.safe_load((DOCS / "ci" / "pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"] for hook in repo["hooks"]]
    assert all({"id", "name", "entry", "language"} <= hook.keys() and re.compile(hook["files"]) for hook in hooks) and hooks


def test_the_waivers_of_the_example_and_of_the_page_are_right(tmp_path):
    assert [waiver.rule for waiver in read_waivers(DOCS / "ci" / "waivers.yml")] == ["SC-SDTM-0076", "SC-SDTM-0032"]
    (tmp_path / "w.yml").write_text(PAGE.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    (waiver,) = read_waivers(tmp_path / "w.yml")
    assert (waiver.dataset, waiver.variables, waiver.value) == ("AE", "AESTDTC; AEENDTC", "2014-03-01")


def test_every_format_option_and_file_finding_is_on_the_page():
    assert [format for format in WRITERS if f"| {format} |" not in PAGE] == []
    assert [file for file, _ in WRITERS.values() if file not in PAGE] == []
    options = {option for parameter in main.commands["validate"].params for option in parameter.opts if option.startswith("--")}
    assert {each for each in options if each not in PAGE} <= {"--rules"}
    source = "".join(path.read_text(encoding="utf-8") for path in (DOCS.parent / "sdtm_convert").glob("*.py"))
    rules = set(re.findall(r'"((?:FILE|WAIVER)-[A-Z]+)"', source))
    assert rules and [rule for rule in rules if f"`{rule}`" not in PAGE] == []


def test_links_lead_to_files():
    for link in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (DOCS / link).is_file()
