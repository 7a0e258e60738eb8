"""The registry: a function becomes a word of the language; every shipped word is documented, exemplified and says what it did."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from sdtm_convert.build_rules import BUILD_RULES
from sdtm_convert.documents import parse_document
from sdtm_convert.methods import FAMILIES, shipped_methods
from sdtm_convert.registry import KINDS, RELATED_SLOTS, Column, Columns, Number, Related, Text, method, methods_of
from sdtm_convert.resolve import ATTRIBUTES

METHODS = shipped_methods()
each_method = pytest.mark.parametrize("info", METHODS.values(), ids=METHODS)


# --- What ships -------------------------------------------------------------------------------------------------------


@each_method
def test_every_method_has_a_text_whose_slots_are_arguments(info):
    slots = re.findall(r"\{(\w+)\}", info.template)
    related = any(parameter.kind == "Related" for parameter in info.parameters.values())
    assert info.template.endswith(".")
    assert set(slots) <= set(info.parameters) | set(RELATED_SLOTS if related else ())
    assert info.primary in slots or info.primary == "order" or info.name in ("missing", "epoch", "exists", "flag")
    assert info.template.count("[") == info.template.count("]")


@each_method
def test_the_text_of_a_method_has_no_slot_or_bracket_left(info):
    full = {name: name.upper() for name in [*info.parameters, *RELATED_SLOTS]}
    needed = {parameter.name: "X" for parameter in info.parameters.values() if parameter.required} | {"by": "USUBJID"}
    for arguments in (full, needed):
        text = info.text(arguments)
        assert text and not re.search(r"[{}\[\]]|\s\s|\s[.,]", text)


@each_method
def test_every_method_has_an_example_that_is_a_step_of_that_method(info):
    found = re.findall(rf"\{{{info.name}: (?:[^{{}}]|\{{[^{{}}]*\}})*\}}", info.doc.removeprefix(info.template))
    assert found, f"the docstring shows no step {{{info.name}: ARGUMENT}}"
    for text in found:
        step = parse_document(" ".join(text.split()), info.name).data
        others = {"where", "matching", "by", "order"} - set(info.parameters)
        assert step.keys() - {info.name} - others <= set(info.parameters), text
        required = {parameter.name for parameter in info.parameters.values() if parameter.required and parameter.kind not in ("CodelistName", "SourceCodelist")}
        assert required - {info.primary} <= step.keys(), text


@each_method
def test_every_argument_is_of_a_known_kind(info):
    assert {parameter.kind for parameter in info.parameters.values()} <= set(KINDS)
    assert info.origin in ("Collected", "Assigned", "Derived") and info.type in ("Computation", "Imputation")


def test_no_method_is_called_like_an_attribute_of_a_variable():
    assert not METHODS.keys() & {*ATTRIBUTES, "where", "matching", "by"}


def test_the_problems_that_methods_report_are_rules_of_the_build():
    source = "".join(Path(family.__file__).read_text(encoding="utf-8") for family in FAMILIES)
    assert set(re.findall(r'"((?:MAP|CONFORM|RAW)-[A-Z-]+)"', source)) <= BUILD_RULES.keys()


# --- What the decorator does ------------------------------------------------------------------------------------------


def test_a_function_stays_itself():
    @method
    def own(source: Column, count: Number = 2):
        """{source}[, {count} times]."""
        return source * count

    assert own("a") == "aa"
    info = own.__method__
    assert (info.name, info.primary, info.origin, info.type) == ("own", "source", "Derived", "Computation")
    assert [(p.name, p.kind, p.required, p.default) for p in info.parameters.values()] == [("source", "Column", True, None), ("count", "Number", False, 2)]


def test_a_module_without_postponed_annotations_may_define_methods():
    module = ModuleType("study_methods")
    exec(compile("from sdtm_convert.registry import *\nfrom sdtm_convert.registry import method\n"
                 "@method\ndef own(source: Column, other: Column | None = None, by: Columns = (), text: Text = 'x'):\n    '''{source}'''\n",
                 "methods.py", "exec", dont_inherit=True), module.__dict__)
    [info] = methods_of(module).values()
    assert [parameter.kind for parameter in info.parameters.values()] == ["Column", "Column", "Columns", "Text"]


def test_methods_of_a_module_are_its_own_alone():
    module = ModuleType("study_methods")
    exec("from sdtm_convert.methods.assign import assign\nfrom sdtm_convert.registry import Column, method\n"
         "@method(name='called_so', origin='Collected')\ndef own(source: Column):\n    '''{source}'''\n", module.__dict__)
    assert list(methods_of(module)) == ["called_so"]
    assert methods_of(module)["called_so"].origin == "Collected"


@pytest.mark.parametrize("doc, message", [("", "needs a docstring"), ("{sauce}.", "the slot {sauce}"), ("{by}.", "the slot {by}")])
def test_a_method_without_a_usable_text_is_refused(doc, message):
    def own(source: Column):
        pass

    own.__doc__ = doc
    with pytest.raises(TypeError, match=re.escape(message)):
        method(own)


def test_a_method_over_related_records_has_the_slots_of_its_options():
    @method
    def own(value: Related):
        """{value} of the same {by}[ by {order}][ where {matching}]."""

    assert own.__method__.text({"value": "EX.EXDOSE", "by": "USUBJID", "order": "", "matching": ""}) == "EX.EXDOSE of the same USUBJID."


def test_an_argument_without_a_kind_is_refused():
    with pytest.raises(TypeError, match="'source' is annotated 'int'"):
        @method
        def own(source: int):
            """{source}."""


def test_a_text_with_its_slots_filled():
    @method
    def own(source: Column, others: Columns, text: Text | None = None):
        """{source} and {others}[, with {text}] .

        More.
        """

    info = own.__method__
    assert info.text({"source": "A", "others": "B, C", "text": "x"}) == "A and B, C, with x."
    assert info.text({"source": "A", "others": "B", "text": ""}) == "A and B."
    assert info.text({"source": "{others}", "others": "[{source}]", "text": "{text} [x]"}) == "{others} and [{source}], with {text} [x]."
