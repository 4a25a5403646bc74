// <m-json><pre>…</pre></m-json>: shows the JSON of its <pre> as a tree whose branches fold. Text that is no JSON stays as it is.
const DEEP = 30; // Deeper branches are shown as text.
const MANY = 200; // Members of a branch. Of longer ones the rest is counted.
const SHORT = 2000; // Characters of a text whose branches are all open.

class Json extends HTMLElement {
  connectedCallback() {
    this.show();
    // A new page may be morphed into the old one, so that the text changes and the tree does not.
    this.observer = new MutationObserver(() => this.show());
    this.observer.observe(this, {childList: true, characterData: true, subtree: true});
  }

  disconnectedCallback() { this.observer.disconnect(); }

  show() {
    const source = this.querySelector(":scope > pre");
    const text = source?.textContent ?? "";
    if (text === this.shown && this.tree?.isConnected) return;
    this.tree?.remove();
    this.shown = text;
    let value;
    try { value = JSON.parse(text); } catch { source?.removeAttribute("hidden"); return; }
    if (value === null || typeof value !== "object") return;
    this.tree = document.createElement("div");
    this.tree.className = "json";
    this.tree.append(branch("", value, 0, text.length > SHORT ? 3 : DEEP));
    source.setAttribute("hidden", "");
    this.append(this.tree);
  }
}

function branch(name, value, depth, open) {
  if (value === null || typeof value !== "object" || depth > DEEP) return leaf(name, value);
  const entries = Array.isArray(value) ? value.map((one, index) => [index, one]) : Object.entries(value);
  const details = document.createElement("details");
  details.open = depth < open && entries.length <= 50;
  const summary = document.createElement("summary");
  summary.append(label(name), `${Array.isArray(value) ? "list" : "object"} of ${entries.length}`);
  details.append(summary, ...entries.slice(0, MANY).map(([key, one]) => branch(String(key), one, depth + 1, open)));
  if (entries.length > MANY) details.append(`${entries.length - MANY} more`);
  return details;
}

function leaf(name, value) {
  const line = document.createElement("div");
  const shown = document.createElement("span");
  shown.className = `is-${value === null ? "null" : typeof value}`;
  shown.textContent = JSON.stringify(value);
  line.append(label(name), shown);
  return line;
}

function label(name) {
  const shown = document.createElement("span");
  shown.className = "name";
  shown.textContent = name === "" ? "" : `${name}: `;
  return shown;
}
customElements.define("m-json", Json);
