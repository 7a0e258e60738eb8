"""A tiny study from literal YAML and literal raw tables, written to a folder, loaded, derived and conformed.

    built = build_study(tmp_path, {"AE": "from: ae\nvariables:\n  AETERM: {assign: TERM}"}, {"ae": "SUBJ,TERM\n1,Headache"})
    built.values("AE", "AETERM")  # ['Headache']

A mapping is written as it stands below the line `dataset: NAME`, so its own first line is line 2 of the file `name.yml`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

import pandas as pd
import pytest

from sdtm_convert.conform import Conformed, conform
from sdtm_convert.derive import derive
from sdtm_convert.errors import SpecError
from sdtm_convert.load import load_study
from sdtm_convert.plan import Study
from sdtm_convert.readers import RawTable, read_raw
from sdtm_convert.tables import Derived

STUDY = """\
study: TINY
standards: {{sdtmig: 3.4, adamig: 1.3, sdtm_ct: 2025-03-28, adam_ct: 2025-03-28}}
raw:
  usubjid: "{usubjid}"
  tables:
{tables}
"""


@dataclass(frozen=True)
class Built:
    """What came of a tiny study."""

    study: Study
    raw: dict[str, RawTable]
    derived: Derived
    conformed: Conformed

    @property
    def datasets(self) -> dict[str, pd.DataFrame]:
        return self.conformed.datasets

    def values(self, dataset: str, variable: str) -> list:
        """The submitted values of a variable, in submission order; None where missing."""
        return listed(self.datasets[dataset][variable])

    def derived_values(self, dataset: str, variable: str) -> list:
        """The values of a variable in the order in which the records were made; working variables too."""
        return listed(self.derived.tables[dataset].columns[variable])

    @property
    def troubles(self) -> list[tuple]:
        """(rule, variable, rows, values) of every trouble, the mapping's first."""
        return [(t.rule, t.variable, t.rows.tolist(), None if t.values is None else listed(t.values))
                for t in [*self.derived.troubles, *self.conformed.troubles]]


def listed(column: pd.Series) -> list:
    """A column as a list, None where a value is missing."""
    return column.astype(object).where(column.notna(), None).tolist()


def write_study(folder: Path, mappings: dict[str, str], raw: dict[str, str], *, more: str = "", usubjid: str = "{SUBJ}",
                options: dict[str, str] | None = None, methods: str = "") -> Path:
    """Write study.yml, `name.yml` for each mapping and raw/`name`.csv for each raw table; the folder.

    `more` stands at the end of study.yml; `options` gives for a raw table what stands beside `file`, such as "duplicates: drop";
    `methods` is the text of methods.py.
    """
    lines = "\n".join(f"    {name}: {{file: {name}.csv{', ' + options[name] if options and name in options else ''}}}" for name in raw)
    text = STUDY.format(usubjid=usubjid, tables=lines) + dedent(more)
    if methods:
        (folder / "methods.py").write_text(dedent(methods), encoding="utf-8")
        text += "methods: methods.py\n"
    (folder / "study.yml").write_text(text, encoding="utf-8")
    for name, mapping in mappings.items():
        (folder / f"{name.lower()}.yml").write_text(f"dataset: {name}\n{dedent(mapping)}", encoding="utf-8")
    (folder / "raw").mkdir(exist_ok=True)
    for name, table in raw.items():
        (folder / "raw" / f"{name}.csv").write_text(dedent(table).lstrip("\n"), encoding="utf-8")
    return folder


def build_study(folder: Path, mappings: dict[str, str], raw: dict[str, str], *, only: list[str] | None = None, **options) -> Built:
    """The study written, loaded, derived and conformed. `options` as of `write_study`."""
    study = load_study(write_study(folder, mappings, raw, **options))
    tables = {name: read_raw(study.raw_folder / source.file, name, **source.options) for name, source in study.raw.items()}
    derived = derive(study, tables, only)
    return Built(study, tables, derived, conform(derived, only))


def one_variable(folder: Path, steps: str, raw: str, *, dataset: str = "AE", name: str = "AETERM", **options) -> Built:
    """A study of one dataset made of the raw table `t`, with the one variable `name`, whose steps are given as YAML."""
    mapping = f"from: t\nvariables:\n  {name}:{chr(10) + indent(dedent(steps), '    ') if chr(10) in steps else ' ' + steps}\n"
    return build_study(folder, {dataset: mapping}, {"t": raw}, **options)


def spec_faults(folder: Path, mappings: dict[str, str], raw: dict[str, str], **options) -> list[tuple[str, int, str]]:
    """(file, line, message with hint) of every fault that loading the study reports."""
    write_study(folder, mappings, raw, **options)
    with pytest.raises(SpecError) as caught:
        load_study(folder)
    return [(Path(fault.place.file).name, fault.place.line, f"{fault.message} {fault.hint}".strip()) for fault in caught.value.faults]
