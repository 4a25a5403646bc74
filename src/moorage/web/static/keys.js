// The keys of all pages: / filters, j and k walk through rows, Enter opens, e edits, x ticks, c copies as curl, g and a
// letter goes to a section, Ctrl-K or . opens the palette, ? explains. A page may name a letter for what it has:
// data-press="a".

const WAIT = 1500; // Milliseconds for the letter after g.
let since = -Infinity;

const rows = () => [...document.querySelectorAll("main [data-row]")];
const chosen = () => document.activeElement?.closest("[data-row]") ?? document.querySelector("[data-row][aria-selected=true]");

function choose(row) {
  if (!row) return;
  for (const other of document.querySelectorAll("[data-row][aria-selected=true]")) other.removeAttribute("aria-selected");
  row.setAttribute("aria-selected", "true");
  (row.querySelector("a, button") ?? row.querySelector("input") ?? row).focus();
  row.scrollIntoView({block: "nearest"});
}

function step(by) {
  const all = rows();
  const at = all.indexOf(chosen());
  choose(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)]);
}

function within(selector) {
  return (chosen() ?? document).querySelector(selector) ?? document.querySelector(`main ${selector}`);
}

const ACTIONS = {
  "/": () => document.querySelector("main [data-filter], main input[type=search]")?.focus(),
  j: () => step(1),
  k: () => step(-1),
  e: () => within("[data-edit]")?.click(),
  x: () => chosen()?.querySelector("[data-tick]")?.click(),
  c: () => within("m-copy[data-curl]")?.copy?.(),
  "?": () => document.querySelector("#keys")?.showModal(),
  ".": () => document.querySelector("m-palette")?.open?.(),
};

// The first of the path is what has the focus, also in the shadow root of an element. `target` would be that element.
function isTyping(event) {
  return event.composedPath()[0].closest?.("input, textarea, select, [contenteditable], m-grid");
}

function pressed(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    ACTIONS["."]();
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.timeStamp - since < WAIT) {
    since = -Infinity;
    const link = document.querySelector(`.rail a[data-key="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); link.click(); }
    return;
  }
  if (event.key === "g") { since = event.timeStamp; return; }
  const named = document.querySelector(`main [data-press="${CSS.escape(event.key)}"]`);
  const action = named ? () => named.focus() : ACTIONS[event.key];
  if (action) { event.preventDefault(); action(); }
}

export function keys() {
  document.addEventListener("keydown", pressed);
}
