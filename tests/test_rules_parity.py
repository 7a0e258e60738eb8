"""The published CDISC rules on their own test cases: the same report rows as CDISC's engine 0.17.1, case by case."""

from __future__ import annotations

from collections import Counter

from sdtm_convert.rules_test import BROKEN, DIFFERS, EXCEPTION, comparable, read_report, test_rules

# Cases of other implementation guides than SDTMIG 3.4, where the answer is in the guide: labels of SENDIG.
OTHER_GUIDE = {("CORE-000272", "negative/03")}


def test_published_rules_report_what_is_expected_of_them_and_what_cdisc_s_engine_reports(shared):
    different, compared = [], 0
    for result in test_rules(shared / "open-rules"):
        if result.status == EXCEPTION or (result.rule, result.case) in OTHER_GUIDE:
            continue
        compared += 1
        if result.status in (DIFFERS, BROKEN):
            different.append((result.rule, result.case, "expected"))
        printed = shared / "core-0.17.1" / result.rule / result.case / "results.csv"
        if printed.is_file() and Counter(map(comparable, result.found)) != Counter(map(comparable, read_report(printed))):
            different.append((result.rule, result.case, "0.17.1"))
    assert different == [] and compared > 550
