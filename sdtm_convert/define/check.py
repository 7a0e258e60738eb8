"""Checks of a define.xml: the official schema, then our own rules, which know what the schema cannot say.

The schema does not see missing references, origins without source, derived variables without method, lengths that do not
fit and the like; the rules in `rules_*.py` do. docs/define-xml.md lists them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from lxml import etree

from ..findings import combine, findings
from . import rules_datasets, rules_file, rules_values, rules_variables
from .elements import NAMESPACES, NotXml, name_of, parse, read_bytes
from .index import Define, Rule, build_index, is_define, row, rules_of
from .resources import schema


RULES: dict[str, Rule] = {rule.id: rule for rule in sorted((
    Rule("DEFINE-0001", "error", "The file is well-formed XML."),
    Rule("DEFINE-0002", "error", "The file is valid against the schema of Define-XML 2.1."),
    Rule("DEFINE-0003", "error", "The file is a define.xml of version 2.1."),
    *rules_of(rules_file), *rules_of(rules_datasets), *rules_of(rules_variables), *rules_of(rules_values),
), key=lambda rule: rule.id)}


def check_define(define: Path | bytes, folder: Path | None = None) -> pd.DataFrame:
    """Findings (columns as in findings.py) on a define.xml: its path, or its bytes.

    `folder` is where the datasets, the documents and the stylesheet lie; without it, no file is looked for. `source` gives
    the file and the line. Raises InputError where the file cannot be read; a file that is not XML is a finding.
    """
    file, content = name_of(define), read_bytes(define)
    try:
        root = parse(content)
    except NotXml as error:
        return findings([{"rule": "DEFINE-0001", "severity": "error", "message": str(error), "source": f"{file}:{error.line}"}])
    if not is_define(root):
        return findings([{"rule": "DEFINE-0003", "severity": "error", "source": f"{file}:{root.sourceline}",
                          "message": f"Not a define.xml 2.1: the file has no MetaDataVersion of {NAMESPACES['def']}."}])
    index = build_index(root, file, Path(folder) if folder else None)
    rows = [{"rule": "DEFINE-0002", "severity": "error"} | found for found in _schema_faults(index)]
    for rule in RULES.values():
        rows.extend({"rule": rule.id, "severity": rule.severity} | found for found in (rule.check(index) if rule.check else ()))
    return combine([findings(rows)])


def _schema_faults(define: Define) -> Iterator[dict]:
    """What the schema finds, without the namespaces that make its messages unreadable."""
    if schema().validate(define.root):
        return
    prefixes = {prefix: uri for element in define.root.iter(etree.Element) for prefix, uri in element.nsmap.items() if prefix}
    for error in schema().error_log:
        found = define.root.xpath(error.path, namespaces=prefixes) if error.path else []
        element = found[0] if found and isinstance(found[0], etree._Element) else define.root
        yield row(define, element, re.sub(r"\{http[^}]*\}", "", error.message)) | {"source": f"{define.file}:{error.line}"}
