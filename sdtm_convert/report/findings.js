"use strict";
// The list of single findings: filtered, searched, sorted and paged over distinct values, so that 100,000 findings stay quick.
(() => {
  const PAGE = 100;
  const SIZES = { message: "wide", variables: "middle", values: "wide", source: "middle" };
  const HEADS = { usubjid: "subject", seq: "sequence" };
  // Characters that cannot be seen, or that turn the text around them: shown by their code.
  const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\ufeff]/g;
  const SEVERITIES = ["error", "warning", "notice"];
  const element = (id) => document.getElementById(id);

  // What was checked: one outcome at a time, or all.
  const choices = [...document.querySelectorAll("[data-status]")];
  for (const choice of choices) {
    choice.onclick = () => {
      const on = choice.getAttribute("aria-pressed") === "false";
      for (const other of choices) other.setAttribute("aria-pressed", String(on && other === choice));
      for (const row of element("outcome-rows").children) row.hidden = on && row.dataset.outcome !== choice.dataset.status;
    };
  }

  const data = JSON.parse(element("data").textContent);
  if (!data.count) return;

  const columns = data.columns;
  const named = Object.fromEntries(columns.map((column) => [column.name, column]));
  const state = { terms: [], filters: {}, sort: null, down: false, page: 0, found: null };

  for (const column of columns) {
    column.codes = Int32Array.from(column.codes);
    column.folded = column.values.map((value) => String(value).toLowerCase());
  }

  function ranksOf(column) {
    if (column.ranks) return column.ranks;
    const bySeverity = (a, b) => SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b);
    const natural = new Intl.Collator("en", { numeric: true }).compare;
    const compare = column.numeric ? (a, b) => a - b : column.name === "severity" ? bySeverity : natural;
    const order = column.values.map((_, at) => at).sort((a, b) => compare(column.values[a], column.values[b]));
    column.ranks = new Int32Array(order.length);
    order.forEach((code, rank) => { column.ranks[code] = rank; });
    return column.ranks;
  }

  function find() {
    const tests = state.terms.map((term) => columns.map((column) => ({
      codes: column.codes,
      hits: Uint8Array.from(column.folded, (text) => text.includes(term) ? 1 : 0),
    })));
    const wanted = Object.entries(state.filters).map(([name, value]) => [named[name].codes, named[name].values.indexOf(value)]);
    const found = [];
    for (let row = 0; row < data.count; row += 1) {
      if (wanted.every(([codes, code]) => codes[row] === code)
          && tests.every((test) => test.some(({ codes, hits }) => codes[row] >= 0 && hits[codes[row]]))) found.push(row);
    }
    if (state.sort) {
      const { codes } = state.sort;
      const ranks = ranksOf(state.sort);
      const sign = state.down ? -1 : 1;
      found.sort((a, b) => {  // missing values last, whichever way
        if (codes[a] < 0 || codes[b] < 0) return (codes[a] < 0) - (codes[b] < 0) || a - b;
        return sign * (ranks[codes[a]] - ranks[codes[b]]) || a - b;
      });
    }
    state.found = found;
    state.page = 0;
    show();
  }

  // The values of several variables, each beside its name; as they are where they cannot be told apart.
  function paired(values, row) {
    const { codes, values: names } = named.variables || { codes: [] };
    const all = codes[row] >= 0 ? names[codes[row]].split("; ") : [];
    const parts = values.split("; ");
    return all.length > 1 && all.length === parts.length ? all.map((name, at) => `${name} = ${parts[at]}`).join("\n") : values;
  }

  function cell(column, row) {
    const td = document.createElement("td");
    const code = column.codes[row];
    td.classList.add(SIZES[column.name] || "narrow");
    if (column.numeric) td.classList.add("number");
    if (column.name === "rule") td.classList.add("code");
    if (code < 0) return td;
    const text = (column.name === "values" ? paired(column.values[code], row) : String(column.values[code])).replace(UNSEEN, (one) => `[U+${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
    if (column.name === "severity") {
      const tag = document.createElement("span");
      tag.className = `tag ${SEVERITIES.includes(text) ? text : ""}`;
      tag.textContent = text;
      td.append(tag);
    } else td.textContent = text;
    return td;
  }

  function show() {
    const first = state.page * PAGE;
    const last = Math.min(first + PAGE, state.found.length);
    element("rows").replaceChildren(...state.found.slice(first, last).map((row) => {
      const tr = document.createElement("tr");
      tr.append(...columns.map((column) => cell(column, row)));
      return tr;
    }));
    const of = `${state.found.length.toLocaleString("en")}${state.found.length < data.count ? ` (of ${data.count.toLocaleString("en")})` : ""}`;
    element("shown").textContent = state.found.length
      ? `${(first + 1).toLocaleString("en")} to ${last.toLocaleString("en")} of ${of} findings` : "No finding fits these filters.";
    element("previous").disabled = !first;
    element("next").disabled = last >= state.found.length;
    for (const th of element("heads").children) {
      const sorted = state.sort && state.sort.name === th.dataset.column;
      th.setAttribute("aria-sort", sorted ? (state.down ? "descending" : "ascending") : "none");
      th.firstChild.textContent = th.dataset.head + (sorted ? (state.down ? " ↓" : " ↑") : "");
    }
  }

  function makeHeads() {
    element("heads").append(...columns.map((column) => {
      const th = document.createElement("th");
      const button = document.createElement("button");
      th.dataset.column = column.name;
      th.dataset.head = HEADS[column.name] || column.name;
      th.scope = "col";
      if (column.numeric) th.classList.add("number");
      button.type = "button";
      button.onclick = () => {
        state.down = state.sort === column && !state.down;
        state.sort = column;
        find();
      };
      th.append(button);
      return th;
    }));
  }

  function makeFilters() {
    for (const select of document.querySelectorAll("[data-filter]")) {
      const column = named[select.dataset.filter];
      const ranks = ranksOf(column);
      const values = column.values.slice().sort((a, b) => ranks[column.values.indexOf(a)] - ranks[column.values.indexOf(b)]);
      select.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
      select.onchange = () => { setFilter(column.name, select.value); find(); };
    }
  }

  function setFilter(name, value) {
    document.querySelector(`[data-filter="${name}"]`).value = value;
    if (value) state.filters[name] = value; else delete state.filters[name];
  }

  function turn(step) {
    state.page += step;
    show();
  }

  let waiting;
  element("query").oninput = (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      state.terms = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      find();
    }, 150);
  };
  element("filters").onsubmit = (event) => event.preventDefault();
  element("filters").onreset = () => {
    Object.assign(state, { terms: [], filters: {}, sort: null, down: false });
    find();
  };
  element("previous").onclick = () => turn(-1);
  element("next").onclick = () => turn(1);
  for (const link of document.querySelectorAll("[data-rule], [data-dataset]")) {
    link.onclick = () => {
      for (const name of ["rule", "severity", "dataset"]) setFilter(name, link.dataset[name] || "");
      find();
    };
  }
  makeHeads();
  makeFilters();
  element("findings").hidden = false;
  find();
})();
