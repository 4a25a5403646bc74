// <m-grid src="…/rows?…" record="…" columns='[…]'>: a table of up to hundreds of thousands of records, of which only the
// rows that are seen are made. Arrows, Home, End, Page keys move; Enter opens, e or F2 changes, Space chooses.
import {edit, shown} from "./grid-edit.js";
import {Rows} from "./grid-rows.js";

const HEIGHT = 36; // Pixels of a row.
const BEYOND = 8; // Rows that are made above and below what is seen.
const AHEAD = 60; // Rows that are fetched above and below what is seen, so that the next page is there.
const NUMBERS = ["currency", "integer", "double", "percent", "bigint"];

function element(name, role, className = "") {
  const made = document.createElement(name);
  made.setAttribute("role", role);
  if (className) made.className = className;
  return made;
}

class Grid extends HTMLElement {
  static observedAttributes = ["src"];

  connectedCallback() {
    if (!this.box) this.build();
  }

  attributeChangedCallback(_name, before) {
    if (before !== null && this.isConnected) queueMicrotask(() => this.build());
  }

  get record() { return this.getAttribute("record"); }
  get canEdit() { return this.hasAttribute("editable"); }

  build() {
    this.columns = JSON.parse(this.getAttribute("columns"));
    this.chosen = new Set();
    this.made = new Map();
    this.at = {row: Number(this.getAttribute("offset")) || 0, column: this.canEdit ? 1 : 0};
    this.rows = new Rows(this.getAttribute("src"), Number(this.getAttribute("total")) || 0,
      () => this.draw(), words => this.say(words, true));
    if (!this.rows.total) return;
    this.rows.begin(this.at.row, JSON.parse(document.getElementById("brought").textContent));
    this.box = element("div", "grid", "grid");
    this.box.setAttribute("aria-label", this.getAttribute("label"));
    this.box.setAttribute("aria-colcount", this.columns.length + (this.canEdit ? 1 : 0));
    this.box.style.setProperty("--columns", this.columns.length);
    this.space = element("div", "rowgroup", "grid-space");
    this.box.append(this.header(), this.space);
    this.status = element("p", "status", "quiet");
    this.inputs = document.createElement("span");
    this.inputs.hidden = true;
    this.replaceChildren(this.box, this.status, this.inputs);
    htmx.process(this.box.firstChild); // Another order needs no new page.
    this.box.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()), {passive: true});
    this.box.addEventListener("keydown", event => this.pressed(event));
    this.box.addEventListener("dblclick", event => this.startEdit(event.target.closest("[role=gridcell]")));
    this.box.addEventListener("mousedown", event => this.pointed(event));
    if (this.at.row) this.box.scrollTop = this.at.row * HEIGHT;
    this.draw();
    this.rows.count();
  }

  header() {
    const row = element("div", "row", "grid-row grid-head");
    row.setAttribute("aria-rowindex", 1);
    if (this.canEdit) {
      const cell = element("span", "columnheader", "grid-box");
      const label = document.createElement("span");
      label.className = "hidden-label";
      label.textContent = "Chosen";
      cell.append(label);
      row.append(cell);
    }
    for (const column of this.columns) {
      const cell = element("span", "columnheader", "grid-cell");
      const link = document.createElement("a");
      link.href = `${this.record}${column.sort_link}`;
      link.textContent = column.label;
      link.tabIndex = -1;
      if (column.sorted) cell.setAttribute("aria-sort", column.sorted);
      cell.append(link);
      row.append(cell);
    }
    return row;
  }

  // Make the rows that are seen, and drop all others but the one with the focus.
  draw() {
    const {total} = this.rows;
    this.box.setAttribute("aria-rowcount", total + 1);
    this.space.style.height = `${total * HEIGHT}px`;
    const first = Math.max(Math.floor(this.box.scrollTop / HEIGHT) - BEYOND, 0);
    const last = Math.min(first + Math.ceil(this.box.clientHeight / HEIGHT) + 2 * BEYOND, total - 1);
    for (const [index, row] of this.made) {
      if ((index < first || index > last) && index !== this.at.row) { row.remove(); this.made.delete(index); }
    }
    for (let index = first; index <= last; index++) this.row(index);
    if (this.at.row < total) this.row(this.at.row);
    this.rows.want(first - AHEAD, last + AHEAD);
    this.tell();
  }

  row(index) {
    let row = this.made.get(index);
    if (!row) {
      row = element("div", "row", "grid-row");
      row.setAttribute("aria-rowindex", index + 2);
      row.style.top = `${index * HEIGHT}px`;
      const count = this.columns.length + (this.canEdit ? 1 : 0);
      for (let column = 0; column < count; column++) {
        const isBox = this.canEdit && column === 0;
        const cell = element("div", "gridcell", isBox ? "grid-box" : "grid-cell");
        cell.tabIndex = -1;
        row.append(cell);
      }
      row.record = null; // Not even known to be missing yet.
      this.made.set(index, row);
      this.space.append(row);
    }
    this.fill(row, index);
    return row;
  }

  fill(row, index) {
    const record = this.rows.get(index);
    if (row.record !== record) {
      row.record = record;
      [...row.children].forEach((cell, column) => this.fillCell(cell, index, column, record));
    }
    [...row.children].forEach((cell, column) => {
      cell.tabIndex = index === this.at.row && column === this.at.column ? 0 : -1;
    });
    if (this.canEdit) row.setAttribute("aria-selected", String(Boolean(record && this.chosen.has(record.id))));
  }

  fillCell(cell, index, at, record) {
    if (cell.classList.contains("editing")) return;
    const column = this.columns[at - (this.canEdit ? 1 : 0)];
    if (!column) {
      cell.replaceChildren(record ? this.checkbox(record, index) : "");
      return;
    }
    const value = record?.[column.api_name];
    const text = record ? shown(value) : "…";
    cell.classList.toggle("number", NUMBERS.includes(column.data_type));
    const href = !record ? null
      : column === this.columns[0] ? `${this.record}/${record.id}`
      : column.target && value?.id ? `${this.record}/../${column.target}/${value.id}` : null;
    if (href === null) { cell.textContent = text; return; }
    const link = document.createElement("a");
    link.href = href;
    link.tabIndex = -1;
    link.textContent = text || record.id;
    cell.replaceChildren(link);
  }

  checkbox(record, index) {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.tabIndex = -1;
    box.checked = this.chosen.has(record.id);
    box.setAttribute("aria-label", `Choose row ${index + 1}`);
    box.addEventListener("change", () => this.choose(record, box.checked));
    return box;
  }

  choose(record, on) {
    if (on) this.chosen.add(record.id); else this.chosen.delete(record.id);
    this.inputs.replaceChildren(...[...this.chosen].map(id => {
      const input = document.createElement("input");
      Object.assign(input, {type: "hidden", name: "ids", value: id});
      return input;
    }));
    for (const row of this.made.values()) {
      if (row.record !== record) continue;
      row.setAttribute("aria-selected", String(on));
      row.querySelector("input[type=checkbox]").checked = on;
    }
    this.tell();
  }

  say(words, isFault = false) {
    this.status.textContent = words;
    this.status.classList.toggle("bad", isFault);
  }

  tell() {
    const total = this.rows.isCounted ? this.rows.total.toLocaleString("en") : "";
    const place = document.getElementById("total");
    if (place && total) place.textContent = total;
    const chosen = this.chosen.size ? `, ${this.chosen.size} chosen` : "";
    this.say(total ? `${total} records${chosen}` : chosen.slice(2));
  }

  cell({row, column} = this.at) {
    return this.made.get(row)?.children[column];
  }

  go(row, column) {
    this.at.row = Math.min(Math.max(row, 0), this.rows.total - 1);
    this.at.column = Math.min(Math.max(column, 0), this.columns.length - (this.canEdit ? 0 : 1));
    const top = this.at.row * HEIGHT, seen = this.box.clientHeight - 2 * HEIGHT;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top > this.box.scrollTop + seen) this.box.scrollTop = top - seen;
    this.draw();
    const cell = this.cell();
    cell.focus({preventScroll: true});
    cell.scrollIntoView({block: "nearest", inline: "nearest"});
  }

  pointed(event) {
    const cell = event.target.closest("[role=gridcell]");
    if (!cell || cell.classList.contains("editing") || event.target.closest("a, input")) return;
    const row = [...this.made].find(([, each]) => each === cell.parentElement);
    if (row) { event.preventDefault(); this.go(row[0], [...cell.parentElement.children].indexOf(cell)); }
  }

  pressed(event) {
    if (event.altKey || event.metaKey) return;
    const {row, column} = this.at, page = Math.max(Math.floor(this.box.clientHeight / HEIGHT) - 2, 1);
    const end = this.columns.length, all = this.rows.total;
    const moves = {
      ArrowDown: [row + 1, column], ArrowUp: [row - 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      PageDown: [row + page, column], PageUp: [row - page, column],
      Home: event.ctrlKey ? [0, 0] : [row, 0], End: event.ctrlKey ? [all - 1, end] : [row, end],
    };
    const record = this.rows.get(row);
    if (moves[event.key]) this.go(...moves[event.key]);
    else if (event.ctrlKey) return;
    else if (event.key === "Enter" && record) this.made.get(row).querySelector("a")?.click();
    else if (event.key === "F2" || event.key === "e") this.startEdit(this.cell());
    else if (event.key === " " && record && this.canEdit) this.choose(record, !this.chosen.has(record.id));
    else return;
    event.preventDefault();
  }

  async startEdit(cell) {
    const row = cell?.parentElement, at = row ? [...row.children].indexOf(cell) : -1;
    const column = this.columns[at - 1];
    if (!this.canEdit || !row?.record || !column || cell.classList.contains("editing")) return;
    const index = Number(row.getAttribute("aria-rowindex")) - 2;
    Object.assign(this.at, {row: index, column: at});
    let how;
    try { how = await edit(this, cell, row.record, column); }
    catch (error) { this.say(error.message, true); return; }
    if (how === "fixed") { this.say(`${column.label} can't be changed.`, true); return; }
    this.fillCell(cell, index, at, row.record);
    const steps = {down: [1, 0], right: [0, 1], left: [0, -1], stay: [0, 0]};
    if (how === "stay" && !this.contains(document.activeElement) && document.activeElement !== document.body) return;
    this.go(index + steps[how][0], at + steps[how][1]);
  }
}
customElements.define("m-grid", Grid);
