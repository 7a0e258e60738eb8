"""The order of the work follows from the references."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_study import spec_faults, write_study

from sdtm_convert.graph import order_of_work, step_refs
from sdtm_convert.load import load_study
from sdtm_convert.plan import Ref

RAW = {"t": "SUBJ,A,D\n1,a,2020-01-01\n"}


def work(folder, mappings: dict[str, str], wanted: list[str] | None = None) -> list[tuple[str, str]]:
    return order_of_work(load_study(write_study(folder, mappings, RAW)), wanted)


def test_records_come_before_variables_and_references_before_what_names_them(tmp_path):
    order = work(tmp_path, {"DM": "from: t\nvariables:\n  RFSTDTC: {lowest: EX.EXSTDTC}\n",
                            "EX": "from: t\nvariables:\n  EXSTDTC: {assign: D}\n  EXSTDY: {study_day: EXSTDTC, reference: DM.RFSTDTC}\n"})
    place = order.index
    assert place(("EX", "")) < place(("EX", "EXSTDTC")) < place(("DM", "RFSTDTC")) < place(("EX", "EXSTDY"))
    assert len(order) == len(set(order)) == 11


def test_only_what_the_wanted_dataset_needs(tmp_path):
    order = work(tmp_path, {"DM": "from: t\nvariables:\n  SEX: {assign: A}\n  RFSTDTC: {assign: D}\n", "EX": "from: t\nvariables:\n  EXSTDTC: {assign: D}\n",
                            "AE": "from: t\nwhere: DM.SEX == 'F'\nvariables:\n  AETERM: {assign: A}\n"}, ["AE"])
    assert set(order) == {("AE", name) for name in ("", "STUDYID", "DOMAIN", "USUBJID", "AETERM")} | {("DM", ""), ("DM", "SEX")}


def test_records_of_another_dataset_need_what_their_condition_names(tmp_path):
    order = work(tmp_path, {"AE": "from: t\nvariables:\n  AETERM: {assign: A}\n  AESEQ: {sequence: [AETERM]}\n",
                            "ADAE": "from: AE\nwhere: AESEQ == 1\nvariables:\n  AETERM: {assign: AETERM}\n"})
    assert order.index(("AE", "AESEQ")) < order.index(("ADAE", ""))


def test_a_prefix_reaches_a_variable_further_down(tmp_path):
    order = work(tmp_path, {"AE": "from: t\nvariables:\n  AETERM: {assign: AE.AELLT}\n  AELLT: {assign: A}\n"})
    assert order.index(("AE", "AELLT")) < order.index(("AE", "AETERM"))


@pytest.mark.parametrize("step, refs", [
    ("{assign: A, where: D is missing}", [Ref("raw", "A"), Ref("raw", "D")]),
    ("{concatenate: [A, {upper: D, where: AELLT == 'x'}]}", [Ref("raw", "A"), Ref("raw", "D"), Ref("", "AELLT")]),
    ("{flag: AELLT is missing and A == D}", [Ref("", "AELLT"), Ref("raw", "A"), Ref("raw", "D")]),
    ("{first: CM.CMTRT, matching: CMSTDTC is missing, order: CMINDC, by: [USUBJID, AELLT]}",
     [Ref("CM", "CMTRT"), Ref("CM", "CMSTDTC"), Ref("CM", "CMINDC"), Ref("CM", "AELLT"), Ref("", "USUBJID"), Ref("", "AELLT")]),
])
def test_every_name_that_a_step_uses(tmp_path, step, refs):
    study = load_study(write_study(tmp_path, {
        "AE": f"from: t\nvariables:\n  AELLT: {{assign: A}}\n  AETERM: {step}\n",
        "CM": "from: t\nvariables:\n  CMTRT: {assign: A}\n  CMSTDTC: {assign: D}\n  CMINDC: {assign: A}\n  AELLT: {assign: A, label: x}\n"}, RAW))
    [chain] = study.mappings["AE"].variables["AETERM"].chains
    assert list(dict.fromkeys(step_refs(chain.steps[0]))) == refs


@pytest.mark.parametrize("mappings, members", [
    ({"AE": "from: t\nvariables:\n  AETERM: {assign: AE.AETERM}\n"}, ["AE.AETERM"]),
    ({"AE": "from: t\nvariables:\n  AETERM: {assign: AE.AELLT}\n  AELLT: {upper: AETERM}\n"}, ["AE.AETERM", "AE.AELLT"]),
    ({"AE": "from: t\nwhere: CM.CMTRT == 'x'\nvariables:\n  AETERM: {assign: A}\n", "CM": "from: t\nvariables:\n  CMTRT: {first: AE.AETERM}\n"},
     ["AE (records)", "AE.AETERM", "CM.CMTRT"]),
    ({"ADAE": "from: ADSL\n", "ADSL": "from: ADAE\n"}, ["ADAE (records)", "ADSL (records)"]),
])
def test_a_cycle_names_each_of_its_members(tmp_path, mappings, members):
    [(_, line, message)] = spec_faults(tmp_path, mappings, RAW)
    circle = message.removeprefix("a cycle: ").split(". Each needs")[0].split(" <- ")
    assert circle[0] == circle[-1] and set(circle) == set(members) and len(circle) == len(members) + 1
    assert line > 0


def test_the_order_is_the_same_in_every_run(tmp_path):
    write_study(tmp_path, {name: f"from: t\nvariables:\n  {name}TERM: {{assign: A, label: x}}\n  {name}ZZ: {{assign: D, label: x}}\n" for name in ("AE", "CE", "XA", "XB")}, RAW)
    code = f"from sdtm_convert.graph import order_of_work\nfrom sdtm_convert.load import load_study\nprint(order_of_work(load_study({str(tmp_path)!r})))"
    repository = Path(__file__).resolve().parent.parent
    runs = {subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(repository)},
                           capture_output=True, text=True, check=True).stdout for seed in ("1", "2", "3")}
    assert len(runs) == 1
