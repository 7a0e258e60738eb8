"""What the rules of one run look at: the datasets, the standard, terminology, metadata; and what rules share with each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pandas as pd

from ..dictionaries import Dictionary
from ..errors import InputError
from ..model import Dataset, Standard, Terminology
from .define_facts import DefineFacts, read_define_facts
from .rule import RuleError
from .table import Table, frame_to_table, stack_tables

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class Study:
    """The datasets of one validation run and all that is known about them. `cache` holds joins, look-ups and tables of metadata
    that several rules use; it lives as long as the run."""

    tables: dict[str, Table]
    standard: Standard | None = None
    terminology: tuple[Terminology, ...] = ()
    metadata: dict[str, Dataset] = field(default_factory=dict)
    files: dict[str, tuple[str, int]] = field(default_factory=dict)  # name of the file, bytes
    unreadable: dict[str, str] = field(default_factory=dict)  # why a dataset that is there cannot be judged
    described: dict[str, tuple[str, ...]] = field(default_factory=dict)  # names of variables, where a description stands for the data
    use_case: str = ""  # of an integrated guide (TIG)
    define: DefineFacts | None = None  # what define.xml says
    dictionaries: dict[str, Dictionary] = field(default_factory=dict)  # external ones, by name
    core_compatible: bool = False  # answer as CDISC's engine 0.17.1 does where it departs from what a rule says
    cache: dict[Hashable, object] = field(default_factory=dict, repr=False)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` returns, made only the first time that this run asks for `key`; of two threads that ask at once, the first one's."""
        if key not in self.cache:
            self.cache.setdefault(key, make())
        return self.cache[key]

    @cached_property
    def parts(self) -> dict[str, tuple[Table, ...]]:
        """The datasets that belong together, by the name of the whole: QS -> QSCG, QSFT."""
        parts: dict[str, tuple[Table, ...]] = {}
        for table in self.tables.values():
            parts[table.unsplit] = (*parts.get(table.unsplit, ()), table)
        return parts

    def variables(self, table: Table) -> tuple[str, ...]:
        """The names of the dataset's variables: by the description that stands for it, else those that it holds."""
        return self.described.get(table.name, table.names)

    def judged(self, name: str) -> None:
        """RuleError for a dataset that cannot be judged."""
        if name in self.unreadable:
            raise RuleError(f"{name}: {self.unreadable[name]}")

    def whole(self, name: str) -> Table | None:
        """The dataset of that domain or name, its parts put together; None if there is none. RuleError where it cannot be judged."""
        if name not in self.parts:
            name = next((table.unsplit for table in self.tables.values() if table.name == name), "")
        if name not in self.parts:
            return None
        for part in self.parts[name]:
            self.judged(part.name)
        return self.once(("whole", name), lambda: stack_tables(self.parts[name]))


def make_study(
    datasets: dict[str, pd.DataFrame],
    standard: Standard | None = None,
    terminology: tuple[Terminology, ...] = (),
    metadata: dict[str, Dataset] | None = None,
    files: dict[str, Path] | None = None,
    keep_blank: bool = False,
    unreadable: dict[str, str] | None = None,
    described: dict[str, tuple[str, ...]] | None = None,
    use_case: str = "",
    core_compatible: bool = False,
    define: Path | None = None,
    dictionaries: dict[str, Dictionary] | None = None,
) -> Study:
    """The study of these datasets, with what is known of each by its name (in any case). `unreadable` says of datasets why no rule can
    be carried out on them; `described` names the variables of datasets that are known by a description rather than by what they hold;
    `core_compatible` reproduces the departures of CDISC's engine 0.17.1 from what rules say (docs/rules.md); `define` is a define.xml, for
    the rules that compare with one; `dictionaries` are external ones, by name. In ADaM a DOMAIN variable kept from SDTM does not make a
    dataset part of that domain. InputError for a file that cannot be looked at."""
    analysis = standard is not None and standard.name.upper().startswith("ADAM")
    tables = {}
    for name, frame in datasets.items():
        table = frame_to_table(name.upper(), frame, keep_blank)
        tables[name.upper()] = replace(table, domain="") if analysis and name.upper().startswith("AD") else table
    known = {name.upper(): meta for name, meta in (metadata or {}).items()}
    places = {name.upper(): _file(Path(file)) for name, file in (files or {}).items()}
    return Study(tables, standard, tuple(terminology), known, places, dict(unreadable or {}), dict(described or {}), use_case,
                 read_define_facts(Path(define)) if define else None, dict(dictionaries or {}), core_compatible)


def _file(path: Path) -> tuple[str, int]:
    try:
        return path.name, path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: the file of a dataset cannot be looked at: {error.strerror}.") from None
