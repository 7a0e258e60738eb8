"""Methods by name: a plain function under `@method` is a word of the mapping language.

The signature says which arguments a step takes and, by its annotations, what the engine hands over for each (`Column`,
`Columns`, `Related`, `Text` ...). The first sentence of the docstring, with the arguments in its slots, is the method text in
define.xml; the whole docstring is what `sdtm-convert explain` prints.

    @method(origin="Derived")
    def study_day(date: Column, reference: Column):
        \"\"\"Days from {reference} to {date}, plus 1 on or after {reference}; there is no day 0.\"\"\"
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, get_args

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# What a method asks for by its annotations. Every `Column` of one call has the same rows in the same order.
Column = Annotated["pd.Series", "Column"]  # a variable of this dataset, a raw field, another dataset's variable by subject, or a nested step
Columns = Annotated["list[pd.Series]", "Columns"]
Text = Annotated[str, "Text"]  # literal text
Texts = Annotated["list[str]", "Texts"]  # one text or a list of them
DateFormats = Annotated["list[str]", "DateFormats"]  # likewise, each the format of a collected date or time
Number = Annotated[float, "Number"]
Mapping = Annotated["dict[str, str]", "Mapping"]
Factors = Annotated["dict[str, dict]", "Factors"]  # study-own unit factors
Condition = Annotated["np.ndarray", "Condition"]  # a condition, evaluated to a boolean mask
CodelistName = Annotated["object", "CodelistName"]  # model.Codelist; the codelist of the variable that is made, where the step names none
SourceCodelist = Annotated["object", "SourceCodelist"]  # likewise, of the variable that is the first argument
Table = Annotated["dict[str, dict[str, str]]", "Table"]  # a look-up table of study.yml

KINDS = ("Column", "Columns", "Related", "Text", "Texts", "DateFormats", "Number", "Mapping", "Factors", "Condition", "CodelistName",
         "SourceCodelist", "Table")


SLOT = r"\{(\w+)\}"  # of a docstring
RELATED_SLOTS = ("by", "order", "matching")  # what a step with a Related argument says beside its arguments


@dataclass(frozen=True)
class Related:
    """Many records of another dataset (or raw table) for each row of this one.

    `values` and each of `order` are columns of the other dataset's records that match; `groups` gives each record's group and
    `rows` gives for each row of this dataset the group that belongs to it, or -1. Groups are numbered below `size`.
    """

    values: pd.Series
    order: tuple
    groups: np.ndarray
    rows: np.ndarray
    size: int


@dataclass(frozen=True)
class Problem:
    """Rows on which a method could not do its work as asked; the engine makes findings of it. `rule` is a BUILD_RULES id."""

    rule: str
    rows: np.ndarray  # boolean mask
    message: str
    values: pd.Series | None = None  # what to show; the step's first column by default


@dataclass(frozen=True)
class Parameter:
    """One argument of a method: its kind (see KINDS) and default."""

    name: str
    kind: str
    required: bool
    default: object = None


@dataclass(frozen=True)
class MethodInfo:
    """A registered method."""

    name: str
    function: Callable
    parameters: dict[str, Parameter] = field(repr=False)
    origin: str = "Derived"
    type: str = "Computation"
    check: Callable[[dict], str | None] | None = field(default=None, repr=False)

    @property
    def primary(self) -> str:
        """The argument that stands behind the method's own name in a step: `{study_day: AESTDTC}` gives `date`."""
        return next(iter(self.parameters), "")

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.function) or ""

    @property
    def template(self) -> str:
        """The first sentence(s) of the docstring, up to the first blank line: the method text with slots."""
        return " ".join(self.doc.split("\n\n")[0].split())

    def text(self, arguments: dict[str, str]) -> str:
        """The method text with its slots filled; a part in [brackets] is left out when one of its slots is empty."""

        def part(match: re.Match) -> str:
            if match[2]:
                return arguments.get(match[2], "")
            filled = re.sub(SLOT, lambda slot: arguments.get(slot[1], ""), match[1])
            return filled if all(arguments.get(name) for name in re.findall(SLOT, match[1])) else ""

        # in one pass, so that braces and brackets in the arguments' own texts stay as they are
        text = re.sub(rf"\[([^\[\]]*{SLOT.replace('(', '(?:')}[^\[\]]*)\]|{SLOT}", part, self.template)
        return re.sub(r"\s+([.,;:])", r"\1", re.sub(r"\s{2,}", " ", text)).strip()


def method(function: Callable | None = None, *, origin: str = "Derived", type: str = "Computation", name: str = "",
           check: Callable[[dict], str | None] | None = None):
    """Make a function a word of the mapping language; the function itself is returned unchanged.

    `origin` is the def:Origin of what it makes (Collected, Assigned, Derived; a Collected method fed from another dataset is a
    Predecessor), `type` the MethodDef type (Computation or Imputation). `check` is asked before data are read what is wrong with the
    arguments of a step, as a sentence, or None; it gets them by name, as they are resolved, with the defaults of the others.
    """

    def mark(function: Callable) -> Callable:
        function.__method__ = _info(function, name or function.__name__, origin, type, check)
        return function

    return mark(function) if function else mark


def _info(function: Callable, name: str, origin: str, type: str, check: Callable[[dict], str | None] | None) -> MethodInfo:
    parameters = {}
    for parameter in inspect.signature(function).parameters.values():
        kind = _kind(parameter.annotation)
        if kind not in KINDS:
            raise TypeError(f"{function.__module__}.{name}: argument '{parameter.name}' is annotated {parameter.annotation!r}; "
                            f"a method's arguments are one of {', '.join(KINDS)}")
        required = parameter.default is inspect.Parameter.empty
        parameters[parameter.name] = Parameter(parameter.name, kind, required, None if required else parameter.default)
    if not function.__doc__:
        raise TypeError(f"{function.__module__}.{name}: a method needs a docstring; its first sentence is the text in define.xml")
    info = MethodInfo(name, function, parameters, origin, type, check)
    related = any(parameter.kind == "Related" for parameter in parameters.values())
    for slot in re.findall(SLOT, info.template):
        if slot not in parameters and not (related and slot in RELATED_SLOTS):
            raise TypeError(f"{function.__module__}.{name}: the docstring has the slot {{{slot}}}, and no argument is called so")
    return info


def _kind(annotation: object) -> str:
    """`Column` of `Column | None`, whether annotations are kept as text (`from __future__ import annotations`) or not."""
    if isinstance(annotation, str):
        return annotation.split("|")[0].strip()
    marked = next((part for part in (annotation, *get_args(annotation)) if hasattr(part, "__metadata__")), None)
    return marked.__metadata__[0] if marked else str(annotation)


def methods_of(module) -> dict[str, MethodInfo]:
    """The methods that a module defines, by name."""
    infos = [value.__method__ for value in vars(module).values() if callable(value) and hasattr(value, "__method__")]
    return {info.name: info for info in infos if info.function.__module__ == module.__name__}
