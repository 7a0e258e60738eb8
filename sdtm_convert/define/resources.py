"""What this package takes from outside: CDISC's schemas and stylesheet (from `defineutils`), and our own small tables.

The schemas and the stylesheet are public files of the `defineutils` distribution, read where it is installed. Their places
are no promise of that distribution, so its version is pinned and a test says when they have moved.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import yaml
from lxml import etree

from ..errors import InputError

SCHEMA = "validate/schema/cdisc-arm-1.0/arm1-0-0.xsd"  # accepts Define-XML 2.1 with and without analysis results metadata
STYLESHEET = "definehtml/define2-1.xsl"


def schema_path() -> Path:
    """The XML Schema of Define-XML 2.1 with analysis results metadata."""
    return _installed(SCHEMA)


def stylesheet_path() -> Path:
    """The public stylesheet define2-1.xsl (MIT, Lex Jansen), which goes into the submission folder as it is."""
    return _installed(STYLESHEET)


def _installed(name: str) -> Path:
    spec = find_spec("defineutils")  # found, not imported: its import alone takes a third of a second
    for folder in spec.submodule_search_locations if spec else ():
        if (path := Path(folder, name)).is_file():
            return path
    raise InputError(f"{name}: the installed 'defineutils' does not have this file. Install defineutils 0.2.1.")


@cache
def schema() -> etree.XMLSchema:
    """The compiled schema."""
    return etree.XMLSchema(etree.parse(str(schema_path())))


@cache
def terminology() -> dict:
    """The closed lists of Define-XML: classes, subclasses, guides, dictionaries, origins (define/terminology.yml)."""
    return _table("terminology.yml")


@cache
def texts() -> dict[str, str]:
    """The sentences for what the study leaves unsaid (define/texts.yml)."""
    return _table("texts.yml")


@cache
def display() -> dict[str, int]:
    """The parameters of the stylesheet (define/display.yml)."""
    return _table("display.yml")


def _table(name: str) -> dict:
    return yaml.safe_load((files("sdtm_convert.define_files") / name).read_text(encoding="utf-8"))
