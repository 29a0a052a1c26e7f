// What the report adds where scripts run: choices of a text and of prices, tables that sort and filter.
"use strict";

const MANY_ROWS = 8; // from which a table gets a filter

// All that belongs to one choice, such as "book", shows the same value.
function choose(name, value) {
  for (const select of document.querySelectorAll(`[data-pick="${name}"]`)) select.value = value;
  for (const part of document.querySelectorAll(`[data-of="${name}"]`)) part.hidden = part.dataset.value !== value;
}

for (const select of document.querySelectorAll("[data-pick]")) {
  if (select.options.length > 1) select.closest(".pick").hidden = false;
  select.addEventListener("change", () => choose(select.dataset.pick, select.value));
  choose(select.dataset.pick, select.options[0].value);
}

// "1,234", "5.2 µJ to 7 µJ" and "88.3 %" sort by their first number, in picojoules where they have a unit.
const UNITS = { pJ: 1, nJ: 1e3, µJ: 1e6, mJ: 1e9, J: 1e12, kJ: 1e15 };

function sortKey(row, column) {
  const text = row.cells[column].innerText.trim();
  const number = /^[\d,]+(\.\d+)?/.exec(text);
  if (!number) return text;
  const unit = /^ ([pnµmk]?J)/.exec(text.slice(number[0].length));
  return Number(number[0].replaceAll(",", "")) * (unit ? UNITS[unit[1]] : 1);
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a.localeCompare(b);
}

function makeSortable(table) {
  const [head, ...rows] = table.rows;
  [...head.cells].forEach((cell, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...cell.childNodes);
    cell.append(button);
    button.addEventListener("click", () => {
      const falling = cell.getAttribute("aria-sort") === "ascending";
      for (const other of head.cells) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const keyed = rows.map((row) => [sortKey(row, column), row]);
      keyed.sort(([a], [b]) => (falling ? compare(b, a) : compare(a, b)));
      table.tBodies[0].append(...keyed.map(([, row]) => row));
    });
  });
  if (rows.length < MANY_ROWS) return;
  const filter = document.createElement("input");
  Object.assign(filter, { type: "search", placeholder: "Filter rows", className: "filter" });
  filter.setAttribute("aria-label", "Filter rows");
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
  table.parentElement.before(filter);
}

document.querySelectorAll("table.sort").forEach(makeSortable);

// What scrolls sideways must be reachable by keyboard.
for (const part of document.querySelectorAll(".scroll, figure, pre")) {
  if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
}
