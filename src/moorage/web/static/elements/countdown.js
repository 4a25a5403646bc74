// <m-countdown until="2026-11-30T10:00:00Z">: the time that is left, counted down.

const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];

function words(seconds) {
  if (seconds <= 0) return "no time";
  for (const [unit, size] of UNITS) {
    if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.ceil(seconds)} s`;
}

class Countdown extends HTMLElement {
  static observedAttributes = ["until"];

  connectedCallback() {
    this.count();
    this.timer = setInterval(() => this.count(), 1000);
  }

  disconnectedCallback() { clearInterval(this.timer); }

  attributeChangedCallback() { if (this.isConnected) this.count(); }

  count() {
    const text = words((Date.parse(this.getAttribute("until")) - Date.now()) / 1000);
    if (this.textContent !== text) this.textContent = text;
  }
}

customElements.define("m-countdown", Countdown);
