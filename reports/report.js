"use strict";
// Everything that is shown goes in as text, never as markup: it is other people's source.
const data = JSON.parse(document.getElementById("data").textContent);
const FIRST = 200;
const number = new Intl.NumberFormat("en");

function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function byId(id) {
  return document.getElementById(id);
}

// A table of rows that can be sorted by any column; `columns` say a row's key, its text and its cell.
function sortable(table, columns, start) {
  const state = { by: start, up: false, rows: [], all: false };
  const body = el("tbody");
  const heads = columns.map((column, index) => {
    const button = el("button", { type: "button", onclick: () => sort(index) }, column.title);
    return el("th", { scope: "col", class: column.numeric ? "n" : "" }, button);
  });
  table.append(el("thead", {}, el("tr", {}, ...heads)), body);

  function sort(index) {
    state.up = state.by === index ? !state.up : !columns[index].numeric;
    state.by = index;
    draw();
  }

  function draw() {
    const { key } = columns[state.by];
    const sign = state.up ? 1 : -1;
    const compare = (one, other) => (key(one) < key(other) ? -sign : key(one) > key(other) ? sign : 0);
    const sorted = [...state.rows].sort(compare);
    const shown = state.all ? sorted : sorted.slice(0, FIRST);
    heads.forEach((head, index) => {
      if (index === state.by) head.setAttribute("aria-sort", state.up ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    body.replaceChildren(...shown.map((row) => el("tr", {}, ...columns.map((column) => cell(column, row)))));
  }

  function cell(column, row) {
    const value = column.key(row);
    const content = column.cell ? column.cell(row) : column.numeric ? number.format(value) : value;
    return el("td", { class: `${column.numeric ? "n " : ""}${column.tone || ""}` }, content);
  }

  return {
    show(rows, all = false) {
      state.rows = rows;
      state.all = all;
      draw();
    },
  };
}

const files = sortable(
  byId("file-table"),
  [
    { title: "file", key: (row) => row.path, cell: (row) => el("a", { href: link(row.path), class: "path" }, row.path) },
    ...(data.owned ? [{ title: "owner", key: (row) => row.owner }] : []),
    { title: "now", key: (row) => row.now, numeric: true },
    ...(data.baseline ? [{ title: "baseline", key: (row) => row.baseline ?? 0, numeric: true }] : []),
    { title: "after apply", key: (row) => row.after, numeric: true },
    { title: "auto", key: (row) => row.fix.auto || 0, numeric: true, tone: "auto" },
    { title: "assisted", key: (row) => row.fix.assisted || 0, numeric: true, tone: "assisted" },
    { title: "manual", key: (row) => row.fix.manual || 0, numeric: true, tone: "manual" },
    { title: "tests", key: (row) => row.count, numeric: true },
    { title: "on real services", key: (row) => row.real, numeric: true },
  ],
  data.owned ? 2 : 1,
);

function filtered() {
  const text = byId("filter").value.toLowerCase();
  const service = byId("service").value;
  const fix = byId("fix").value;
  return data.files.filter(
    (row) =>
      (!text || row.path.toLowerCase().includes(text) || row.owner.toLowerCase().includes(text)) &&
      (!service || row.services[service]) &&
      (!fix || row.fix[fix]),
  );
}

function showFiles(all = false) {
  const rows = filtered();
  files.show(rows, all);
  byId("shown").textContent = `${number.format(rows.length)} of ${number.format(data.files.length)} files`;
  byId("more").hidden = all || rows.length <= FIRST;
}

function link(path) {
  return `#file=${encodeURIComponent(path)}`;
}

function lines(step) {
  return `line${step.lines.length > 1 ? "s" : ""} ${step.lines.join(", ")}: `;
}

function steps(list) {
  if (!list.length) return null;
  const row = (step) => el("li", {}, lines(step), step.reason, " ", el("span", { class: `tag ${step.fix}` }, step.fix));
  return el("ul", {}, ...list.map(row));
}

const TONES = { "+": "plus", "-": "minus", "@": "head" };

function diff(text) {
  if (!text) return null;
  const rows = text.replace(/\n$/, "").split("\n");
  return el("pre", {}, ...rows.map((row) => el("span", { class: TONES[row[0]] || "" }, row)));
}

function test(item) {
  const mocks = item.mocks.map((mock) => `${mock.name} (${mock.service}, line ${mock.line})`).join(", ");
  return el(
    "div",
    { class: "test" },
    el("h3", {}, el("span", { class: "path" }, item.name), ` line ${item.line} `, el("span", { class: `tag ${item.verdict}` }, data.verdicts[item.verdict])),
    mocks ? el("div", {}, `Mocks: ${mocks}`) : null,
    item.real.length ? el("div", {}, `Real: ${item.real.join(", ")}`) : null,
    steps(item.steps),
    diff(item.diff),
  );
}

function showFile() {
  const match = /^#file=(.*)$/.exec(location.hash);
  const row = match && data.files.find((file) => file.path === decodeURIComponent(match[1]));
  byId("file").hidden = !row;
  if (!row) return;
  const heading = byId("h-file");
  heading.textContent = row.path;
  byId("file-body").replaceChildren(
    el("p", {}, `${number.format(row.now)} violations, ${number.format(row.after)} after apply.`, row.owner ? ` Owner: ${row.owner}.` : "", " ", el("a", { href: "#files" }, "Back to the files")),
    ...row.tests.map(test),
    ...(row.diff ? [el("h3", {}, "The rest of the file"), diff(row.diff)] : []),
  );
  byId("file").scrollIntoView();
  heading.focus({ preventScroll: true });
}

const fixtures = sortable(
  byId("fixture-table"),
  [
    { title: "fixture", key: (row) => row.name, cell: (row) => el("span", { class: "path" }, row.name) },
    { title: "requests", key: (row) => row.requests, numeric: true },
  ],
  1,
);

function showFixtures() {
  const text = byId("fixture-filter").value.toLowerCase();
  fixtures.show(data.fixtures.filter((row) => row.name.toLowerCase().includes(text)));
}

sortable(
  byId("reason-table"),
  [
    { title: "what a person does", key: (row) => row.reason },
    { title: "fix", key: (row) => row.fix },
    { title: "violations", key: (row) => row.violations, numeric: true },
  ],
  2,
).show(data.reasons);

for (const id of ["filter", "service", "fix"]) byId(id).addEventListener("input", () => showFiles());
byId("more").addEventListener("click", () => showFiles(true));
byId("fixture-filter").addEventListener("input", showFixtures);
window.addEventListener("hashchange", showFile);
window.addEventListener("beforeprint", () => showFiles(true));
showFiles();
showFixtures();
showFile();
