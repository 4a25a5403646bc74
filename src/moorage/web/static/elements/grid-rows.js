// The rows of a grid, of which only those near to what is shown are in memory. They come in blocks from `src`.
const SIZE = 50; // Rows of a block: a page has as many.
const MOST = 4; // Blocks of one request.
const KEPT = 120; // Blocks in memory.
const PAUSE = 40; // Milliseconds without a change before a distant block is asked for, if another one was just before.
const QUIET = 250; // Milliseconds after which a distant block is asked for at once.

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
    this.lastFar = 0;
    // A search by a word gives whole pages alone.
    this.most = new URL(src, document.baseURI).searchParams.get("word") ? 1 : MOST;
  }

  // The rows that the page has brought along.
  begin(offset, records) {
    if (offset % SIZE === 0 && records.length) this.blocks.set(offset / SIZE, records);
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
    for (const control of this.asked.values()) if (control.last < from || control.first > to) control.abort();
    if (!missing.length) return;
    const isNear = missing.some(block => this.blocks.has(block - 1) || this.blocks.has(block + 1)) || !this.blocks.size;
    const now = performance.now(), isCalm = now - this.lastFar > QUIET;
    if (!isNear) this.lastFar = now;
    if (isNear || isCalm) this.fetch(missing);
    else this.timer = setTimeout(() => this.fetch(missing), PAUSE);
  }

  // Ask for blocks, for as many as follow each other by one request. None goes over the middle of 200,000 rows, as those
  // behind it are read from the other end.
  fetch(missing) {
    let first = missing[0];
    missing.forEach((block, index) => {
      const isLast = missing[index + 1] !== block + 1 || (block + 1) % this.most === 0;
      if (isLast) { this.load(first, block); first = missing[index + 1]; }
    });
  }

  async load(first, last) {
    const control = Object.assign(new AbortController(), {first, last});
    const offset = first * SIZE, limit = (last + 1 - first) * SIZE;
    for (let block = first; block <= last; block++) this.asked.set(block, control);
    const url = new URL(this.src, document.baseURI);
    url.searchParams.set("offset", offset);
    url.searchParams.set("limit", limit);
    url.searchParams.set("format", "json"); // Of an error, too.
    if (this.isCounted) url.searchParams.set("total", this.total);
    try {
      const answer = await fetch(url, {signal: control.signal, headers: {Accept: "application/json"}});
      const document = await answer.json();
      if (!answer.ok) throw new Error(document.message ?? `status ${answer.status}`);
      const {records} = document;
      for (let block = first; block <= last; block++) {
        const part = records.slice((block - first) * SIZE, (block + 1 - first) * SIZE);
        if (!part.length && block > first) break; // They are asked for again.
        this.blocks.set(block, part);
        if (this.blocks.size > KEPT) this.blocks.delete(this.blocks.keys().next().value);
      }
      if (!this.isCounted) this.total = Math.max(this.total, offset + records.length + (document.more ? SIZE : 0));
    } catch (error) {
      if (error.name !== "AbortError") this.failed(error.message);
      return;
    } finally {
      for (let block = first; block <= last; block++) if (this.asked.get(block) === control) this.asked.delete(block);
    }
    this.changed();
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
