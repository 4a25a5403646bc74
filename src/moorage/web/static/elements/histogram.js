// <m-histogram base="…"><svg>…</svg></m-histogram>: drag over the bars to choose a time. Each bar has data-since and data-until.
// `base` is the rest of the query, and `at` the page that shows calls, if it is another one. Without scripts each bar is a link.
class Histogram extends HTMLElement {
  connectedCallback() {
    this.addEventListener("pointerdown", event => this.begin(event));
    this.addEventListener("pointermove", event => this.move(event));
    this.addEventListener("pointerup", event => this.end(event));
    this.addEventListener("pointercancel", () => this.clear());
    this.addEventListener("click", event => { if (this.dragged) event.preventDefault(); }, true);
    this.addEventListener("dragstart", event => event.preventDefault());
  }

  get bars() { return [...this.querySelectorAll("[data-since]")]; }

  at(event) {
    const box = this.getBoundingClientRect();
    const count = this.bars.length;
    return Math.min(count - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * count)));
  }

  begin(event) {
    if (event.button !== 0) return;
    this.from = this.to = this.at(event);
    this.dragged = false;
  }

  move(event) {
    if (this.from === undefined) return;
    this.to = this.at(event);
    if (this.to === this.from && !this.dragged) return;
    if (!this.dragged) this.setPointerCapture(event.pointerId);
    this.dragged = true;
    this.bars.forEach((bar, index) => bar.classList.toggle("chosen", this.has(index)));
  }

  has(index) { return index >= Math.min(this.from, this.to) && index <= Math.max(this.from, this.to); }

  end() {
    const chosen = this.dragged ? this.bars.filter((_, index) => this.has(index)) : [];
    this.clear();
    if (!chosen.length) return;
    const time = `since:${chosen[0].dataset.since} until:${chosen.at(-1).dataset.until}`;
    const url = new URL(this.getAttribute("at") || location.pathname, document.baseURI);
    url.search = "";
    url.searchParams.set("q", `${this.getAttribute("base")} ${time}`.trim());
    location.assign(url);
  }

  clear() {
    this.from = undefined;
    this.bars.forEach(bar => bar.classList.remove("chosen"));
  }
}
customElements.define("m-histogram", Histogram);
