// The rows of a grid, of which only those near to what is shown are in memory. They come in blocks from `src`.
const SIZE = 100; // Rows of a block.
const KEPT = 60; // Blocks in memory.
const PAUSE = 40; // Milliseconds without a change before a distant block is asked for.

export class Rows {
  // `changed` is called with every block that has come, `failed` with a sentence.
  constructor(src, total, changed, failed) {
    this.src = src;
    this.total = total;
    this.isCounted = false;
    this.changed = changed;
    this.failed = failed;
    this.blocks = new Map();
    this.asked = new Map();
  }

  get(index) {
    return this.blocks.get(Math.floor(index / SIZE))?.[index % SIZE];
  }

  // Ask for the rows from the first to the last one, now if they are the first of all or close to what is there.
  want(first, last) {
    clearTimeout(this.timer);
    const from = Math.floor(Math.max(first, 0) / SIZE);
    const to = Math.floor(Math.min(last, this.total - 1) / SIZE);
    const missing = [];
    for (let block = from; block <= to; block++) if (!this.blocks.has(block) && !this.asked.has(block)) missing.push(block);
    for (const [block, control] of this.asked) if (block < from || block > to) control.abort();
    if (!missing.length) return;
    const isNear = missing.some(block => this.blocks.has(block - 1) || this.blocks.has(block + 1)) || !this.blocks.size;
    if (isNear) missing.forEach(block => this.load(block));
    else this.timer = setTimeout(() => missing.forEach(block => this.load(block)), PAUSE);
  }

  async load(block) {
    const control = new AbortController();
    this.asked.set(block, control);
    const url = new URL(this.src, document.baseURI);
    url.searchParams.set("offset", block * SIZE);
    url.searchParams.set("limit", SIZE);
    if (this.isCounted) url.searchParams.set("total", this.total);
    try {
      const answer = await fetch(url, {signal: control.signal, headers: {Accept: "application/json"}});
      const document = await answer.json();
      if (!answer.ok) throw new Error(document.message ?? `status ${answer.status}`);
      this.blocks.set(block, document.records);
      if (!this.isCounted) this.total = Math.max(this.total, block * SIZE + document.records.length + (document.more ? SIZE : 0));
      if (this.blocks.size > KEPT) this.blocks.delete(this.blocks.keys().next().value);
      this.changed();
    } catch (error) {
      if (error.name !== "AbortError") this.failed(error.message);
    } finally {
      this.asked.delete(block);
    }
  }

  async count() {
    const url = new URL(this.src, document.baseURI);
    url.pathname = url.pathname.replace(/\/rows$/, "/count");
    const answer = await fetch(url, {headers: {Accept: "application/json"}});
    if (!answer.ok) return;
    const {total} = await answer.json();
    if (total === null) return;
    this.total = total;
    this.isCounted = true;
    this.changed();
  }
}
