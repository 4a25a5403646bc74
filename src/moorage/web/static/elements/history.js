// <m-history for="q" name="…" asked="…">: the queries that were asked in this browser, for one account. They stay here.
const MOST = 20;

class History extends HTMLElement {
  static observedAttributes = ["asked", "name"]; // The next page changes them, if it has a history, too.

  connectedCallback() { this.attributeChangedCallback(); }

  attributeChangedCallback() {
    if (!this.isConnected) return;
    this.remember(this.getAttribute("asked"));
    this.show();
  }

  get key() { return `moorage-queries-${this.getAttribute("name")}`; }

  get queries() {
    try { return JSON.parse(localStorage.getItem(this.key)) ?? []; } catch { return []; }
  }

  remember(query) {
    if (!query) return;
    const queries = [query, ...this.queries.filter(other => other !== query)].slice(0, MOST);
    try { localStorage.setItem(this.key, JSON.stringify(queries)); } catch { /* A private window keeps nothing. */ }
  }

  show() {
    const queries = this.queries;
    if (!queries.length) { this.replaceChildren(); return; }
    const heading = document.createElement("h2");
    heading.textContent = "Asked before, in this browser";
    const list = document.createElement("ol");
    list.append(...queries.map(query => this.item(query)));
    const forget = document.createElement("button");
    forget.type = "button";
    forget.className = "link";
    forget.textContent = "Forget them";
    forget.addEventListener("click", () => { localStorage.removeItem(this.key); this.show(); });
    this.replaceChildren(heading, list, forget);
  }

  item(query) {
    const item = document.createElement("li");
    item.dataset.row = "";
    const link = document.createElement("a");
    const url = new URL(location.href);
    url.search = new URLSearchParams({connection: new URLSearchParams(location.search).get("connection") ?? "", q: query});
    if (!url.searchParams.get("connection")) url.searchParams.delete("connection");
    link.href = url;
    link.className = "mono";
    link.textContent = query;
    item.append(link);
    return item;
  }
}
customElements.define("m-history", History);
