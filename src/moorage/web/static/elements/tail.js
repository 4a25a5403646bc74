// <m-tail src="…" rows="ID" base="…">: puts calls into a table as they end, and can pause. `src` answers with server-sent
// events, `rows` is the id of the table's body, `base` the address below which each call has its page, and `after` the number
// of the last call in the table. A row is a copy of the template "call-row".
const MOST = 200; // Rows in the table.

class Tail extends HTMLElement {
  static observedAttributes = ["src"];

  connectedCallback() {
    if (this.button) return;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "second small";
    this.button.addEventListener("click", () => (this.source ? this.pause("Paused.") : this.follow()));
    this.told = document.createElement("span");
    this.told.className = "quiet";
    this.told.setAttribute("role", "status");
    this.append(this.button, " ", this.told);
    this.say("Follow", "");
  }

  disconnectedCallback() { this.source?.close(); this.source = undefined; }

  attributeChangedCallback(_name, before) {
    if (before === null || !this.button) return;
    this.last = undefined;
    this.pause("");
  }

  say(label, text) {
    this.button.textContent = label;
    this.told.textContent = text;
  }

  pause(text) {
    this.source?.close();
    this.source = undefined;
    this.say(text ? "Go on" : "Follow", text);
  }

  follow() {
    const url = new URL(this.getAttribute("src"), document.baseURI);
    const after = this.last ?? this.getAttribute("after");
    if (after) url.searchParams.set("after", after);
    this.source = new EventSource(url);
    this.say("Pause", "Calls appear as they end.");
    this.source.addEventListener("request", event => this.add(event));
    this.source.addEventListener("end", event => this.pause(JSON.parse(event.data).message));
    this.source.addEventListener("error", () => {
      if (this.source?.readyState === EventSource.CLOSED) this.pause("The server does not let this browser follow now.");
    });
  }

  add(event) {
    this.last = event.lastEventId;
    const call = JSON.parse(event.data);
    const body = document.getElementById(this.getAttribute("rows"));
    const row = document.getElementById("call-row").content.firstElementChild.cloneNode(true);
    fill(row, call, this.getAttribute("base"));
    body.prepend(row);
    document.getElementById("no-calls")?.remove();
    while (body.children.length > MOST) body.lastElementChild.remove();
  }
}

function fill(row, call, base) {
  const cells = row.children;
  const time = cells[0].firstElementChild;
  time.dateTime = call.at;
  time.textContent = call.at.slice(5, 19).replace("T", " ");
  cells[1].textContent = call.method;
  const link = cells[2].firstElementChild;
  link.href = base + encodeURIComponent(call.request_id);
  paint(link.firstElementChild, call);
  const chip = cells[3].firstElementChild;
  chip.textContent = call.status ?? "no answer";
  chip.classList.add(call.status === null || call.status >= 500 ? "bad" : call.status >= 400 ? "warn" : "good");
  cells[4].textContent = (call.duration_ms - (call.app_ms ?? 0)).toFixed(1);
  cells[5].textContent = call.app_ms?.toFixed(1) ?? "";
  cells[6].textContent = call.key.name ?? call.key.id;
  cells[7].textContent = call.connection ? call.connection.alias ?? call.environment : "";
  cells[8].firstElementChild.textContent = call.source === "upstream" ? "app" : "gateway";
}

function paint(place, call) {
  const at = call.module ? `${call.path}/`.indexOf(`/${call.module}/`) : -1;
  if (at < 0) { place.textContent = call.path; return; }
  const module = document.createElement("strong");
  module.textContent = call.module;
  place.append(call.path.slice(0, at + 1), module, call.path.slice(at + 1 + call.module.length));
}
customElements.define("m-tail", Tail);
