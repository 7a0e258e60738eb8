"""The commands `sdtm-convert rules ...`: run rules on their test cases, put a rule in words. Nothing heavy is imported before one runs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .commands import Group


@click.group(cls=Group)
def rules() -> None:
    """Conformance rules in CDISC's open format: run their test cases, explain them."""


@rules.command("test")
@click.argument("folder", type=click.Path(readable=False))
@click.option("--results", type=click.Path(readable=False), help="Folder for the report of each case: <rule>/<positive or negative>/NN/results.csv.")
@click.option("--rule", "only", multiple=True, metavar="ID", help="Only this rule, with the rows that differ; may be repeated.")
@click.option("--core-compatible", is_flag=True, help="Answer as CDISC's engine 0.17.1 does where it departs from what a rule says.")
def rules_test(folder: str, results: str | None, only: tuple[str, ...], core_compatible: bool) -> None:
    """Run every test case of the rules in FOLDER (<rule>/rule.yml, <rule>/positive|negative/NN/data) and compare with what is expected.

    \b
    Example:
      sdtm-convert rules test cdisc-open-rules/Published --results results
    \b
    Exit codes: 0 all cases agree; 1 a case differs or cannot be read; 2 wrong usage; 3 the folder cannot be read or written.
    """
    from .rules_test import BROKEN, DIFFERS, differences, summary, test_rules

    done = []
    for result in test_rules(Path(folder), out=Path(results) if results else None, only=only, core_compatible=core_compatible):
        done.append(result)
        if only:
            click.echo(differences(result))
    click.echo(summary(done))
    sys.exit(int(any(result.status in (DIFFERS, BROKEN) for result in done)))


@rules.command("explain")
@click.argument("name", metavar="ID")
@click.option("--rules", "folders", multiple=True, type=click.Path(readable=False), help="Folder or file of rules in CDISC's open format; else the shipped ones.")
def rules_explain(name: str, folders: tuple[str, ...]) -> None:
    """Put a rule in words: which datasets it is for, what it looks for, what it needs, its message and references.

    \b
    Example:
      sdtm-convert rules explain CORE-000012 --rules cdisc-open-rules/Published
    """
    from .explain import reported_rule
    from .rules.words import explain

    click.echo(reported_rule(name) or explain(name, [Path(folder) for folder in folders]))
