"""The HTML report in a real browser: filters, sorting, search and paging work on a hundred thousand findings."""

from __future__ import annotations

import json
import shutil
import subprocess

import pandas as pd
import pytest
from lxml import html
from PIL import Image

from sdtm_convert.findings import findings
from sdtm_convert.report import write_findings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium is installed; the report cannot be opened in a browser")
COUNT = 100_000
HOSTILE = "hostile </script><script>window.ran = 1</script> \" ' &amp; \u2028 \u202eback\u202c \x07 \u00a0 a\nb"

# What a person does, each step followed by a pause as long as the search box waits; `seen` is what stands on the page then.
STEPS = """
const element = (id) => document.getElementById(id);
const pause = () => new Promise((resolve) => setTimeout(resolve, 400));
const choose = (name, value) => { const box = document.querySelector(`[data-filter="${name}"]`); box.value = value; box.dispatchEvent(new Event("change")); };
const search = (text) => { element("query").value = text; element("query").dispatchEvent(new Event("input")); };
const press = (name) => document.querySelector(`#heads [data-column="${name}"] button`).click();
const heads = () => [...element("heads").children];
const seen = () => ({
  shown: element("shown").textContent,
  rows: [...element("rows").children].map((row) => Object.fromEntries([...row.children].map((cell, at) => [heads()[at].dataset.column, cell.textContent]))),
  sorted: Object.fromEntries(heads().map((head) => [head.dataset.column, head.getAttribute("aria-sort")])),
});
const outcomes = () => [...element("outcome-rows").children].filter((row) => row.offsetParent !== null).map((row) => row.children[1].textContent);
(async () => {
  const told = { start: seen() };
  choose("dataset", "LB"); told.filtered = seen();
  choose("severity", "error"); told.twice = seen();
  element("filters").reset(); told.reset = seen();
  search("01-099 result"); await pause(); told.searched = seen();
  search("<b>bold"); await pause(); told.markup = { ...seen(), bold: document.querySelectorAll("#rows b").length };
  search("hostile"); await pause(); told.hostile = { ...seen(), ran: String(window.ran) };
  search("pair"); await pause(); told.paired = seen();
  search("nowhere at all"); await pause(); told.nothing = seen();
  element("filters").reset();
  press("record"); told.up = seen();
  press("record"); told.down = seen();
  press("severity"); told.severe = seen();
  element("filters").reset();
  element("next").click(); told.second = seen();
  document.querySelector('[data-rule="R-RARE"]').click(); told.linked = seen();
  told.outcomes = outcomes();
  document.querySelector('[data-status="not run"]').click(); told.notRun = outcomes();
  document.querySelector('[data-status="not run"]').click(); told.again = outcomes().length;
  const result = document.createElement("pre");
  result.id = "told";
  result.textContent = JSON.stringify(told);
  document.body.append(result);
})();
"""


def many() -> pd.DataFrame:
    at = pd.Series(range(COUNT))
    return findings({
        "rule": at.mod(7).map("R-{}".format).where(at != 50_000, "R-RARE"),
        "severity": at.mod(3).map({0: "notice", 1: "warning", 2: "error"}),
        "dataset": at.mod(4).map({0: "AE", 1: "LB", 2: "VS", 3: "CM"}),
        "record": (at * 7919) % COUNT + 1,
        "usubjid": (at // 1000).map("01-{:03d}".format),
        "variables": at.map({14: "AESER; AESDTH", 15: "AESER; AESDTH"}),
        "values": at.map({12: "<b>bold</b>", 13: HOSTILE, 14: "N; Y pair", 15: "N; Y; pair"}),
        "message": at.mod(2).map({0: "Result is missing", 1: "Date is wrong"}),
    })  # fmt: skip


def browser(page, folder, *options: str) -> str:
    """What the browser prints."""
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=60000",
               *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=True).stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict:
    """What the page showed after each step."""
    folder = tmp_path_factory.mktemp("browser")
    outcomes = pd.DataFrame({"rule": ["R-1", "R-8", "R-9"], "dataset": ["LB", "LB", "AE"], "status": ["findings", "not run", "passed"],
                             "reason": ["", "needs define.xml", ""], "findings": [5, 0, 0]})
    (page,) = write_findings(many(), folder, ["html"], title="Many", about={}, outcomes=outcomes)
    text = page.read_text(encoding="utf-8").replace("</body>", f"<script>{STEPS}</script></body>")
    page.write_text(text, encoding="utf-8")
    found = html.fromstring(browser(page, folder, "--dump-dom")).xpath("//pre[@id='told']")
    assert found, "the steps did not come to their end: a script of the page failed"
    return json.loads(found[0].text)


def column(state: dict, name: str) -> list[str]:
    return [row[name] for row in state["rows"]]


