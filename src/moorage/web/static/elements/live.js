// <m-live watch="live" every="3">: shows a page again, with its bar, as soon as its JSON twin, or that of the page `of`, has another value in
// the member `watch`, and keeps the times on it ("12 s ago") right. It asks only while somebody can see the page.
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

function ago(at) {
  const seconds = (Date.now() - at) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[3];
  return seconds < 0 ? `in ${Math.round(-seconds / size)} ${unit}` : `${Math.floor(seconds / size)} ${unit} ago`;
}

class Live extends HTMLElement {
  connectedCallback() {
    this.asking = setInterval(() => this.ask(), Number(this.getAttribute("every") ?? 3) * 1000);
    this.ticking = setInterval(() => this.tick(), 1000);
  }

  disconnectedCallback() {
    clearInterval(this.asking);
    clearInterval(this.ticking);
  }

  tick() {
    for (const time of document.querySelectorAll("main time[datetime]")) {
      const at = Date.parse(time.dateTime);
      if (!Number.isNaN(at)) time.textContent = ago(at);
    }
  }

  async ask() {
    if (document.hidden || this.busy) return;
    this.busy = true;
    try {
      const url = new URL(this.getAttribute("of") ?? "", location.href);
      url.searchParams.set("format", "json");
      const answer = await fetch(url, {headers: {Accept: "application/json"}});
      // Whoever is signed out meanwhile is led to sign in.
      if (answer.status === 401 && this.isConnected && !isBusy()) return location.reload();
      if (!answer.ok) return;
      const value = String((await answer.json())[this.getAttribute("watch")]);
      if (value === this.getAttribute("seen") || !this.isConnected || isBusy()) return;
      await htmx.ajax("GET", location.pathname + location.search, {target: "body", swap: "innerMorph"});
    } catch { /* The server is away: it is asked again. */ } finally { this.busy = false; }
  }
}

// Somebody who types in a form of the page does not lose it.
function isBusy() {
  return document.activeElement?.matches("main input, main textarea, main select") || document.querySelector("dialog[open]");
}
customElements.define("m-live", Live);