def test_the_first_hundred_findings_stand_there_at_once(told):
    assert told["start"]["shown"] == "1 to 100 of 100,000 findings" and len(told["start"]["rows"]) == 100
    assert column(told["start"], "rule")[:3] == ["R-0", "R-1", "R-2"]


def test_filters_narrow_one_by_one_and_are_taken_back(told):
    expected = many()
    errors = expected[expected["dataset"].eq("LB") & expected["severity"].eq("error")]
    assert told["filtered"]["shown"] == "1 to 100 of 25,000 (of 100,000) findings" and set(column(told["filtered"], "dataset")) == {"LB"}
    assert told["twice"]["shown"] == f"1 to 100 of {len(errors):,} (of 100,000) findings"
    assert column(told["twice"], "record") == [str(record) for record in errors["record"][:100]] and set(column(told["twice"], "severity")) == {"error"}
    assert told["reset"] == told["start"]


def test_a_search_wants_every_word_in_any_column_and_any_case(told):
    assert told["searched"]["shown"] == "1 to 100 of 500 (of 100,000) findings"
    assert set(column(told["searched"], "usubjid")) == {"01-099"} and set(column(told["searched"], "message")) == {"Result is missing"}
    assert told["nothing"]["rows"] == [] and told["nothing"]["shown"] == "No finding fits these filters."


def test_markup_in_data_stays_text(told):
    assert column(told["markup"], "values") == ["<b>bold</b>"] and told["markup"]["bold"] == 0


def test_nothing_in_data_runs_and_what_cannot_be_seen_is_shown_by_its_code(told):
    assert column(told["hostile"], "values") == [
        "hostile </script><script>window.ran = 1</script> \" ' &amp; [U+2028] [U+202E]back[U+202C] [U+0007] [U+00A0] a\nb"]
    assert told["hostile"]["ran"] == "undefined"


def test_values_of_several_variables_stand_beside_their_names(told):
    assert column(told["paired"], "values") == ["AESER = N\nAESDTH = Y pair", "N; Y; pair"]


def test_a_head_sorts_numbers_as_numbers_both_ways(told):
    assert column(told["up"], "record") == [str(number) for number in range(1, 101)] and told["up"]["sorted"]["record"] == "ascending"
    assert column(told["down"], "record") == [str(number) for number in range(COUNT, COUNT - 100, -1)] and told["down"]["sorted"]["record"] == "descending"
    assert set(column(told["severe"], "severity")) == {"error"} and list(told["severe"]["sorted"].values()).count("none") == 7


def test_pages_turn_and_a_rule_of_the_summary_leads_to_its_findings(told):
    assert told["second"]["shown"] == "101 to 200 of 100,000 findings" and column(told["second"], "rule")[0] == "R-2"
    assert column(told["linked"], "rule") == ["R-RARE"] and told["linked"]["shown"] == "1 to 1 of 1 (of 100,000) findings"


def test_outcomes_are_shown_one_kind_at_a_time(told):
    assert told["outcomes"] == ["R-8", "R-1", "R-9"] and told["notRun"] == ["R-8"] and told["again"] == 3


# --- How it looks -------------------------------------------------------------------------------------------------------

WIDTHS = """
document.body.append(Object.assign(document.createElement("pre"), { id: "widths", textContent: JSON.stringify([
  document.documentElement.scrollWidth, document.documentElement.clientWidth,
  ...[...document.querySelectorAll(".rules td:last-child")].map((cell) => Math.round(cell.getBoundingClientRect().right))]) }));
"""


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (500, 900)])
def test_the_page_fits_a_desk_and_a_narrow_screen(tmp_path, width, height):
    table = many().head(50)
    records = {"AE": 13, "LB": 100, "VS": 100, "CM": 100}
    (page,) = write_findings(table, tmp_path, ["html"], title="Looked at", about={"Checked": "package"}, records=records, known=table.head(2))
    picture = tmp_path / "page.png"
    browser(page, tmp_path, f"--window-size={width},{height}", "--hide-scrollbars", f"--screenshot={picture}")
    with Image.open(picture) as image:
        assert image.size == (width, height)
        colors = {color[:3]: count for count, color in image.convert("RGB").getcolors(width * height)}
    grounds = {"error": (252, 235, 234), "warning": (253, 243, 218), "notice": (233, 237, 243)}
    assert {name for name, color in grounds.items() if colors.get(color, 0) > 500} == set(grounds)  # the counts above the summary
    assert colors[255, 255, 255] > width * height / 4 and len(colors) > 50  # a white sheet with smooth letters on it
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", f"<script>{WIDTHS}</script></body>"), encoding="utf-8")
    dom = browser(page, tmp_path, f"--window-size={width},{height}", "--dump-dom")
    whole, screen, *ends = json.loads(html.fromstring(dom).xpath("//pre[@id='widths']")[0].text)
    assert whole <= screen <= width and ends and max(ends) <= screen  # nothing to be scrolled to the side, no message cut off
